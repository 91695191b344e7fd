//! The input: one bar, and what it must satisfy.

use crate::error::ChanError;

/// One bar of trading. Prices are in quote units as given and are never rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Open time, Unix milliseconds UTC.
    pub ts_ms: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Traded base quantity.
    pub volume: f64,
    /// Traded quote quantity.
    pub amount: f64,
}

impl Bar {
    /// Checks the bar as number `bar` of a series whose bar before it opened at `previous_ts_ms`.
    ///
    /// # Errors
    /// A value is not finite, open or close lies outside low to high, or the time does not rise.
    pub(crate) fn check(&self, bar: usize, previous_ts_ms: Option<i64>) -> Result<(), ChanError> {
        let values = [self.open, self.high, self.low, self.close, self.volume, self.amount];
        if !values.iter().all(|value| value.is_finite()) {
            return Err(ChanError::NotFinite { bar, values: *self });
        }
        if self.high < self.low {
            return Err(ChanError::HighBelowLow { bar, high: self.high, low: self.low });
        }
        for (name, price) in [("open", self.open), ("close", self.close)] {
            if price < self.low || price > self.high {
                let (low, high) = (self.low, self.high);
                return Err(ChanError::PriceOutside { bar, name, price, low, high });
            }
        }
        match previous_ts_ms {
            Some(previous) if self.ts_ms <= previous => {
                Err(ChanError::TimeNotRising { bar, ts_ms: self.ts_ms, previous_ts_ms: previous })
            }
            _ => Ok(()),
        }
    }
}
