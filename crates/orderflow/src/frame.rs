//! One line of a recording to its events; strict, with an order of its own for every stream.

use crate::binance::{self, Fields};
use crate::binance_content::Name;
use crate::event::{Body, Event, EventBatch};
use crate::head::{Head, read_head};
use crate::hyperliquid;
use crate::message::{Content, Numbers, Times};
use crate::offset::TrailingOffset;
use crate::scan::{Scale, Scanner, decimal, shown};
use crate::venue::Venue;

/// The largest distance between a frame's venue times and its receive time: a day.
pub(crate) const MAX_CLOCK_DISTANCE_MS: i64 = 86_400_000;
pub(crate) const NS_PER_MS: i64 = 1_000_000;

/// What a line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameKind {
    /// A diff of the book.
    Depth,
    /// A full book.
    Snapshot,
    /// Best quotes.
    Quote,
    /// A `trade` frame.
    Trade,
    /// An `aggTrade` frame.
    AggTrade,
    /// A known stream that order flow does not use, or trades of the second of two trade streams.
    Unused,
    /// A `#` line or an empty one.
    Remark,
}

/// Whose words a frame is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Binance,
    Hyperliquid,
    Okx,
}

/// Finds out from an object's own keys.
fn family(scanner: &Scanner<'_>) -> Result<Family, String> {
    let mut found = Family::Binance;
    scanner.from(scanner.position()).each_field(|scanner, key| {
        match key {
            b"channel" => found = Family::Hyperliquid,
            b"arg" => found = Family::Okx,
            _ => {}
        }
        scanner.skip_value()
    })?;
    Ok(found)
}

/// The strict reader of lines: remembers what each stream showed last.
#[derive(Clone, Debug, Default)]
pub(crate) struct FrameReader {
    pub symbol: Option<Vec<u8>>,
    pub scale: Option<Scale>,
    pub trade_kind: Option<FrameKind>,
    /// The venue asked for, or the one that the first telling frame is of.
    pub venue: Option<Venue>,
    /// Whether frames of other symbols are passed over; else they are faults.
    pub skips_others: bool,
    family: Option<Family>,
    offset: TrailingOffset,
    recv_ns: i64,
    depth: Last,
    quote: Last,
    trade: Last,
    /// Trades so far, as ids where the venue's own do not rise.
    trades: i64,
}

/// The newest id and time of a stream.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    id: i64,
    time_ms: i64,
}

impl Last {
    fn follow(&mut self, frame: &str, name: &str, id: i64, time_ms: i64) -> Result<(), String> {
        if id < self.id {
            return Err(format!("{frame} {name} {id} is below the {name} {} before it", self.id));
        }
        if time_ms < self.time_ms {
            return Err(format!("{frame} T {time_ms} is below the T {} before it", self.time_ms));
        }
        *self = Self { id, time_ms };
        Ok(())
    }
}

/// What a line says about the decimals, and whether it told the clocks' distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Probe {
    /// p and q, from the first frame that shows them.
    pub scale: Option<Scale>,
    /// Whether a stream without times needs the clocks' distance first.
    pub is_timeless: bool,
}

impl FrameReader {
    /// Reads what can be known of a line before p and q are: the decimals of best quotes, and the clocks' distance.
    pub fn probe(&mut self, line: &[u8]) -> Result<Probe, String> {
        let Head::Frame { known_ns, at, .. } = read_head(line)? else {
            return Ok(Probe::default());
        };
        let mut scanner = Scanner::new(line).from(at);
        match family(&scanner)? {
            Family::Binance => {}
            Family::Hyperliquid => {
                let skips = |coin: &[u8]| self.is_skipped(coin);
                let found = hyperliquid::decimals(&mut scanner, skips)?;
                let scale = found
                    .map(|(price_decimals, qty_decimals)| Scale { price_decimals, qty_decimals });
                return Ok(Probe { scale, is_timeless: false });
            }
            Family::Okx => return Err(NO_OKX.to_owned()),
        }
        let fields = binance::read(&mut scanner, &mut |_: &[u8], _: &[u8]| None, &mut Vec::new())?;
        if fields.is_other_stream() {
            return Ok(Probe::default());
        }
        let name = fields.name()?;
        let times = fields.times(name)?;
        if times.emitted_ms > 0 {
            self.offset.see(known_ns / NS_PER_MS, times.emitted_ms);
        }
        if name != Name::Quote || self.is_skipped(fields.named_symbol()) {
            return Ok(Probe::default());
        }
        let scale = quote_scale(&fields)?;
        Ok(Probe { scale: Some(scale), is_timeless: times == Times::default() })
    }

    /// Returns whether the distance of the clocks is known.
    pub fn has_offset(&self) -> bool {
        self.offset.offset_ms().is_some()
    }

    /// Reads the line at the start of `text` and appends its events.
    ///
    /// Returns the kind and the bytes read, without the line's end.
    pub fn read(
        &mut self,
        text: &[u8],
        scale: Scale,
        out: &mut EventBatch,
    ) -> Result<(FrameKind, usize), String> {
        let (known_ns, at, hint) = match read_head(text)? {
            Head::Remark(len) => return Ok((FrameKind::Remark, len)),
            Head::Frame { known_ns, at, symbol } => (known_ns, at, symbol),
        };
        if known_ns < self.recv_ns {
            return Err(format!("receive time {known_ns} is below the {} before it", self.recv_ns));
        }
        self.recv_ns = known_ns;
        let mut scanner = Scanner::new(text).from(at);
        scanner.skip_space();
        let family = match self.family {
            Some(family) => family,
            None => *self.family.insert(family(&scanner)?),
        };
        let numbers = Numbers { scale, strict: true };
        let kind = match family {
            Family::Binance => {
                let mut rules = |stream: &[u8], symbol: &[u8]| {
                    let end = stream.iter().position(|byte| *byte == b'@').unwrap_or(0);
                    let name = if symbol.is_empty() { stream.get(..end)? } else { symbol };
                    // Another symbol's levels may have more decimals: they are not read.
                    let name = if name.is_empty() { hint } else { name };
                    (!self.is_foreign(name)).then_some(numbers)
                };
                let mut fields = binance::read(&mut scanner, &mut rules, &mut out.levels)?;
                if fields.symbol.is_empty() {
                    fields.symbol = hint;
                }
                if self.is_skipped(fields.named_symbol()) {
                    end_of_line(&mut scanner)?;
                    return Ok((FrameKind::Unused, scanner.position()));
                }
                end_of_line(&mut scanner)?;
                self.take_binance(&fields, known_ns, numbers, out)?
            }
            Family::Hyperliquid => {
                let only = self.skips_others.then(|| self.symbol.clone()).flatten();
                let skipped = |coin: &[u8]| only.as_ref().is_some_and(|only| only != coin);
                let mut levels = std::mem::take(&mut out.levels);
                let mut kind = FrameKind::Unused;
                let result = hyperliquid::read(
                    &mut scanner,
                    &mut |coin: &[u8]| (!skipped(coin)).then_some(numbers),
                    &mut levels,
                    &mut |coin, times, content, _| {
                        kind = self.take_hyperliquid(coin, times, &content, known_ns, out)?;
                        Ok(())
                    },
                );
                out.levels = levels;
                result?;
                end_of_line(&mut scanner)?;
                kind
            }
            Family::Okx => return Err(NO_OKX.to_owned()),
        };
        Ok((kind, scanner.position()))
    }

    fn is_foreign(&self, symbol: &[u8]) -> bool {
        !symbol.is_empty()
            && self.symbol.as_ref().is_some_and(|expected| !expected.eq_ignore_ascii_case(symbol))
    }

    fn is_skipped(&self, symbol: &[u8]) -> bool {
        self.skips_others && self.is_foreign(symbol)
    }

    fn take_binance(
        &mut self,
        fields: &Fields<'_>,
        known_ns: i64,
        numbers: Numbers,
        out: &mut EventBatch,
    ) -> Result<FrameKind, String> {
        if fields.is_other_stream() {
            return Ok(FrameKind::Unused);
        }
        let name = fields.name()?;
        let kind = match name {
            Name::Depth => FrameKind::Depth,
            Name::Snapshot => FrameKind::Snapshot,
            Name::Quote => FrameKind::Quote,
            Name::Trade => FrameKind::Trade,
            Name::AggTrade => FrameKind::AggTrade,
            Name::Mark | Name::Liquidation | Name::Kline | Name::Reply => {
                return Ok(FrameKind::Unused);
            }
        };
        if let Some(venue) = fields.venue(name) {
            self.check_venue(venue)?;
        }
        self.check_symbol(name == Name::Snapshot, fields.named_symbol())?;
        let (event_ms, emitted_ms) = self.times(name, fields, known_ns)?;
        let body = match fields.content(name, numbers)? {
            Content::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                self.depth.follow("depth", "u", final_id, event_ms)?;
                Body::Depth { first_id, final_id, prev_final_id, bids, asks }
            }
            Content::Snapshot { last_id, bids, asks } => Body::Snapshot { last_id, bids, asks },
            Content::Quote { update_id, bid, ask } => {
                if bid.price >= ask.price {
                    return Err(format!(
                        "bookTicker is crossed: bid {} is not below ask {}",
                        shown(fields.bid),
                        shown(fields.ask)
                    ));
                }
                self.quote.follow("bookTicker", "u", update_id, event_ms)?;
                Body::Quote { update_id, bid, ask }
            }
            Content::Trade { is_aggregate, trade_id, price, qty, buyer_is_maker, on_market } => {
                if *self.trade_kind.get_or_insert(kind) != kind {
                    return Ok(FrameKind::Unused);
                }
                let id = if is_aggregate { "a" } else { "t" };
                self.trade.follow(name.text(), id, trade_id, event_ms)?;
                let is_market = on_market && price > 0 && qty > 0;
                Body::Trade { trade_id, price, qty, buyer_is_maker, is_market }
            }
            _ => return Ok(FrameKind::Unused),
        };
        out.events.push(Event { event_ns: event_ms * NS_PER_MS, emitted_ms, known_ns, body });
        Ok(kind)
    }

    fn take_hyperliquid(
        &mut self,
        coin: &[u8],
        times: Times,
        content: &Content<'_>,
        known_ns: i64,
        out: &mut EventBatch,
    ) -> Result<FrameKind, String> {
        let (kind, body) = match *content {
            Content::Book { id, bids, asks } => {
                self.depth.follow("l2Book", "time", id, times.happened_ms)?;
                (FrameKind::Depth, Body::Book { id, bids, asks })
            }
            Content::Quote { update_id, bid, ask } => {
                if bid.price >= ask.price {
                    return Err(format!("bbo is crossed at time {update_id}"));
                }
                self.quote.follow("bbo", "time", update_id, times.happened_ms)?;
                (FrameKind::Quote, Body::Quote { update_id, bid, ask })
            }
            Content::Trade { price, qty, buyer_is_maker, .. } => {
                // The first push after subscribing repeats older trades; the ids are hashes, so they are counted here.
                self.trades += 1;
                let (trade_id, is_market) = (self.trades, price > 0 && qty > 0);
                (FrameKind::Trade, Body::Trade { trade_id, price, qty, buyer_is_maker, is_market })
            }
            _ => return Ok(FrameKind::Unused),
        };
        self.check_venue(Venue::Hyperliquid)?;
        self.check_symbol(false, coin)?;
        let event_ms = near("frame", "time", times.happened_ms, known_ns)?;
        let emitted_ms = event_ms;
        out.events.push(Event { event_ns: event_ms * NS_PER_MS, emitted_ms, known_ns, body });
        Ok(kind)
    }

    fn check_venue(&mut self, found: Venue) -> Result<(), String> {
        let expected = *self.venue.get_or_insert(found);
        if expected == found {
            return Ok(());
        }
        Err(format!("the frame is {}'s, expected {}", found.name(), expected.name()))
    }

    fn check_symbol(&mut self, is_snapshot: bool, symbol: &[u8]) -> Result<(), String> {
        if symbol.is_empty() {
            // A bare snapshot of USD-M or spot names no symbol.
            return if is_snapshot { Ok(()) } else { Err("the frame has no symbol".to_owned()) };
        }
        match &self.symbol {
            Some(expected) if expected == symbol => Ok(()),
            Some(expected) if is_snapshot && expected.eq_ignore_ascii_case(symbol) => Ok(()),
            Some(expected) => {
                Err(format!("frame is for {}, expected {}", shown(symbol), shown(expected)))
            }
            None => {
                let upper = symbol.to_ascii_uppercase();
                self.symbol = Some(if is_snapshot { upper } else { symbol.to_vec() });
                Ok(())
            }
        }
    }

    /// Returns the event time and `E` (0 where absent), Unix ms.
    fn times(
        &mut self,
        name: Name,
        fields: &Fields<'_>,
        known_ns: i64,
    ) -> Result<(i64, i64), String> {
        let (happened, emitted) = fields.times_written();
        let read = |label: &str, text: &[u8], value: i64| {
            if value == 0 {
                return Err(if text.is_empty() {
                    format!("{} has no {label}", name.text())
                } else {
                    format!("{} {label} \"{}\" is not a time above 0", name.text(), shown(text))
                });
            }
            near(name.text(), label, value, known_ns)
        };
        let times = fields.times(name)?;
        let recv_ms = known_ns / NS_PER_MS;
        let event_ms = if fields.owes_time(name) {
            Some(read("T", happened, times.happened_ms)?)
        } else {
            None
        };
        if !fields.owes_emission(name) {
            // Neither: the receive time on the venue's clock. It may step back as the estimate is renewed, an event may not.
            let offset_ms = self.offset.offset_ms().unwrap_or(0);
            let event_ms = recv_ms - offset_ms;
            let floor_ms = if name == Name::Quote { self.quote.time_ms } else { 0 };
            return Ok((event_ms.max(floor_ms), 0));
        }
        let emitted_ms = read("E", emitted, times.emitted_ms)?;
        self.offset.see(recv_ms, emitted_ms);
        Ok((event_ms.unwrap_or(emitted_ms), emitted_ms))
    }
}

const NO_OKX: &str = "the frame is OKX's: its recordings are read by the harvester only";

fn near(frame: &str, name: &str, value_ms: i64, known_ns: i64) -> Result<i64, String> {
    let recv_ms = known_ns / NS_PER_MS;
    if (value_ms - recv_ms).abs() > MAX_CLOCK_DISTANCE_MS {
        return Err(format!(
            "{frame} {name} {value_ms} is more than {MAX_CLOCK_DISTANCE_MS} ms from the receive time {recv_ms}"
        ));
    }
    Ok(value_ms)
}

fn end_of_line(scanner: &mut Scanner<'_>) -> Result<(), String> {
    scanner.skip_space();
    if scanner.peek() == b'\n' { Ok(()) } else { Err("something stands after the JSON".to_owned()) }
}

fn quote_scale(fields: &Fields<'_>) -> Result<Scale, String> {
    let of = |name: &str, text: &[u8]| match decimal(text) {
        Some(number) if number.decimals <= 12 => Ok(number.decimals),
        Some(number) => Err(format!(
            "bookTicker {name} \"{}\" has {} decimals, the most is 12",
            shown(text),
            number.decimals
        )),
        None => Err(format!("bookTicker {name} \"{}\" is not a number", shown(text))),
    };
    Ok(Scale {
        price_decimals: of("price", fields.bid)?.max(of("price", fields.ask)?),
        qty_decimals: of("quantity", fields.bid_qty)?.max(of("quantity", fields.ask_qty)?),
    })
}
