//! What an intake hands out: unified rows of every kind, holes, faults, and the book layer.

use crate::book::Book;
use crate::event::Level;
use crate::message::{Candle, Mark};
use crate::rows::{Row, RowColumns};
use crate::sync::Gap;

/// Levels a side in a row of kind `book`.
pub const TOP_LEVELS: usize = 5;

/// Rows of all symbols in order, as columns; sparse kinds keep their own columns beside, with the row each belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntakeRows {
    /// The columns that every row has.
    pub columns: RowColumns,
    /// Index of the instrument.
    pub symbol: Vec<u16>,
    /// Low byte of the number of the socket that brought it.
    pub socket: Vec<u8>,
    /// 1 where a trade counts (`X` is `MARKET` or absent), 0 where not, -1 for other kinds.
    pub is_market: Vec<i8>,
    /// 1 where a candle is final, 0 where it still forms, -1 for other kinds and where the venue does not say.
    pub closed: Vec<i8>,
    /// Best levels of rows of kind `book`.
    pub books: TopColumns,
    /// Candles.
    pub klines: KlineColumns,
    /// Mark prices.
    pub marks: MarkColumns,
}

/// The best five levels a side, flat: five entries a row, NaN where there are fewer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopColumns {
    /// Index of the row.
    pub row: Vec<i64>,
    /// Bid prices, falling.
    pub bid_price: Vec<f64>,
    /// Their quantities.
    pub bid_qty: Vec<f64>,
    /// Ask prices, rising.
    pub ask_price: Vec<f64>,
    /// Their quantities.
    pub ask_qty: Vec<f64>,
}

/// Candles; absent numbers are NaN, an absent count is -1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KlineColumns {
    /// Index of the row.
    pub row: Vec<i64>,
    /// The venue's word, as `1m`.
    pub interval: Vec<String>,
    /// Open time, Unix ms.
    pub open_ms: Vec<i64>,
    /// First price.
    pub open: Vec<f64>,
    /// Highest price.
    pub high: Vec<f64>,
    /// Lowest price.
    pub low: Vec<f64>,
    /// Last price.
    pub close: Vec<f64>,
    /// Base volume.
    pub volume: Vec<f64>,
    /// Quote volume.
    pub amount: Vec<f64>,
    /// Trades.
    pub trades: Vec<i64>,
}

/// Mark prices; absent numbers are NaN, an absent time is 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarkColumns {
    /// Index of the row.
    pub row: Vec<i64>,
    /// Index price.
    pub index_price: Vec<f64>,
    /// Funding rate as a fraction.
    pub funding_frac: Vec<f64>,
    /// Next funding, Unix ms.
    pub next_funding_ms: Vec<i64>,
}

impl IntakeRows {
    pub(crate) fn push(&mut self, symbol: usize, row: &Row, is_market: i8) {
        self.columns.push(row);
        self.symbol.push(symbol as u16);
        self.is_market.push(is_market);
        self.closed.push(-1);
    }

    /// Adds the best levels to the newest row.
    pub(crate) fn add_top(&mut self, book: &Book, price: f64, lot: f64) {
        let top = &mut self.books;
        top.row.push(self.columns.len() as i64 - 1);
        fill(book.bids(), &mut top.bid_price, &mut top.bid_qty, price, lot);
        fill(book.asks(), &mut top.ask_price, &mut top.ask_qty, price, lot);
    }

    /// Adds a candle to the newest row.
    pub(crate) fn add_candle(&mut self, candle: &Candle<'_>) {
        let klines = &mut self.klines;
        klines.row.push(self.columns.len() as i64 - 1);
        klines.interval.push(String::from_utf8_lossy(candle.interval).into_owned());
        klines.open_ms.push(candle.open_ms);
        klines.open.push(candle.open);
        klines.high.push(candle.high);
        klines.low.push(candle.low);
        klines.close.push(candle.close);
        klines.volume.push(candle.volume);
        klines.amount.push(candle.amount);
        klines.trades.push(candle.trades);
        if let (Some(slot), Some(closed)) = (self.closed.last_mut(), candle.closed) {
            *slot = i8::from(closed);
        }
    }

    /// Adds what comes with a mark price to the newest row.
    pub(crate) fn add_mark(&mut self, mark: &Mark) {
        self.marks.row.push(self.columns.len() as i64 - 1);
        self.marks.index_price.push(mark.index_price);
        self.marks.funding_frac.push(mark.funding_frac);
        self.marks.next_funding_ms.push(mark.next_funding_ms);
    }
}

fn fill(
    levels: impl Iterator<Item = Level>,
    prices: &mut Vec<f64>,
    qtys: &mut Vec<f64>,
    price: f64,
    lot: f64,
) {
    let end = prices.len() + TOP_LEVELS;
    for level in levels.take(TOP_LEVELS) {
        prices.push(level.price as f64 / price);
        qtys.push(level.qty as f64 / lot);
    }
    prices.resize(end, f64::NAN);
    qtys.resize(end, f64::NAN);
}

/// The book layer: one row a level of every diff and snapshot, in order of arrival.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BookColumns {
    /// Index of the instrument.
    pub symbol: Vec<u16>,
    /// Venue time, Unix ms.
    pub ts_ms: Vec<i64>,
    /// Local receive time, Unix ns.
    pub known_ns: Vec<i64>,
    /// `U`, -1 where absent.
    pub seq_first: Vec<i64>,
    /// `u`, or a snapshot's `lastUpdateId`.
    pub seq_last: Vec<i64>,
    /// `pu`, -1 where absent.
    pub seq_prev: Vec<i64>,
    /// 1 for bids, 2 for asks.
    pub side: Vec<u8>,
    /// Price, quote units.
    pub price: Vec<f64>,
    /// Absolute quantity; 0 removes the level.
    pub qty: Vec<f64>,
    /// 1 where the levels are a whole book's.
    pub is_snapshot: Vec<u8>,
}

/// What the levels of one frame have in common in the book layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BookFrame {
    pub symbol: usize,
    pub ts_ms: i64,
    pub known_ns: i64,
    /// `U`, `u`, `pu`.
    pub seq: (i64, i64, i64),
    pub is_snapshot: bool,
}

impl BookColumns {
    pub(crate) fn push(
        &mut self,
        frame: &BookFrame,
        bids: &[Level],
        asks: &[Level],
        price: f64,
        lot: f64,
    ) {
        for (side, levels) in [(1, bids), (2, asks)] {
            for level in levels {
                self.symbol.push(frame.symbol as u16);
                self.ts_ms.push(frame.ts_ms);
                self.known_ns.push(frame.known_ns);
                self.seq_first.push(frame.seq.0);
                self.seq_last.push(frame.seq.1);
                self.seq_prev.push(frame.seq.2);
                self.side.push(side);
                self.price.push(level.price as f64 / price);
                self.qty.push(level.qty as f64 / lot);
                self.is_snapshot.push(u8::from(frame.is_snapshot));
            }
        }
    }
}

/// Why a stream has a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// The ids of the diffs do not follow.
    Chain,
    /// Bid met ask.
    Crossed,
    /// The connection was lost.
    Reset,
    /// The book's checksum is another.
    Checksum,
    /// A trade id skipped.
    TradeIds,
    /// An aggregate id skipped.
    AggTradeIds,
}

impl GapReason {
    /// Returns the word in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Crossed => "crossed",
            Self::Reset => "reset",
            Self::Checksum => "checksum",
            Self::TradeIds => "trade_ids",
            Self::AggTradeIds => "agg_trade_ids",
        }
    }
}

/// A hole in one of a symbol's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapRecord {
    /// Index of the instrument.
    pub symbol: usize,
    /// Where it begins and ends.
    pub gap: Gap,
    /// Why.
    pub reason: GapReason,
}

/// A frame that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Local receive time, Unix ns; 0 where the line has none.
    pub known_ns: i64,
    /// The line without its receive time, or all of it.
    pub frame: Vec<u8>,
    /// What is wrong: the value and its bound.
    pub what: String,
}

/// Everything since the last take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// Unified rows.
    pub rows: IntakeRows,
    /// Holes, in order.
    pub gaps: Vec<GapRecord>,
    /// Faults, in order.
    pub dead: Vec<DeadLetter>,
    /// The book layer, if asked for.
    pub book: BookColumns,
}
