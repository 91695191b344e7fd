//! OKX's frames: `books` and its kin, `books5`, `bbo-tbt`, `tickers`, `trades`, `mark-price`.
//!
//! A push of `books` is a snapshot or an update. Updates chain by `prevSeqId`; the recordings of 2022 have no sequence and only a
//! CRC32 of the best 25 levels, and since 2026 the venue sends 0 in its place.

use crate::event::{Level, LevelRange};
use crate::message::{Content, Mark, Numbers, Times, float, id, time, whole};
use crate::scan::{Scanner, decimal, shown};

/// Decimals of a level's price and quantity as they were written: the checksum is over the texts.
pub(crate) type Spelling = (u8, u8);

/// What a frame's levels are read into; `spellings` has one entry a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub levels: Vec<Level>,
    pub spellings: Vec<Spelling>,
}

impl Written {
    pub fn clear(&mut self) {
        self.levels.clear();
        self.spellings.clear();
    }
}

/// Reads a frame and hands out each message with its instrument.
pub(crate) fn read<'a>(
    scanner: &mut Scanner<'a>,
    rules: &mut impl FnMut(&[u8]) -> Option<Numbers>,
    written: &mut Written,
    emit: &mut impl FnMut(&'a [u8], Times, Content<'a>, &Written) -> Result<(), String>,
) -> Result<(), String> {
    let [mut channel, mut symbol, mut action]: [&[u8]; 3] = [&[]; 3];
    let mut data = None;
    scanner.each_field(|scanner, key| {
        match key {
            b"arg" if scanner.peek_value() == b'{' => scanner.each_field(|scanner, key| {
                let slot = match key {
                    b"channel" => &mut channel,
                    b"instId" => &mut symbol,
                    _ => return scanner.skip_value(),
                };
                *slot = scanner.scalar()?;
                Ok(())
            })?,
            b"action" => action = scanner.scalar()?,
            b"data" => {
                data = Some(scanner.position());
                scanner.skip_value()?;
            }
            _ => scanner.skip_value()?,
        }
        Ok(())
    })?;
    let Some(at) = data else { return emit(&[], Times::default(), Content::Unused, written) };
    let numbers = rules(symbol);
    scanner.from(at).each_value(|scanner| {
        let entry = Entry::read(scanner)?;
        let symbol = if entry.symbol.is_empty() { symbol } else { entry.symbol };
        let Some(numbers) = numbers else {
            return emit(symbol, Times::default(), Content::Unused, written);
        };
        let content = entry.content(channel, action, scanner, numbers, written)?;
        let happened_ms = time("push", "ts", entry.time)?;
        emit(symbol, Times { happened_ms, emitted_ms: happened_ms }, content, written)
    })
}

/// The fields of one member of `data`.
#[derive(Default)]
struct Entry<'a> {
    symbol: &'a [u8],
    time: &'a [u8],
    bids: Option<usize>,
    asks: Option<usize>,
    checksum: &'a [u8],
    seq: &'a [u8],
    prev_seq: &'a [u8],
    trade_id: &'a [u8],
    price: &'a [u8],
    qty: &'a [u8],
    side: &'a [u8],
    mark: &'a [u8],
    bid: [&'a [u8]; 2],
    ask: [&'a [u8]; 2],
}

impl<'a> Entry<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Self, String> {
        let mut entry = Self::default();
        if scanner.peek_value() != b'{' {
            // Candles come as bare arrays.
            scanner.skip_value()?;
            return Ok(entry);
        }
        scanner.each_field(|scanner, key| {
            let [bid_price, bid_qty] = &mut entry.bid;
            let [ask_price, ask_qty] = &mut entry.ask;
            let slot = match key {
                b"bids" | b"asks" => {
                    let side = if key == b"bids" { &mut entry.bids } else { &mut entry.asks };
                    *side = Some(scanner.position());
                    return scanner.skip_value();
                }
                b"instId" => &mut entry.symbol,
                b"ts" => &mut entry.time,
                b"checksum" => &mut entry.checksum,
                b"seqId" => &mut entry.seq,
                b"prevSeqId" => &mut entry.prev_seq,
                b"tradeId" => &mut entry.trade_id,
                b"px" => &mut entry.price,
                b"sz" => &mut entry.qty,
                b"side" => &mut entry.side,
                b"markPx" => &mut entry.mark,
                b"bidPx" => bid_price,
                b"bidSz" => bid_qty,
                b"askPx" => ask_price,
                b"askSz" => ask_qty,
                _ => return scanner.skip_value(),
            };
            if matches!(scanner.peek_value(), b'{' | b'[') {
                return scanner.skip_value();
            }
            *slot = scanner.scalar()?;
            Ok(())
        })?;
        Ok(entry)
    }

    fn content(
        &self,
        channel: &[u8],
        action: &[u8],
        scanner: &Scanner<'a>,
        numbers: Numbers,
        written: &mut Written,
    ) -> Result<Content<'a>, String> {
        match channel {
            b"books" | b"books-l2-tbt" | b"books50-l2-tbt" => {
                let (bids, asks) = self.sides(scanner, numbers, written)?;
                Ok(Content::Chained {
                    // Without an action the push has a snapshot's `prevSeqId`, or is one.
                    is_snapshot: action != b"update",
                    id: signed("seqId", self.seq)?,
                    prev_id: signed("prevSeqId", self.prev_seq)?,
                    checksum: checksum(self.checksum)?,
                    bids,
                    asks,
                })
            }
            b"books5" => {
                let (bids, asks) = self.sides(scanner, numbers, written)?;
                let id = if self.seq.is_empty() {
                    id("books5", "ts", self.time)?
                } else {
                    signed("seqId", self.seq)?
                };
                Ok(Content::Book { id, bids, asks })
            }
            b"bbo-tbt" => {
                let (bids, asks) = self.sides(scanner, numbers, written)?;
                let first = |range: LevelRange| {
                    written.levels.get(range.start as usize..range.end as usize)?.first().copied()
                };
                let (Some(bid), Some(ask)) = (first(bids), first(asks)) else {
                    return Ok(Content::Unused);
                };
                let update_id = if self.seq.is_empty() {
                    id("bbo-tbt", "ts", self.time)?
                } else {
                    signed("seqId", self.seq)?
                };
                Ok(Content::Quote { update_id, bid, ask })
            }
            b"tickers" => {
                let level = |[price, qty]: [&[u8]; 2]| {
                    let price = numbers.price("tickers", price)?;
                    Ok::<Level, String>(Level { price, qty: numbers.qty("tickers", qty)? })
                };
                if self.bid.iter().chain(&self.ask).any(|text| text.is_empty()) {
                    return Ok(Content::Unused);
                }
                let (bid, ask) = (level(self.bid)?, level(self.ask)?);
                Ok(Content::Quote { update_id: id("tickers", "ts", self.time)?, bid, ask })
            }
            b"trades" | b"trades-all" => Ok(Content::Trade {
                is_aggregate: false,
                trade_id: id("trades", "tradeId", self.trade_id)?,
                price: numbers.price("trades", self.price)?,
                qty: numbers.qty("trades", self.qty)?,
                buyer_is_maker: match self.side {
                    b"sell" => true,
                    b"buy" => false,
                    other => {
                        return Err(format!("trades side \"{}\" is not buy or sell", shown(other)));
                    }
                },
                on_market: true,
            }),
            b"mark-price" => Ok(Content::Mark(Mark {
                price: float("mark-price", "markPx", self.mark)?,
                index_price: f64::NAN,
                funding_frac: f64::NAN,
                next_funding_ms: 0,
            })),
            _ => Ok(Content::Unused),
        }
    }

    fn sides(
        &self,
        scanner: &Scanner<'a>,
        numbers: Numbers,
        written: &mut Written,
    ) -> Result<(LevelRange, LevelRange), String> {
        let (Some(bids), Some(asks)) = (self.bids, self.asks) else {
            return Err("books has no list of bids or asks".to_owned());
        };
        let bids = read_levels(&mut scanner.from(bids), numbers, written)?;
        let asks = read_levels(&mut scanner.from(asks), numbers, written)?;
        Ok((bids, asks))
    }
}

fn read_levels(
    scanner: &mut Scanner<'_>,
    numbers: Numbers,
    written: &mut Written,
) -> Result<LevelRange, String> {
    let start = written.levels.len() as u32;
    scanner.each_value(|scanner| {
        scanner.expect(b'[')?;
        let price = scanner.string()?;
        scanner.expect(b',')?;
        let qty = scanner.string()?;
        while !scanner.take(b']') {
            scanner.expect(b',')?;
            scanner.skip_value()?;
        }
        let level =
            Level { price: numbers.price("books", price)?, qty: numbers.qty("books", qty)? };
        if level.price <= 0 || level.qty < 0 {
            return Err(format!("books level {} × {} is not above 0", shown(price), shown(qty)));
        }
        let spelled = |text| decimal(text).map_or(0, |number| number.decimals as u8);
        written.levels.push(level);
        written.spellings.push((spelled(price), spelled(qty)));
        Ok(())
    })?;
    Ok(LevelRange { start, end: written.levels.len() as u32 })
}

/// Returns an id that may be -1 or absent, both as -1.
fn signed(name: &str, text: &[u8]) -> Result<i64, String> {
    match text {
        b"" | b"-1" => Ok(-1),
        _ => id("books", name, text),
    }
}

fn checksum(text: &[u8]) -> Result<Option<i32>, String> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let value = whole(digits).map(|size| if digits.len() < text.len() { -size } else { size });
    match (text, value.and_then(|value| i32::try_from(value).ok())) {
        (b"", _) | (_, Some(0)) => Ok(None),
        (_, Some(value)) => Ok(Some(value)),
        _ => Err(format!("books checksum \"{}\" is not a number of 32 bits", shown(text))),
    }
}
