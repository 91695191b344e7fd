//! What Binance's frames say, by their kind.

use crate::binance::{Fields, Side};
use crate::event::{Level, LevelRange};
use crate::message::{Candle, Content, Mark, Numbers, Times, float, id, time, whole};
use crate::scan::shown;
use crate::venue::Venue;

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

    /// Returns whether the frame is of a stream that would mislead: all symbols at once (`!ticker@arr`), or `depth20` and its
    /// kin, which look like diffs and are the best levels only.
    pub fn is_other_stream(&self) -> bool {
        let Some(at) = self.stream.iter().position(|byte| *byte == b'@') else { return false };
        let suffix = self.stream.get(at + 1..).unwrap_or(&[]);
        let partial = suffix.strip_prefix(b"depth").and_then(|rest| rest.first());
        self.stream.first() == Some(&b'!') || partial.is_some_and(u8::is_ascii_digit)
    }

    /// Returns the kind, `None` for an event that nobody here uses.
    pub fn known_name(&self) -> Result<Option<Name>, String> {
        if self.is_other_stream() {
            return Ok(None);
        }
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
