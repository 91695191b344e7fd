//! Unified rows of quotes and trades for the lake, as columns.

use crate::bins::spread_bps;
use crate::event::{Body, EventBatch};
use crate::scan::{POW10, Scale};

const NS_PER_MS: i64 = 1_000_000;

/// `kind` of a trade row.
pub const KIND_TRADE: u8 = 0;
/// `kind` of a row of best quotes.
pub const KIND_BOOK_TICKER: u8 = 1;
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
            let columns = &mut self.columns;
            let seq_last = match event.body {
                Body::Quote { update_id, bid, ask } => {
                    let mid = (bid.price + ask.price) as f64 / (2.0 * self.price);
                    columns.add_kind(KIND_BOOK_TICKER, SIDE_NONE, -1, mid, f64::NAN);
                    columns.bid.push(bid.price as f64 / self.price);
                    columns.ask.push(ask.price as f64 / self.price);
                    columns.bid_qty.push(bid.qty as f64 / self.lot);
                    columns.ask_qty.push(ask.qty as f64 / self.lot);
                    columns.spread_bps.push(spread_bps(bid.price, ask.price));
                    update_id
                }
                Body::Trade { trade_id, price, qty, buyer_is_maker, is_market: true } => {
                    let side = if buyer_is_maker { SIDE_SELL } else { SIDE_BUY };
                    let (price, qty) = (price as f64 / self.price, qty as f64 / self.lot);
                    columns.add_kind(KIND_TRADE, side, i8::from(buyer_is_maker), price, qty);
                    columns.bid.push(f64::NAN);
                    columns.ask.push(f64::NAN);
                    columns.bid_qty.push(f64::NAN);
                    columns.ask_qty.push(f64::NAN);
                    columns.spread_bps.push(f64::NAN);
                    trade_id
                }
                _ => continue,
            };
            columns.ts_ms.push(event.event_ns.div_euclid(NS_PER_MS));
            columns.event_ms.push(event.emitted_ms);
            columns.known_ns.push(event.known_ns);
            columns.seq_first.push(-1);
            columns.seq_last.push(seq_last);
            columns.seq_prev.push(-1);
        }
    }
}

impl RowColumns {
    fn add_kind(&mut self, kind: u8, side: u8, is_maker: i8, price: f64, qty: f64) {
        self.kind.push(kind);
        self.side.push(side);
        self.is_maker.push(is_maker);
        self.price.push(price);
        self.qty.push(qty);
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
