//! Order flow imbalance of the deeper levels: the rule of the best quotes, at every level of the book.
//!
//! Source: Xu, Gould & Howison (2018), "Multi-level Order-flow Imbalance in a Limit Order Book", arXiv 1907.06230.

use crate::event::Level;
use crate::state::{Reader, State, Writer};

/// The deepest level.
pub const MAX_LEVELS: usize = 20;

/// One number a level, best first.
pub(crate) type ByLevel = [i128; MAX_LEVELS];

/// The best levels of a book; absent ones are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tops {
    /// Bids, best first.
    pub bids: [Option<Level>; MAX_LEVELS],
    /// Asks, best first.
    pub asks: [Option<Level>; MAX_LEVELS],
}

impl Tops {
    /// Returns the first `count` levels of each side.
    pub fn of(
        bids: impl Iterator<Item = Level>,
        asks: impl Iterator<Item = Level>,
        count: usize,
    ) -> Self {
        let mut tops = Self::default();
        for (slot, level) in tops.bids.iter_mut().zip(bids.take(count)) {
            *slot = Some(level);
        }
        for (slot, level) in tops.asks.iter_mut().zip(asks.take(count)) {
            *slot = Some(level);
        }
        tops
    }

    /// Returns the quantity on both sides.
    pub fn depth(&self) -> i128 {
        self.bids.iter().chain(&self.asks).flatten().map(|level| i128::from(level.qty)).sum()
    }

    /// Returns the step at each level, in lots; a side counts at a level that both books have.
    pub fn step_from(&self, before: &Self) -> ByLevel {
        let mut steps = [0; MAX_LEVELS];
        for (step, (old, new)) in steps.iter_mut().zip(before.bids.iter().zip(&self.bids)) {
            if let (Some(old), Some(new)) = (old, new) {
                *step += demand(old, new);
            }
        }
        for (step, (old, new)) in steps.iter_mut().zip(before.asks.iter().zip(&self.asks)) {
            if let (Some(old), Some(new)) = (old, new) {
                // An ask is a bid of the mirrored price.
                let mirrored = |level: &Level| Level { price: -level.price, qty: level.qty };
                *step -= demand(&mirrored(old), &mirrored(new));
            }
        }
        steps
    }
}

impl State for Level {
    fn save(&self, out: &mut Writer) {
        (self.price, self.qty).save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, crate::error::Error> {
        <(i64, i64)>::load(from).map(|(price, qty)| Self { price, qty })
    }
}

crate::state::state_of!(Tops { bids, asks });

/// Returns what demand a change of one bid level adds: a price not below the old brings its quantity, one not above takes the old.
fn demand(old: &Level, new: &Level) -> i128 {
    let gained = if new.price >= old.price { i128::from(new.qty) } else { 0 };
    let lost = if new.price <= old.price { i128::from(old.qty) } else { 0 };
    gained - lost
}

/// Returns the weights with negative ones as 0, their sum 1 over the first `count`; all 0 where none is positive.
pub(crate) fn normalised(weights: &[f64; MAX_LEVELS], count: usize) -> [f64; MAX_LEVELS] {
    let mut found = [0.0; MAX_LEVELS];
    let mut sum = 0.0;
    for (slot, weight) in found.iter_mut().zip(weights).take(count) {
        *slot = weight.max(0.0);
        sum += *slot;
    }
    if sum > 0.0 {
        found.iter_mut().for_each(|weight| *weight /= sum);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ofi::{BestQuotes, ofi_step};

    fn tops(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Tops {
        let level = |pair: &(i64, i64)| Level { price: pair.0, qty: pair.1 };
        Tops::of(bids.iter().map(level), asks.iter().map(level), MAX_LEVELS)
    }

    #[test]
    fn the_first_level_is_the_rule_of_the_best_quotes() {
        let mut seed = 5_u64;
        let mut draw = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((seed >> 33) % n) as i64
        };
        let mut pair = || ((100 + draw(3), draw(9)), (103 + draw(3), draw(9)));
        for _ in 0..1_000 {
            let ((old_bid, old_ask), (bid, ask)) = (pair(), pair());
            let level = |(price, qty): (i64, i64)| Level { price, qty };
            let best = |bid, ask| BestQuotes { bid: level(bid), ask: level(ask) };
            let wanted = ofi_step(&best(old_bid, old_ask), &best(bid, ask));
            let steps = tops(&[bid], &[ask]).step_from(&tops(&[old_bid], &[old_ask]));
            assert_eq!(steps[0], i128::from(wanted));
        }
    }

    #[test]
    fn a_new_best_level_moves_the_ranks_below_by_price_not_by_place() {
        let before = tops(&[(100, 5), (99, 7)], &[(101, 1)]);
        let after = tops(&[(101, 2), (100, 5), (99, 7)], &[(102, 1)]);
        let steps = after.step_from(&before);
        // Rank 1 rose to 101 and rank 2 to 100: both are demand of what now stands there.
        assert_eq!(&steps[..3], [2 + 1, 5, 0]);
        assert_eq!(after.depth(), 15);
    }

    #[test]
    fn weights_are_cut_at_zero_and_add_to_one() {
        let mut weights = [0.0; MAX_LEVELS];
        weights[..3].copy_from_slice(&[0.5, -1.0, 0.5]);
        assert_eq!(normalised(&weights, 3)[..3], [0.5, 0.0, 0.5]);
        assert_eq!(normalised(&weights, 1)[..3], [1.0, 0.0, 0.0]);
        assert_eq!(normalised(&[-1.0; MAX_LEVELS], 5), [0.0; MAX_LEVELS]);
    }
}
