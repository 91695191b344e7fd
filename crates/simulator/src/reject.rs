//! Why the simulated venue refuses: Binance USD-M's codes, with the value and the bound in the message.

use std::fmt;

/// A refusal by the venue: the order or request had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The venue's code, as Binance USD-M numbers it.
    pub code: Code,
    /// The value that was refused and the bound it missed.
    pub msg: String,
}

/// The codes this venue answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// A price or quantity outside its bounds.
    Filter = -1013,
    /// A price off the tick or a quantity off the step.
    Precision = -1111,
    /// Parameters that exclude each other.
    Combination = -1128,
    /// A cancel of an order that is not live.
    UnknownOrder = -2011,
    /// An amendment of an order that is not live.
    NoSuchOrder = -2013,
    /// An order that the account's margin does not carry.
    Margin = -2019,
    /// A stop that the watched price has already passed.
    WouldTrigger = -2021,
    /// A reduce-only order with nothing to reduce.
    ReduceOnly = -2022,
    /// A position above what the account's leverage allows.
    Leverage = -2027,
    /// A change of margin mode or leverage that the account's state forbids.
    HasPosition = -4048,
    /// A client id that is empty, too long, or of other characters than the venue takes.
    ClientId = -4015,
    /// A client id that is in use, or was used before.
    Duplicate = -4116,
    /// A notional below the minimum.
    Notional = -4164,
    /// A fill-or-kill order that the book does not fill.
    FillOrKill = -5021,
    /// A post-only order that would take.
    PostOnly = -5022,
}

impl Code {
    /// Returns the number on the wire.
    pub fn number(self) -> i32 {
        self as i32
    }
}

impl Reject {
    /// Returns a refusal.
    pub fn new(code: Code, msg: impl Into<String>) -> Self {
        Self { code, msg: msg.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.number(), self.msg)
    }
}

impl std::error::Error for Reject {}

/// Returns an integer of 10^-`places` as decimal text, for messages.
pub(crate) fn decimal(value: i128, places: u32) -> String {
    let unit = 10_i128.pow(places.min(36));
    let (whole, part) = (value.abs() / unit, value.abs() % unit);
    let sign = if value < 0 { "-" } else { "" };
    match places as usize {
        0 => format!("{sign}{whole}"),
        width => format!("{sign}{whole}.{part:0width$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_places() {
        assert_eq!(decimal(10_005, 2), "100.05");
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(7, 0), "7");
    }
}
