//! The L2 book of one instrument: exact integer levels, best last, so that changes near the top move little memory.

use crate::event::Level;

mod state;

/// One side; keys rise towards the best price (asks are stored negated).
#[derive(Clone, Debug, Default)]
struct Side {
    keys: Vec<i64>,
    qtys: Vec<i64>,
}

/// A level to put in or take out of a sorted side, at its place before any of the run was done.
#[derive(Clone, Copy, Debug)]
struct Edit {
    at: usize,
    key: i64,
    /// 0 takes the level out.
    qty: i64,
}

impl Side {
    /// Sets a run of levels whose keys strictly rise: each part of the side between two edits moves once, not once an edit.
    fn set_run(&mut self, run: impl Iterator<Item = (i64, i64)>, edits: &mut Vec<Edit>) {
        edits.clear();
        let mut at = 0;
        for (key, qty) in run {
            at = self.seek(at, key);
            let found = self.keys.get(at) == Some(&key);
            match self.qtys.get_mut(at) {
                Some(slot) if found && qty != 0 => *slot = qty,
                _ if found || qty != 0 => edits.push(Edit { at, key, qty }),
                _ => {}
            }
        }
        self.take_out(edits);
        self.put_in(edits);
    }

    /// Returns the first place from `from` on whose key is not below `key`: neighbours in a run are near each other.
    fn seek(&self, from: usize, key: i64) -> usize {
        let rest = self.keys.get(from..).unwrap_or(&[]);
        let (mut low, mut step) = (0, 1);
        while rest.get(low + step - 1).is_some_and(|other| *other < key) {
            low += step;
            step *= 2;
        }
        let high = (low + step - 1).min(rest.len());
        let between = rest.get(low..high).unwrap_or(&[]);
        from + low + between.partition_point(|other| *other < key)
    }

    /// Does the removals of a run, and moves the places of its insertions along.
    fn take_out(&mut self, edits: &mut [Edit]) {
        let mut write = 0;
        let mut removed = 0;
        let mut read = 0;
        for edit in edits.iter_mut() {
            if edit.qty == 0 {
                if removed > 0 {
                    self.shift(read..edit.at, write);
                    write += edit.at - read;
                } else {
                    write = edit.at;
                }
                read = edit.at + 1;
                removed += 1;
            } else {
                edit.at -= removed;
            }
        }
        if removed > 0 {
            let len = self.keys.len();
            self.shift(read..len, write);
            self.keys.truncate(len - removed);
            self.qtys.truncate(len - removed);
        }
    }

    /// Does the insertions of a run, from the best down.
    fn put_in(&mut self, edits: &[Edit]) {
        let count = edits.iter().filter(|edit| edit.qty != 0).count();
        if count == 0 {
            return;
        }
        let mut read = self.keys.len();
        let mut write = read + count;
        self.keys.resize(write, 0);
        self.qtys.resize(write, 0);
        for edit in edits.iter().rev().filter(|edit| edit.qty != 0) {
            write -= read - edit.at;
            self.shift(edit.at..read, write);
            read = edit.at;
            write -= 1;
            if let (Some(key), Some(qty)) = (self.keys.get_mut(write), self.qtys.get_mut(write)) {
                (*key, *qty) = (edit.key, edit.qty);
            }
        }
    }

    fn shift(&mut self, from: std::ops::Range<usize>, to: usize) {
        if from.start != to {
            self.keys.copy_within(from.clone(), to);
            self.qtys.copy_within(from, to);
        }
    }

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
    edits: Vec<Edit>,
}

impl Book {
    /// Sets the absolute quantities of bid and ask levels; of one price given twice the later wins.
    pub fn apply(&mut self, bids: &[Level], asks: &[Level]) {
        if rises(bids) {
            let run = bids.iter().map(|level| (level.price, level.qty));
            self.bids.set_run(run, &mut self.edits);
        } else if falls(bids) {
            let run = bids.iter().rev().map(|level| (level.price, level.qty));
            self.bids.set_run(run, &mut self.edits);
        } else {
            bids.iter().for_each(|level| self.bids.set(level.price, level.qty));
        }
        if rises(asks) {
            let run = asks.iter().rev().map(|level| (-level.price, level.qty));
            self.asks.set_run(run, &mut self.edits);
        } else {
            asks.iter().for_each(|level| self.asks.set(-level.price, level.qty));
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

fn rises(levels: &[Level]) -> bool {
    levels.windows(2).all(|pair| matches!(pair, [one, next] if one.price < next.price))
}

fn falls(levels: &[Level]) -> bool {
    levels.windows(2).all(|pair| matches!(pair, [one, next] if one.price > next.price))
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
    fn a_sorted_run_does_what_its_levels_do_one_by_one() {
        let mut state = 7_u64;
        let mut next = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let (mut runs, mut singles) = (Book::default(), Book::default());
        for _ in 0..3_000 {
            let mut side = || {
                let mut prices: Vec<i64> = (0..next(40)).map(|_| 1 + next(120) as i64).collect();
                prices.sort_unstable();
                prices.dedup();
                let levels = prices.into_iter().map(|price| level(price, next(3) as i64));
                levels.collect::<Vec<_>>()
            };
            let (mut bids, asks) = (side(), side());
            for one in &bids {
                singles.bids.set(one.price, one.qty);
            }
            for one in &asks {
                singles.asks.set(-one.price, one.qty);
            }
            if next(2) == 0 {
                bids.reverse();
            }
            runs.apply(&bids, &asks);
            assert!(runs.bids().eq(singles.bids()) && runs.asks().eq(singles.asks()));
        }
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
