//! Unified rows of quotes and trades for the lake, as columns.

use crate::bins::spread_bps;
use crate::event::{Body, EventBatch, Level};
use crate::scan::{POW10, Scale};

const NS_PER_MS: i64 = 1_000_000;

/// `kind` of a trade row.
pub const KIND_TRADE: u8 = 0;
/// `kind` of a row of best quotes.
pub const KIND_BOOK_TICKER: u8 = 1;
/// `kind` of an aggregated trade.
pub const KIND_AGG_TRADE: u8 = 2;
/// `kind` of a book after a diff: its best levels.
pub const KIND_BOOK: u8 = 3;
/// `kind` of a mark price.
pub const KIND_MARK: u8 = 4;
/// `kind` of a liquidation order.
pub const KIND_LIQUIDATION: u8 = 5;
/// `kind` of a candle.
pub const KIND_KLINE: u8 = 6;
/// `kind` of a hole in a stream.
pub const KIND_GAP: u8 = 7;
/// `side` of a row that is no trade.
pub const SIDE_NONE: u8 = 0;
/// `side`: the taker bought.
pub const SIDE_BUY: u8 = 1;
/// `side`: the taker sold.
pub const SIDE_SELL: u8 = 2;

/// Rows as columns of one length. Absent floats are NaN, absent ids and flags -1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowColumns {
    /// Venue time, Unix ms.
    pub ts_ms: Vec<i64>,
    /// [`KIND_TRADE`] or [`KIND_BOOK_TICKER`].
    pub kind: Vec<u8>,
    /// Trade price, or mid.
    pub price: Vec<f64>,
    /// Trade quantity, base units.
    pub qty: Vec<f64>,
    /// [`SIDE_NONE`], [`SIDE_BUY`] or [`SIDE_SELL`].
    pub side: Vec<u8>,
    /// 1 where the buyer was the maker, 0 where not, -1 for quotes.
    pub is_maker: Vec<i8>,
    /// Best bid.
    pub bid: Vec<f64>,
    /// Best ask.
    pub ask: Vec<f64>,
    /// Quantity at the best bid.
    pub bid_qty: Vec<f64>,
    /// Quantity at the best ask.
    pub ask_qty: Vec<f64>,
    /// 10^4 (ask − bid) / mid.
    pub spread_bps: Vec<f64>,
    /// `E`, Unix ms.
    pub event_ms: Vec<i64>,
    /// Local receive time, Unix ns.
    pub known_ns: Vec<i64>,
    /// Always -1 for these kinds.
    pub seq_first: Vec<i64>,
    /// Trade id, or `u`.
    pub seq_last: Vec<i64>,
    /// Always -1 for these kinds.
    pub seq_prev: Vec<i64>,
}

/// Collects rows until they are taken.
#[derive(Clone, Debug)]
pub struct RowCollector {
    price: f64,
    lot: f64,
    columns: RowColumns,
}

impl RowCollector {
    /// Returns an empty collector; decimals above 18 count as 18.
    pub fn new(scale: Scale) -> Self {
        let unit = |decimals: u32| POW10[decimals.min(18) as usize] as f64;
        Self {
            price: unit(scale.price_decimals),
            lot: unit(scale.qty_decimals),
            columns: RowColumns::default(),
        }
    }

    /// Returns how many rows wait.
    pub fn pending(&self) -> usize {
        self.columns.ts_ms.len()
    }

    /// Takes the rows collected so far.
    pub fn take(&mut self) -> RowColumns {
        std::mem::take(&mut self.columns)
    }

    /// Appends a row for each quote and each market trade.
    pub fn push(&mut self, batch: &EventBatch) {
        for event in &batch.events {
            let mut row = match event.body {
                Body::Quote { update_id, bid, ask } => {
                    Row { seq_last: update_id, ..Row::quote(bid, ask, self.price, self.lot) }
                }
                Body::Trade { trade_id, price, qty, buyer_is_maker, is_market: true } => Row {
                    kind: KIND_TRADE,
                    price: price as f64 / self.price,
                    qty: qty as f64 / self.lot,
                    side: if buyer_is_maker { SIDE_SELL } else { SIDE_BUY },
                    is_maker: i8::from(buyer_is_maker),
                    seq_last: trade_id,
                    ..Row::default()
                },
                _ => continue,
            };
            row.ts_ms = event.event_ns.div_euclid(NS_PER_MS);
            row.event_ms = event.emitted_ms;
            row.known_ns = event.known_ns;
            self.columns.push(&row);
        }
    }
}

/// One row before it joins its columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub ts_ms: i64,
    pub kind: u8,
    pub price: f64,
    pub qty: f64,
    pub side: u8,
    pub is_maker: i8,
    pub bid: f64,
    pub ask: f64,
    pub bid_qty: f64,
    pub ask_qty: f64,
    pub spread_bps: f64,
    pub event_ms: i64,
    pub known_ns: i64,
    pub seq_first: i64,
    pub seq_last: i64,
    pub seq_prev: i64,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            ts_ms: 0,
            kind: KIND_TRADE,
            price: f64::NAN,
            qty: f64::NAN,
            side: SIDE_NONE,
            is_maker: -1,
            bid: f64::NAN,
            ask: f64::NAN,
            bid_qty: f64::NAN,
            ask_qty: f64::NAN,
            spread_bps: f64::NAN,
            event_ms: 0,
            known_ns: 0,
            seq_first: -1,
            seq_last: -1,
            seq_prev: -1,
        }
    }
}

impl Row {
    /// Returns a row of best quotes; `price` and `lot` are the units as powers of ten.
    pub fn quote(bid: Level, ask: Level, price: f64, lot: f64) -> Self {
        Self {
            kind: KIND_BOOK_TICKER,
            price: (bid.price + ask.price) as f64 / (2.0 * price),
            bid: bid.price as f64 / price,
            ask: ask.price as f64 / price,
            bid_qty: bid.qty as f64 / lot,
            ask_qty: ask.qty as f64 / lot,
            spread_bps: spread_bps(bid.price, ask.price),
            ..Self::default()
        }
    }
}

impl RowColumns {
    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.ts_ms.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ts_ms.is_empty()
    }

    pub(crate) fn push(&mut self, row: &Row) {
        self.ts_ms.push(row.ts_ms);
        self.kind.push(row.kind);
        self.price.push(row.price);
        self.qty.push(row.qty);
        self.side.push(row.side);
        self.is_maker.push(row.is_maker);
        self.bid.push(row.bid);
        self.ask.push(row.ask);
        self.bid_qty.push(row.bid_qty);
        self.ask_qty.push(row.ask_qty);
        self.spread_bps.push(row.spread_bps);
        self.event_ms.push(row.event_ms);
        self.known_ns.push(row.known_ns);
        self.seq_first.push(row.seq_first);
        self.seq_last.push(row.seq_last);
        self.seq_prev.push(row.seq_prev);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Level};

    #[test]
    fn quotes_and_market_trades_become_rows() {
        let level = |price, qty| Level { price, qty };
        let trade = |trade_id, is_market| Body::Trade {
            trade_id,
            price: 1_005,
            qty: 30,
            buyer_is_maker: true,
            is_market,
        };
        let bodies = [
            Body::Quote { update_id: 7, bid: level(1_000, 20), ask: level(1_010, 10) },
            trade(8, false),
            trade(9, true),
        ];
        let events = bodies
            .map(|body| Event { event_ns: 5_000_000, emitted_ms: 6, known_ns: 7, body })
            .to_vec();
        let mut rows = RowCollector::new(Scale { price_decimals: 1, qty_decimals: 1 });
        rows.push(&EventBatch { events, levels: Vec::new() });
        assert_eq!(rows.pending(), 2);
        let columns = rows.take();
        assert_eq!(rows.pending(), 0);
        assert_eq!(columns.kind, [KIND_BOOK_TICKER, KIND_TRADE]);
        assert_eq!(columns.price, [100.5, 100.5]);
        assert_eq!((columns.bid[0], columns.ask_qty[0], columns.qty[1]), (100.0, 1.0, 3.0));
        assert!(columns.bid[1].is_nan() && columns.qty[0].is_nan());
        assert_eq!((columns.side, columns.is_maker), (vec![0, 2], vec![-1, 1]));
        assert_eq!((columns.seq_last, columns.ts_ms), (vec![7, 9], vec![5, 5]));
    }
}
