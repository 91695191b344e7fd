//! Binance's frames: USD-M, COIN-M and spot, combined or raw, and REST depth snapshots, wrapped or bare.
//!
//! The three markets share their words. Spot's diffs have no `pu` and no `T`, its bookTicker neither `e`, `E` nor `T`, its REST
//! snapshot no times; COIN-M names the pair in `ps` and counts contracts. Unknown fields are skipped: more arrive every year.

use crate::event::{Level, LevelRange};
use crate::message::{Candle, Content, Mark, Numbers, Times, float, id, time, whole};
use crate::scan::{Scanner, shown};
use crate::venue::Venue;

/// The fields of a frame as they are written; absent ones are empty.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub stream: &'a [u8],
    pub event: &'a [u8],
    pub symbol: &'a [u8],
    emitted: &'a [u8],
    time: &'a [u8],
    first_id: &'a [u8],
    final_id: &'a [u8],
    prev_id: &'a [u8],
    last_id: &'a [u8],
    trade_id: &'a [u8],
    pub bid: &'a [u8],
    pub bid_qty: &'a [u8],
    pub ask: &'a [u8],
    pub ask_qty: &'a [u8],
    price: &'a [u8],
    qty: &'a [u8],
    maker: &'a [u8],
    execution: &'a [u8],
    side: &'a [u8],
    index_price: &'a [u8],
    rate: &'a [u8],
    market: &'a [u8],
    pair: &'a [u8],
    bids: Side,
    asks: Side,
    candle: CandleFields<'a>,
    /// A reply to a request: it has no event and is no fault.
    is_reply: bool,
}

/// A list of levels: parsed, or only found because the symbol, and so the scale, stands after it.
#[derive(Clone, Copy, Default)]
enum Side {
    #[default]
    Absent,
    Read(LevelRange),
    At(usize),
}

#[derive(Default)]
struct CandleFields<'a> {
    start: &'a [u8],
    interval: &'a [u8],
    open: &'a [u8],
    high: &'a [u8],
    low: &'a [u8],
    close: &'a [u8],
    volume: &'a [u8],
    amount: &'a [u8],
    trades: &'a [u8],
    closed: &'a [u8],
}

/// Gives the numbers' rules for a stream name and a symbol, one of them possibly empty; `None` while unknown.
pub(crate) trait Rules {
    /// Returns the rules, if the symbol is one of ours.
    fn numbers(&mut self, stream: &[u8], symbol: &[u8]) -> Option<Numbers>;
}

impl<F: FnMut(&[u8], &[u8]) -> Option<Numbers>> Rules for F {
    fn numbers(&mut self, stream: &[u8], symbol: &[u8]) -> Option<Numbers> {
        self(stream, symbol)
    }
}

/// Reads a frame's object; levels are appended where the rules are known by then.
pub(crate) fn read<'a>(
    scanner: &mut Scanner<'a>,
    rules: &mut impl Rules,
    levels: &mut Vec<Level>,
) -> Result<Fields<'a>, String> {
    let mut fields = Fields::default();
    read_object(scanner, &mut fields, rules, levels, 0)?;
    if matches!(fields.bids, Side::At(_)) || matches!(fields.asks, Side::At(_)) {
        read_deferred(scanner, &mut fields, rules, levels)?;
    }
    Ok(fields)
}

fn read_object<'a>(
    scanner: &mut Scanner<'a>,
    fields: &mut Fields<'a>,
    rules: &mut impl Rules,
    levels: &mut Vec<Level>,
    depth: u8,
) -> Result<(), String> {
    scanner.expect(b'{')?;
    if scanner.take(b'}') {
        return Ok(());
    }
    loop {
        let key = scanner.string()?;
        scanner.expect(b':')?;
        match slot(key, fields) {
            Slot::Text(slot) => {
                if matches!(scanner.peek_value(), b'{' | b'[') {
                    return Err(format!("field \"{}\" is not a plain value", shown(key)));
                }
                *slot = scanner.scalar()?;
            }
            Slot::Bids | Slot::Asks => {
                let of_bids = key.first() == Some(&b'b');
                if scanner.peek_value() == b'[' {
                    let side = read_side(scanner, fields, rules, levels)?;
                    *(if of_bids { &mut fields.bids } else { &mut fields.asks }) = side;
                } else {
                    let text = scanner.scalar()?;
                    *(if of_bids { &mut fields.bid } else { &mut fields.ask }) = text;
                }
            }
            Slot::Object if scanner.peek_value() == b'{' => match key {
                b"k" => read_candle(scanner, &mut fields.candle)?,
                // A combined frame holds `data`, and that may hold an order `o`: nothing useful lies deeper.
                _ if depth < 2 => read_object(scanner, fields, rules, levels, depth + 1)?,
                _ => scanner.skip_value()?,
            },
            Slot::Object | Slot::Unknown => scanner.skip_value()?,
            Slot::Reply => {
                fields.is_reply = true;
                scanner.skip_value()?;
            }
        }
        if !scanner.take(b',') {
            return scanner.expect(b'}');
        }
    }
}

enum Slot<'f, 'a> {
    Text(&'f mut &'a [u8]),
    Bids,
    Asks,
    Object,
    Reply,
    Unknown,
}

fn slot<'f, 'a>(key: &[u8], fields: &'f mut Fields<'a>) -> Slot<'f, 'a> {
    if let [letter] = key {
        return Slot::Text(match letter {
            b'b' => return Slot::Bids,
            b'a' => return Slot::Asks,
            b'k' | b'o' => return Slot::Object,
            b'u' => &mut fields.final_id,
            b'e' => &mut fields.event,
            b's' => &mut fields.symbol,
            b'E' => &mut fields.emitted,
            b'T' => &mut fields.time,
            b'B' => &mut fields.bid_qty,
            b'A' => &mut fields.ask_qty,
            b'U' => &mut fields.first_id,
            b't' => &mut fields.trade_id,
            b'p' => &mut fields.price,
            b'q' => &mut fields.qty,
            b'm' => &mut fields.maker,
            b'X' => &mut fields.execution,
            b'S' => &mut fields.side,
            b'i' => &mut fields.index_price,
            b'r' => &mut fields.rate,
            _ => return Slot::Unknown,
        });
    }
    match key {
        b"stream" => Slot::Text(&mut fields.stream),
        b"data" => Slot::Object,
        b"pu" => Slot::Text(&mut fields.prev_id),
        b"st" => Slot::Text(&mut fields.market),
        b"ps" => Slot::Text(&mut fields.pair),
        b"lastUpdateId" => Slot::Text(&mut fields.last_id),
        b"symbol" => Slot::Text(&mut fields.symbol),
        b"bids" => Slot::Bids,
        b"asks" => Slot::Asks,
        b"result" | b"error" | b"id" => Slot::Reply,
        _ => Slot::Unknown,
    }
}

fn read_side<'a>(
    scanner: &mut Scanner<'a>,
    fields: &Fields<'a>,
    rules: &mut impl Rules,
    levels: &mut Vec<Level>,
) -> Result<Side, String> {
    let at = scanner.position();
    match rules.numbers(fields.stream, fields.symbol) {
        Some(numbers) => read_levels(scanner, numbers, levels).map(Side::Read),
        None => scanner.skip_value().map(|()| Side::At(at)),
    }
}

fn read_levels(
    scanner: &mut Scanner<'_>,
    numbers: Numbers,
    levels: &mut Vec<Level>,
) -> Result<LevelRange, String> {
    let start = levels.len() as u32;
    scanner.levels(numbers, levels)?;
    Ok(LevelRange { start, end: levels.len() as u32 })
}

/// Reads the levels that stood before the symbol.
fn read_deferred<'a>(
    scanner: &Scanner<'a>,
    fields: &mut Fields<'a>,
    rules: &mut impl Rules,
    levels: &mut Vec<Level>,
) -> Result<(), String> {
    let Some(numbers) = rules.numbers(fields.stream, fields.symbol) else { return Ok(()) };
    for side in [&mut fields.bids, &mut fields.asks] {
        if let Side::At(at) = *side {
            *side = Side::Read(read_levels(&mut scanner.from(at), numbers, levels)?);
        }
    }
    Ok(())
}

fn read_candle<'a>(scanner: &mut Scanner<'a>, candle: &mut CandleFields<'a>) -> Result<(), String> {
    scanner.each_field(|scanner, key| {
        let slot = match key {
            b"t" => &mut candle.start,
            b"i" => &mut candle.interval,
            b"o" => &mut candle.open,
            b"h" => &mut candle.high,
            b"l" => &mut candle.low,
            b"c" => &mut candle.close,
            b"v" => &mut candle.volume,
            b"q" => &mut candle.amount,
            b"n" => &mut candle.trades,
            b"x" => &mut candle.closed,
            _ => return scanner.skip_value(),
        };
        *slot = scanner.scalar()?;
        Ok(())
    })
}

/// A frame's kind by its event name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Depth,
    Snapshot,
    Quote,
    Trade,
    AggTrade,
    Mark,
    Liquidation,
    Kline,
    Reply,
}

impl Name {
    /// Returns the name in messages.
    pub fn text(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Snapshot => "snapshot",
            Self::Quote => "bookTicker",
            Self::Trade => "trade",
            Self::AggTrade => "aggTrade",
            Self::Mark => "markPrice",
            Self::Liquidation => "forceOrder",
            Self::Kline => "kline",
            Self::Reply => "reply",
        }
    }
}

impl<'a> Fields<'a> {
    /// Returns the kind, or what is wrong with the frame.
    pub fn name(&self) -> Result<Name, String> {
        Ok(match self.event {
            b"bookTicker" => Name::Quote,
            b"depthUpdate" => Name::Depth,
            b"trade" => Name::Trade,
            b"aggTrade" => Name::AggTrade,
            b"markPriceUpdate" => Name::Mark,
            b"forceOrder" => Name::Liquidation,
            b"kline" => Name::Kline,
            b"" if !self.last_id.is_empty() => Name::Snapshot,
            // Spot's bookTicker says what it is only by its fields.
            b"" if !self.final_id.is_empty()
                && !self.bid_qty.is_empty()
                && !self.ask_qty.is_empty() =>
            {
                Name::Quote
            }
            b"" if self.is_reply => Name::Reply,
            b"" => return Err("the frame has neither \"e\" nor \"lastUpdateId\"".to_owned()),
            other => {
                return Err(format!(
                    "event \"{}\" is not one of bookTicker, depthUpdate, trade, aggTrade",
                    shown(other)
                ));
            }
        })
    }

    /// Returns the kind, `None` for an event that nobody here uses.
    pub fn known_name(&self) -> Result<Option<Name>, String> {
        match self.name() {
            Err(_) if !self.event.is_empty() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Requires that a combined frame's stream is its symbol's.
    pub fn check_stream(&self) -> Result<(), String> {
        let Some(end) = self.stream.iter().position(|byte| *byte == b'@') else { return Ok(()) };
        let named = self.stream.get(..end).unwrap_or(&[]);
        if self.symbol.is_empty() || named.eq_ignore_ascii_case(self.symbol) {
            return Ok(());
        }
        Err(format!("frame is for {} on the stream of {}", shown(self.symbol), shown(named)))
    }

    /// Returns the market that the frame can only be of, as far as one frame shows it.
    pub fn venue(&self, name: Name) -> Option<Venue> {
        match self.market {
            b"1" => return Some(Venue::BinanceUsdm),
            b"2" => return Some(Venue::BinanceCoinm),
            _ => {}
        }
        if !self.pair.is_empty() {
            return Some(Venue::BinanceCoinm);
        }
        match name {
            Name::Depth if self.prev_id.is_empty() => Some(Venue::BinanceSpot),
            Name::Quote if self.event.is_empty() => Some(Venue::BinanceSpot),
            Name::Depth | Name::Quote => Some(Venue::BinanceUsdm),
            _ => None,
        }
    }

    /// Returns the symbol as written, or the stream's part before `@`.
    pub fn named_symbol(&self) -> &'a [u8] {
        if !self.symbol.is_empty() {
            return self.symbol;
        }
        let end = self.stream.iter().position(|byte| *byte == b'@').unwrap_or(0);
        self.stream.get(..end).unwrap_or(&[])
    }

    /// Returns the frame's times; a mark price's `T` is the next funding, so it has none of its own.
    pub fn times(&self, name: Name) -> Result<Times, String> {
        let happened = if matches!(name, Name::Mark | Name::Kline) { &[] } else { self.time };
        Ok(Times {
            happened_ms: time(name.text(), "T", happened)?,
            emitted_ms: time(name.text(), "E", self.emitted)?,
        })
    }

    /// Returns whether a frame of this kind must have a `T`: all but spot's diffs, bookTicker and snapshot.
    pub fn owes_time(&self, name: Name) -> bool {
        match name {
            Name::Depth => !self.prev_id.is_empty(),
            Name::Quote | Name::Snapshot => !self.emitted.is_empty(),
            _ => true,
        }
    }

    /// Returns whether a frame of this kind must have an `E`.
    pub fn owes_emission(&self, name: Name) -> bool {
        !matches!(name, Name::Quote | Name::Snapshot) || !self.time.is_empty()
    }

    /// Returns the times as written, for messages.
    pub fn times_written(&self) -> (&'a [u8], &'a [u8]) {
        (self.time, self.emitted)
    }

    /// Returns what the frame says.
    pub fn content(&self, name: Name, numbers: Numbers) -> Result<Content<'a>, String> {
        let frame = name.text();
        match name {
            Name::Depth => self.depth(frame),
            Name::Snapshot => {
                let last_id = id(frame, "lastUpdateId", self.last_id)?;
                let (bids, asks) = self.sides(frame)?;
                Ok(Content::Snapshot { last_id, bids, asks })
            }
            Name::Quote => {
                let update_id = id(frame, "u", self.final_id)?;
                let level = |price: &[u8], qty: &[u8]| {
                    let (price, qty) = (numbers.price(frame, price)?, numbers.qty(frame, qty)?);
                    Ok::<Level, String>(Level { price, qty })
                };
                let bid = level(self.bid, self.bid_qty)?;
                let ask = level(self.ask, self.ask_qty)?;
                Ok(Content::Quote { update_id, bid, ask })
            }
            Name::Trade | Name::AggTrade => self.trade(name, numbers),
            Name::Mark => Ok(Content::Mark(Mark {
                price: float(frame, "p", self.price)?,
                index_price: float(frame, "i", self.index_price)?,
                funding_frac: float(frame, "r", self.rate)?,
                next_funding_ms: time(frame, "T", self.time)?,
            })),
            Name::Liquidation => Ok(Content::Liquidation {
                price: numbers.any_price(frame, self.price)?,
                qty: numbers.qty(frame, self.qty)?,
                is_buy: match self.side {
                    b"BUY" => true,
                    b"SELL" => false,
                    other => {
                        return Err(format!("{frame} S \"{}\" is not BUY or SELL", shown(other)));
                    }
                },
            }),
            Name::Kline => self.kline(frame),
            Name::Reply => Ok(Content::Unused),
        }
    }

    fn depth(&self, frame: &str) -> Result<Content<'a>, String> {
        let first_id = id(frame, "U", self.first_id)?;
        let final_id = id(frame, "u", self.final_id)?;
        let prev_final_id =
            if self.prev_id.is_empty() { -1 } else { id(frame, "pu", self.prev_id)? };
        if first_id > final_id {
            return Err(format!("depth U {first_id} is above its u {final_id}"));
        }
        let (bids, asks) = self.sides(frame)?;
        Ok(Content::Depth { first_id, final_id, prev_final_id, bids, asks })
    }

    fn sides(&self, frame: &str) -> Result<(LevelRange, LevelRange), String> {
        match (self.bids, self.asks) {
            (Side::Absent, _) | (_, Side::Absent) => {
                Err(format!("{frame} has no list of bids or asks"))
            }
            (Side::Read(bids), Side::Read(asks)) => Ok((bids, asks)),
            _ => Err(format!("{frame} is for no known symbol")),
        }
    }

    fn trade(&self, name: Name, numbers: Numbers) -> Result<Content<'a>, String> {
        let frame = name.text();
        // In an aggTrade "a" is the aggregate id, in a book frame the ask.
        let is_aggregate = name == Name::AggTrade;
        let trade_id =
            if is_aggregate { id(frame, "a", self.ask)? } else { id(frame, "t", self.trade_id)? };
        let on_market = self.execution.is_empty() || self.execution == b"MARKET";
        // Insurance and delisting fills carry price 0: kept, and marked as not counting.
        let price = if on_market {
            numbers.price(frame, self.price)?
        } else {
            numbers.any_price(frame, self.price)?
        };
        let qty = numbers.qty(frame, self.qty)?;
        let buyer_is_maker = match self.maker {
            b"true" => true,
            b"false" => false,
            other => return Err(format!("{frame} m \"{}\" is not true or false", shown(other))),
        };
        Ok(Content::Trade { is_aggregate, trade_id, price, qty, buyer_is_maker, on_market })
    }

    fn kline(&self, frame: &str) -> Result<Content<'a>, String> {
        let candle = &self.candle;
        Ok(Content::Kline(Candle {
            interval: candle.interval,
            open_ms: id(frame, "t", candle.start)?,
            open: float(frame, "o", candle.open)?,
            high: float(frame, "h", candle.high)?,
            low: float(frame, "l", candle.low)?,
            close: float(frame, "c", candle.close)?,
            volume: float(frame, "v", candle.volume)?,
            amount: float(frame, "q", candle.amount)?,
            trades: whole(candle.trades).unwrap_or(-1),
            closed: match candle.closed {
                b"true" => Some(true),
                b"false" => Some(false),
                _ => None,
            },
        }))
    }
}
