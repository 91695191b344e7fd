//! How orders trade: takers walk the book, makers wait for trades and for the opposite best.

use crate::ladder::Side;
use crate::order::{EventKind, Kind, LiveOrder, Stage};
use crate::queue::{self, Waiting};

use super::Venue;

impl Venue {
    /// Lets a live order take what the book offers within `limit`. Own resting orders in its way expire.
    pub(super) fn take(&mut self, seq: u64, limit: Option<i64>) {
        let Some(order) = self.live(seq) else { return };
        let (side, qty) = (order.order.side, self.tradable(order));
        let mut fills = std::mem::take(&mut self.fills);
        fills.clear();
        self.mirror.take(side, limit, qty, &mut fills);
        if let Some(reached) = limit.or(fills.last().map(|fill| fill.price)) {
            self.clear_the_way(side, reached);
        }
        for fill in &fills {
            self.fill(seq, fill.price, fill.qty, false);
        }
        self.fills = fills;
    }

    fn clear_the_way(&mut self, side: Side, reached: i64) {
        let in_the_way = self.ranks(|order| {
            resting_price(order, side.opposite()).is_some_and(|price| side.reaches(reached, price))
        });
        for seq in in_the_way {
            self.end(seq, EventKind::Expired);
        }
    }

    /// Lets a trade of the feed trade with resting orders of `side`, best price first, then first come first.
    ///
    /// Orders that the trade went through fill before those at its price; together they get no more than it traded.
    pub(super) fn trade(&mut self, price: i64, qty: i64, side: Side) {
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
            .map(|order| Waiting { ahead: ahead(order), leaves: self.tradable(order), filled: 0 })
            .collect();
        queue::trade(&mut queue, rest);
        for (&seq, waiting) in at_price.iter().zip(&queue) {
            self.set_stage(seq, Stage::Resting { ahead: waiting.ahead });
            self.fill(seq, price, waiting.filled, true);
        }
    }

    /// Moves orders forward where their level has become smaller than the queue ahead of them.
    pub(super) fn requeue(&mut self) {
        if !self.mirror.is_synced() {
            return;
        }
        for order in &mut self.live {
            let price = resting_price(order, order.order.side);
            if let (Stage::Resting { ahead }, Some(price)) = (&mut order.stage, price) {
                let displayed = self.mirror.ladder().qty_at(order.order.side, price);
                *ahead = queue::ahead_after_change(*ahead, displayed);
            }
        }
    }

    /// Fills resting orders that the opposite side of the book has come to: it would have met them first.
    pub(super) fn meet_the_book(&mut self) {
        for side in [Side::Buy, Side::Sell] {
            let Some(opposite) = self.mirror.best(side.opposite()) else { continue };
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

    /// Returns rank and price of the resting orders of `side` at `price` or better, in price-time priority.
    fn resting(&self, side: Side, price: i64) -> Vec<(u64, i64)> {
        let mut found: Vec<(u64, i64)> = self
            .live
            .iter()
            .filter_map(|order| resting_price(order, side).map(|own| (order.seq, own)))
            .filter(|&(_, own)| side.reaches(own, price))
            .collect();
        found.sort_by_key(|&(seq, own)| (-side.sign() * own, seq));
        found
    }

    /// Returns how many lots an order may trade now.
    fn tradable(&self, order: &LiveOrder) -> i64 {
        if order.order.reduce_only {
            order.leaves.min(self.reducible(order.order.side))
        } else {
            order.leaves
        }
    }

    /// Fills a live order by up to `qty` lots, lets its exits and its position follow, and returns the lots filled.
    pub(super) fn fill(&mut self, seq: u64, price: i64, qty: i64, maker: bool) -> i64 {
        let Some(at) = self.index(seq) else { return 0 };
        let qty = qty.min(self.tradable(&self.live[at]));
        if qty <= 0 {
            return 0;
        }
        let order = &mut self.live[at];
        let side = order.order.side;
        order.leaves -= qty;
        let is_done = order.leaves == 0;
        let before = self.position;
        self.position += side.sign() * qty;
        self.last_trade_id += 1;
        let trade_id = self.last_trade_id;
        self.say_of(seq, EventKind::Fill { trade_id, price, qty, maker });
        let closed = qty.min((-side.sign() * before).max(0));
        self.protect(seq, qty - closed);
        if is_done {
            self.finish(seq);
        }
        if before.signum() != self.position.signum() {
            self.drop_idle_exits();
        }
        qty
    }
}

fn ahead(order: &LiveOrder) -> i64 {
    match order.stage {
        Stage::Resting { ahead } => ahead,
        Stage::Taking | Stage::Armed | Stage::Working => 0,
    }
}

/// Returns the price of an order that rests on `side` of the book.
fn resting_price(order: &LiveOrder, side: Side) -> Option<i64> {
    match (order.stage, order.order.kind) {
        (Stage::Resting { .. }, Kind::Limit { price }) if order.order.side == side => Some(price),
        _ => None,
    }
}
