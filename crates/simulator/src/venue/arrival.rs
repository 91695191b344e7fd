//! Requests: what is judged when they are sent, and what when they arrive.

use crate::ladder::Side;
use crate::order::{EventKind, Kind, LiveOrder, NewOrder, Protection, Stage, Tif};
use crate::reject::{Code, Reject, decimal};

use super::Venue;

const MAX_ID: usize = 36;
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
    pub(super) fn admitted(&self, mut order: NewOrder) -> Result<NewOrder, Reject> {
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
        if let Some(id) = ids.iter().find(|id| self.seen.contains(*id)) {
            return Err(Reject::new(Code::Duplicate, format!("client id {id} was used before")));
        }
        let triggers = order.kind.trigger().is_some();
        if order.tif == Tif::Gtx && !matches!(order.kind, Kind::Limit { .. }) {
            return Err(Reject::new(Code::Combination, "only a limit order may be GTX"));
        }
        if order.attached.is_some() && (order.reduce_only || triggers) {
            return Err(Reject::new(Code::Combination, "only an opening order has attached exits"));
        }
        order.reduce_only |= triggers;
        self.qty_in_bounds(order.qty)?;
        self.prices_in_bounds(&order)?;
        Ok(order)
    }

    pub(super) fn known(&self, client_id: &str) -> Result<(), Reject> {
        if self.seen.contains(client_id) {
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

    fn price_text(&self, price: i64) -> String {
        decimal(i128::from(price), self.config.price_decimals)
    }

    fn qty_in_bounds(&self, qty: i64) -> Result<(), Reject> {
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
        match order.kind {
            Kind::Market => Ok(()),
            Kind::StopMarket { trigger } | Kind::TakeProfitMarket { trigger } => {
                self.price_in_bounds(trigger)
            }
            Kind::Limit { price } => {
                self.price_in_bounds(price)?;
                self.notional_refusal(order, 2 * price).map_or(Ok(()), Err)?;
                let misplaced =
                    order.attached.and_then(|exits| self.misplaced(order.side, exits, 2 * price));
                misplaced.map_or(Ok(()), Err)
            }
        }
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
        if order.reduce_only && self.reducible(order.side) == 0 {
            let msg = format!("position {} has nothing for this order to reduce", self.position);
            return Some(Reject::new(Code::ReduceOnly, msg));
        }
        let mark2 = self.mirror.mark2();
        match order.kind {
            Kind::Market => mark2.and_then(|mark2| {
                let misplaced =
                    || order.attached.and_then(|exits| self.misplaced(order.side, exits, mark2));
                self.notional_refusal(order, mark2).or_else(misplaced)
            }),
            Kind::Limit { price } => {
                let best = self.mirror.best(order.side.opposite())?;
                let takes = order.tif == Tif::Gtx && order.side.reaches(price, best.price);
                let text = |value: i64| self.price_text(value);
                let msg = || {
                    format!("post-only price {} would take at {}", text(price), text(best.price))
                };
                takes.then(|| Reject::new(Code::PostOnly, msg()))
            }
            Kind::StopMarket { trigger } | Kind::TakeProfitMarket { trigger } => {
                mark2.filter(|&mark2| order.kind.is_triggered(order.side, mark2)).map(|_| {
                    Reject::new(
                        Code::WouldTrigger,
                        format!("the mark has passed the trigger {}", self.price_text(trigger)),
                    )
                })
            }
        }
    }

    pub(super) fn accept(&mut self, seq: u64, order: NewOrder) {
        if let Some(reject) = self.refusal(&order) {
            return self.say(order.client_id, EventKind::Rejected(reject), order.qty);
        }
        let stage = if order.kind.trigger().is_some() { Stage::Armed } else { Stage::Taking };
        let (kind, side, tif, leaves) = (order.kind, order.side, order.tif, order.qty);
        let live = LiveOrder { order, leaves, stage, seq, entry: None, is_protected: false };
        self.insert(live);
        self.say_of(seq, EventKind::Accepted);
        match kind {
            Kind::StopMarket { .. } | Kind::TakeProfitMarket { .. } => {}
            Kind::Market => {
                self.take(seq, None);
                self.end(seq, EventKind::Expired);
            }
            Kind::Limit { price } => {
                self.take(seq, Some(price));
                if tif == Tif::Ioc {
                    self.end(seq, EventKind::Expired);
                } else {
                    let ahead = self.mirror.ladder().qty_at(side, price);
                    self.set_stage(seq, Stage::Resting { ahead });
                }
            }
        }
    }

    /// Adds an order at its rank: an exit placed by an arrival's fill ranks after requests that are still on their way.
    pub(super) fn insert(&mut self, order: LiveOrder) {
        let at = self.live.partition_point(|other| other.seq < order.seq);
        self.live.insert(at, order);
    }

    pub(super) fn cancel_arrived(&mut self, client_id: String) {
        match self.named(&client_id) {
            Some(seq) => self.end(seq, EventKind::Canceled),
            None => {
                let reject = Reject::new(Code::UnknownOrder, format!("{client_id} is not live"));
                self.say(client_id, EventKind::CancelRejected(reject), 0);
            }
        }
    }

    pub(super) fn amend_arrived(&mut self, client_id: String, trigger: i64) {
        let armed = self.named(&client_id).and_then(|seq| {
            self.index(seq).filter(|&at| self.live[at].stage == Stage::Armed).map(|at| (seq, at))
        });
        let Some((seq, at)) = armed else {
            let reject =
                Reject::new(Code::NoSuchOrder, format!("{client_id} is not waiting for a trigger"));
            return self.say(client_id, EventKind::AmendRejected(reject), 0);
        };
        let order = &self.live[at];
        let (kind, side, leaves) =
            (order.order.kind.with_trigger(trigger), order.order.side, order.leaves);
        if self.mirror.mark2().is_some_and(|mark2| kind.is_triggered(side, mark2)) {
            let reject = Reject::new(
                Code::WouldTrigger,
                format!("the mark has passed the trigger {}", self.price_text(trigger)),
            );
            return self.say(client_id, EventKind::AmendRejected(reject), leaves);
        }
        self.live[at].order.kind = kind;
        self.say_of(seq, EventKind::Amended);
    }

    fn named(&self, client_id: &str) -> Option<u64> {
        self.live.iter().find(|order| order.order.client_id == client_id).map(|order| order.seq)
    }
}
