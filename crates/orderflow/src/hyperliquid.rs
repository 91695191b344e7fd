//! Hyperliquid's frames: `l2Book` (whole books), `bbo`, `trades`, `candle`.
//!
//! Books and best quotes have no ids: the block's time, which rises, is taken. Trade ids are hashes and do not rise.

use crate::event::{Level, LevelRange};
use crate::message::{Candle, Content, Numbers, Times, float, id, time, whole};
use crate::scan::{Scanner, decimal, shown};

/// Reads a frame and hands out each message with its coin.
///
/// `rules` gives a coin's numbers; messages of other coins are passed over.
pub(crate) fn read<'a>(
    scanner: &mut Scanner<'a>,
    rules: &mut impl FnMut(&[u8]) -> Option<Numbers>,
    levels: &mut Vec<Level>,
    emit: &mut impl FnMut(&'a [u8], Times, Content<'a>, &[Level]) -> Result<(), String>,
) -> Result<(), String> {
    let mut channel: &[u8] = &[];
    let mut data = None;
    scanner.each_field(|scanner, key| {
        match key {
            b"channel" => channel = scanner.scalar()?,
            b"data" => {
                data = Some(scanner.position());
                scanner.skip_value()?;
            }
            _ => scanner.skip_value()?,
        }
        Ok(())
    })?;
    if channel.is_empty() {
        return Err("the frame has no channel".to_owned());
    }
    let Some(at) = data else { return emit(&[], Times::default(), Content::Unused, levels) };
    let mut scanner = scanner.from(at);
    match channel {
        b"l2Book" => read_book(&mut scanner, rules, levels, emit),
        b"bbo" => read_quote(&mut scanner, rules, levels, emit),
        b"trades" => scanner.each_value(|scanner| read_trade(scanner, rules, levels, emit)),
        b"candle" => read_candle(&mut scanner, emit),
        _ => emit(&[], Times::default(), Content::Unused, levels),
    }
}

/// Returns the most decimals among a book's prices and among its sizes, `None` for other frames and skipped coins.
pub(crate) fn decimals(
    scanner: &mut Scanner<'_>,
    skips: impl Fn(&[u8]) -> bool,
) -> Result<Option<(u32, u32)>, String> {
    let mut found = (0, 0);
    let mut any = false;
    let mut spell = |px: &[u8], sz: &[u8]| {
        let of = |text: &[u8]| {
            let number = decimal(text).filter(|number| number.decimals <= 12);
            number.map(|number| number.decimals).ok_or_else(|| {
                format!("l2Book number \"{}\" is not one of at most 12 decimals", shown(text))
            })
        };
        found = (found.0.max(of(px)?), found.1.max(of(sz)?));
        any = true;
        Ok(())
    };
    let mut channel: &[u8] = &[];
    let mut sides = None;
    let mut coin: &[u8] = &[];
    scanner.each_field(|scanner, key| match key {
        b"channel" => {
            channel = scanner.scalar()?;
            Ok(())
        }
        b"data" if scanner.peek_value() == b'{' => scanner.each_field(|scanner, key| {
            match key {
                b"coin" if scanner.peek_value() == b'"' => {
                    coin = scanner.string()?;
                    return Ok(());
                }
                b"levels" => sides = Some(scanner.position()),
                _ => {}
            }
            scanner.skip_value()
        }),
        _ => scanner.skip_value(),
    })?;
    if let (b"l2Book", Some(at), false) = (channel, sides, skips(coin)) {
        scanner.from(at).each_value(|scanner| {
            scanner.each_value(|scanner| {
                let (px, sz) = read_texts(scanner)?;
                spell(px, sz)
            })
        })?;
    }
    Ok(any.then_some(found))
}

/// What a book, a quote or a trade may hold.
#[derive(Default)]
struct Heading<'a> {
    coin: &'a [u8],
    time: &'a [u8],
    body: Option<usize>,
}

fn read_heading<'a>(scanner: &mut Scanner<'a>, body: &[u8]) -> Result<Heading<'a>, String> {
    let mut heading = Heading::default();
    scanner.each_field(|scanner, key| {
        match key {
            b"coin" => heading.coin = scanner.scalar()?,
            b"time" => heading.time = scanner.scalar()?,
            _ => {
                if key == body {
                    heading.body = Some(scanner.position());
                }
                scanner.skip_value()?;
            }
        }
        Ok(())
    })?;
    Ok(heading)
}

fn times(frame: &str, text: &[u8]) -> Result<Times, String> {
    let happened_ms = time(frame, "time", text)?;
    Ok(Times { happened_ms, emitted_ms: happened_ms })
}

fn read_book<'a>(
    scanner: &mut Scanner<'a>,
    rules: &mut impl FnMut(&[u8]) -> Option<Numbers>,
    levels: &mut Vec<Level>,
    emit: &mut impl FnMut(&'a [u8], Times, Content<'a>, &[Level]) -> Result<(), String>,
) -> Result<(), String> {
    let frame = "l2Book";
    let heading = read_heading(scanner, b"levels")?;
    let book_id = id(frame, "time", heading.time)?;
    let Some(numbers) = rules(heading.coin) else {
        return emit(heading.coin, Times::default(), Content::Unused, levels);
    };
    let at = heading.body.ok_or_else(|| "l2Book has no levels".to_owned())?;
    let mut sides = [LevelRange::default(); 2];
    let mut count = 0_usize;
    scanner.from(at).each_value(|scanner| {
        let start = levels.len() as u32;
        scanner.each_value(|scanner| {
            levels.push(read_level(frame, scanner, numbers)?);
            Ok(())
        })?;
        if let Some(side) = sides.get_mut(count) {
            *side = LevelRange { start, end: levels.len() as u32 };
        }
        count += 1;
        Ok(())
    })?;
    if count != 2 {
        return Err(format!("l2Book has {count} sides, not 2"));
    }
    let [bids, asks] = sides;
    emit(
        heading.coin,
        times(frame, heading.time)?,
        Content::Book { id: book_id, bids, asks },
        levels,
    )
}

fn read_quote<'a>(
    scanner: &mut Scanner<'a>,
    rules: &mut impl FnMut(&[u8]) -> Option<Numbers>,
    levels: &[Level],
    emit: &mut impl FnMut(&'a [u8], Times, Content<'a>, &[Level]) -> Result<(), String>,
) -> Result<(), String> {
    let frame = "bbo";
    let heading = read_heading(scanner, b"bbo")?;
    let update_id = id(frame, "time", heading.time)?;
    let Some(numbers) = rules(heading.coin) else {
        return emit(heading.coin, Times::default(), Content::Unused, levels);
    };
    let at = heading.body.ok_or_else(|| "bbo has no quotes".to_owned())?;
    let mut sides = [None; 2];
    let mut count = 0_usize;
    scanner.from(at).each_value(|scanner| {
        let level = if scanner.peek_value() == b'{' {
            Some(read_level(frame, scanner, numbers)?)
        } else {
            scanner.skip_value()?;
            None
        };
        if let Some(side) = sides.get_mut(count) {
            *side = level;
        }
        count += 1;
        Ok(())
    })?;
    // One side may be empty: then there is no quote.
    let content = match sides {
        [Some(bid), Some(ask)] if count == 2 => Content::Quote { update_id, bid, ask },
        _ => Content::Unused,
    };
    emit(heading.coin, times(frame, heading.time)?, content, levels)
}

fn read_trade<'a>(
    scanner: &mut Scanner<'a>,
    rules: &mut impl FnMut(&[u8]) -> Option<Numbers>,
    levels: &[Level],
    emit: &mut impl FnMut(&'a [u8], Times, Content<'a>, &[Level]) -> Result<(), String>,
) -> Result<(), String> {
    let frame = "trades";
    let [mut coin, mut side, mut px, mut sz, mut at, mut tid]: [&[u8]; 6] = [&[]; 6];
    scanner.each_field(|scanner, key| {
        let slot = match key {
            b"coin" => &mut coin,
            b"side" => &mut side,
            b"px" => &mut px,
            b"sz" => &mut sz,
            b"time" => &mut at,
            b"tid" => &mut tid,
            _ => return scanner.skip_value(),
        };
        *slot = scanner.scalar()?;
        Ok(())
    })?;
    let Some(numbers) = rules(coin) else {
        return emit(coin, Times::default(), Content::Unused, levels);
    };
    let content = Content::Trade {
        is_aggregate: false,
        trade_id: id(frame, "tid", tid)?,
        price: numbers.price(frame, px)?,
        qty: numbers.qty(frame, sz)?,
        // The side is the taker's: B bought, A sold.
        buyer_is_maker: match side {
            b"A" => true,
            b"B" => false,
            other => return Err(format!("trades side \"{}\" is not A or B", shown(other))),
        },
        on_market: true,
    };
    id(frame, "time", at)?;
    emit(coin, times(frame, at)?, content, levels)
}

fn read_candle<'a>(
    scanner: &mut Scanner<'a>,
    emit: &mut impl FnMut(&'a [u8], Times, Content<'a>, &[Level]) -> Result<(), String>,
) -> Result<(), String> {
    let frame = "candle";
    let [mut coin, mut start, mut interval, mut trades]: [&[u8]; 4] = [&[]; 4];
    let mut prices: [&[u8]; 5] = [&[]; 5];
    scanner.each_field(|scanner, key| {
        let [open, high, low, close, volume] = &mut prices;
        let slot = match key {
            b"s" => &mut coin,
            b"t" => &mut start,
            b"i" => &mut interval,
            b"n" => &mut trades,
            b"o" => open,
            b"h" => high,
            b"l" => low,
            b"c" => close,
            b"v" => volume,
            _ => return scanner.skip_value(),
        };
        *slot = scanner.scalar()?;
        Ok(())
    })?;
    let [open, high, low, close, volume] = prices;
    let candle = Candle {
        interval,
        open_ms: id(frame, "t", start)?,
        open: float(frame, "o", open)?,
        high: float(frame, "h", high)?,
        low: float(frame, "l", low)?,
        close: float(frame, "c", close)?,
        volume: float(frame, "v", volume)?,
        amount: f64::NAN,
        trades: whole(trades).unwrap_or(-1),
        closed: None,
    };
    emit(coin, Times::default(), Content::Kline(candle), &[])
}

fn read_texts<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a [u8], &'a [u8]), String> {
    let [mut px, mut sz]: [&[u8]; 2] = [&[]; 2];
    scanner.each_field(|scanner, key| {
        let slot = match key {
            b"px" => &mut px,
            b"sz" => &mut sz,
            _ => return scanner.skip_value(),
        };
        *slot = scanner.scalar()?;
        Ok(())
    })?;
    Ok((px, sz))
}

fn read_level(frame: &str, scanner: &mut Scanner<'_>, numbers: Numbers) -> Result<Level, String> {
    let (px, sz) = read_texts(scanner)?;
    let level = Level { price: numbers.price(frame, px)?, qty: numbers.qty(frame, sz)? };
    if level.price <= 0 || level.qty < 0 {
        return Err(format!("{frame} level {} × {} is not above 0", shown(px), shown(sz)));
    }
    Ok(level)
}
