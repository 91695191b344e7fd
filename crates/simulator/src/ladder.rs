//! A two-sided book of price levels: one sorted vector a side, the best price last, where most changes happen.

use orderflow::event::Level;

/// A side of the book or of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Bids; an order that buys.
    Buy,
    /// Asks; an order that sells.
    Sell,
}

impl Side {
    /// Returns the other side.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Returns +1 for a buy and -1 for a sell.
    pub fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// Returns the sort key that grows towards the best price of this side.
    fn rank(self, price: i64) -> i64 {
        price * self.sign()
    }

    /// Returns whether a taker of this side with the bound `limit` may trade at `price`.
    pub fn reaches(self, limit: i64, price: i64) -> bool {
        self.rank(limit) >= self.rank(price)
    }
}

/// Levels of both sides with their totals; no level has a quantity of 0 or less.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    bids: Vec<Level>,
    asks: Vec<Level>,
    totals: [i64; 2],
}

impl Ladder {
    fn levels_mut(&mut self, side: Side) -> (&mut Vec<Level>, &mut i64) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.totals[0]),
            Side::Sell => (&mut self.asks, &mut self.totals[1]),
        }
    }

    /// Returns a side's levels, worst price first.
    pub fn levels(&self, side: Side) -> &[Level] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Returns the side's quantity over all levels, in lots.
    pub fn total(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.totals[0],
            Side::Sell => self.totals[1],
        }
    }

    /// Returns the best level of a side.
    pub fn best(&self, side: Side) -> Option<Level> {
        self.levels(side).last().copied()
    }

    /// Returns the quantity at a price, 0 where there is no level.
    pub fn qty_at(&self, side: Side, price: i64) -> i64 {
        let levels = self.levels(side);
        match levels.binary_search_by_key(&side.rank(price), |level| side.rank(level.price)) {
            Ok(at) => levels[at].qty,
            Err(_) => 0,
        }
    }

    /// Sets the absolute quantity at a price; 0 or less removes the level.
    pub fn set(&mut self, side: Side, level: Level) {
        let (levels, total) = self.levels_mut(side);
        let rank = side.rank(level.price);
        match levels.binary_search_by_key(&rank, |known| side.rank(known.price)) {
            Ok(at) => {
                *total -= levels[at].qty;
                if level.qty > 0 {
                    levels[at].qty = level.qty;
                    *total += level.qty;
                } else {
                    levels.remove(at);
                }
            }
            Err(at) if level.qty > 0 => {
                levels.insert(at, level);
                *total += level.qty;
            }
            Err(_) => {}
        }
    }

    /// Removes the levels of a side that are better than `price`.
    pub fn crop(&mut self, side: Side, price: i64) {
        let (levels, total) = self.levels_mut(side);
        while let Some(level) = levels.last().copied() {
            if side.rank(level.price) <= side.rank(price) {
                break;
            }
            *total -= level.qty;
            levels.pop();
        }
    }

    /// Removes a side's levels.
    pub fn clear(&mut self, side: Side) {
        let (levels, total) = self.levels_mut(side);
        levels.clear();
        *total = 0;
    }

    /// Returns whether the best bid is at or above the best ask.
    pub fn is_crossed(&self) -> bool {
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid.price >= ask.price,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Ladder {
        let mut ladder = Ladder::default();
        for (side, price, qty) in
            [(Side::Buy, 99, 5), (Side::Buy, 98, 7), (Side::Sell, 101, 3), (Side::Sell, 103, 4)]
        {
            ladder.set(side, Level { price, qty });
        }
        ladder
    }

    #[test]
    fn the_best_is_the_highest_bid_and_the_lowest_ask() {
        let ladder = ladder();
        assert_eq!(ladder.best(Side::Buy), Some(Level { price: 99, qty: 5 }));
        assert_eq!(ladder.best(Side::Sell), Some(Level { price: 101, qty: 3 }));
        assert_eq!((ladder.total(Side::Buy), ladder.total(Side::Sell)), (12, 7));
        assert_eq!((ladder.qty_at(Side::Sell, 103), ladder.qty_at(Side::Sell, 102)), (4, 0));
    }

    #[test]
    fn zero_removes_a_level_and_totals_follow() {
        let mut ladder = ladder();
        ladder.set(Side::Buy, Level { price: 99, qty: 0 });
        ladder.set(Side::Sell, Level { price: 101, qty: 9 });
        assert_eq!(ladder.best(Side::Buy), Some(Level { price: 98, qty: 7 }));
        assert_eq!((ladder.total(Side::Buy), ladder.total(Side::Sell)), (7, 13));
    }

    #[test]
    fn cropping_removes_only_what_is_better() {
        let mut ladder = ladder();
        ladder.crop(Side::Sell, 102);
        ladder.crop(Side::Buy, 99);
        assert_eq!(ladder.best(Side::Sell), Some(Level { price: 103, qty: 4 }));
        assert_eq!(ladder.best(Side::Buy), Some(Level { price: 99, qty: 5 }));
        assert_eq!(ladder.total(Side::Sell), 4);
    }

    #[test]
    fn a_touching_book_is_crossed() {
        let mut ladder = ladder();
        assert!(!ladder.is_crossed());
        ladder.set(Side::Buy, Level { price: 101, qty: 1 });
        assert!(ladder.is_crossed());
    }
}
