//! Features straight from columns of best quotes and trades: the sums of the engine without its events.
//!
//! Both columns are in order of venue time, so that every bin is one run of each; nothing can come late. What closes a bin is the
//! engine's own closer, so that the rows equal those of the same events, to the bit.

use crate::book::Book;
use crate::closer::{Bin, Closer, Units};
use crate::error::Error;
use crate::event::Level;
use crate::extras::{Closed, Extras};
use crate::flow_config::FlowConfig;
use crate::flow_row::{ExtraRow, FlowRow, FlowStats};
use crate::lee_ready::LeeReady;
use crate::ofi::{BestQuotes, ofi_step};

/// Rows at most, so that one wild time cannot fill the memory.
const MAX_ROWS: i64 = 20_000_000;
/// Amounts stay below this, so that sums of two fit 64 bits.
const AMOUNT_BITS: u32 = 60;

/// A price or quantity of a column: an integer of 10^-p or 10^-q, or a decimal number.
pub trait Amount: Copy {
    /// Returns the integer and whether it is one: a number that is none (to a thousandth) or is out of bounds is not.
    fn read(self, unit: f64) -> (i64, bool);
    /// Returns the value as it is written.
    fn shown(self) -> String;

    /// Returns the integer, `None` where it is none.
    fn units(self, unit: f64) -> Option<i64> {
        let (value, fits) = self.read(unit);
        fits.then_some(value)
    }
}

impl Amount for i64 {
    fn read(self, _: f64) -> (i64, bool) {
        (self, self as u64 >> AMOUNT_BITS == 0)
    }

    fn shown(self) -> String {
        self.to_string()
    }
}

impl Amount for f64 {
    fn read(self, unit: f64) -> (i64, bool) {
        // Adding 1.5 · 2^52 leaves the nearest integer in the low bits: far faster than rounding and converting.
        const MAGIC: f64 = 6_755_399_441_055_744.0;
        let scaled = self * unit;
        let sum = scaled + MAGIC;
        let whole = (sum.to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64);
        let off = (scaled - (sum - MAGIC)).abs();
        (whole, (0.0..2_251_799_813_685_248.0).contains(&scaled) & (off < 1e-3))
    }

    fn shown(self) -> String {
        self.to_string()
    }
}

/// Best quotes by time; columns of one length.
#[derive(Clone, Copy, Debug)]
pub struct QuoteColumns<'a, T> {
    /// Venue time, Unix ms, never falling.
    pub ts_ms: &'a [i64],
    /// Best bid.
    pub bid: &'a [T],
    /// Quantity at the best bid.
    pub bid_qty: &'a [T],
    /// Best ask.
    pub ask: &'a [T],
    /// Quantity at the best ask.
    pub ask_qty: &'a [T],
}

/// Trades by time; columns of one length.
#[derive(Clone, Copy, Debug)]
pub struct TradeColumns<'a, T> {
    /// Venue time, Unix ms, never falling.
    pub ts_ms: &'a [i64],
    /// Price; a trade of price or quantity 0 does not count.
    pub price: &'a [T],
    /// Quantity.
    pub qty: &'a [T],
    /// 1 where the buyer was the maker, 0 where not, -1 where the feed does not say (Lee-Ready then).
    pub is_maker: &'a [i8],
}

/// What the columns give.
#[derive(Clone, Debug, Default)]
pub struct FlowRows {
    /// One row a bin, none missing.
    pub rows: Vec<FlowRow>,
    /// The extra columns, where asked for.
    pub extras: Vec<ExtraRow>,
    /// The counters.
    pub stats: FlowStats,
}

/// Returns the rows of all bins, from the first quote or trade to the last.
///
/// # Errors
/// Columns of different lengths, a time below the one before it, an amount that is negative, too large or off the decimals,
/// more than 20 million bins, a setting outside its bounds.
pub fn flow_rows<T: Amount>(
    config: FlowConfig,
    quotes: &QuoteColumns<'_, T>,
    trades: &TradeColumns<'_, T>,
) -> Result<FlowRows, Error> {
    config.check()?;
    same_length("quotes", quotes.ts_ms, &[quotes.bid, quotes.bid_qty, quotes.ask, quotes.ask_qty])?;
    same_length("trades", trades.ts_ms, &[trades.price, trades.qty])?;
    if trades.is_maker.len() != trades.ts_ms.len() {
        return Err(lengths("trades", trades.ts_ms.len(), trades.is_maker.len()));
    }
    let ends = |of: fn(&[i64]) -> Option<&i64>| [of(quotes.ts_ms), of(trades.ts_ms)];
    let first = ends(|column| column.first()).into_iter().flatten().min();
    let last = ends(|column| column.last()).into_iter().flatten().max();
    let (Some(first), Some(last)) = (first, last) else { return Ok(FlowRows::default()) };
    let (first, last) = (first.div_euclid(config.bin_ms), last.div_euclid(config.bin_ms));
    let count = i128::from(last) - i128::from(first) + 1;
    // Times that fall are found below; here only the room is made.
    if count > i128::from(MAX_ROWS) {
        return Err(Error::Recording(format!("{count} bins are more than {MAX_ROWS}")));
    }
    let mut reader = ArrayReader {
        quotes,
        trades,
        units: Units::new(config.scale),
        next_quote: 0,
        next_trade: 0,
        quote_ms: i64::MIN,
        trade_ms: i64::MIN,
        before: None,
        rule: LeeReady::default(),
        quotes_seen: 0,
        mid2_seen: None,
        extras: config.all_columns.then(|| Extras::new(&config)),
        stats: FlowStats::default(),
    };
    let mut closer = Closer::new(&config);
    let mut rows = Vec::with_capacity(count.max(0) as usize);
    let empty = Book::default();
    for index in first..=last {
        let ts_ms = (index + 1) * config.bin_ms;
        let mut bin = Bin::default();
        reader.read_quotes(ts_ms, &mut bin)?;
        reader.read_trades(index, ts_ms, &mut bin)?;
        let row = closer.close(ts_ms, &bin, None, false);
        if let Some(extras) = &mut reader.extras {
            let quotes = closer.quote.as_ref().map(|(quotes, _)| quotes);
            let ages_ms = closer.ages_ms(ts_ms);
            let cvd = closer.cvd;
            extras.close(&Closed { index, bin: &bin, row: &row, quotes, cvd, ages_ms }, &empty);
        }
        rows.push(row);
    }
    // A time below a bin already closed ends its run at once: what is left says where.
    if reader.next_quote < quotes.ts_ms.len() || reader.next_trade < trades.ts_ms.len() {
        return Err(Error::Recording("times of quotes or trades fall".to_owned()));
    }
    let extras = reader.extras.as_mut().map(Extras::take).unwrap_or_default();
    let mut stats = reader.stats;
    stats.events = (quotes.ts_ms.len() + trades.ts_ms.len()) as u64;
    stats.quotes = quotes.ts_ms.len() as u64;
    Ok(FlowRows { rows, extras, stats })
}

fn same_length<T>(name: &str, ts_ms: &[i64], columns: &[&[T]]) -> Result<(), Error> {
    match columns.iter().find(|column| column.len() != ts_ms.len()) {
        Some(column) => Err(lengths(name, ts_ms.len(), column.len())),
        None => Ok(()),
    }
}

fn lengths(name: &str, times: usize, values: usize) -> Error {
    Error::Recording(format!("{name} have {times} times and {values} values in a column"))
}

fn fault<T>(name: &str, at: usize, what: &str) -> Result<T, Error> {
    Err(Error::Recording(format!("{name} row {at}: {what}")))
}

struct ArrayReader<'a, T> {
    quotes: &'a QuoteColumns<'a, T>,
    trades: &'a TradeColumns<'a, T>,
    units: Units,
    next_quote: usize,
    next_trade: usize,
    quote_ms: i64,
    trade_ms: i64,
    before: Option<BestQuotes>,
    rule: LeeReady,
    /// Quotes that the rule has passed, and bid + ask of the last of them.
    quotes_seen: usize,
    mid2_seen: Option<i64>,
    extras: Option<Extras>,
    stats: FlowStats,
}

fn tail<T>(column: &[T], from: usize) -> &[T] {
    column.get(from..).unwrap_or_default()
}

impl<T: Amount> ArrayReader<'_, T> {
    /// Adds the quotes before `ts_ms` to the bin.
    fn read_quotes(&mut self, ts_ms: i64, bin: &mut Bin) -> Result<(), Error> {
        let (at, Units { price, lot }) = (self.next_quote, self.units);
        let columns = tail(self.quotes.ts_ms, at)
            .iter()
            .zip(tail(self.quotes.bid, at))
            .zip(tail(self.quotes.bid_qty, at))
            .zip(tail(self.quotes.ask, at))
            .zip(tail(self.quotes.ask_qty, at));
        let (mut count, mut flow, mut newest_ms) = (0, 0_i128, self.quote_ms);
        let mut before = self.before;
        for ((((event_ms, bid), bid_qty), ask), ask_qty) in columns {
            if *event_ms >= ts_ms {
                break;
            }
            if *event_ms < newest_ms {
                return fault("quotes", at + count, &falls(*event_ms, newest_ms));
            }
            newest_ms = *event_ms;
            let amounts = [bid.read(price), bid_qty.read(lot), ask.read(price), ask_qty.read(lot)];
            // One branch for all four: they are nearly always good.
            if !(amounts[0].1 & amounts[1].1 & amounts[2].1 & amounts[3].1) {
                let all = [bid.shown(), bid_qty.shown(), ask.shown(), ask_qty.shown()].join(", ");
                return fault("quotes", at + count, &off_grid(&all));
            }
            let [bid, bid_qty, ask, ask_qty] = amounts.map(|(value, _)| value);
            if bid == 0 || ask == 0 {
                return fault("quotes", at + count, "a price is 0");
            }
            let now = BestQuotes {
                bid: Level { price: bid, qty: bid_qty },
                ask: Level { price: ask, qty: ask_qty },
            };
            if let Some(before) = &before {
                flow += i128::from(ofi_step(before, &now));
            }
            if let Some(extras) = &mut self.extras {
                extras.on_quote(*event_ms, &now);
            }
            before = Some(now);
            count += 1;
        }
        bin.ofi = flow;
        bin.quotes = count as u64;
        if count > 0 {
            bin.quote = before.map(|quotes| (quotes, newest_ms));
        }
        self.before = before;
        self.quote_ms = newest_ms;
        self.next_quote += count;
        Ok(())
    }

    /// Adds the trades before `ts_ms` to the bin.
    fn read_trades(&mut self, index: i64, ts_ms: i64, bin: &mut Bin) -> Result<(), Error> {
        let (at, Units { price: unit, lot }) = (self.next_trade, self.units);
        let trades = self.trades;
        let columns = tail(trades.ts_ms, at)
            .iter()
            .zip(tail(trades.price, at))
            .zip(tail(trades.qty, at))
            .zip(tail(trades.is_maker, at));
        let mut count = 0;
        for (((event_ms, price), qty), is_maker) in columns {
            if *event_ms >= ts_ms {
                break;
            }
            if *event_ms < self.trade_ms {
                return fault("trades", at + count, &falls(*event_ms, self.trade_ms));
            }
            self.trade_ms = *event_ms;
            let (Some(price), Some(qty)) = (price.units(unit), qty.units(lot)) else {
                let all = [price.shown(), qty.shown()].join(", ");
                return fault("trades", at + count, &off_grid(&all));
            };
            count += 1;
            if price == 0 || qty == 0 {
                self.stats.ignored_trades += 1;
                continue;
            }
            let taker_buys = match is_maker {
                0 => Some(true),
                1 => Some(false),
                -1 => self.judge(*event_ms, price)?,
                other => {
                    return fault(
                        "trades",
                        at + count - 1,
                        &format!("is_maker {other} is not -1, 0 or 1"),
                    );
                }
            };
            self.stats.trades += 1;
            match taker_buys {
                Some(buys) => {
                    bin.add_trade(*event_ms, price, qty, buys);
                    if let Some(extras) = &mut self.extras {
                        extras.on_trade(index, qty, buys);
                    }
                }
                // Neither rule knows the side: it is a trade of no direction.
                None => {
                    bin.trades += 1;
                    bin.trade = Some((price, *event_ms));
                }
            }
        }
        self.next_trade += count;
        Ok(())
    }

    /// Judges the side of a trade by the quotes before it.
    fn judge(&mut self, event_ms: i64, price: i64) -> Result<Option<bool>, Error> {
        let quotes = self.quotes;
        let mut newest = None;
        while quotes.ts_ms.get(self.quotes_seen).is_some_and(|quote_ms| *quote_ms < event_ms) {
            newest = Some(self.quotes_seen);
            self.quotes_seen += 1;
        }
        if let Some(at) = newest {
            let units =
                |column: &[T]| column.get(at).and_then(|value| value.units(self.units.price));
            self.mid2_seen = units(quotes.bid).zip(units(quotes.ask)).map(|(bid, ask)| bid + ask);
        }
        Ok(self.rule.taker_buys(event_ms, price, self.mid2_seen))
    }
}

fn falls(event_ms: i64, before_ms: i64) -> String {
    format!("time {event_ms} is below the {before_ms} before it")
}

fn off_grid(values: &str) -> String {
    format!(
        "{values}: an amount is below 0, beyond 2^{AMOUNT_BITS} units, or has more decimals than declared"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scale;

    fn config() -> FlowConfig {
        FlowConfig::new(Scale { price_decimals: 1, qty_decimals: 2 })
    }

    const QUOTES: QuoteColumns<'_, f64> = QuoteColumns {
        ts_ms: &[0, 10, 1_400],
        bid: &[100.0, 100.0, 100.1],
        bid_qty: &[5.0, 9.0, 0.25],
        ask: &[100.2; 3],
        ask_qty: &[7.0; 3],
    };

    #[test]
    fn bins_hold_runs_of_both_columns() {
        let trades = TradeColumns {
            ts_ms: &[20, 30, 2_500],
            price: &[100.2, 100.0, 100.2],
            qty: &[0.5, 2.0, 1.0],
            is_maker: &[0, 1, -1],
        };
        let found = flow_rows(config(), &QUOTES, &trades).unwrap_or_default();
        let shown: Vec<_> = found.rows.iter().map(|row| (row.ts_ms, row.ofi, row.tfi)).collect();
        assert_eq!(shown, [(1_000, 4.0, -1.5), (2_000, 0.25, 0.0), (3_000, 0.0, 1.0)]);
        assert_eq!((found.stats.quotes, found.stats.trades), (3, 3));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let none = TradeColumns::<f64> { ts_ms: &[], price: &[], qty: &[], is_maker: &[] };
        let message = |quotes: &QuoteColumns<'_, f64>| {
            flow_rows(config(), quotes, &none)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(
            message(&QuoteColumns { ts_ms: &[0, 10], ..QUOTES }).contains("2 times and 3 values")
        );
        assert!(message(&QuoteColumns { ts_ms: &[0, 20, 10], ..QUOTES }).contains("below the 20"));
        assert!(message(&QuoteColumns { bid: &[100.0, 100.05, 1.0], ..QUOTES }).contains("row 1"));
        assert!(message(&QuoteColumns { bid: &[100.0, f64::NAN, 1.0], ..QUOTES }).contains("NaN"));
        assert!(message(&QuoteColumns { ts_ms: &[0, 1, i64::MAX], ..QUOTES }).contains("bins"));
    }
}
