//! What one bar does to the live orders.

use crate::account::share_nano;
use crate::ladder::Side;
use crate::life::{Move, State};
use crate::order::{Kind, Tif};

use super::{Bar, BarFill, BarOrder, BarVenue, Cause, LiveBarOrder};

/// When inside a bar an order may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Open,
    /// Orders that open, or wait for nothing but their price.
    Entries,
    Stops,
    Targets,
}

impl BarVenue {
    /// Takes the next bar.
    pub fn on_bar(&mut self, bar: &Bar) {
        self.begin(bar);
        if !self.live.is_empty() {
            self.room = match bar.volume {
                None => i64::MAX,
                Some(lots) => {
                    let share = i128::from(lots) * i128::from(self.rules.volume_cap_ppb);
                    (share / 1_000_000_000) as i64
                }
            };
            if self.room > 0 {
                for moment in [Moment::Open, Moment::Entries, Moment::Stops, Moment::Targets] {
                    self.pass(bar, moment);
                }
            }
            self.close(bar);
        }
        self.finish(bar);
    }

    #[inline]
    pub(super) fn begin(&mut self, bar: &Bar) {
        if bar.day != self.day {
            self.day = bar.day;
            self.bought_today = 0;
            if self.last_close > 0 {
                self.limits = self.rules.limits(self.last_close);
            }
        }
    }

    #[inline]
    pub(super) fn finish(&mut self, bar: &Bar) {
        self.last_close = bar.close;
        self.next_bar += 1;
        self.settled = self.last_number;
    }

    fn pass(&mut self, bar: &Bar, moment: Moment) {
        let mut at = 0;
        // Orders that end are removed and exits are added at the end, where this moment finds them too.
        while let Some(live) = self.live.get(at).copied() {
            let number = live.number;
            match self.price(&live, bar, moment) {
                Some((price, maker)) => self.trade(at, price, maker, moment != Moment::Open),
                None => self.touch(at, bar, moment),
            }
            at = self.live.partition_point(|live| live.number <= number);
        }
    }

    /// Triggers a conditional limit order that the bar has touched and that could not trade at once.
    fn touch(&mut self, at: usize, bar: &Bar, moment: Moment) {
        let Some(live) = self.live.get_mut(at) else { return };
        let side = live.order.side;
        let ends = if side == Side::Buy { (bar.high, bar.low) } else { (bar.low, bar.high) };
        let is_hit = match (live.order.kind, moment) {
            (Kind::StopLimit { trigger, .. }, Moment::Stops) => side.reaches(ends.0, trigger),
            (Kind::TakeProfitLimit { trigger, .. }, Moment::Targets) => {
                side.reaches(trigger, ends.1)
            }
            _ => false,
        };
        if is_hit {
            live.state = live.state.after(Move::Trigger).unwrap_or(live.state);
        }
    }

    /// Returns at which price an order trades at a moment of a bar, and whether it waited there.
    fn price(&self, live: &LiveBarOrder, bar: &Bar, moment: Moment) -> Option<(i64, bool)> {
        let (side, kind) = (live.order.side, live.order.kind);
        let slipped = |price: i64| (price.saturating_add(side.sign() * self.rules.slippage), false);
        let is_new = live.number > self.settled;
        // The bar's end that a buy stop or a sell target sees first, and its other one.
        let (worst, best) = match side {
            Side::Buy => (bar.high, bar.low),
            Side::Sell => (bar.low, bar.high),
        };
        if kind.is_conditional() && live.state != State::Accepted {
            let Some(limit) = kind.limit() else {
                return (moment == Moment::Open).then(|| slipped(bar.open));
            };
            return match moment {
                Moment::Open => side.reaches(limit, bar.open).then_some((bar.open, true)),
                Moment::Entries => side.reaches(limit, best).then_some((limit, true)),
                Moment::Stops | Moment::Targets => None,
            };
        }
        match (kind, moment) {
            (Kind::Market, Moment::Open) => Some(slipped(bar.open)),
            (Kind::Limit { price }, Moment::Open) => {
                side.reaches(price, bar.open).then_some((bar.open, !is_new))
            }
            (Kind::Limit { price }, Moment::Entries) => {
                side.reaches(price, best).then_some((price, true))
            }
            (Kind::StopMarket { trigger }, Moment::Open) => {
                side.reaches(bar.open, trigger).then(|| slipped(bar.open))
            }
            (Kind::StopMarket { trigger }, Moment::Stops) => {
                side.reaches(worst, trigger).then(|| slipped(trigger))
            }
            (Kind::StopLimit { trigger, price }, Moment::Stops) => {
                let from = if side.reaches(bar.open, trigger) { bar.open } else { trigger };
                (side.reaches(worst, trigger) && side.reaches(price, from)).then_some((from, false))
            }
            (Kind::TakeProfitMarket { trigger }, Moment::Open) => {
                side.reaches(trigger, bar.open).then(|| slipped(bar.open))
            }
            (Kind::TakeProfitMarket { trigger }, Moment::Targets) => {
                (live.inside != Some(self.next_bar) && side.reaches(trigger, best))
                    .then(|| slipped(trigger))
            }
            (Kind::TakeProfitLimit { trigger, price }, Moment::Targets) => (live.inside
                != Some(self.next_bar)
                && side.reaches(trigger, best)
                && side.reaches(price, trigger))
            .then_some((trigger, false)),
            (Kind::Trailing { callback_bps, .. }, Moment::Open | Moment::Stops) => {
                let best2 = i128::from(live.trail.best2?);
                let back = best2 * i128::from(10_000 - side.opposite().sign() * callback_bps);
                // The stop's price, rounded against the order.
                let stop = match side {
                    Side::Buy => (back + 19_999).div_euclid(20_000),
                    Side::Sell => back.div_euclid(20_000),
                } as i64;
                match moment {
                    Moment::Open => side.reaches(bar.open, stop).then(|| slipped(bar.open)),
                    _ => side.reaches(worst, stop).then(|| slipped(stop)),
                }
            }
            _ => None,
        }
    }

    fn trade(&mut self, at: usize, price: i64, maker: bool, is_inside: bool) {
        let Some(live) = self.live.get(at).copied() else { return };
        let (order, step) = (live.order, live.state);
        if order.tif == Tif::Gtx && !maker {
            self.end(at, Move::Expire);
            return;
        }
        let mut state = step;
        if order.kind.is_conditional() && state == State::Accepted {
            state = state.after(Move::Trigger).unwrap_or(state);
        }
        let qty = self.allowed(&live, price);
        if order.tif == Tif::Fok && qty < live.leaves {
            self.end(at, Move::Expire);
            return;
        }
        if qty <= 0 {
            if let Some(live) = self.live.get_mut(at) {
                live.state = state;
            }
            return;
        }
        let price = price.clamp(self.limits.0.max(1), self.limits.1);
        let opened = qty - qty.min(self.account.reducible(order.side));
        let before = self.account.position;
        let fee_nano = self.fee(at, price, qty, maker);
        let realized_nano = self.account.trade(order.side, price, qty);
        self.account.pay_fee(fee_nano);
        self.counterparts.trade(order.side, price, qty);
        self.counterparts.fees_nano += fee_nano;
        self.room -= qty;
        if order.side == Side::Buy {
            self.bought_today += qty;
        }
        let (bar, cause) = (self.next_bar, cause(order.kind));
        let (side, order_number) = (order.side, live.number);
        self.fills.push(BarFill {
            bar,
            order: order_number,
            side,
            price,
            qty,
            fee_nano,
            realized_nano,
            cause,
        });
        let leaves = live.leaves - qty;
        let state = state.after(Move::Fill { leaves }).unwrap_or(state);
        let mut places_exits = false;
        if let Some(live) = self.live.get_mut(at) {
            (live.leaves, live.state) = (leaves, state);
            places_exits = opened > 0 && live.order.exits != [None, None];
            live.has_exits |= places_exits;
        }
        if places_exits {
            self.protect(&live, opened, is_inside);
        }
        if !state.is_live() {
            self.live.remove(at);
            self.count_end(state);
            self.end_pair(live.entry);
        }
        if before.signum() != self.account.position.signum() {
            self.drop_idle();
        }
    }

    /// Returns how many lots an order may trade at a price in this bar.
    fn allowed(&self, live: &LiveBarOrder, price: i64) -> i64 {
        let (side, rules) = (live.order.side, &self.rules);
        let (low, high) = self.limits;
        let is_limited = if side == Side::Buy { price >= high } else { price <= low };
        if is_limited {
            return 0;
        }
        let mut qty = live.leaves.min(self.room);
        if live.order.reduce_only {
            qty = qty.min(self.account.reducible(side));
        }
        if side == Side::Sell {
            let has = self.account.position.max(0);
            if !rules.allow_short {
                qty = qty.min(has);
            }
            if rules.sells_next_day {
                qty = qty.min((has - self.bought_today).max(0));
            }
            if qty == has || qty == live.leaves {
                return qty;
            }
        }
        qty - qty % rules.lot
    }

    /// Returns what a fill costs: an order pays its rates, and its least fee once.
    fn fee(&mut self, at: usize, price: i64, qty: i64, maker: bool) -> i128 {
        let rate_ppb = if maker { self.rules.maker_ppb } else { self.rules.taker_ppb };
        let (least, duty_ppb) = (i128::from(self.rules.min_fee_nano), self.rules.stamp_duty_ppb);
        let Some(live) = self.live.get_mut(at) else { return 0 };
        live.notional += share_nano(price, qty, rate_ppb);
        if live.order.side == Side::Sell {
            live.sold_notional += share_nano(price, qty, duty_ppb);
        }
        let due = live.notional.max(least) + live.sold_notional;
        due - std::mem::replace(&mut live.fee_paid_nano, due)
    }

    /// Places an entry's exits with its first fill, and lets them grow with later ones.
    fn protect(&mut self, entry: &LiveBarOrder, opened: i64, is_inside: bool) {
        if entry.has_exits {
            for exit in self.live.iter_mut().filter(|exit| exit.entry == entry.number) {
                exit.order.qty += opened;
                exit.leaves += opened;
            }
            return;
        }
        let [stop, target] = entry.order.exits;
        let kinds = [
            stop.map(|trigger| Kind::StopMarket { trigger }),
            target.map(|trigger| Kind::TakeProfitMarket { trigger }),
        ];
        for kind in kinds.into_iter().flatten() {
            let exit = BarOrder {
                side: entry.order.side.opposite(),
                kind,
                qty: opened,
                tif: Tif::Gtc,
                reduce_only: true,
                exits: [None, None],
            };
            self.place(exit, entry.number, is_inside.then_some(self.next_bar));
        }
    }

    fn end_pair(&mut self, entry: u32) {
        if entry > 0 {
            while let Some(at) =
                self.live.iter().position(|live| live.entry == entry || live.number == entry)
            {
                self.end(at, Move::Cancel);
            }
        }
    }

    fn drop_idle(&mut self) {
        let account = &self.account;
        let is_idle =
            |live: &LiveBarOrder| live.order.reduce_only && account.reducible(live.order.side) == 0;
        let idle: Vec<(u32, u32)> = self
            .live
            .iter()
            .filter(|live| is_idle(live))
            .map(|live| (live.number, live.entry))
            .collect();
        for (number, entry) in idle {
            self.cancel(number);
            self.end_pair(entry);
        }
    }

    /// Ends what waits for no further bar, and lets trailing orders see the bar.
    fn close(&mut self, bar: &Bar) {
        let now = i64::from(self.next_bar);
        let mut at = 0;
        while let Some(live) = self.live.get_mut(at) {
            if let Kind::Trailing { callback_bps, activation } = live.order.kind {
                let best = if live.order.side == Side::Sell { bar.high } else { bar.low };
                live.trail.hears(live.order.side, callback_bps, activation, 2 * best);
            }
            let is_over = match live.order.tif {
                Tif::Ioc | Tif::Fok => !live.order.kind.is_conditional() || !is_waiting(live),
                Tif::Gtd { until_ns } => now >= until_ns,
                Tif::Gtc | Tif::Gtx => false,
            };
            if !(is_over && self.end(at, Move::Expire)) {
                at += 1;
            }
        }
    }
}

fn is_waiting(live: &LiveBarOrder) -> bool {
    live.state == State::Accepted
}

fn cause(kind: Kind) -> Cause {
    match kind {
        Kind::Market => Cause::Market,
        Kind::Limit { .. } => Cause::Limit,
        Kind::StopMarket { .. } | Kind::StopLimit { .. } => Cause::Stop,
        Kind::TakeProfitMarket { .. } | Kind::TakeProfitLimit { .. } => Cause::Target,
        Kind::Trailing { .. } => Cause::Trailing,
    }
}
