//! Unified rows of the lake back to events, so that features of rows take the path of the wire.

use crate::arrays::Amount;
use crate::closer::Units;
use crate::error::Error;
use crate::event::{Body, Event, EventBatch, Level, LevelRange};
use crate::lee_ready::LeeReady;
use crate::rows::{KIND_AGG_TRADE, KIND_BOOK, KIND_BOOK_TICKER, KIND_GAP, KIND_TRADE};
use crate::scan::Scale;
use crate::state::{Reader, State, state_of};

const NS_PER_MS: i64 = 1_000_000;
/// Levels a side in a row of kind `book`.
const TOP_LEVELS: usize = 5;

/// Rows of one symbol in order of arrival; columns of one length. Absent floats are NaN, absent ids and flags -1.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    /// Venue time, Unix ms.
    pub ts_ms: &'a [i64],
    /// What the row is.
    pub kind: &'a [u8],
    /// Trade price.
    pub price: &'a [f64],
    /// Trade quantity.
    pub qty: &'a [f64],
    /// 1 where the buyer was the maker, 0 where not, -1 where the feed does not say (Lee-Ready then).
    pub is_maker: &'a [i8],
    /// Best bid.
    pub bid: &'a [f64],
    /// Best ask.
    pub ask: &'a [f64],
    /// Quantity at the best bid.
    pub bid_qty: &'a [f64],
    /// Quantity at the best ask.
    pub ask_qty: &'a [f64],
    /// Trade id, or `u`.
    pub seq_last: &'a [i64],
    /// Of a hole, the last id before it.
    pub seq_first: &'a [i64],
    /// 0 where a trade does not count; empty where all do.
    pub is_market: &'a [i8],
    /// Local receive time, Unix ns.
    pub known_ns: &'a [i64],
}

/// The best five levels of rows of kind `book`, flat: five entries a row, NaN where there are fewer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TopView<'a> {
    /// Indexes of the rows, rising.
    pub row: &'a [i64],
    /// Bid prices.
    pub bid_price: &'a [f64],
    /// Bid quantities.
    pub bid_qty: &'a [f64],
    /// Ask prices.
    pub ask_price: &'a [f64],
    /// Ask quantities.
    pub ask_qty: &'a [f64],
}

/// What one batch of rows hands to the next.
#[derive(Clone, Debug, Default)]
pub struct RowCarry {
    /// Kind of the trades that are used: of trades and aggregate trades the first to come.
    trades: Option<u8>,
    /// Judges trades without a side by the newest bid + ask.
    rule: LeeReady,
    mid2: Option<i64>,
    /// Newest ids of trades and of books.
    trade_id: Option<i64>,
    book_id: Option<i64>,
}

state_of!(RowCarry { trades, rule, mid2, trade_id, book_id });

impl RowCarry {
    /// Returns it as bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        State::save(self, &mut out);
        out
    }

    /// Returns it as it was saved.
    ///
    /// # Errors
    /// Bytes that are cut or altered.
    pub fn restore(bytes: &[u8]) -> Result<Self, Error> {
        let mut from = Reader::new(bytes);
        let carry = State::load(&mut from)?;
        from.end()?;
        Ok(carry)
    }
}

/// Returns the events of the rows; kinds other than quotes, trades, books and holes carry no flow.
///
/// # Errors
/// Columns of different lengths, an amount off the decimals, an `is_maker` that is not -1, 0 or 1, a book row without levels.
pub fn row_events(
    rows: &RowView<'_>,
    tops: &TopView<'_>,
    scale: Scale,
    carry: &mut RowCarry,
) -> Result<EventBatch, Error> {
    let n = rows.ts_ms.len();
    let floats = [rows.price, rows.qty, rows.bid, rows.ask, rows.bid_qty, rows.ask_qty];
    let even = floats.iter().all(|column| column.len() == n)
        && (rows.is_market.is_empty() || rows.is_market.len() == n)
        && [rows.seq_first, rows.seq_last, rows.known_ns].iter().all(|column| column.len() == n)
        && (rows.kind.len(), rows.is_maker.len()) == (n, n);
    let flat = [tops.bid_price, tops.bid_qty, tops.ask_price, tops.ask_qty];
    if !even || flat.iter().any(|column| column.len() != TOP_LEVELS * tops.row.len()) {
        return Err(Error::Recording("the columns of the rows differ in length".to_owned()));
    }
    let mut reader = RowReader { rows, tops, units: Units::new(scale), next_top: 0, carry };
    let mut batch = EventBatch { events: Vec::with_capacity(n), levels: Vec::new() };
    for at in 0..n {
        let what = |what| Error::Recording(format!("row {at}: {what}"));
        let Some(body) = reader.body(at, &mut batch).map_err(what)? else { continue };
        let ts_ms = reader.ts_ms(at);
        let event_ns = ts_ms
            .checked_mul(NS_PER_MS)
            .ok_or_else(|| what(format!("ts_ms {ts_ms} is beyond all times")))?;
        let known_ns = rows.known_ns.get(at).copied().unwrap_or_default();
        batch.events.push(Event { event_ns, emitted_ms: ts_ms, known_ns, body });
    }
    Ok(batch)
}

struct RowReader<'a> {
    rows: &'a RowView<'a>,
    tops: &'a TopView<'a>,
    units: Units,
    next_top: usize,
    carry: &'a mut RowCarry,
}

impl RowReader<'_> {
    fn ts_ms(&self, at: usize) -> i64 {
        self.rows.ts_ms.get(at).copied().unwrap_or_default()
    }

    fn body(&mut self, at: usize, batch: &mut EventBatch) -> Result<Option<Body>, String> {
        let rows = self.rows;
        let id = rows.seq_last.get(at).copied().unwrap_or(-1);
        Ok(match rows.kind.get(at).copied().unwrap_or_default() {
            KIND_BOOK_TICKER => {
                let bid = self.level(rows.bid, rows.bid_qty, at, "bid")?;
                let ask = self.level(rows.ask, rows.ask_qty, at, "ask")?;
                self.carry.mid2 = Some(bid.price + ask.price);
                Some(Body::Quote { update_id: id, bid, ask })
            }
            kind @ (KIND_TRADE | KIND_AGG_TRADE) => {
                if *self.carry.trades.get_or_insert(kind) != kind {
                    return Ok(None);
                }
                let Level { price, qty } = self.level(rows.price, rows.qty, at, "trade")?;
                let flag = rows.is_maker.get(at).copied().unwrap_or(-1);
                let taker_buys = match flag {
                    0 => Some(true),
                    1 => Some(false),
                    -1 => self.carry.rule.taker_buys(self.ts_ms(at), price, self.carry.mid2),
                    other => return Err(format!("is_maker {other} is not -1, 0 or 1")),
                };
                self.carry.trade_id = Some(id);
                // A trade whose side nobody knows moves no flow.
                let is_market = price > 0
                    && qty > 0
                    && taker_buys.is_some()
                    && rows.is_market.get(at) != Some(&0);
                let buyer_is_maker = taker_buys == Some(false);
                Some(Body::Trade { trade_id: id, price, qty, buyer_is_maker, is_market })
            }
            KIND_BOOK => {
                self.carry.book_id = Some(id);
                let (bids, asks) = self.top(at, batch)?;
                Some(Body::Book { id, bids, asks })
            }
            KIND_GAP => {
                // A hole in the trades is no hole in the book: the engine sees it by the ids.
                let from = rows.seq_first.get(at).copied().filter(|id| *id >= 0);
                let of_trades =
                    from.is_some() && from == self.carry.trade_id && from != self.carry.book_id;
                (!of_trades).then_some(Body::Reset)
            }
            _ => None,
        })
    }

    fn top(
        &mut self,
        at: usize,
        batch: &mut EventBatch,
    ) -> Result<(LevelRange, LevelRange), String> {
        let tops = self.tops;
        while tops.row.get(self.next_top).is_some_and(|row| *row < at as i64) {
            self.next_top += 1;
        }
        if tops.row.get(self.next_top) != Some(&(at as i64)) {
            return Err("a book row has no levels".to_owned());
        }
        let mut side = |prices: &[f64], qtys: &[f64]| {
            let from = self.next_top * TOP_LEVELS;
            let mut levels = Vec::with_capacity(TOP_LEVELS);
            for at in from..from + TOP_LEVELS {
                if prices.get(at).is_some_and(|price| !price.is_nan()) {
                    levels.push(self.level(prices, qtys, at, "book")?);
                }
            }
            Ok::<LevelRange, String>(batch.add_levels(levels))
        };
        Ok((side(tops.bid_price, tops.bid_qty)?, side(tops.ask_price, tops.ask_qty)?))
    }

    fn level(&self, prices: &[f64], qtys: &[f64], at: usize, name: &str) -> Result<Level, String> {
        let (price, qty) = (
            prices.get(at).copied().unwrap_or(f64::NAN),
            qtys.get(at).copied().unwrap_or(f64::NAN),
        );
        match (price.units(self.units.price), qty.units(self.units.lot)) {
            (Some(price), Some(qty)) => Ok(Level { price, qty }),
            _ => Err(format!(
                "{name} {price} x {qty} is below 0, absent, or has more decimals than declared"
            )),
        }
    }
}
