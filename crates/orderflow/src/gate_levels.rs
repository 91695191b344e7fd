//! Rows that are one level of a book: diffs and snapshots taken apart.

/// A diff's level this many times dearer than the others is taken for a fault. Real books hold a few asks beyond it, which
/// snapshots may show, and bids at a hundredth of the mid.
const LEVEL_MAX_RATIO: f64 = 20.0;
/// Levels until the usual price counts.
const LEVELS_NEEDED: u32 = 3;
const LEVELS_AVERAGED: u32 = 64;

/// What tells one event's rows from another's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LevelEvent {
    pub is_snapshot: bool,
    pub first: i64,
    pub last: i64,
    pub prev: i64,
}

/// The levels of one symbol.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    event: Option<LevelEvent>,
    /// Codes that every row of the event has.
    pub verdict: u32,
    best_bid: Option<f64>,
    best_ask: Option<f64>,
    usual: f64,
    seen: u32,
}

impl Levels {
    /// Begins the event of a row and returns whether it is another than that of the row before.
    pub fn begin(&mut self, event: LevelEvent) -> bool {
        if self.event == Some(event) {
            return false;
        }
        *self = Self { event: Some(event), usual: self.usual, seen: self.seen, ..Self::default() };
        true
    }

    /// Returns whether a price above 0 is far beyond those seen.
    pub fn is_jump(&self, price: f64) -> bool {
        self.seen >= LEVELS_NEEDED && price > LEVEL_MAX_RATIO * self.usual
    }

    /// Enters a level; returns whether it crosses one of the other side in the same event. Quantity 0 removes a level.
    pub fn is_crossed(&mut self, is_bid: bool, price: f64, qty: f64) -> bool {
        self.seen = (self.seen + 1).min(LEVELS_AVERAGED);
        let weight = 1.0 / f64::from(self.seen);
        let bounded = if self.seen > LEVELS_NEEDED { price.min(2.0 * self.usual) } else { price };
        self.usual += (bounded - self.usual) * weight;
        if qty <= 0.0 {
            return false;
        }
        let (own, other) = if is_bid {
            (&mut self.best_bid, self.best_ask)
        } else {
            (&mut self.best_ask, self.best_bid)
        };
        if other.is_some_and(|other| if is_bid { price >= other } else { price <= other }) {
            return true;
        }
        *own =
            Some(own.map_or(price, |best| if is_bid { best.max(price) } else { best.min(price) }));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_of_one_event_may_not_cross() {
        let mut levels = Levels::default();
        let event = LevelEvent { last: 1, ..LevelEvent::default() };
        assert!(levels.begin(event));
        assert!(!levels.begin(event));
        assert!(!levels.is_crossed(true, 10.0, 1.0));
        assert!(levels.is_crossed(false, 10.0, 1.0));
        assert!(!levels.is_crossed(false, 9.0, 0.0));
        assert!(!levels.is_crossed(false, 11.0, 1.0));
        assert!(levels.begin(LevelEvent { last: 2, ..event }));
        assert!(!levels.is_crossed(false, 9.0, 1.0));
    }

    #[test]
    fn a_level_at_a_multiple_of_all_others_is_a_jump() {
        let mut levels = Levels::default();
        for price in [0.23, 0.24, 0.002] {
            assert!(!levels.is_jump(11.23));
            levels.is_crossed(true, price, 1.0);
        }
        assert!(levels.is_jump(11.23));
        assert!(!levels.is_jump(2.3));
    }
}
