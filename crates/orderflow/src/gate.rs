//! The quality gate: every row is judged against its stream, and each fault is a bit of its mask.
//!
//! A stream is the rows of one kind of one symbol. The gate reads rows in order, keeps no row, and gives the same masks
//! however the rows are cut into batches. Two answers come later than their row, as [`Amendment`]s.

use crate::error::Error;
pub use crate::gate_columns::{
    BAD_VALUE, CHAIN_BREAK, CODES, CROSSED, DUPLICATE, GateColumns, KIND_LEVEL,
    KIND_SNAPSHOT_LEVEL, LATENCY, MISSING_FIELD, NULL_FIELD, OFF_GRID, PRICE_JUMP, STALE,
    TIME_BACK,
};
use crate::gate_columns::{BookChain, KINDS, at};
pub use crate::gate_days::DayCounts;
use crate::gate_days::{Days, SecondSpan};
use crate::gate_grid::Grid;
pub use crate::gate_grid::GridRule;
use crate::gate_jump::{Jump, PriceBand};
use crate::gate_levels::{LevelEvent, Levels};
use crate::gate_recent::RecentRows;
use crate::latency::Delay;
pub use crate::latency::Latency;
use crate::rows::{
    KIND_AGG_TRADE, KIND_BOOK, KIND_BOOK_TICKER, KIND_GAP, KIND_KLINE, KIND_LIQUIDATION, KIND_MARK,
    KIND_TRADE, SIDE_BUY, SIDE_NONE, SIDE_SELL,
};
use crate::venue::Venue;

/// Best quotes older than this are stale while the market moves on, in ms.
pub const STALE_MS: i64 = 1_500;
const NS_PER_MS: i64 = 1_000_000;
/// After so many rows in a row that fell back in time, the one before them was wrong.
const BACK_MAX: u32 = 64;
/// Amendments that wait to be taken; more are counted only.
const AMENDMENTS_MAX: usize = 100_000;

/// Rows by number, from 0 since the gate began, about which more was learnt later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// A second trade confirmed this row's price: it is no jump.
    Confirmed(u64),
    /// The row after these in the stream does not join them, so that either may be wrong.
    Unjoined {
        /// First row of the event before the break.
        first: u64,
        /// Its last row.
        last: u64,
    },
    /// The row is a trade that does not count: it was not judged.
    NotMarket(u64),
}

/// What one stream remembers.
#[derive(Clone, Debug, Default)]
struct Stream {
    recent: RecentRows,
    last_ms: Option<i64>,
    back_count: u32,
    /// Newest id of the chain, and the rows that it came with.
    chain: Option<i64>,
    chain_rows: (u64, u64),
}

#[derive(Clone, Debug, Default)]
struct Symbol {
    grid: Option<Grid>,
    streams: [Stream; KINDS],
    band: PriceBand,
    levels: Levels,
    quote_ms: Option<i64>,
    seconds: SecondSpan,
}

/// Judges rows of the instruments of one venue.
#[derive(Clone, Debug)]
pub struct QualityGate {
    chain: BookChain,
    has_trade_chain: bool,
    /// Spot books hold quantities off the step, left over from finer steps.
    has_book_step: bool,
    names: Vec<String>,
    symbols: Vec<Symbol>,
    sockets: Vec<(u8, Latency)>,
    days: Days,
    rows: u64,
    counts: [u64; CODES.len()],
    not_market: u64,
    amendments: Vec<Amendment>,
    amendments_lost: u64,
}

/// The codes that condemn the row itself; `stale` condemns only its window.
pub const ROW_CODES: u32 = ((1 << CODES.len()) - 1) & !STALE;

/// One row, with what stands for absent values.
#[derive(Clone, Copy)]
struct Row {
    number: u64,
    kind: u8,
    ts_ms: i64,
    price: f64,
    qty: f64,
    side: u8,
    first: i64,
    last: i64,
    prev: i64,
    bid: f64,
    ask: f64,
}

impl QualityGate {
    /// Returns a gate; instruments are sorted by symbol, as an intake's are, so that their codes agree.
    ///
    /// # Errors
    /// No instrument, one twice, or a rule that is no grid.
    pub fn new(venue: Venue, instruments: Vec<(String, GridRule)>) -> Result<Self, Error> {
        let mut instruments = instruments;
        instruments.sort_by(|one, other| one.0.cmp(&other.0));
        if instruments.is_empty() || instruments.len() >= usize::from(u16::MAX) {
            return Err(Error::Setting(format!(
                "{} instruments, 1 to 65534 are needed",
                instruments.len()
            )));
        }
        if let Some([twice, ..]) =
            instruments.windows(2).find(|pair| matches!(pair, [one, other] if one.0 == other.0))
        {
            return Err(Error::Setting(format!("symbol \"{}\" is there twice", twice.0)));
        }
        let mut symbols = Vec::with_capacity(instruments.len());
        for (name, rule) in &instruments {
            let grid = Grid::of(rule)
                .map_err(|what| Error::Setting(format!("symbol \"{name}\": {what}")))?;
            symbols.push(Symbol { grid, ..Symbol::default() });
        }
        Ok(Self {
            chain: match venue {
                Venue::BinanceUsdm | Venue::BinanceCoinm => BookChain::Prev,
                Venue::BinanceSpot => BookChain::Next,
                Venue::Okx => BookChain::PrevOrStart,
                Venue::Hyperliquid => BookChain::None,
            },
            has_trade_chain: venue.is_binance(),
            has_book_step: venue != Venue::BinanceSpot,
            names: instruments.into_iter().map(|(name, _)| name).collect(),
            symbols,
            sockets: Vec::new(),
            days: Days::default(),
            rows: 0,
            counts: [0; CODES.len()],
            not_market: 0,
            amendments: Vec::new(),
            amendments_lost: 0,
        })
    }

    /// Judges rows and writes a mask for each to `masks`, which is emptied first.
    ///
    /// # Errors
    /// Columns of different lengths; then no row is judged.
    pub fn check(&mut self, columns: &GateColumns<'_>, masks: &mut Vec<u32>) -> Result<(), Error> {
        masks.clear();
        if let Some((name, length)) = columns.uneven() {
            return Err(Error::Setting(format!(
                "columns differ in length: kind has {}, {name} {length}",
                columns.kind.len()
            )));
        }
        masks.reserve(columns.kind.len());
        let missing = columns.missing(self.chain);
        for (row, kind) in columns.kind.iter().enumerate() {
            let mask = self.judge(columns, row, *kind, &missing);
            let mut rest = mask;
            while rest != 0 {
                if let Some(count) = self.counts.get_mut(rest.trailing_zeros() as usize) {
                    *count += 1;
                }
                rest &= rest - 1;
            }
            masks.push(mask);
            self.rows += 1;
        }
        Ok(())
    }

    /// Takes what was learnt of earlier rows since the last call, in the order in which it was learnt.
    pub fn take_amendments(&mut self) -> Vec<Amendment> {
        std::mem::take(&mut self.amendments)
    }

    /// Returns the symbols, sorted, at their codes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns how many rows were judged, and how many trades among them do not count.
    pub fn rows(&self) -> (u64, u64) {
        (self.rows, self.not_market)
    }

    /// Returns how many rows had each code of [`CODES`], as first judged.
    pub fn counts(&self) -> [u64; CODES.len()] {
        self.counts
    }

    /// Returns how many amendments nobody took in time.
    pub fn amendments_lost(&self) -> u64 {
        self.amendments_lost
    }

    /// Returns the clock of each socket.
    pub fn sockets(&self) -> &[(u8, Latency)] {
        &self.sockets
    }

    /// Returns each UTC day's counts, by its number since the epoch.
    pub fn days(&self) -> Vec<(i64, DayCounts)> {
        self.days.all()
    }

    fn judge(
        &mut self,
        columns: &GateColumns<'_>,
        index: usize,
        kind: u8,
        missing: &[bool; KINDS],
    ) -> u32 {
        let row = Row {
            number: self.rows,
            kind,
            ts_ms: at(columns.ts_ms, index, i64::MIN),
            price: at(columns.price, index, f64::NAN),
            qty: at(columns.qty, index, f64::NAN),
            side: at(columns.side, index, SIDE_NONE),
            first: at(columns.seq_first, index, -1),
            last: at(columns.seq_last, index, -1),
            prev: at(columns.seq_prev, index, -1),
            bid: at(columns.bid, index, f64::NAN),
            ask: at(columns.ask, index, f64::NAN),
        };
        let mut mask = match missing.get(usize::from(kind)) {
            Some(true) => MISSING_FIELD,
            Some(false) => 0,
            None => BAD_VALUE,
        };
        let code = at(columns.symbol, index, 0);
        if usize::from(code) >= self.symbols.len() {
            mask |= BAD_VALUE;
        }
        if mask == 0 {
            mask = self.judge_known(columns, index, usize::from(code), row);
        }
        let is_duplicate = mask & DUPLICATE != 0;
        self.days.count(row.ts_ms, is_duplicate, mask & ROW_CODES & !DUPLICATE != 0);
        if mask & ROW_CODES == 0 && row.ts_ms > 0 && kind != KIND_SNAPSHOT_LEVEL && kind != KIND_GAP
        {
            if let Some(symbol) = self.symbols.get_mut(usize::from(code)) {
                self.days.enter(&mut symbol.seconds, row.ts_ms);
            }
        }
        mask
    }

    /// Judges a row of a known symbol and kind whose columns are all there.
    fn judge_known(
        &mut self,
        columns: &GateColumns<'_>,
        index: usize,
        code: usize,
        mut row: Row,
    ) -> u32 {
        let Some(symbol) = self.symbols.get_mut(code) else { return BAD_VALUE };
        match row.kind {
            KIND_GAP => {
                // The hole is known: what follows begins a new chain.
                for kind in [KIND_BOOK, KIND_LEVEL] {
                    if let Some(stream) = symbol.streams.get_mut(usize::from(kind)) {
                        stream.chain = None;
                    }
                }
                return 0;
            }
            KIND_TRADE | KIND_AGG_TRADE if at(columns.is_market, index, 1) == 0 => {
                if let Some(stream) = symbol.streams.get_mut(usize::from(row.kind)) {
                    stream.chain = Some(row.last).filter(|id| *id >= 0).or(stream.chain);
                    stream.chain_rows = (row.number, row.number);
                }
                self.not_market += 1;
                self.amend(Amendment::NotMarket(row.number));
                return 0;
            }
            _ => {}
        }
        let is_maker = at(columns.is_maker, index, -1);
        if columns.side.is_none() {
            row.side = match is_maker {
                0 => SIDE_BUY,
                1 => SIDE_SELL,
                _ => SIDE_NONE,
            };
        }
        let mut mask = self.chain.faults(&row);
        if matches!(row.kind, KIND_TRADE | KIND_AGG_TRADE)
            && is_maker >= 0
            && (is_maker == 1) != (row.side == SIDE_SELL)
        {
            mask |= BAD_VALUE;
        }
        if row.kind == KIND_BOOK_TICKER {
            mask |= positive(at(columns.bid_qty, index, f64::NAN));
            mask |= positive(at(columns.ask_qty, index, f64::NAN));
        }
        let event_ms = at(columns.event_ms, index, 0);
        if event_ms < 0 {
            mask |= BAD_VALUE;
        }
        let known_ns = at(columns.known_ns, index, 0);
        if event_ms > 0 && known_ns > 0 {
            let socket = at(columns.socket, index, 0);
            if see(&mut self.sockets, socket, known_ns / NS_PER_MS, event_ms).is_bad {
                mask |= LATENCY;
            }
        }
        if let Some(grid) = &symbol.grid {
            if is_off_grid(grid, &row, self.has_book_step) {
                mask |= OFF_GRID;
            }
        }
        if matches!(row.kind, KIND_BOOK_TICKER | KIND_BOOK) && mask & BAD_VALUE == 0 {
            let is_outside = row.price < row.bid || row.price > row.ask;
            if row.bid >= row.ask || is_outside {
                mask |= CROSSED;
            }
        }
        let Some(stream) = symbol.streams.get_mut(usize::from(row.kind)) else { return BAD_VALUE };
        let mut unjoined = None;
        match row.kind {
            KIND_LEVEL | KIND_SNAPSHOT_LEVEL => {
                let event = LevelEvent {
                    is_snapshot: row.kind == KIND_SNAPSHOT_LEVEL,
                    first: row.first,
                    last: row.last,
                    prev: row.prev,
                };
                // A snapshot's rows came at once; its levels may carry the update that touched each last.
                let event = if event.is_snapshot && known_ns > 0 {
                    LevelEvent { first: -1, last: known_ns, prev: -1, ..event }
                } else {
                    event
                };
                if symbol.levels.begin(event) {
                    if !event.is_snapshot && row.last >= 0 {
                        symbol.levels.verdict = stream.follow(&row, self.chain, &mut unjoined);
                    }
                } else if !event.is_snapshot {
                    stream.chain_rows.1 = row.number;
                }
                mask |= symbol.levels.verdict;
                if mask & (NULL_FIELD | BAD_VALUE) == 0 {
                    if !event.is_snapshot && symbol.levels.is_jump(row.price) {
                        mask |= PRICE_JUMP;
                    } else if symbol.levels.is_crossed(row.side == SIDE_BUY, row.price, row.qty) {
                        mask |= CROSSED;
                    }
                }
            }
            _ if row.last < 0 || row.ts_ms == i64::MIN => {}
            KIND_BOOK => mask |= stream.follow(&row, self.chain, &mut unjoined),
            KIND_TRADE | KIND_AGG_TRADE if self.has_trade_chain => {
                mask |= stream.follow(&row, BookChain::Next, &mut unjoined);
            }
            KIND_MARK | KIND_LIQUIDATION => {}
            _ => {
                if stream.recent.has_seen((row.last, row.ts_ms)) {
                    mask |= DUPLICATE;
                }
            }
        }
        if row.kind != KIND_SNAPSHOT_LEVEL && row.ts_ms != i64::MIN {
            mask |= stream.time(row.ts_ms, mask);
        }
        let mut confirmed = None;
        match row.kind {
            KIND_BOOK_TICKER if mask == 0 => {
                symbol.quote_ms = Some(row.ts_ms);
                symbol.band.quote((row.bid + row.ask) / 2.0, row.ts_ms);
            }
            KIND_TRADE | KIND_AGG_TRADE if mask == 0 => {
                match symbol.band.trade(row.number, row.price, row.ts_ms) {
                    Jump::No => {}
                    Jump::Yes => mask |= PRICE_JUMP,
                    Jump::Confirms(first) => confirmed = Some(first),
                }
            }
            // A row with another fault is judged too, but neither moves the price nor confirms one.
            KIND_TRADE | KIND_AGG_TRADE if mask & (NULL_FIELD | BAD_VALUE) == 0 => {
                if symbol.band.is_far(row.price, row.ts_ms) {
                    mask |= PRICE_JUMP;
                }
            }
            _ => {}
        }
        if matches!(
            row.kind,
            KIND_TRADE | KIND_AGG_TRADE | KIND_MARK | KIND_LIQUIDATION | KIND_KLINE
        ) && symbol
            .quote_ms
            .is_some_and(|quote_ms| row.ts_ms.saturating_sub(quote_ms) > STALE_MS)
        {
            mask |= STALE;
        }
        if let Some((first, last)) = unjoined {
            self.amend(Amendment::Unjoined { first, last });
        }
        if let Some(row) = confirmed {
            self.amend(Amendment::Confirmed(row));
        }
        mask
    }

    fn amend(&mut self, amendment: Amendment) {
        if self.amendments.len() < AMENDMENTS_MAX {
            self.amendments.push(amendment);
        } else {
            self.amendments_lost += 1;
        }
    }
}

impl BookChain {
    /// Returns the faults of a row's values alone.
    fn faults(self, row: &Row) -> u32 {
        let mut mask = match row.ts_ms {
            i64::MIN => NULL_FIELD,
            ..=0 => BAD_VALUE,
            _ => 0,
        };
        let is_level = matches!(row.kind, KIND_LEVEL | KIND_SNAPSHOT_LEVEL);
        match row.kind {
            KIND_BOOK_TICKER | KIND_BOOK => mask |= positive(row.bid) | positive(row.ask),
            _ => mask |= positive(row.price),
        }
        match row.kind {
            KIND_TRADE | KIND_AGG_TRADE | KIND_LIQUIDATION => mask |= positive(row.qty),
            KIND_LEVEL | KIND_SNAPSHOT_LEVEL | KIND_KLINE => mask |= not_negative(row.qty),
            _ => {}
        }
        if is_level || matches!(row.kind, KIND_TRADE | KIND_AGG_TRADE | KIND_LIQUIDATION) {
            mask |= match row.side {
                SIDE_NONE => NULL_FIELD,
                SIDE_BUY | SIDE_SELL => 0,
                _ => BAD_VALUE,
            };
        }
        if row.last < 0 && !matches!(row.kind, KIND_MARK | KIND_LIQUIDATION) {
            mask |= NULL_FIELD;
        }
        if matches!(row.kind, KIND_BOOK | KIND_LEVEL) {
            // A book fresh from a snapshot has neither id before it, and begins a chain.
            let is_fresh = row.kind == KIND_BOOK && row.first < 0 && row.prev < 0;
            let is_unlinked = match self {
                Self::Prev => row.prev < 0 && !is_fresh,
                Self::Next => row.first < 0 && !is_fresh,
                Self::PrevOrStart | Self::None => false,
            };
            if is_unlinked {
                mask |= NULL_FIELD;
            }
            // OKX counts anew after maintenance.
            let has_order = matches!(self, Self::Prev | Self::Next);
            if has_order && (row.first > row.last || row.prev > row.last) {
                mask |= BAD_VALUE;
            }
        }
        mask
    }
}

impl Stream {
    /// Judges the id of a new event, and gives the rows before it where it does not join them.
    fn follow(&mut self, row: &Row, chain: BookChain, unjoined: &mut Option<(u64, u64)>) -> u32 {
        if self.recent.has_seen((row.last, row.ts_ms)) {
            return DUPLICATE;
        }
        let is_trade = matches!(row.kind, KIND_TRADE | KIND_AGG_TRADE);
        let first = if is_trade { row.last } else { row.first };
        let is_fresh = row.kind == KIND_BOOK && row.first < 0 && row.prev < 0;
        let joins = is_fresh
            || self.chain.is_none_or(|before| match chain {
                BookChain::Prev => row.prev == before,
                BookChain::Next => first == before.saturating_add(1),
                BookChain::PrevOrStart => row.prev < 0 || row.prev == before,
                BookChain::None => true,
            });
        if !joins {
            *unjoined = Some(self.chain_rows);
        }
        self.chain = Some(row.last);
        self.chain_rows = (row.number, row.number);
        if joins { 0 } else { CHAIN_BREAK }
    }

    /// Judges the event time; only rows without a fault set the time that others may not fall behind.
    fn time(&mut self, ts_ms: i64, mask: u32) -> u32 {
        let is_back = self.last_ms.is_some_and(|last_ms| ts_ms < last_ms);
        if is_back && self.back_count < BACK_MAX {
            self.back_count += 1;
            return TIME_BACK;
        }
        if mask == 0 {
            self.back_count = 0;
            self.last_ms = Some(ts_ms);
        }
        0
    }
}

fn see(sockets: &mut Vec<(u8, Latency)>, socket: u8, recv_ms: i64, event_ms: i64) -> Delay {
    if let Some((_, latency)) = sockets.iter_mut().find(|(held, _)| *held == socket) {
        return latency.see(recv_ms, event_ms);
    }
    let mut latency = Latency::default();
    let delay = latency.see(recv_ms, event_ms);
    sockets.push((socket, latency));
    delay
}

fn is_off_grid(grid: &Grid, row: &Row, has_book_step: bool) -> bool {
    match row.kind {
        KIND_TRADE | KIND_AGG_TRADE => grid.is_price_off(row.price) || grid.is_qty_off(row.qty),
        // A liquidation's price is an average, and its order may be off the grid too.
        KIND_BOOK_TICKER | KIND_BOOK => grid.is_price_off(row.bid) || grid.is_price_off(row.ask),
        KIND_LEVEL | KIND_SNAPSHOT_LEVEL => {
            grid.is_price_off(row.price) || (has_book_step && grid.is_qty_off(row.qty))
        }
        _ => false,
    }
}

fn positive(value: f64) -> u32 {
    if value.is_nan() {
        NULL_FIELD
    } else if value > 0.0 && value.is_finite() {
        0
    } else {
        BAD_VALUE
    }
}

fn not_negative(value: f64) -> u32 {
    if value == 0.0 { 0 } else { positive(value) }
}
