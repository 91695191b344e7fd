//! MACD and RSI of closes, one bar at a time. The order of the operations is part of the rule.

/// How many bars the two averages of the close and the one of their difference look back.
const FAST: f64 = 12.0;
const SLOW: f64 = 26.0;
const SIGNAL: f64 = 9.0;

/// The state of MACD 12/26/9 after a bar.
///
/// Source: Appel (1979), "The Moving Average Convergence Divergence Method"; histogram doubled as Chinese charts do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Macd {
    fast: f64,
    slow: f64,
    dea: f64,
}

impl Macd {
    /// Returns the state after the first close.
    pub fn first(close: f64) -> Self {
        Self { fast: close, slow: close, dea: 0.0 }
    }

    /// Returns the state after the next close.
    pub fn next(self, close: f64) -> Self {
        let fast = ema(self.fast, close, FAST);
        let slow = ema(self.slow, close, SLOW);
        Self { fast, slow, dea: ema(self.dea, fast - slow, SIGNAL) }
    }

    /// Returns the histogram, quote units: twice the distance of the averages' difference from its own average.
    pub fn histogram(&self) -> f64 {
        2.0 * ((self.fast - self.slow) - self.dea)
    }
}

fn ema(before: f64, value: f64, bars: f64) -> f64 {
    (2.0 * value + (bars - 1.0) * before) / (bars + 1.0)
}

/// How many changes the first averages of RSI are plain means of, less one.
const PERIOD: u32 = 14;

/// The state of RSI(14) after a bar.
///
/// Source: Wilder (1978), "New Concepts in Technical Trading Systems"; the first averages are plain means of the
/// changes there are, and the smoothing begins with the fourteenth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rsi {
    close: f64,
    changes: u32,
    /// Sums of the rises and falls while their means are plain, then their smoothed means.
    up: f64,
    down: f64,
}

impl Rsi {
    /// Returns the state after the first close.
    pub fn first(close: f64) -> Self {
        Self { close, changes: 0, up: 0.0, down: 0.0 }
    }

    /// Returns the state after the next close.
    pub fn next(self, close: f64) -> Self {
        let change = close - self.close;
        let (rise, fall) = if change > 0.0 { (change, 0.0) } else { (0.0, 0.0 - change) };
        let changes = self.changes.saturating_add(1);
        if changes < PERIOD {
            return Self { close, changes, up: self.up + rise, down: self.down + fall };
        }
        let (up, down) = if changes == PERIOD { self.means() } else { (self.up, self.down) };
        let smooth = |mean: f64, value: f64| (mean * 13.0 + value) / 14.0;
        Self { close, changes, up: smooth(up, rise), down: smooth(down, fall) }
    }

    fn means(&self) -> (f64, f64) {
        if self.changes >= PERIOD {
            return (self.up, self.down);
        }
        let count = f64::from(self.changes);
        (self.up / count, self.down / count)
    }

    /// Returns the index, from 0 to 100; 50 after the first bar.
    pub fn value(&self) -> f64 {
        if self.changes == 0 {
            return 50.0;
        }
        let (up, down) = self.means();
        if down == 0.0 {
            return if up > 0.0 { 100.0 } else { 0.0 };
        }
        100.0 - 100.0 / (1.0 + up / down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_close_has_no_histogram_and_a_jump_has_a_positive_one() {
        let flat = Macd::first(10.0).next(10.0);
        assert_eq!(flat.histogram(), 0.0);
        // fast 10.153846…, slow 10.074074…: difference 0.079772…, its average a fifth of it.
        let jump = flat.next(11.0).histogram();
        assert!((jump - 1.6 * (2.0 / 13.0 - 2.0 / 27.0)).abs() < 1e-12, "{jump}");
    }

    #[test]
    fn rsi_is_fifty_first_then_plain_means_then_smoothed() {
        let mut rsi = Rsi::first(10.0);
        assert_eq!(rsi.value(), 50.0);
        rsi = rsi.next(12.0);
        assert_eq!(rsi.value(), 100.0);
        rsi = rsi.next(11.0);
        assert!((rsi.value() - 100.0 * 2.0 / 3.0).abs() < 1e-12);
        for _ in 3..=13 {
            rsi = rsi.next(11.0);
        }
        assert!((rsi.value() - 100.0 * 2.0 / 3.0).abs() < 1e-12);
        rsi = rsi.next(12.0);
        // Means 2/13 and 1/13, smoothed with 1 and 0.
        let (up, down) = ((2.0 / 13.0 * 13.0 + 1.0) / 14.0, (1.0 / 13.0 * 13.0) / 14.0);
        assert!((rsi.value() - 100.0 * up / (up + down)).abs() < 1e-12);
    }

    #[test]
    fn rsi_of_a_market_that_never_moved_is_zero() {
        assert_eq!(Rsi::first(10.0).next(10.0).value(), 0.0);
    }
}
