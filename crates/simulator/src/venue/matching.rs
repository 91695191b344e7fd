//! How resting orders trade: they wait for trades and for the opposite best; and what a fill brings about.

use crate::ladder::Side;
use crate::order::{EventKind, LiveOrder, Stage};
use crate::queue::{self, Waiting};

use super::{Venue, Watch};

impl Venue {
    /// Lets a trade of the feed trade with resting orders of `side`, best price first, then first come first.
    ///
    /// Orders that the trade went through fill before those at its price; together they get no more than it traded.
    pub(super) fn trade(&mut self, price: i64, qty: i64, side: Side) {
        let Some(best) = self.watched().resting[side as usize] else { return };
        if !side.reaches(best, price) {
            return;
        }
        let mut rest = qty;
        for (seq, own_price) in self.resting(side, price) {
            if own_price != price && rest > 0 {
                let fillable = self.live(seq).map_or(0, |order| self.tradable(order));
                rest -= self.fill(seq, own_price, fillable.min(rest), true);
            }
        }
        let at_price: Vec<u64> = self
            .resting(side, price)
            .into_iter()
            .filter(|&(_, own)| own == price)
            .map(|(seq, _)| seq)
            .collect();
        let mut queue: Vec<Waiting> = at_price
            .iter()
            .filter_map(|&seq| self.live(seq))
            .map(|order| Waiting { place: order.place, leaves: self.tradable(order), filled: 0 })
            .collect();
        queue::trade(&mut queue, rest);
        for (&seq, waiting) in at_price.iter().zip(&queue) {
            if let Some(order) = self.live_mut(seq) {
                order.place = waiting.place;
            }
            self.fill(seq, price, waiting.filled, true);
        }
    }

    /// Moves orders forward where their level has become smaller than the queue ahead of them.
    pub(super) fn requeue(&mut self) {
        for order in &mut self.live {
            let side = order.order.side;
            if let Some(price) = resting_price(order, side)
                && let Some(displayed) = self.mirror.displayed(side, price)
            {
                order.place.level_seen(self.config.queue, displayed);
            }
        }
    }

    /// As `requeue`, for the one level that a feed has told.
    pub(super) fn requeue_at(&mut self, side: Side, price: i64, displayed: i64) {
        for order in &mut self.live {
            if resting_price(order, side) == Some(price) {
                order.place.level_told(self.config.queue, displayed);
            }
        }
    }

    /// Fills resting orders that the opposite side of the book has come to: it would have met them first.
    pub(super) fn meet_the_book(&mut self) {
        if self.mirror.is_guessed() {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            let Some(own) = self.watched().resting[side as usize] else { continue };
            let Some(opposite) = self.mirror.best(side.opposite()) else { continue };
            if !side.reaches(own, opposite.price) {
                continue;
            }
            for (seq, price) in self.resting(side, opposite.price) {
                let qty = self.live(seq).map_or(0, |order| self.tradable(order));
                let mut fills = std::mem::take(&mut self.fills);
                fills.clear();
                self.mirror.take(side, Some(price), qty, &mut fills);
                let met = fills.iter().map(|fill| fill.qty).sum();
                self.fills = fills;
                self.fill(seq, price, met, true);
            }
        }
    }

    /// Returns what market events could touch, looked up anew after changes.
    #[inline]
    pub(super) fn watched(&mut self) -> Watch {
        if self.watch.is_stale {
            self.look_again();
        }
        self.watch
    }

    fn look_again(&mut self) {
        let best = |side: Side| {
            let prices = self.live.iter().filter_map(|order| resting_price(order, side));
            prices.max_by_key(|&price| side.sign() * price)
        };
        self.watch = Watch {
            resting: [best(Side::Buy), best(Side::Sell)],
            has_armed: self.live.iter().any(|order| order.stage == Stage::Armed),
            has_working: self.live.iter().any(|order| order.stage == Stage::Working),
            is_stale: false,
        };
    }

    /// Returns rank and price of the resting orders of `side` at `price` or better, in price-time priority.
    pub(super) fn resting(&self, side: Side, price: i64) -> Vec<(u64, i64)> {
        let mut found: Vec<(i64, u64, u64)> = self
            .live
            .iter()
            .filter_map(|order| resting_price(order, side).map(|own| (own, order.since, order.seq)))
            .filter(|&(own, ..)| side.reaches(own, price))
            .collect();
        found.sort_unstable_by_key(|&(own, since, _)| (-side.sign() * own, since));
        found.into_iter().map(|(own, _, seq)| (seq, own)).collect()
    }

    /// Returns how many lots an order may trade now.
    pub(super) fn tradable(&self, order: &LiveOrder) -> i64 {
        if order.order.reduce_only {
            order.leaves.min(self.account(order.order.account).reducible(order.order.side))
        } else {
            order.leaves
        }
    }

    /// Fills a live order by up to `qty` lots, lets its exits and its position follow, and returns the lots filled.
    pub(super) fn fill(&mut self, seq: u64, price: i64, qty: i64, maker: bool) -> i64 {
        let Some(qty) = self.live(seq).map(|order| qty.min(self.tradable(order))) else { return 0 };
        if qty <= 0 {
            return 0;
        }
        let Some(order) = self.live_mut(seq) else { return 0 };
        let (side, account) = (order.order.side, order.order.account);
        order.leaves -= qty;
        let is_done = order.leaves == 0;
        let before = self.account(account);
        let closed = qty.min(before.reducible(side));
        let (fee_nano, realized_nano) = self.enter_trade(account, side, price, qty, maker);
        self.last_trade_id += 1;
        let trade_id = self.last_trade_id;
        self.say_of(seq, EventKind::Fill { trade_id, price, qty, maker, fee_nano, realized_nano });
        self.protect(seq, qty - closed);
        if is_done {
            self.finish(seq);
        }
        let after = before.position + side.sign() * qty;
        if before.position.signum() != after.signum() {
            self.drop_idle_exits(account);
        }
        qty
    }
}

/// Returns the price of an order that rests on `side` of the book.
pub(super) fn resting_price(order: &LiveOrder, side: Side) -> Option<i64> {
    if order.stage == Stage::Resting && order.order.side == side {
        order.order.kind.limit()
    } else {
        None
    }
}
