//! The words of Binance's frames: USD-M, COIN-M and spot, combined or raw, and REST depth snapshots, wrapped or bare.
//!
//! What they mean is in `binance_content`. The three markets share their words. Spot's diffs have no `pu` and no `T`, its
//! bookTicker neither `e`, `E` nor `T`, its REST snapshot no times; COIN-M names the pair in `ps` and counts contracts. Unknown
//! fields are skipped: more arrive every year.

use crate::event::{Level, LevelRange};
use crate::message::Numbers;
use crate::scan::{Scanner, shown};

/// The fields of a frame as they are written; absent ones are empty.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) event: &'a [u8],
    pub(crate) symbol: &'a [u8],
    pub(crate) emitted: &'a [u8],
    pub(crate) time: &'a [u8],
    pub(crate) first_id: &'a [u8],
    pub(crate) final_id: &'a [u8],
    pub(crate) prev_id: &'a [u8],
    pub(crate) last_id: &'a [u8],
    pub(crate) trade_id: &'a [u8],
    pub(crate) bid: &'a [u8],
    pub(crate) bid_qty: &'a [u8],
    pub(crate) ask: &'a [u8],
    pub(crate) ask_qty: &'a [u8],
    pub(crate) price: &'a [u8],
    pub(crate) qty: &'a [u8],
    pub(crate) maker: &'a [u8],
    pub(crate) execution: &'a [u8],
    pub(crate) side: &'a [u8],
    pub(crate) index_price: &'a [u8],
    pub(crate) rate: &'a [u8],
    pub(crate) market: &'a [u8],
    pub(crate) pair: &'a [u8],
    pub(crate) bids: Side,
    pub(crate) asks: Side,
    pub(crate) candle: CandleFields<'a>,
    /// A reply to a request: it has no event and is no fault.
    pub(crate) is_reply: bool,
}

/// A list of levels: parsed, or only found because the symbol, and so the scale, stands after it.
#[derive(Clone, Copy, Default)]
pub(crate) enum Side {
    #[default]
    Absent,
    Read(LevelRange),
    At(usize),
}

#[derive(Default)]
pub(crate) struct CandleFields<'a> {
    pub(crate) start: &'a [u8],
    pub(crate) interval: &'a [u8],
    pub(crate) open: &'a [u8],
    pub(crate) high: &'a [u8],
    pub(crate) low: &'a [u8],
    pub(crate) close: &'a [u8],
    pub(crate) volume: &'a [u8],
    pub(crate) amount: &'a [u8],
    pub(crate) trades: &'a [u8],
    pub(crate) closed: &'a [u8],
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
        let key = scanner.key()?;
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
