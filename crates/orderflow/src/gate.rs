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
use crate::gate_columns::{BookChain, KINDS, Slices, at};
pub use crate::gate_days::DayCounts;
use crate::gate_days::{Days, SecondSpan};
use crate::gate_grid::Grid;
pub use crate::gate_grid::GridRule;
use crate::gate_jump::{Jump, PriceBand};
use crate::gate_levels::{LevelEvent, Levels};
use crate::gate_row::{Row, is_off_grid, positive};
use crate::gate_stream::Stream;
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
/// Amendments that wait to be taken; more are counted only.
const AMENDMENTS_MAX: usize = 100_000;

/// Rows by number, from 0 since the gate began, about which more was learnt later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// A second trade confirmed this row's price: it is no jump.
    Confirmed {
        /// The row.
        row: u64,
        /// The row of the second trade.
        by: u64,
    },
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
    /// Excess of the row that is judged, and of each row of the newest batch, in ms; NaN where it has none.
    row_excess_ms: f64,
    excess_ms: Vec<f64>,
}

/// The codes that condemn the row itself; `stale` condemns only its window.
pub const ROW_CODES: u32 = ((1 << CODES.len()) - 1) & !STALE;

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
            row_excess_ms: f64::NAN,
            excess_ms: Vec::new(),
        })
    }

    /// Judges rows and writes a mask for each to `masks`, which is emptied first.
    ///
    /// # Errors
    /// Columns of different lengths; then no row is judged.
    pub fn check(&mut self, columns: &GateColumns<'_>, masks: &mut Vec<u32>) -> Result<(), Error> {
        masks.clear();
        self.excess_ms.clear();
        if let Some((name, length)) = columns.uneven() {
            return Err(Error::Setting(format!(
                "columns differ in length: kind has {}, {name} {length}",
                columns.kind.len()
            )));
        }
        masks.reserve(columns.kind.len());
        self.excess_ms.reserve(columns.kind.len());
        let missing = columns.missing(self.chain);
        let slices = columns.slices();
        for (row, kind) in columns.kind.iter().enumerate() {
            self.row_excess_ms = f64::NAN;
            let mask = self.judge(&slices, row, *kind, &missing);
            self.excess_ms.push(self.row_excess_ms);
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

    /// Returns how much later than its socket's offset says each row of the newest batch came, in ms; NaN where unknown.
    pub fn excess_ms(&self) -> &[f64] {
        &self.excess_ms
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
        columns: &Slices<'_>,
        index: usize,
        kind: u8,
        missing: &[bool; KINDS],
    ) -> u32 {
        let mut row = Row {
            number: self.rows,
            kind,
            ts_ms: at(columns.ts_ms, index, i64::MIN),
            price: at(columns.price, index, f64::NAN),
            last: at(columns.seq_last, index, -1),
            ..Row::BLANK
        };
        // Only what the kind is judged by is read.
        if matches!(kind, KIND_BOOK_TICKER | KIND_BOOK) {
            row.bid = at(columns.bid, index, f64::NAN);
            row.ask = at(columns.ask, index, f64::NAN);
        } else {
            row.qty = at(columns.qty, index, f64::NAN);
            row.side = at(columns.side, index, SIDE_NONE);
        }
        if matches!(kind, KIND_BOOK | KIND_LEVEL | KIND_SNAPSHOT_LEVEL) {
            row.first = at(columns.seq_first, index, -1);
            row.prev = at(columns.seq_prev, index, -1);
        }
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
            mask = self.judge_known(columns, index, usize::from(code), &mut row);
        }
        let is_duplicate = mask & DUPLICATE != 0;
        self.days.count(row.ts_ms, is_duplicate, mask & ROW_CODES & !DUPLICATE != 0);
        if mask & ROW_CODES == 0
            && row.ts_ms > 0
            && kind != KIND_SNAPSHOT_LEVEL
            && kind != KIND_GAP
            && let Some(symbol) = self.symbols.get_mut(usize::from(code))
        {
            self.days.enter(&mut symbol.seconds, row.ts_ms);
        }
        mask
    }

    /// Judges a row of a known symbol and kind whose columns are all there.
    #[inline]
    fn judge_known(
        &mut self,
        columns: &Slices<'_>,
        index: usize,
        code: usize,
        row: &mut Row,
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
        let mut is_contrary = false;
        if matches!(row.kind, KIND_TRADE | KIND_AGG_TRADE | KIND_LIQUIDATION) {
            let is_maker = at(columns.is_maker, index, -1);
            if columns.side.is_empty() {
                row.side = match is_maker {
                    0 => SIDE_BUY,
                    1 => SIDE_SELL,
                    _ => SIDE_NONE,
                };
            }
            is_contrary = is_maker >= 0 && (is_maker == 1) != (row.side == SIDE_SELL);
        }
        let mut mask = self.chain.faults(row);
        if is_contrary {
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
            let delay = see(&mut self.sockets, socket, known_ns / NS_PER_MS, event_ms);
            self.row_excess_ms = delay.excess_ms.map_or(f64::NAN, |excess| excess as f64);
            if delay.is_bad {
                mask |= LATENCY;
            }
        }
        if let Some(grid) = &symbol.grid
            && is_off_grid(grid, row, self.has_book_step)
        {
            mask |= OFF_GRID;
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
                        symbol.levels.verdict = stream.follow(row, self.chain, &mut unjoined);
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
            KIND_BOOK => mask |= stream.follow(row, self.chain, &mut unjoined),
            KIND_TRADE | KIND_AGG_TRADE if self.has_trade_chain => {
                mask |= stream.follow(row, BookChain::Next, &mut unjoined);
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
            KIND_TRADE | KIND_AGG_TRADE
                if mask & (NULL_FIELD | BAD_VALUE) == 0
                    && symbol.band.is_far(row.price, row.ts_ms) =>
            {
                mask |= PRICE_JUMP;
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
        if let Some(first) = confirmed {
            self.amend(Amendment::Confirmed { row: first, by: row.number });
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

fn see(sockets: &mut Vec<(u8, Latency)>, socket: u8, recv_ms: i64, event_ms: i64) -> Delay {
    if let Some((_, latency)) = sockets.iter_mut().find(|(held, _)| *held == socket) {
        return latency.see(recv_ms, event_ms);
    }
    let mut latency = Latency::default();
    let delay = latency.see(recv_ms, event_ms);
    sockets.push((socket, latency));
    delay
}
