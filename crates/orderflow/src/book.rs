//! The L2 book of one instrument: exact integer levels, best last, so that changes near the top move little memory.

use crate::event::Level;

/// One side; keys rise towards the best price (asks are stored negated).
#[derive(Clone, Debug, Default)]
struct Side {
    keys: Vec<i64>,
    qtys: Vec<i64>,
}

impl Side {
    fn set(&mut self, key: i64, qty: i64) {
        let at = self.keys.partition_point(|other| *other < key);
        if self.keys.get(at) == Some(&key) {
            if qty == 0 {
                self.keys.remove(at);
                self.qtys.remove(at);
            } else if let Some(slot) = self.qtys.get_mut(at) {
                *slot = qty;
            }
        } else if qty != 0 {
            self.keys.insert(at, key);
            self.qtys.insert(at, qty);
        }
    }

    fn best(&self) -> Option<(i64, i64)> {
        Some((*self.keys.last()?, *self.qtys.last()?))
    }

    fn best_first(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.keys.iter().copied().zip(self.qtys.iter().copied()).rev()
    }

    fn prune(&mut self, keep: usize) {
        let extra = self.keys.len().saturating_sub(keep);
        self.keys.drain(..extra);
        self.qtys.drain(..extra);
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.qtys.clear();
    }
}

/// Bids and asks by price; a quantity of 0 removes a level.
#[derive(Clone, Debug, Default)]
pub struct Book {
    bids: Side,
    asks: Side,
}

impl Book {
    /// Sets the absolute quantities of bid and ask levels; of one price given twice the later wins.
    pub fn apply(&mut self, bids: &[Level], asks: &[Level]) {
        for level in bids {
            self.bids.set(level.price, level.qty);
        }
        for level in asks {
            self.asks.set(-level.price, level.qty);
        }
    }

    /// Returns the highest bid.
    pub fn best_bid(&self) -> Option<Level> {
        self.bids.best().map(|(key, qty)| Level { price: key, qty })
    }

    /// Returns the lowest ask.
    pub fn best_ask(&self) -> Option<Level> {
        self.asks.best().map(|(key, qty)| Level { price: -key, qty })
    }

    /// Returns the bids from the highest down.
    pub fn bids(&self) -> impl Iterator<Item = Level> + '_ {
        self.bids.best_first().map(|(key, qty)| Level { price: key, qty })
    }

    /// Returns the asks from the lowest up.
    pub fn asks(&self) -> impl Iterator<Item = Level> + '_ {
        self.asks.best_first().map(|(key, qty)| Level { price: -key, qty })
    }

    /// Returns whether the best bid is not below the best ask.
    pub fn is_crossed(&self) -> bool {
        match (self.best_bid(), self.best_ask()) {
            (Some(bid), Some(ask)) => bid.price >= ask.price,
            _ => false,
        }
    }

    /// Returns the numbers of bid and ask levels.
    pub fn depth(&self) -> (usize, usize) {
        (self.bids.keys.len(), self.asks.keys.len())
    }

    /// Keeps the best `keep` levels of each side.
    pub fn prune(&mut self, keep: usize) {
        self.bids.prune(keep);
        self.asks.prune(keep);
    }

    /// Removes all levels.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, qty: i64) -> Level {
        Level { price, qty }
    }

    #[test]
    fn zero_removes_and_the_later_of_two_wins() {
        let mut book = Book::default();
        book.apply(&[level(99, 1), level(100, 2), level(100, 3)], &[level(102, 4), level(101, 5)]);
        assert_eq!((book.best_bid(), book.best_ask()), (Some(level(100, 3)), Some(level(101, 5))));
        book.apply(&[level(100, 0), level(1, 0)], &[level(101, 0)]);
        assert_eq!((book.best_bid(), book.best_ask()), (Some(level(99, 1)), Some(level(102, 4))));
        assert_eq!(book.depth(), (1, 1));
    }

    #[test]
    fn pruning_keeps_the_best() {
        let mut book = Book::default();
        let bids: Vec<_> = (1..=50).map(|price| level(price, price)).collect();
        let asks: Vec<_> = (51..=100).map(|price| level(price, price)).collect();
        book.apply(&bids, &asks);
        book.prune(10);
        assert_eq!(book.depth(), (10, 10));
        assert_eq!((book.best_bid(), book.best_ask()), (Some(level(50, 50)), Some(level(51, 51))));
        book.apply(&(41..=50).map(|price| level(price, 0)).collect::<Vec<_>>(), &[level(50, 1)]);
        assert_eq!((book.best_bid(), book.best_ask()), (None, Some(level(50, 1))));
    }

    #[test]
    fn touching_prices_are_crossed() {
        let mut book = Book::default();
        book.apply(&[level(100, 1)], &[level(101, 1)]);
        assert!(!book.is_crossed());
        book.apply(&[level(101, 1)], &[]);
        assert!(book.is_crossed());
    }
}
