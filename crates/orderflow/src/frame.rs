//! One line of a recording, `<recv_ns> <json>`, to one event; strict, with an order of its own for every stream.

use crate::event::{Body, Event, EventBatch, Level, LevelRange};
use crate::scan::{Scale, Scanner, decimal, scaled, shown};

/// The largest distance between a frame's venue times and its receive time: a day.
const MAX_CLOCK_DISTANCE_MS: i64 = 86_400_000;
const NS_PER_MS: i64 = 1_000_000;

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

/// The fields of a frame as they are written; absent ones are empty.
#[derive(Default)]
struct Fields<'a> {
    stream: &'a [u8],
    event: &'a [u8],
    symbol: &'a [u8],
    emitted: &'a [u8],
    time: &'a [u8],
    first_id: &'a [u8],
    final_id: &'a [u8],
    prev_id: &'a [u8],
    last_id: &'a [u8],
    trade_id: &'a [u8],
    bid: &'a [u8],
    bid_qty: &'a [u8],
    ask: &'a [u8],
    ask_qty: &'a [u8],
    price: &'a [u8],
    qty: &'a [u8],
    maker: &'a [u8],
    execution: &'a [u8],
    bids: Option<LevelRange>,
    asks: Option<LevelRange>,
}

/// Reads the fields of an object, and of its `data` object.
fn read_object<'a>(
    scanner: &mut Scanner<'a>,
    fields: &mut Fields<'a>,
    scale: Option<Scale>,
    levels: &mut Vec<Level>,
    nested: bool,
) -> Result<(), String> {
    scanner.expect(b'{')?;
    if scanner.take(b'}') {
        return Ok(());
    }
    loop {
        let key = scanner.string()?;
        scanner.expect(b':')?;
        let slot = match key {
            b"u" => &mut fields.final_id,
            b"e" => &mut fields.event,
            b"s" => &mut fields.symbol,
            b"E" => &mut fields.emitted,
            b"T" => &mut fields.time,
            b"B" => &mut fields.bid_qty,
            b"A" => &mut fields.ask_qty,
            b"U" => &mut fields.first_id,
            b"pu" => &mut fields.prev_id,
            b"t" => &mut fields.trade_id,
            b"p" => &mut fields.price,
            b"q" => &mut fields.qty,
            b"m" => &mut fields.maker,
            b"X" => &mut fields.execution,
            b"stream" => &mut fields.stream,
            b"lastUpdateId" => &mut fields.last_id,
            b"b" | b"bids" | b"a" | b"asks" => {
                let of_bids = key[0] == b'b';
                scanner.skip_space();
                if scanner.peek() == b'[' {
                    let range = read_levels(scanner, scale, levels)?;
                    *(if of_bids { &mut fields.bids } else { &mut fields.asks }) = Some(range);
                } else {
                    let text = scanner.scalar()?;
                    *(if of_bids { &mut fields.bid } else { &mut fields.ask }) = text;
                }
                if scanner.take(b',') {
                    continue;
                }
                return scanner.expect(b'}');
            }
            b"data" if !nested => {
                read_object(scanner, fields, scale, levels, true)?;
                if scanner.take(b',') {
                    continue;
                }
                return scanner.expect(b'}');
            }
            _ => {
                scanner.skip_value()?;
                if scanner.take(b',') {
                    continue;
                }
                return scanner.expect(b'}');
            }
        };
        scanner.skip_space();
        if matches!(scanner.peek(), b'{' | b'[') {
            return Err(format!("field \"{}\" is not a plain value", shown(key)));
        }
        *slot = scanner.scalar()?;
        if !scanner.take(b',') {
            return scanner.expect(b'}');
        }
    }
}

fn read_levels(
    scanner: &mut Scanner<'_>,
    scale: Option<Scale>,
    levels: &mut Vec<Level>,
) -> Result<LevelRange, String> {
    let start = levels.len() as u32;
    match scale {
        Some(scale) => scanner.levels(scale, levels)?,
        None => scanner.skip_value()?,
    }
    Ok(LevelRange { start, end: levels.len() as u32 })
}

/// Reads the frame's own number before the JSON: the receive time.
fn read_recv(scanner: &mut Scanner<'_>) -> Result<i64, String> {
    let text = scanner.digits();
    let recv_ns = whole(text).filter(|value| *value > 0);
    let Some(recv_ns) = recv_ns else {
        return Err("the line does not begin with a receive time in ns".to_owned());
    };
    if scanner.peek() != b' ' {
        return Err("no space stands after the receive time".to_owned());
    }
    Ok(recv_ns)
}

fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 + 1 {
        return None;
    }
    text.iter().try_fold(0_i64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { sum.checked_mul(10)?.checked_add(i64::from(digit)) }
    })
}

/// The strict reader of lines: remembers what each stream showed last.
#[derive(Clone, Debug, Default)]
pub(crate) struct FrameReader {
    pub symbol: Option<Vec<u8>>,
    pub scale: Option<Scale>,
    pub trade_kind: Option<FrameKind>,
    recv_ns: i64,
    depth: Last,
    quote: Last,
    trade: Last,
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

/// The times of a frame.
struct Times {
    event_ms: i64,
    emitted_ms: i64,
}

impl FrameReader {
    /// Returns the decimals of a bookTicker line's prices and quantities, `None` for other lines.
    pub fn probe(line: &[u8]) -> Result<Option<Scale>, String> {
        if matches!(line.first(), None | Some(b'#' | b'\n' | b'\r')) {
            return Ok(None);
        }
        let mut scanner = Scanner::new(line);
        read_recv(&mut scanner)?;
        let mut fields = Fields::default();
        read_object(&mut scanner, &mut fields, None, &mut Vec::new(), false)?;
        if kind_of(&fields)?.0 != FrameKind::Quote {
            return Ok(None);
        }
        let of = |name: &str, text: &[u8]| match decimal(text) {
            Some(number) if number.decimals <= 12 => Ok(number.decimals),
            Some(number) => Err(format!(
                "bookTicker {name} \"{}\" has {} decimals, the most is 12",
                shown(text),
                number.decimals
            )),
            None => Err(format!("bookTicker {name} \"{}\" is not a number", shown(text))),
        };
        Ok(Some(Scale {
            price_decimals: of("price", fields.bid)?.max(of("price", fields.ask)?),
            qty_decimals: of("quantity", fields.bid_qty)?.max(of("quantity", fields.ask_qty)?),
        }))
    }

    /// Reads the line at the start of `text` and appends its event, if it is one.
    ///
    /// Returns the kind and the bytes read, without the line's end.
    pub fn read(
        &mut self,
        text: &[u8],
        scale: Scale,
        out: &mut EventBatch,
    ) -> Result<(FrameKind, usize), String> {
        if matches!(text.first(), None | Some(b'#' | b'\n' | b'\r')) {
            let len = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
            return Ok((FrameKind::Remark, len));
        }
        let mut scanner = Scanner::new(text);
        let known_ns = read_recv(&mut scanner)?;
        if known_ns < self.recv_ns {
            return Err(format!("receive time {known_ns} is below the {} before it", self.recv_ns));
        }
        self.recv_ns = known_ns;
        let mut fields = Fields::default();
        scanner.skip_space();
        read_object(&mut scanner, &mut fields, Some(scale), &mut out.levels, false)?;
        scanner.skip_space();
        if scanner.peek() != b'\n' {
            return Err("something stands after the JSON".to_owned());
        }
        let kind = self.take(&fields, known_ns, scale, out)?;
        Ok((kind, scanner.position()))
    }

    fn take(
        &mut self,
        fields: &Fields<'_>,
        known_ns: i64,
        scale: Scale,
        out: &mut EventBatch,
    ) -> Result<FrameKind, String> {
        let (kind, name) = kind_of(fields)?;
        if kind == FrameKind::Unused {
            return Ok(kind);
        }
        self.check_symbol(kind, fields)?;
        let times = times(name, fields, known_ns)?;
        let body = match kind {
            FrameKind::Depth => self.depth(fields, &times)?,
            FrameKind::Snapshot => snapshot(fields)?,
            FrameKind::Quote => self.quote(fields, &times, scale)?,
            _ => {
                if *self.trade_kind.get_or_insert(kind) != kind {
                    return Ok(FrameKind::Unused);
                }
                self.trade(name, fields, &times, scale)?
            }
        };
        out.events.push(Event {
            event_ns: times.event_ms * NS_PER_MS,
            emitted_ms: times.emitted_ms,
            known_ns,
            body,
        });
        Ok(kind)
    }

    fn check_symbol(&mut self, kind: FrameKind, fields: &Fields<'_>) -> Result<(), String> {
        let mut symbol = fields.symbol;
        let upper;
        if kind == FrameKind::Snapshot && symbol.is_empty() {
            let end = fields.stream.iter().position(|byte| *byte == b'@').unwrap_or(0);
            upper = fields.stream[..end].to_ascii_uppercase();
            symbol = &upper;
            if symbol.is_empty() {
                return Ok(());
            }
        }
        if symbol.is_empty() {
            return Err("the frame has no symbol".to_owned());
        }
        match &self.symbol {
            Some(expected) if expected != symbol => {
                Err(format!("frame is for {}, expected {}", shown(symbol), shown(expected)))
            }
            Some(_) => Ok(()),
            None => {
                self.symbol = Some(symbol.to_vec());
                Ok(())
            }
        }
    }

    fn depth(&mut self, fields: &Fields<'_>, times: &Times) -> Result<Body, String> {
        let frame = "depth";
        let first_id = id(frame, "U", fields.first_id)?;
        let final_id = id(frame, "u", fields.final_id)?;
        let prev_final_id =
            if fields.prev_id.is_empty() { -1 } else { id(frame, "pu", fields.prev_id)? };
        if first_id > final_id {
            return Err(format!("depth U {first_id} is above its u {final_id}"));
        }
        self.depth.follow(frame, "u", final_id, times.event_ms)?;
        let (Some(bids), Some(asks)) = (fields.bids, fields.asks) else {
            return Err("depth has no list of bids or asks".to_owned());
        };
        Ok(Body::Depth { first_id, final_id, prev_final_id, bids, asks })
    }

    fn quote(&mut self, fields: &Fields<'_>, times: &Times, scale: Scale) -> Result<Body, String> {
        let frame = "bookTicker";
        let update_id = id(frame, "u", fields.final_id)?;
        let level = |price: &[u8], qty: &[u8]| {
            Ok::<Level, String>(Level {
                price: positive(frame, price, scale.price_decimals)?,
                qty: quantity(frame, qty, scale.qty_decimals)?,
            })
        };
        let bid = level(fields.bid, fields.bid_qty)?;
        let ask = level(fields.ask, fields.ask_qty)?;
        if bid.price >= ask.price {
            return Err(format!(
                "bookTicker is crossed: bid {} is not below ask {}",
                shown(fields.bid),
                shown(fields.ask)
            ));
        }
        self.quote.follow(frame, "u", update_id, times.event_ms)?;
        Ok(Body::Quote { update_id, bid, ask })
    }

    fn trade(
        &mut self,
        frame: &str,
        fields: &Fields<'_>,
        times: &Times,
        scale: Scale,
    ) -> Result<Body, String> {
        // In an aggTrade "a" is the aggregate id, in a book frame the ask.
        let (name, text) =
            if frame == "aggTrade" { ("a", fields.ask) } else { ("t", fields.trade_id) };
        let trade_id = id(frame, name, text)?;
        let on_market = fields.execution.is_empty() || fields.execution == b"MARKET";
        // Insurance and delisting fills carry price 0: kept, and marked as not counting.
        let price = if on_market {
            positive(frame, fields.price, scale.price_decimals)?
        } else {
            amount(frame, "price", fields.price, scale.price_decimals)?
        };
        let qty = quantity(frame, fields.qty, scale.qty_decimals)?;
        let buyer_is_maker = match fields.maker {
            b"true" => true,
            b"false" => false,
            other => return Err(format!("{frame} m \"{}\" is not true or false", shown(other))),
        };
        self.trade.follow(frame, name, trade_id, times.event_ms)?;
        let is_market = on_market && price > 0 && qty > 0;
        Ok(Body::Trade { trade_id, price, qty, buyer_is_maker, is_market })
    }
}

fn kind_of(fields: &Fields<'_>) -> Result<(FrameKind, &'static str), String> {
    Ok(match fields.event {
        b"bookTicker" => (FrameKind::Quote, "bookTicker"),
        b"depthUpdate" => (FrameKind::Depth, "depth"),
        b"trade" => (FrameKind::Trade, "trade"),
        b"aggTrade" => (FrameKind::AggTrade, "aggTrade"),
        b"markPriceUpdate" | b"forceOrder" | b"kline" => (FrameKind::Unused, "unused"),
        b"" if !fields.last_id.is_empty() => (FrameKind::Snapshot, "snapshot"),
        b"" => return Err("the frame has neither \"e\" nor \"lastUpdateId\"".to_owned()),
        other => {
            return Err(format!(
                "event \"{}\" is not one of bookTicker, depthUpdate, trade, aggTrade",
                shown(other)
            ));
        }
    })
}

fn times(frame: &str, fields: &Fields<'_>, known_ns: i64) -> Result<Times, String> {
    let recv_ms = known_ns / NS_PER_MS;
    let read = |name: &str, text: &[u8]| {
        if text.is_empty() {
            return Err(format!("{frame} has no {name}"));
        }
        let Some(ms) = whole(text).filter(|ms| *ms > 0) else {
            return Err(format!("{frame} {name} \"{}\" is not a time above 0", shown(text)));
        };
        if (ms - recv_ms).abs() > MAX_CLOCK_DISTANCE_MS {
            return Err(format!(
                "{frame} {name} {ms} is more than {MAX_CLOCK_DISTANCE_MS} ms from the receive time {recv_ms}"
            ));
        }
        Ok(ms)
    };
    Ok(Times { event_ms: read("T", fields.time)?, emitted_ms: read("E", fields.emitted)? })
}

fn snapshot(fields: &Fields<'_>) -> Result<Body, String> {
    let last_id = id("snapshot", "lastUpdateId", fields.last_id)?;
    let (Some(bids), Some(asks)) = (fields.bids, fields.asks) else {
        return Err("snapshot has no list of bids or asks".to_owned());
    };
    Ok(Body::Snapshot { last_id, bids, asks })
}

fn id(frame: &str, name: &str, text: &[u8]) -> Result<i64, String> {
    if text.is_empty() {
        return Err(format!("{frame} has no {name}"));
    }
    whole(text).ok_or_else(|| format!("{frame} {name} \"{}\" is not a whole number", shown(text)))
}

fn amount(frame: &str, name: &str, text: &[u8], decimals: u32) -> Result<i64, String> {
    if text.is_empty() {
        return Err(format!("{frame} has no {name}"));
    }
    let value = scaled(text, decimals)
        .map_err(|what| format!("{frame} {name} \"{}\" {what}", shown(text)))?;
    if value < 0 { Err(format!("{frame} {name} {} is below 0", shown(text))) } else { Ok(value) }
}

fn positive(frame: &str, text: &[u8], decimals: u32) -> Result<i64, String> {
    match scaled(text, decimals) {
        Ok(value) if value <= 0 => Err(format!("{frame} price {} is not above 0", shown(text))),
        _ => amount(frame, "price", text, decimals),
    }
}

fn quantity(frame: &str, text: &[u8], decimals: u32) -> Result<i64, String> {
    amount(frame, "quantity", text, decimals)
}
