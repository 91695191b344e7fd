//! How arriving orders trade: through the displayed lots and the resting orders of other accounts, best price first.

use crate::account::AccountId;
use crate::ladder::Side;
use crate::order::{EventKind, SelfTrade};

use super::Venue;
use super::matching::resting_price;

/// One counterparty on a taker's way.
#[derive(Clone, Copy, Debug)]
struct Offer {
    price: i64,
    /// Displayed lots, or the most that a resting order gives.
    qty: i64,
    maker: Option<u64>,
}

impl Venue {
    /// Lets a live order take what the book offers within `limit`.
    pub(super) fn take(&mut self, seq: u64, limit: Option<i64>) {
        let Some(order) = self.live(seq) else { return };
        let (side, mode, account) = (order.order.side, order.order.self_trade, order.order.account);
        let qty = self.tradable(order);
        let opposite = side.opposite();
        let meets_orders = self.watched().resting[opposite as usize]
            .is_some_and(|best| limit.is_none_or(|limit| side.reaches(limit, best)));
        if !meets_orders {
            return self.take_displayed(seq, side, limit, qty);
        }
        let mut rest = qty;
        for offer in self.offers(side, limit) {
            if rest <= 0 {
                break;
            }
            let Some(maker) = offer.maker else {
                let lots = self.fill(seq, offer.price, offer.qty.min(rest), false);
                self.mirror.eat(opposite, offer.price, lots);
                self.let_pass(opposite, offer.price, lots);
                rest -= lots;
                continue;
            };
            let Some(other) = self.live(maker) else { continue };
            if other.order.account == account {
                if mode != SelfTrade::ExpireTaker {
                    self.end(maker, EventKind::Expired);
                }
                if mode != SelfTrade::ExpireMaker {
                    return self.end(seq, EventKind::Expired);
                }
                continue;
            }
            let lots = rest.min(self.tradable(other));
            let lots = lots.min(self.live(seq).map_or(0, |order| self.tradable(order)));
            self.fill(maker, offer.price, lots, true);
            rest -= self.fill(seq, offer.price, lots, false);
        }
    }

    /// The walk where no resting order is on the way.
    fn take_displayed(&mut self, seq: u64, side: Side, limit: Option<i64>, qty: i64) {
        let mut fills = std::mem::take(&mut self.fills);
        fills.clear();
        self.mirror.take(side, limit, qty, &mut fills);
        for fill in &fills {
            self.fill(seq, fill.price, fill.qty, false);
        }
        self.fills = fills;
    }

    /// Moves the queue of a price forward by lots that a taker of ours ate from its front.
    fn let_pass(&mut self, side: Side, price: i64, lots: i64) {
        if lots > 0 && self.mirror.is_consumed() {
            for order in &mut self.live {
                if resting_price(order, side) == Some(price) {
                    order.place.eaten(lots);
                }
            }
        }
    }

    /// Returns what a taker of `side` meets within `limit`, in the order in which it trades.
    fn offers(&self, side: Side, limit: Option<i64>) -> Vec<Offer> {
        let opposite = side.opposite();
        let makers = self.resting(opposite, limit.unwrap_or(side.sign() * (i64::MAX / 2)));
        let levels = self.mirror.ladder().levels(opposite).iter().rev();
        let mut levels = levels
            .take_while(|level| limit.is_none_or(|limit| side.reaches(limit, level.price)))
            .peekable();
        let mut makers = makers.into_iter().peekable();
        let mut offers = Vec::new();
        loop {
            let price = match (levels.peek(), makers.peek()) {
                (None, None) => return offers,
                (Some(level), None) => level.price,
                (None, Some(&(_, price))) => price,
                (Some(level), Some(&(_, price))) if side.reaches(price, level.price) => level.price,
                (Some(_), Some(&(_, price))) => price,
            };
            let mut displayed = levels.next_if(|level| level.price == price).map_or(0, |at| at.qty);
            let mut passed = 0;
            while let Some((seq, price)) = makers.next_if(|&(_, own)| own == price) {
                let Some(order) = self.live(seq) else { continue };
                let ahead = order.place.ahead().unwrap_or(i64::MAX);
                let before = displayed.min((ahead - passed).max(0));
                if before > 0 {
                    offers.push(Offer { price, qty: before, maker: None });
                    (displayed, passed) = (displayed - before, passed + before);
                }
                offers.push(Offer { price, qty: self.tradable(order), maker: Some(seq) });
            }
            if displayed > 0 {
                offers.push(Offer { price, qty: displayed, maker: None });
            }
        }
    }

    /// Returns how many of the `wanted` lots a taker of an account would find within `limit`, its own orders left out.
    pub(super) fn offered(&self, account: AccountId, side: Side, limit: i64, wanted: i64) -> i64 {
        let mut found = 0;
        for offer in self.offers(side, Some(limit)) {
            let maker = offer.maker.and_then(|seq| self.live(seq));
            if maker.is_none_or(|maker| maker.order.account != account) {
                found += offer.qty;
            }
            if found >= wanted {
                break;
            }
        }
        found.min(wanted)
    }

    /// Returns the best price that a taker of `side` meets, displayed or resting.
    pub(super) fn best_for_taker(&self, side: Side) -> Option<i64> {
        let opposite = side.opposite();
        let displayed = self.mirror.best(opposite).map(|level| level.price);
        let resting = self
            .live
            .iter()
            .filter_map(|order| resting_price(order, opposite))
            .max_by_key(|&price| opposite.sign() * price);
        match (displayed, resting) {
            (Some(one), Some(other)) => {
                Some(if opposite.reaches(one, other) { one } else { other })
            }
            (one, other) => one.or(other),
        }
    }
}
