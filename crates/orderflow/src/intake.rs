//! Everything that a venue's frames become: rows, books, holes and faults, for many symbols over several sockets.
//!
//! A frame that cannot be read is kept with its fault and stops nothing. One symbol's trouble stays that symbol's.

use std::collections::{BTreeMap, VecDeque};

use crate::binance;
use crate::binance_content::Name;
use crate::error::Error;
use crate::event::{EventBatch, Level};
use crate::head::{Head, read_head};
use crate::hyperliquid;
use crate::intake_core::{Arrival, Core};
use crate::intake_rows::{DeadLetter, Taken};
use crate::intake_symbol::Live;
use crate::lane::Waiting;
use crate::message::Numbers;
use crate::okx::{self, Written};
use crate::scan::{Scale, Scanner, shown};
use crate::symbol_table::{Instrument, SymbolTable};
use crate::sync::{BufferCaps, SyncState};
use crate::venue::Venue;

pub use crate::intake_stats::{Counts, IntakeStats, SymbolStats};
pub use crate::intake_symbol::{LastMark, LastTrade, Timed};

/// Faults kept between two takes; all are counted.
const MAX_DEAD: usize = 10_000;
/// Longest frame that is kept with its fault.
const MAX_DEAD_BYTES: usize = 1 << 20;

/// What an intake is made with.
#[derive(Clone, Debug)]
pub struct IntakeConfig {
    /// Whose frames will come.
    pub venue: Venue,
    /// The symbols, with the decimals of the exchange's rules.
    pub instruments: Vec<Instrument>,
    /// Levels kept on each side of a book; all without it.
    pub keep_levels: Option<usize>,
    /// Whether every level of every diff is handed out too.
    pub book_layer: bool,
    /// How much is kept of each unsynced book.
    pub caps: BufferCaps,
}

impl IntakeConfig {
    /// Returns the defaults: 1,000 levels, no book layer, 20,000 diffs or 30 s kept.
    pub fn new(venue: Venue, instruments: Vec<Instrument>) -> Self {
        let caps = BufferCaps::default();
        Self { venue, instruments, keep_levels: Some(1_000), book_layer: false, caps }
    }
}

/// The intake of one venue.
#[derive(Clone, Debug)]
pub struct Intake {
    venue: Venue,
    table: SymbolTable,
    core: Core,
    levels: Vec<Level>,
    written: Written,
}

/// The newest values of a symbol and its book.
#[derive(Clone, Debug)]
pub struct LiveView {
    /// Values with their times.
    pub live: Live,
    /// Where the book stands.
    pub state: SyncState,
    /// Best bids and asks as (price, quantity), while the book is synced.
    pub top: [Vec<(f64, f64)>; 2],
}

impl Intake {
    /// Returns an intake that has seen nothing.
    ///
    /// # Errors
    /// No symbol, one twice, more than 65,535, or decimals above 12.
    pub fn new(config: IntakeConfig) -> Result<Self, Error> {
        let mut config = config;
        let fail = |what: String| Err(Error::Setting(what));
        let count = config.instruments.len();
        if !(1..=65_535).contains(&count) {
            return fail(format!("{count} symbols are not 1 to 65535"));
        }
        for Instrument { symbol, scale } in &config.instruments {
            if symbol.is_empty() || scale.price_decimals > 12 || scale.qty_decimals > 12 {
                let (p, q) = (scale.price_decimals, scale.qty_decimals);
                return fail(format!(
                    "decimals {p} and {q} of symbol \"{symbol}\" are not 0 to 12"
                ));
            }
        }
        if config.venue == Venue::BinanceSpot {
            for instrument in &mut config.instruments {
                instrument.scale = spot_scale(instrument.scale);
            }
        }
        let core = Core::new(&config);
        let table = SymbolTable::new(config.instruments).map_err(Error::Setting)?;
        let (levels, written) = (Vec::new(), Written::default());
        Ok(Self { venue: config.venue, table, core, levels, written })
    }

    /// Returns the instruments in the order of their indices, with the decimals that are used for them.
    pub fn instruments(&self) -> &[Instrument] {
        self.table.instruments()
    }

    /// Takes complete lines of one socket.
    pub fn feed(&mut self, lines: &[u8], socket: u32) {
        let mut at = 0;
        while at < lines.len() {
            let rest = lines.get(at..).unwrap_or(&[]);
            let len = self.line(rest, socket);
            at += len + 1;
        }
    }

    /// Ends a socket: what waited for it is taken. The streams go on where another socket carries them.
    pub fn close(&mut self, socket: u32) {
        let mut freed = VecDeque::new();
        for lane in self.core.symbols.iter_mut().flat_map(|symbol| symbol.lanes().iter_mut()) {
            freed.append(&mut lane.close(socket));
        }
        self.core.sockets.remove(&socket);
        self.replay(freed);
    }

    /// Loses the books of all symbols or of one: their connection is gone and none carries on.
    ///
    /// # Errors
    /// A symbol that is not one of ours.
    pub fn reset(&mut self, symbol: Option<&str>) -> Result<(), Error> {
        let one = symbol.map(|name| self.index(name)).transpose()?;
        for index in 0..self.core.symbols.len() {
            if one.is_none_or(|one| one == index) {
                self.core.reset(index);
            }
        }
        Ok(())
    }

    /// Takes all since the last call.
    pub fn take(&mut self) -> Taken {
        self.core.take()
    }

    /// Returns the symbols whose book waits for a snapshot (on OKX: for a new subscription), with the receive time in ns since
    /// when, longest first.
    pub fn wanted(&self) -> Vec<(&str, i64)> {
        if self.venue == Venue::Hyperliquid {
            return Vec::new();
        }
        let pairs = self.instruments().iter().zip(&self.core.symbols);
        let mut wanted: Vec<(&str, i64)> = pairs
            .filter(|(_, state)| {
                state.unsynced_ns > 0 && state.standing().1 == SyncState::Buffering
            })
            .map(|(instrument, state)| (instrument.symbol.as_str(), state.unsynced_ns))
            .collect();
        wanted.sort_by_key(|(_, since)| *since);
        wanted
    }

    /// Returns a symbol's events since the last call; the first call begins the watch and returns none.
    ///
    /// # Errors
    /// A symbol that is not one of ours.
    pub fn events(&mut self, symbol: &str) -> Result<(EventBatch, Instrument), Error> {
        let index = self.index(symbol)?;
        let events = self.core.symbols.get_mut(index).map(|state| state.take_events());
        let instrument = self.instruments().get(index).cloned();
        events.zip(instrument).ok_or_else(|| self.unknown(symbol))
    }

    /// Returns a symbol's newest values, with the best `levels` of its book.
    ///
    /// # Errors
    /// A symbol that is not one of ours.
    pub fn live(&self, symbol: &str, levels: usize) -> Result<LiveView, Error> {
        let index = self.index(symbol)?;
        let state = self.core.symbols.get(index).ok_or_else(|| self.unknown(symbol))?;
        let (book, standing) = state.standing();
        let shown = if standing == SyncState::Synced { levels } else { 0 };
        let float = |level: Level| {
            (level.price as f64 / state.price_unit, level.qty as f64 / state.lot_unit)
        };
        let top = [
            book.bids().take(shown).map(float).collect(),
            book.asks().take(shown).map(float).collect(),
        ];
        Ok(LiveView { live: state.live, state: standing, top })
    }

    /// Returns the counters.
    pub fn stats(&self) -> IntakeStats {
        self.core.stats(self.instruments())
    }

    fn index(&self, symbol: &str) -> Result<usize, Error> {
        self.table.find(symbol.as_bytes()).ok_or_else(|| self.unknown(symbol))
    }

    fn unknown(&self, symbol: &str) -> Error {
        Error::Setting(format!(
            "symbol \"{symbol}\" is not one of the {} given",
            self.instruments().len()
        ))
    }

    /// Takes the line at the start of `text`; returns its length without its end.
    fn line(&mut self, text: &[u8], socket: u32) -> usize {
        let counts = &mut self.core.counts;
        let (known_ns, at, hint) = match read_head(text) {
            Ok(Head::Remark(len)) => {
                counts.remarks += 1;
                counts.bytes += len as u64 + 1;
                return len;
            }
            Ok(Head::Frame { known_ns, at, symbol }) => (known_ns, at, symbol),
            Err(what) => {
                let line = text.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
                self.bury(0, line, what);
                return line.len();
            }
        };
        counts.frames += 1;
        self.core.clock_ns = self.core.clock_ns.max(known_ns);
        let arrival = Arrival { known_ns, socket, text };
        let mut scanner = Scanner::new(text).from(at);
        scanner.skip_space();
        let len = match self.dispatch(&mut scanner, arrival, hint) {
            Ok(len) => len,
            Err(what) => {
                let line = text.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
                self.bury(known_ns, line.get(at..).unwrap_or(&[]), what);
                line.len()
            }
        };
        self.core.counts.bytes += len as u64 + 1;
        if self.core.waiting > 0 {
            self.hand_over();
        }
        len
    }

    /// Reads the frame and takes what it says; returns the length of the line.
    fn dispatch(
        &mut self,
        scanner: &mut Scanner<'_>,
        arrival: Arrival<'_>,
        hint: &[u8],
    ) -> Result<usize, String> {
        let Self { venue, table, core, levels, written } = self;
        let numbers_of = |name: &[u8]| {
            let instrument = table.instruments().get(table.find(name)?)?;
            Some(Numbers { scale: instrument.scale, strict: false })
        };
        match venue {
            Venue::Hyperliquid => {
                levels.clear();
                hyperliquid::read(
                    scanner,
                    &mut |coin: &[u8]| numbers_of(coin),
                    levels,
                    &mut |coin, times, content, levels| match table.find(coin) {
                        Some(index) => core.handle(index, arrival, times, &content, levels, &[]),
                        None => core.pass_over(coin),
                    },
                )?;
            }
            Venue::Okx => {
                written.clear();
                okx::read(
                    scanner,
                    &mut |symbol: &[u8]| numbers_of(symbol),
                    written,
                    &mut |symbol, times, content, written| match table.find(symbol) {
                        Some(index) => {
                            let Written { levels, spellings } = written;
                            core.handle(index, arrival, times, &content, levels, spellings)
                        }
                        None => core.pass_over(symbol),
                    },
                )?;
            }
            _ => {
                levels.clear();
                let only = (table.instruments().len() == 1).then_some(0);
                let mut rules = |stream: &[u8], symbol: &[u8]| {
                    let end = stream.iter().position(|byte| *byte == b'@').unwrap_or(0);
                    let name = if symbol.is_empty() { stream.get(..end)? } else { symbol };
                    // A bare snapshot names no symbol: the URL it came from may, or there is only one.
                    let name = if name.is_empty() { hint } else { name };
                    match only {
                        Some(only) if name.is_empty() => {
                            let scale = table.instruments().get(only)?.scale;
                            Some(Numbers { scale, strict: false })
                        }
                        _ => numbers_of(name),
                    }
                };
                let fields = binance::read(scanner, &mut rules, levels)?;
                end_of_line(scanner)?;
                let Some(name) = fields.known_name()? else {
                    core.counts.unused += 1;
                    return Ok(scanner.position());
                };
                if name == Name::Reply {
                    core.counts.unused += 1;
                    return Ok(scanner.position());
                }
                let mut symbol = fields.named_symbol();
                if symbol.is_empty() {
                    symbol = hint;
                }
                let index = if symbol.is_empty() { only } else { table.find(symbol) };
                let index = index.ok_or_else(|| {
                    let what =
                        if symbol.is_empty() { "no symbol" } else { "a symbol not asked for" };
                    format!("{} is for {what}: \"{}\"", name.text(), shown(symbol))
                })?;
                fields.check_stream()?;
                let numbers = numbers_of(
                    table.instruments().get(index).map_or(&[], |found| found.symbol.as_bytes()),
                );
                let numbers = numbers.ok_or_else(|| "the symbol has no decimals".to_owned())?;
                let content = fields.content(name, numbers)?;
                let times = fields.times(name)?;
                core.handle(index, arrival, times, &content, levels, &[])?;
                return Ok(scanner.position());
            }
        }
        end_of_line(scanner)?;
        Ok(scanner.position())
    }

    /// Lets other sockets lead the streams whose leader has fallen behind.
    fn hand_over(&mut self) {
        let now_ns = self.core.clock_ns;
        let mut freed = VecDeque::new();
        let mut waiting = 0;
        for lane in self.core.symbols.iter_mut().flat_map(|symbol| symbol.lanes().iter_mut()) {
            if lane.is_overdue(now_ns) {
                freed.append(&mut lane.hand_over());
            }
            waiting += lane.waiting();
        }
        self.core.waiting = waiting;
        self.replay(freed);
    }

    fn replay(&mut self, frames: VecDeque<Waiting>) {
        for frame in frames {
            // It was counted when it came.
            self.core.counts.frames -= 1;
            self.core.counts.bytes -= frame.line.len() as u64 + 1;
            self.line(&frame.line, frame.socket);
        }
    }

    fn bury(&mut self, known_ns: i64, frame: &[u8], what: String) {
        self.core.counts.dead += 1;
        let dead = &mut self.core.taken.dead;
        if dead.len() < MAX_DEAD {
            let frame = frame.get(..MAX_DEAD_BYTES).unwrap_or(frame);
            dead.push(DeadLetter { known_ns, frame: frame.to_vec(), what });
        }
    }
}

/// Returns the decimals that spot needs: its books hold quantities off the step (25.426189 BTC where the step has five
/// decimals), and all its strings have eight. Coins that count in billions get fewer, so that 10^12 of them still fit.
fn spot_scale(scale: Scale) -> Scale {
    let Scale { qty_decimals, .. } = scale;
    let qty_decimals = if qty_decimals >= 4 { qty_decimals.max(8) } else { qty_decimals + 3 };
    Scale { price_decimals: scale.price_decimals.max(8), qty_decimals }
}

fn end_of_line(scanner: &mut Scanner<'_>) -> Result<(), String> {
    scanner.skip_space();
    if scanner.peek() == b'\n' { Ok(()) } else { Err("something stands after the JSON".to_owned()) }
}

/// Offsets and lags by socket.
pub(crate) type Sockets = BTreeMap<u32, crate::offset::TrailingOffset>;
