//! The codes of the gate, the columns that it reads, and what each kind must have.

use crate::rows::{
    KIND_AGG_TRADE, KIND_BOOK, KIND_BOOK_TICKER, KIND_GAP, KIND_KLINE, KIND_LIQUIDATION, KIND_MARK,
    KIND_TRADE,
};

/// `kind` of one level of a diff; `side` 1 is bid, 2 is ask.
pub const KIND_LEVEL: u8 = 8;
/// `kind` of one level of a snapshot.
pub const KIND_SNAPSHOT_LEVEL: u8 = 9;
/// How many kinds there are.
pub const KINDS: usize = 10;

/// A required column is not there.
pub const MISSING_FIELD: u32 = 1;
/// A required value is absent.
pub const NULL_FIELD: u32 = 1 << 1;
/// A value that cannot be: a price not above 0, no such side, an unknown symbol.
pub const BAD_VALUE: u32 = 1 << 2;
/// A price off the tick or a quantity off the step.
pub const OFF_GRID: u32 = 1 << 3;
/// Bid not below ask, or a mid outside them.
pub const CROSSED: u32 = 1 << 4;
/// Update or trade ids do not join.
pub const CHAIN_BREAK: u32 = 1 << 5;
/// Event time falls within a stream.
pub const TIME_BACK: u32 = 1 << 6;
/// The same row again.
pub const DUPLICATE: u32 = 1 << 7;
/// A price far from the prevailing one that nobody confirmed.
pub const PRICE_JUMP: u32 = 1 << 8;
/// Received too late, or by a clock that stepped.
pub const LATENCY: u32 = 1 << 9;
/// The market moves on without new best quotes.
pub const STALE: u32 = 1 << 10;

/// Names of the codes, at their bits.
pub const CODES: [&str; 11] = [
    "missing_field",
    "null_field",
    "bad_value",
    "off_grid",
    "crossed",
    "chain_break",
    "time_back",
    "duplicate",
    "price_jump",
    "latency",
    "stale",
];

/// Rows as columns of one length. `kind` and the rest are those of [`crate::rows::RowColumns`]; a column may be absent.
///
/// Absent values are NaN, negative in a sequence, 0 in `side`, `event_ms`, `known_ns`, [`i64::MIN`] in `ts_ms`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GateColumns<'a> {
    /// Code of the row's kind.
    pub kind: &'a [u8],
    /// Index of the row's instrument; without it all rows are the first one's.
    pub symbol: Option<&'a [u16]>,
    /// Socket that the row came by; without it all came by one.
    pub socket: Option<&'a [u8]>,
    /// Event time, Unix ms.
    pub ts_ms: Option<&'a [i64]>,
    /// `E`, Unix ms.
    pub event_ms: Option<&'a [i64]>,
    /// Receive time, Unix ns.
    pub known_ns: Option<&'a [i64]>,
    /// Price, or mid.
    pub price: Option<&'a [f64]>,
    /// Quantity.
    pub qty: Option<&'a [f64]>,
    /// 1 buy or bid, 2 sell or ask.
    pub side: Option<&'a [u8]>,
    /// 1 where the buyer was the maker.
    pub is_maker: Option<&'a [i8]>,
    /// 0 where a trade does not count.
    pub is_market: Option<&'a [i8]>,
    /// Best bid.
    pub bid: Option<&'a [f64]>,
    /// Best ask.
    pub ask: Option<&'a [f64]>,
    /// Quantity at the best bid.
    pub bid_qty: Option<&'a [f64]>,
    /// Quantity at the best ask.
    pub ask_qty: Option<&'a [f64]>,
    /// `U`.
    pub seq_first: Option<&'a [i64]>,
    /// `u` or the id.
    pub seq_last: Option<&'a [i64]>,
    /// `pu`.
    pub seq_prev: Option<&'a [i64]>,
}

/// How a venue's ids join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BookChain {
    /// `pu` is the `u` before.
    Prev,
    /// `U` is the `u` before and one.
    Next,
    /// `prevSeqId` is the `seqId` before, absent where a snapshot restarts it.
    PrevOrStart,
    /// Each book stands alone.
    None,
}

/// The same columns with nothing for an absent one, which is one test less a value.
pub(crate) struct Slices<'a> {
    pub symbol: &'a [u16],
    pub socket: &'a [u8],
    pub ts_ms: &'a [i64],
    pub event_ms: &'a [i64],
    pub known_ns: &'a [i64],
    pub price: &'a [f64],
    pub qty: &'a [f64],
    pub side: &'a [u8],
    pub is_maker: &'a [i8],
    pub is_market: &'a [i8],
    pub bid: &'a [f64],
    pub ask: &'a [f64],
    pub bid_qty: &'a [f64],
    pub ask_qty: &'a [f64],
    pub seq_first: &'a [i64],
    pub seq_last: &'a [i64],
    pub seq_prev: &'a [i64],
}

/// Returns the value of a column, or what stands for an absent one.
pub(crate) fn at<T: Copy>(column: &[T], row: usize, absent: T) -> T {
    column.get(row).copied().unwrap_or(absent)
}

impl<'a> GateColumns<'a> {
    pub(crate) fn slices(&self) -> Slices<'a> {
        Slices {
            symbol: self.symbol.unwrap_or_default(),
            socket: self.socket.unwrap_or_default(),
            ts_ms: self.ts_ms.unwrap_or_default(),
            event_ms: self.event_ms.unwrap_or_default(),
            known_ns: self.known_ns.unwrap_or_default(),
            price: self.price.unwrap_or_default(),
            qty: self.qty.unwrap_or_default(),
            side: self.side.unwrap_or_default(),
            is_maker: self.is_maker.unwrap_or_default(),
            is_market: self.is_market.unwrap_or_default(),
            bid: self.bid.unwrap_or_default(),
            ask: self.ask.unwrap_or_default(),
            bid_qty: self.bid_qty.unwrap_or_default(),
            ask_qty: self.ask_qty.unwrap_or_default(),
            seq_first: self.seq_first.unwrap_or_default(),
            seq_last: self.seq_last.unwrap_or_default(),
            seq_prev: self.seq_prev.unwrap_or_default(),
        }
    }
}

impl GateColumns<'_> {
    /// Returns for each kind whether a column that it needs is absent.
    pub(crate) fn missing(&self, chain: BookChain) -> [bool; KINDS] {
        let (ts, price, qty) = (self.ts_ms.is_none(), self.price.is_none(), self.qty.is_none());
        let (side, last) =
            (self.side.is_none() && self.is_maker.is_none(), self.seq_last.is_none());
        let trade = ts || price || qty || side || last;
        let quotes = ts || self.bid.is_none() || self.ask.is_none() || last;
        let link = match chain {
            BookChain::Prev | BookChain::PrevOrStart => self.seq_prev.is_none(),
            BookChain::Next => self.seq_first.is_none(),
            BookChain::None => false,
        };
        let mut missing = [false; KINDS];
        for (kind, lacks) in [
            (KIND_TRADE, trade),
            (KIND_AGG_TRADE, trade),
            (KIND_BOOK_TICKER, quotes || self.bid_qty.is_none() || self.ask_qty.is_none()),
            (KIND_BOOK, quotes || link),
            (KIND_MARK, ts || price),
            (KIND_LIQUIDATION, ts || price || qty || side),
            (KIND_KLINE, ts || price || qty || last),
            (KIND_GAP, false),
            (KIND_LEVEL, ts || price || qty || self.side.is_none() || last || link),
            (KIND_SNAPSHOT_LEVEL, ts || price || qty || self.side.is_none() || last),
        ] {
            if let Some(slot) = missing.get_mut(usize::from(kind)) {
                *slot = lacks;
            }
        }
        missing
    }

    /// Returns the name of the first column whose length is not that of `kind`.
    pub(crate) fn uneven(&self) -> Option<(&'static str, usize)> {
        let lengths = [
            ("symbol", self.symbol.map(<[u16]>::len)),
            ("socket", self.socket.map(<[u8]>::len)),
            ("ts_ms", self.ts_ms.map(<[i64]>::len)),
            ("event_ms", self.event_ms.map(<[i64]>::len)),
            ("known_ns", self.known_ns.map(<[i64]>::len)),
            ("price", self.price.map(<[f64]>::len)),
            ("qty", self.qty.map(<[f64]>::len)),
            ("side", self.side.map(<[u8]>::len)),
            ("is_maker", self.is_maker.map(<[i8]>::len)),
            ("is_market", self.is_market.map(<[i8]>::len)),
            ("bid", self.bid.map(<[f64]>::len)),
            ("ask", self.ask.map(<[f64]>::len)),
            ("bid_qty", self.bid_qty.map(<[f64]>::len)),
            ("ask_qty", self.ask_qty.map(<[f64]>::len)),
            ("seq_first", self.seq_first.map(<[i64]>::len)),
            ("seq_last", self.seq_last.map(<[i64]>::len)),
            ("seq_prev", self.seq_prev.map(<[i64]>::len)),
        ];
        lengths.into_iter().find_map(|(name, length)| {
            length.filter(|length| *length != self.kind.len()).map(|length| (name, length))
        })
    }
}
