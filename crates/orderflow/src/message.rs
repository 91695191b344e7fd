//! What one frame says, in any venue's words: texts still borrowed from the line, numbers already integers.

use crate::event::{Level, LevelRange};
use crate::scan::{Scale, scaled, scaled_loose, shown};

/// The times of a message, Unix ms; 0 where the venue gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// `T`: when it happened.
    pub happened_ms: i64,
    /// `E`: when the venue sent it.
    pub emitted_ms: i64,
}

/// A candle as the venue computed it, quote units and base units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candle<'a> {
    pub interval: &'a [u8],
    pub open_ms: i64,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
    pub amount: f64,
    pub trades: i64,
    /// Whether it is final; `None` where the venue does not say.
    pub closed: Option<bool>,
}

/// A mark price with what comes along; absent numbers are NaN, an absent time is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    pub price: f64,
    pub index_price: f64,
    pub funding_frac: f64,
    pub next_funding_ms: i64,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content<'a> {
    /// A diff; `prev_final_id` is -1 where the venue sends none.
    Depth {
        first_id: i64,
        final_id: i64,
        prev_final_id: i64,
        bids: LevelRange,
        asks: LevelRange,
    },
    /// A book that diffs follow on.
    Snapshot {
        last_id: i64,
        bids: LevelRange,
        asks: LevelRange,
    },
    /// A whole book that stands alone.
    Book {
        id: i64,
        bids: LevelRange,
        asks: LevelRange,
    },
    /// One push of OKX's `books`: a snapshot or an update, chained by `prev_id`, checked by `checksum`.
    Chained {
        is_snapshot: bool,
        /// `seqId`, -1 where the recording is older than the field.
        id: i64,
        /// `prevSeqId`, -1 in a snapshot.
        prev_id: i64,
        /// CRC32 of the book after it; `None` where the venue no longer computes one.
        checksum: Option<i32>,
        bids: LevelRange,
        asks: LevelRange,
    },
    Quote {
        update_id: i64,
        bid: Level,
        ask: Level,
    },
    Trade {
        is_aggregate: bool,
        trade_id: i64,
        price: i64,
        qty: i64,
        buyer_is_maker: bool,
        /// Whether `X` is `MARKET` or absent.
        on_market: bool,
    },
    Mark(Mark),
    Liquidation {
        price: i64,
        qty: i64,
        is_buy: bool,
    },
    Kline(Candle<'a>),
    /// A known stream or a reply that carries nothing for us.
    Unused,
}

/// How numbers are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub scale: Scale,
    /// In a recording read for features every price must be above 0, and more decimals than the scale's are an error. A live
    /// feed leaves the judging to the quality gate and takes zeros beyond the scale.
    pub strict: bool,
}

impl Numbers {
    /// Returns a price in 10^-p.
    pub fn price(self, frame: &str, text: &[u8]) -> Result<i64, String> {
        let value = self.read(frame, "price", text, self.scale.price_decimals)?;
        if self.strict && value <= 0 {
            return Err(format!("{frame} price {} is not above 0", shown(text)));
        }
        Ok(value)
    }

    /// Returns a price that may be 0, in 10^-p.
    pub fn any_price(self, frame: &str, text: &[u8]) -> Result<i64, String> {
        let value = self.read(frame, "price", text, self.scale.price_decimals)?;
        self.not_below_zero(frame, "price", text, value)
    }

    /// Returns a quantity in 10^-q.
    pub fn qty(self, frame: &str, text: &[u8]) -> Result<i64, String> {
        let value = self.read(frame, "quantity", text, self.scale.qty_decimals)?;
        self.not_below_zero(frame, "quantity", text, value)
    }

    fn not_below_zero(
        self,
        frame: &str,
        name: &str,
        text: &[u8],
        value: i64,
    ) -> Result<i64, String> {
        if self.strict && value < 0 {
            return Err(format!("{frame} {name} {} is below 0", shown(text)));
        }
        Ok(value)
    }

    fn read(self, frame: &str, name: &str, text: &[u8], decimals: u32) -> Result<i64, String> {
        if text.is_empty() {
            return Err(format!("{frame} has no {name}"));
        }
        let value = if self.strict { scaled(text, decimals) } else { scaled_loose(text, decimals) };
        value.map_err(|what| format!("{frame} {name} \"{}\" {what}", shown(text)))
    }
}

/// Parses a whole number without sign, at most 19 digits.
pub(crate) fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 + 1 {
        return None;
    }
    let (mut sum, mut all_digits) = (0_u64, true);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        all_digits &= digit < 10;
        sum = sum.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    // 19 digits are below 10^19, which a u64 holds.
    i64::try_from(sum).ok().filter(|_| all_digits)
}

/// Returns a sequence id.
pub(crate) fn id(frame: &str, name: &str, text: &[u8]) -> Result<i64, String> {
    if text.is_empty() {
        return Err(format!("{frame} has no {name}"));
    }
    whole(text).ok_or_else(|| format!("{frame} {name} \"{}\" is not a whole number", shown(text)))
}

/// Returns a time in Unix ms; an absent one is 0.
pub(crate) fn time(frame: &str, name: &str, text: &[u8]) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    whole(text).ok_or_else(|| format!("{frame} {name} \"{}\" is not a time above 0", shown(text)))
}

/// Returns a decimal as a float, NaN where absent.
pub(crate) fn float(frame: &str, name: &str, text: &[u8]) -> Result<f64, String> {
    if text.is_empty() {
        return Ok(f64::NAN);
    }
    let plain = text.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let number =
        std::str::from_utf8(text).ok().filter(|_| plain).and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("{frame} {name} \"{}\" is not a number", shown(text)))
}
