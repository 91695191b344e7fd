//! Requests: what is judged when they are sent, and what when they arrive.

use crate::account::AccountId;
use crate::ladder::Side;
use crate::life::State;
use crate::order::{
    EventKind, Kind, LiveOrder, NewOrder, Protection, Stage, Tif, Trail, TriggerOn,
};
use crate::queue::Place;
use crate::reject::{Code, Reject, decimal};

use super::{Request, Uniqueness, Venue};

const MAX_ID: usize = 36;
/// Accounts are kept in order of their first use; so many are more than one machine's users.
const MAX_ACCOUNT: AccountId = 1_000_000;
/// Price times quantity of one order stays below it, so that sums of money fit: 10^24 of 10^-(p+q).
const MAX_NOTIONAL: i128 = 1_000_000_000_000_000_000_000_000;
/// The largest callback of a trailing order, below all of the price.
const MAX_CALLBACK_BPS: i64 = 9_999;
/// What an attached exit adds to its entry's id.
pub(super) const STOP_SUFFIX: &str = "-sl";
pub(super) const TARGET_SUFFIX: &str = "-tp";

/// Returns the client ids that an order uses: its own and those of its attached exits.
pub(super) fn ids(order: &NewOrder) -> Vec<String> {
    let mut ids = vec![order.client_id.clone()];
    if let Some(attached) = order.attached {
        ids.push(format!("{}{STOP_SUFFIX}", order.client_id));
        if attached.take_profit_trigger.is_some() {
            ids.push(format!("{}{TARGET_SUFFIX}", order.client_id));
        }
    }
    ids
}

impl Venue {
    /// Judges an order by itself and returns it as the venue will keep it.
    pub(super) fn admitted(&self, order: NewOrder) -> Result<NewOrder, Reject> {
        if order.account > MAX_ACCOUNT {
            let msg = format!("account is {}, at most {MAX_ACCOUNT}", order.account);
            return Err(Reject::new(Code::Filter, msg));
        }
        let ids = ids(&order);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
        if order.client_id.is_empty() || !order.client_id.chars().all(is_plain) {
            return Err(Reject::new(
                Code::ClientId,
                "client id must be of [A-Za-z0-9._:/-], not empty",
            ));
        }
        if let Some(id) = ids.iter().find(|id| id.len() > MAX_ID) {
            return Err(Reject::new(
                Code::ClientId,
                format!("client id {id} has {} characters, at most {MAX_ID}", id.len()),
            ));
        }
        if let Some(id) = ids.iter().find(|id| self.seen.contains(&(order.account, (*id).clone())))
        {
            return Err(Reject::new(Code::Duplicate, format!("client id {id} was used before")));
        }
        let waits = !matches!(order.tif, Tif::Gtc | Tif::Ioc);
        if waits && order.kind.limit().is_none() {
            let msg = "only an order with a limit price may be FOK, GTX or GTD";
            return Err(Reject::new(Code::Combination, msg));
        }
        if order.attached.is_some() && (order.reduce_only || order.kind.is_conditional()) {
            return Err(Reject::new(Code::Combination, "only an opening order has attached exits"));
        }
        self.qty_in_bounds(order.qty)?;
        self.prices_in_bounds(&order)?;
        Ok(order)
    }

    pub(super) fn known(&self, account: AccountId, client_id: &str) -> Result<(), Reject> {
        if self.seen.contains(&(account, client_id.to_owned())) {
            return Ok(());
        }
        Err(Reject::new(Code::UnknownOrder, format!("no order was ever called {client_id}")))
    }

    pub(super) fn price_in_bounds(&self, price: i64) -> Result<(), Reject> {
        let tick = self.config.tick;
        let text = |value: i64| self.price_text(value);
        // Twice a price must fit, since the mark is kept doubled.
        if price <= 0 || price > i64::MAX / 4 {
            return Err(Reject::new(
                Code::Filter,
                format!("price {} is out of bounds", text(price)),
            ));
        }
        if price % tick != 0 {
            let msg = format!("price {} is off the tick {}", text(price), text(tick));
            return Err(Reject::new(Code::Precision, msg));
        }
        Ok(())
    }

    pub(super) fn price_text(&self, price: i64) -> String {
        decimal(i128::from(price), self.config.price_decimals)
    }

    pub(super) fn qty_in_bounds(&self, qty: i64) -> Result<(), Reject> {
        let (step, least) = (self.config.step, self.config.min_qty.max(1));
        let text = |value: i64| decimal(i128::from(value), self.config.qty_decimals);
        if qty < least || qty > i64::MAX / 4 {
            let msg = format!("quantity {} is out of bounds, at least {}", text(qty), text(least));
            return Err(Reject::new(Code::Filter, msg));
        }
        if qty % step != 0 {
            let msg = format!("quantity {} is off the step {}", text(qty), text(step));
            return Err(Reject::new(Code::Precision, msg));
        }
        Ok(())
    }

    fn prices_in_bounds(&self, order: &NewOrder) -> Result<(), Reject> {
        if let Some(exits) = order.attached {
            self.price_in_bounds(exits.stop_trigger)?;
            exits.take_profit_trigger.map_or(Ok(()), |trigger| self.price_in_bounds(trigger))?;
        }
        if let Some(trigger) = order.kind.trigger() {
            self.price_in_bounds(trigger)?;
        }
        if let Kind::Trailing { callback_bps, activation } = order.kind {
            if !(1..=MAX_CALLBACK_BPS).contains(&callback_bps) {
                let msg = format!("callback is {callback_bps} bps, from 1 to {MAX_CALLBACK_BPS}");
                return Err(Reject::new(Code::Filter, msg));
            }
            activation.map_or(Ok(()), |price| self.price_in_bounds(price))?;
        }
        let Some(price) = order.kind.limit() else { return Ok(()) };
        self.price_in_bounds(price)?;
        if i128::from(price) * i128::from(order.qty) > MAX_NOTIONAL {
            return Err(Reject::new(Code::Filter, "price times quantity is above 10^24 units"));
        }
        self.notional_refusal(order, 2 * price).map_or(Ok(()), Err)?;
        order
            .attached
            .and_then(|exits| self.misplaced(order.side, exits, 2 * price))
            .map_or(Ok(()), Err)
    }

    fn notional_refusal(&self, order: &NewOrder, price2: i64) -> Option<Reject> {
        let notional = i128::from(price2) * i128::from(order.qty) / 2;
        if order.reduce_only || notional >= i128::from(self.config.min_notional) {
            return None;
        }
        let places = self.config.price_decimals + self.config.qty_decimals;
        let (value, bound) =
            (decimal(notional, places), decimal(i128::from(self.config.min_notional), places));
        Some(Reject::new(Code::Notional, format!("notional {value} is below {bound}")))
    }

    /// Returns why attached exits cannot be: at this price, given doubled, one of them would trigger at once.
    fn misplaced(&self, side: Side, exits: Protection, price2: i64) -> Option<Reject> {
        let stop = Kind::StopMarket { trigger: exits.stop_trigger };
        let target = exits.take_profit_trigger.map(|trigger| Kind::TakeProfitMarket { trigger });
        let hit = [Some(stop), target]
            .into_iter()
            .flatten()
            .find(|kind| kind.is_triggered(side.opposite(), price2))?;
        let places = self.config.price_decimals;
        let trigger = decimal(i128::from(hit.trigger().unwrap_or_default()), places);
        let price = decimal(i128::from(price2) * 5, places + 1);
        let msg = format!("attached trigger {trigger} is already passed at {price}");
        Some(Reject::new(Code::WouldTrigger, msg))
    }

    /// Judges an arriving order by the venue's present state.
    fn refusal(&self, order: &NewOrder) -> Option<Reject> {
        let account = self.account(order.account);
        let may_wait = self.config.idle_exits_stay && order.kind.is_conditional();
        if order.reduce_only && account.reducible(order.side) == 0 && !may_wait {
            let msg = format!("position {} has nothing for this order to reduce", account.position);
            return Some(Reject::new(Code::ReduceOnly, msg));
        }
        let mark2 = self.mark2();
        if let Kind::Market = order.kind {
            let price2 = mark2?;
            let misplaced =
                || order.attached.and_then(|exits| self.misplaced(order.side, exits, price2));
            return self
                .notional_refusal(order, price2)
                .or_else(misplaced)
                .or_else(|| self.margin_refusal(order, price2));
        }
        if let Some(trigger) = order.kind.trigger() {
            let watched2 = self.watched2(order.trigger_on)?;
            return order.kind.is_triggered(order.side, watched2).then(|| self.passed(trigger));
        }
        let price = order.kind.limit()?;
        self.margin_refusal(order, 2 * price).or_else(|| self.limit_refusal(order, price))
    }

    pub(super) fn passed(&self, trigger: i64) -> Reject {
        let msg = format!("the watched price has passed the trigger {}", self.price_text(trigger));
        Reject::new(Code::WouldTrigger, msg)
    }

    /// Refuses what must not take, and what must fill whole and does not.
    pub(super) fn limit_refusal(&self, order: &NewOrder, price: i64) -> Option<Reject> {
        let text = |value: i64| self.price_text(value);
        match order.tif {
            Tif::Gtx => {
                let best = self.best_for_taker(order.side)?;
                order.side.reaches(price, best).then(|| {
                    let msg =
                        format!("post-only price {} would take at {}", text(price), text(best));
                    Reject::new(Code::PostOnly, msg)
                })
            }
            Tif::Fok => {
                let wanted = if order.reduce_only {
                    order.qty.min(self.account(order.account).reducible(order.side))
                } else {
                    order.qty
                };
                let offered = self.offered(order.account, order.side, price, wanted);
                (offered < wanted).then(|| {
                    let msg = format!(
                        "fill-or-kill wants {wanted} lots at {} and finds {offered}",
                        text(price)
                    );
                    Reject::new(Code::FillOrKill, msg)
                })
            }
            Tif::Gtc | Tif::Ioc | Tif::Gtd { .. } => None,
        }
    }

    pub(super) fn accept(&mut self, seq: u64, order: NewOrder) {
        if let Some(reject) = self.refusal(&order) {
            if self.config.unique_ids == Uniqueness::WhileLive {
                for id in ids(&order) {
                    self.seen.remove(&(order.account, id));
                }
            }
            return self.say(
                order.account,
                order.client_id,
                EventKind::Rejected(reject),
                order.qty,
            );
        }
        let stage = if order.kind.is_conditional() { Stage::Armed } else { Stage::Taking };
        let (kind, tif, leaves) = (order.kind, order.tif, order.qty);
        self.insert(LiveOrder { stage, ..born(order, leaves, seq) });
        self.say_of(seq, EventKind::Accepted);
        if let Tif::Gtd { until_ns } = tif {
            self.schedule(until_ns, seq, Request::Expire(seq));
        }
        match kind {
            Kind::Market => {
                self.take(seq, None);
                self.end(seq, EventKind::Expired);
            }
            Kind::Limit { price } => self.enter(seq, price, tif),
            _ => self.first_watch(seq),
        }
    }

    /// Lets a limit order take what it may, and then rest or end.
    pub(super) fn enter(&mut self, seq: u64, price: i64, tif: Tif) {
        self.take(seq, Some(price));
        if matches!(tif, Tif::Ioc | Tif::Fok) {
            return self.end(seq, EventKind::Expired);
        }
        self.rest(seq, price);
    }

    /// Lets an order join the queue of its price.
    pub(super) fn rest(&mut self, seq: u64, price: i64) {
        let Some(side) = self.live(seq).map(|order| order.order.side) else { return };
        let place = Place::behind(self.mirror.displayed(side, price));
        if let Some(order) = self.live_mut(seq) {
            order.stage = Stage::Resting;
            order.place = place;
        }
    }

    /// Lets a trailing order start from the price at its arrival.
    fn first_watch(&mut self, seq: u64) {
        let watched = |venue: &Self| venue.watched2(venue.live(seq)?.order.trigger_on);
        let watched2 = watched(self);
        if let Some(order) = self.live_mut(seq)
            && let Kind::Trailing { callback_bps, activation } = order.order.kind
            && let Some(watched2) = watched2
        {
            let side = order.order.side;
            order.trail.hears(side, callback_bps, activation, watched2);
        }
    }

    /// Returns twice the price that a conditional order watches.
    pub(super) fn watched2(&self, on: TriggerOn) -> Option<i64> {
        match on {
            TriggerOn::Mark => self.mark2(),
            TriggerOn::Last => self.last_price.map(|price| 2 * price),
        }
    }

    pub(super) fn release_exits(&mut self, entry: &LiveOrder) {
        for id in ids(&entry.order).into_iter().skip(1) {
            let name = (entry.order.account, id);
            if !self.by_name.contains_key(&name) {
                self.seen.remove(&name);
            }
        }
    }
}

/// Returns an order at the start of its life.
pub(super) fn born(order: NewOrder, leaves: i64, seq: u64) -> LiveOrder {
    LiveOrder {
        order,
        leaves,
        state: State::New,
        stage: Stage::Taking,
        seq,
        place: Place::default(),
        trail: Trail::default(),
        since: seq,
        entry: None,
        is_protected: false,
    }
}
