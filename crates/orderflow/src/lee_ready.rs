//! The taker's side where a feed does not say it: the quote rule, then the tick rule.
//!
//! Source: Lee & Ready (1991), "Inferring Trade Direction from Intraday Data", Journal of Finance 46(2), 733-746. A venue's own
//! flag is always better and always used where there is one.

use crate::state::state_of;

/// A tick direction is carried over at most so many trades of the same price,
const MAX_CARRIED: u32 = 5;
/// and at most so long.
const MAX_CARRIED_MS: i64 = 2_000;

/// Remembers the last move of the trade price.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeeReady {
    price: Option<i64>,
    /// Whether the last move was up, and when it was.
    moved: Option<(bool, i64)>,
    carried: u32,
}

state_of!(LeeReady { price, moved, carried });

impl LeeReady {
    /// Returns whether the taker bought; `None` where neither rule answers.
    ///
    /// `mid2` is bid + ask of the quotes before the trade, in the units of `price`.
    pub fn taker_buys(&mut self, event_ms: i64, price: i64, mid2: Option<i64>) -> Option<bool> {
        let by_tick = self.tick(event_ms, price);
        match mid2.map(|mid2| (2 * i128::from(price)).cmp(&i128::from(mid2))) {
            Some(std::cmp::Ordering::Greater) => Some(true),
            Some(std::cmp::Ordering::Less) => Some(false),
            Some(std::cmp::Ordering::Equal) | None => by_tick,
        }
    }

    fn tick(&mut self, event_ms: i64, price: i64) -> Option<bool> {
        let before = self.price.replace(price)?;
        if price != before {
            self.moved = Some((price > before, event_ms));
            self.carried = 0;
            return Some(price > before);
        }
        self.carried = self.carried.saturating_add(1);
        let (up, at_ms) = self.moved?;
        let fresh = self.carried <= MAX_CARRIED && event_ms.saturating_sub(at_ms) <= MAX_CARRIED_MS;
        fresh.then_some(up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_first_then_ticks_and_no_answer_when_neither_knows() {
        let mut rule = LeeReady::default();
        assert_eq!(rule.taker_buys(0, 100, None), None);
        assert_eq!(rule.taker_buys(1, 101, Some(201)), Some(true));
        assert_eq!(rule.taker_buys(2, 100, Some(201)), Some(false));
        assert_eq!(rule.taker_buys(3, 101, Some(202)), Some(true));
        for _ in 0..5 {
            assert_eq!(rule.taker_buys(4, 101, Some(202)), Some(true));
        }
        assert_eq!(rule.taker_buys(5, 101, Some(202)), None);
        assert_eq!(rule.taker_buys(6, 100, None), Some(false));
        assert_eq!(rule.taker_buys(2_006, 100, None), Some(false));
        assert_eq!(rule.taker_buys(2_007, 100, None), None);
    }
}
