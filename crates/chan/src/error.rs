//! What can be wrong with a parameter or a bar. Each message names the value and what is allowed.

use std::error::Error;
use std::fmt;

use crate::bar::Bar;

/// A parameter or a bar the engine refuses. The engine is as it was before the call.
#[derive(Debug, Clone, PartialEq)]
pub enum ChanError {
    /// No preset has this name.
    UnknownPreset {
        /// The name asked for.
        name: String,
        /// The names there are.
        allowed: &'static str,
    },
    /// No parameter has this key.
    UnknownParameter {
        /// The key asked for.
        key: String,
        /// The value given with it.
        value: String,
        /// The keys there are.
        allowed: &'static str,
    },
    /// The parameter exists and does not take this value.
    BadValue {
        /// The parameter.
        key: String,
        /// The value given.
        value: String,
        /// The values it takes.
        allowed: &'static str,
    },
    /// A price, the volume or the amount is NaN or infinite.
    NotFinite {
        /// Index of the bar.
        bar: usize,
        /// The bar.
        values: Bar,
    },
    /// The high is below the low.
    HighBelowLow {
        /// Index of the bar.
        bar: usize,
        /// Its high.
        high: f64,
        /// Its low.
        low: f64,
    },
    /// Open or close lies outside low to high.
    PriceOutside {
        /// Index of the bar.
        bar: usize,
        /// `open` or `close`.
        name: &'static str,
        /// Its value.
        price: f64,
        /// The low of the bar.
        low: f64,
        /// The high of the bar.
        high: f64,
    },
    /// The bar does not open after the bar before it.
    TimeNotRising {
        /// Index of the bar.
        bar: usize,
        /// Its open time, Unix milliseconds.
        ts_ms: i64,
        /// The open time of the bar before.
        previous_ts_ms: i64,
    },
    /// The open time of the market falls.
    MarketTimeFalls {
        /// Index of the bar.
        bar: usize,
        /// Its open time by the market's clock, milliseconds.
        market_ms: i64,
        /// That of the bar before.
        previous_market_ms: i64,
    },
    /// `replace` was called before the first `push`.
    NothingToReplace,
    /// The bytes are no snapshot, or are damaged.
    BadSnapshot {
        /// The first byte that is wrong or missing.
        at: usize,
    },
}

impl fmt::Display for ChanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPreset { name, allowed } => {
                write!(f, "preset {name:?} is unknown; allowed: {allowed}")
            }
            Self::UnknownParameter { key, value, allowed } => {
                write!(f, "parameter {key:?} (value {value:?}) is unknown; allowed: {allowed}")
            }
            Self::BadValue { key, value, allowed } => {
                write!(f, "parameter {key:?} cannot be {value:?}; allowed: {allowed}")
            }
            Self::NotFinite { bar, values } => write!(
                f,
                "bar {bar}: every value must be finite, got open {} high {} low {} close {} volume {} \
                 amount {}",
                values.open, values.high, values.low, values.close, values.volume, values.amount
            ),
            Self::HighBelowLow { bar, high, low } => {
                write!(f, "bar {bar}: high {high} is below low {low}")
            }
            Self::PriceOutside { bar, name, price, low, high } => {
                write!(f, "bar {bar}: {name} {price} lies outside low {low} to high {high}")
            }
            Self::TimeNotRising { bar, ts_ms, previous_ts_ms } => write!(
                f,
                "bar {bar}: ts_ms {ts_ms} must be later than {previous_ts_ms} of the bar before"
            ),
            Self::MarketTimeFalls { bar, market_ms, previous_market_ms } => write!(
                f,
                "bar {bar}: market_ms {market_ms} must not be earlier than {previous_market_ms} of the bar \
                 before"
            ),
            Self::BadSnapshot { at } => {
                write!(f, "the snapshot is damaged at byte {at}; read the bars again instead")
            }
            Self::NothingToReplace => {
                write!(f, "bar 0: there is no last bar to replace; push it first")
            }
        }
    }
}

impl Error for ChanError {}
