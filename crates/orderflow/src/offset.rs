//! How far our clock stands from the venue's: the least `receive − E` of the last ten minutes.

use std::collections::VecDeque;

const WINDOW_MS: i64 = 600_000;
/// Samples of one such stretch of receive time count as one, so that the memory is bounded.
const STEP_MS: i64 = 1_000;

/// The least difference of the trailing window, kept as a queue of rising minima.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrailingOffset {
    /// (stretch of receive time, least difference), both rising.
    minima: VecDeque<(i64, i64)>,
}

impl TrailingOffset {
    /// Takes the receive time of a frame and its `E`, Unix ms.
    pub fn see(&mut self, recv_ms: i64, emitted_ms: i64) {
        let (step, difference) = (recv_ms.div_euclid(STEP_MS), recv_ms - emitted_ms);
        while let Some((newest, least)) = self.minima.back().copied() {
            if difference > least {
                if newest == step {
                    return;
                }
                break;
            }
            self.minima.pop_back();
        }
        self.minima.push_back((step, difference));
        while self.minima.front().is_some_and(|(old, _)| step - old > WINDOW_MS / STEP_MS) {
            self.minima.pop_front();
        }
    }

    /// Returns the offset in ms, once a frame with an `E` was seen.
    pub fn offset_ms(&self) -> Option<i64> {
        self.minima.front().map(|(_, least)| *least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_difference_of_ten_minutes_counts() {
        let mut offset = TrailingOffset::default();
        assert_eq!(offset.offset_ms(), None);
        for (recv_ms, delay) in [(0, 9), (500, 5), (900, 7), (1_000, 6), (300_000, 8)] {
            offset.see(recv_ms, recv_ms - delay);
        }
        assert_eq!(offset.offset_ms(), Some(5));
        offset.see(601_000, 601_000 - 9);
        assert_eq!(offset.offset_ms(), Some(6));
        offset.see(602_000, 602_000 - 1);
        assert_eq!(offset.offset_ms(), Some(1));
    }
}
