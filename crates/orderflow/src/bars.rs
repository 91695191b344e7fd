//! Bars (klines) from trades, on event time. An interval without trades has no bar.

use crate::error::Error;
use crate::event::{Body, EventBatch};
use crate::scan::{POW10, Scale};

const NS_PER_MS: i64 = 1_000_000;

/// One bar; [`BarBuilder::closed`] bars are final, the forming one is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Open of the interval, Unix ms.
    pub ts_ms: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Quantity, base units.
    pub volume: f64,
    /// Σ price · quantity, quote units.
    pub amount: f64,
    /// Number of trades.
    pub trades: u64,
    /// Quantity bought by takers, base units.
    pub buy_qty: f64,
}

#[derive(Clone, Copy, Debug)]
struct Forming {
    ts_ms: i64,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: i128,
    amount: i128,
    trades: u64,
    buy: i128,
}

/// Builds bars of one interval.
///
/// A bar closes on the first trade at or past its end, or on any event one watermark past it:
/// other streams run some milliseconds ahead of the trades.
#[derive(Clone, Debug)]
pub struct BarBuilder {
    interval_ms: i64,
    watermark_ms: i64,
    scale: Scale,
    forming: Option<Forming>,
    closed_to_ms: i64,
    trade_id: i64,
    late: u64,
}

impl BarBuilder {
    /// Returns a builder without a bar.
    ///
    /// # Errors
    /// An interval that is not above 0, a negative watermark, more than 12 decimals.
    pub fn new(interval_ms: i64, watermark_ms: i64, scale: Scale) -> Result<Self, Error> {
        if interval_ms <= 0 {
            return Err(Error::Setting(format!("interval_ms {interval_ms} is not above 0")));
        }
        if watermark_ms < 0 {
            return Err(Error::Setting(format!("watermark_ms {watermark_ms} is below 0")));
        }
        let Scale { price_decimals, qty_decimals } = scale;
        if price_decimals > 12 || qty_decimals > 12 {
            return Err(Error::Setting(format!(
                "decimals {price_decimals} and {qty_decimals} are not 0 to 12"
            )));
        }
        Ok(Self {
            interval_ms,
            watermark_ms,
            scale,
            forming: None,
            closed_to_ms: i64::MIN,
            trade_id: i64::MIN,
            late: 0,
        })
    }

    /// Takes events in arrival order and appends the bars they close.
    pub fn push(&mut self, batch: &EventBatch, out: &mut Vec<Bar>) {
        for event in &batch.events {
            let event_ms = event.event_ns.div_euclid(NS_PER_MS);
            match event.body {
                Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
                    let repeated = trade_id <= self.trade_id;
                    self.trade_id = self.trade_id.max(trade_id);
                    self.close_until(event_ms, out);
                    if is_market && !repeated {
                        self.add(event_ms, price, qty, !buyer_is_maker);
                    }
                }
                _ => self.close_until(event_ms - self.watermark_ms, out),
            }
        }
    }

    /// Appends the bar that a clock closes: every event before `clock_ms` has been pushed, and a watermark has passed.
    pub fn advance(&mut self, clock_ms: i64, out: &mut Vec<Bar>) {
        self.close_until(clock_ms - self.watermark_ms, out);
    }

    /// Returns the bar still open; its values are not final.
    pub fn forming(&self) -> Option<Bar> {
        self.forming.as_ref().map(|bar| self.shown(bar))
    }

    /// Returns how many trades came after their bar had closed; they are in no bar.
    pub fn late(&self) -> u64 {
        self.late
    }

    fn close_until(&mut self, clock_ms: i64, out: &mut Vec<Bar>) {
        if let Some(bar) = self.forming
            && clock_ms >= bar.ts_ms + self.interval_ms
        {
            self.closed_to_ms = bar.ts_ms + self.interval_ms;
            out.push(self.shown(&bar));
            self.forming = None;
        }
    }

    fn add(&mut self, event_ms: i64, price: i64, qty: i64, taker_buys: bool) {
        if event_ms < self.closed_to_ms {
            self.late += 1;
            return;
        }
        let bar = self.forming.get_or_insert(Forming {
            ts_ms: event_ms.div_euclid(self.interval_ms) * self.interval_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
            amount: 0,
            trades: 0,
            buy: 0,
        });
        bar.high = bar.high.max(price);
        bar.low = bar.low.min(price);
        bar.close = price;
        bar.volume += i128::from(qty);
        bar.amount += i128::from(price) * i128::from(qty);
        bar.trades += 1;
        if taker_buys {
            bar.buy += i128::from(qty);
        }
    }

    fn shown(&self, bar: &Forming) -> Bar {
        let price = POW10[self.scale.price_decimals as usize] as f64;
        let lot = POW10[self.scale.qty_decimals as usize] as f64;
        Bar {
            ts_ms: bar.ts_ms,
            open: bar.open as f64 / price,
            high: bar.high as f64 / price,
            low: bar.low as f64 / price,
            close: bar.close as f64 / price,
            volume: bar.volume as f64 / lot,
            amount: bar.amount as f64 / (price * lot),
            trades: bar.trades,
            buy_qty: bar.buy as f64 / lot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Level};

    fn event(event_ms: i64, body: Body) -> Event {
        Event { event_ns: event_ms * NS_PER_MS, emitted_ms: event_ms, known_ns: 0, body }
    }

    fn trade(event_ms: i64, trade_id: i64, price: i64, qty: i64, buyer_is_maker: bool) -> Event {
        event(event_ms, Body::Trade { trade_id, price, qty, buyer_is_maker, is_market: qty > 0 })
    }

    fn quote(event_ms: i64) -> Event {
        let level = |price| Level { price, qty: 1 };
        event(event_ms, Body::Quote { update_id: event_ms, bid: level(1), ask: level(2) })
    }

    fn built(events: Vec<Event>) -> (Vec<Bar>, BarBuilder) {
        let scale = Scale { price_decimals: 1, qty_decimals: 2 };
        let mut builder = BarBuilder::new(1_000, 250, scale).unwrap();
        let mut out = Vec::new();
        builder.push(&EventBatch { events, levels: Vec::new() }, &mut out);
        (out, builder)
    }

    #[test]
    fn a_bar_holds_its_trades_and_a_silent_interval_has_none() {
        let (bars, builder) = built(vec![
            trade(1_000, 1, 100, 50, false),
            trade(1_500, 2, 120, 100, true),
            trade(1_600, 3, 500, 0, true),
            trade(1_999, 4, 110, 25, false),
            trade(1_999, 4, 900, 25, false),
            trade(4_000, 5, 90, 1, false),
        ]);
        assert_eq!(
            bars,
            [Bar {
                ts_ms: 1_000,
                open: 10.0,
                high: 12.0,
                low: 10.0,
                close: 11.0,
                volume: 1.75,
                amount: 19.75,
                trades: 3,
                buy_qty: 0.75,
            }]
        );
        assert_eq!(builder.forming().map(|bar| (bar.ts_ms, bar.trades)), Some((4_000, 1)));
    }

    #[test]
    fn another_stream_closes_a_bar_one_watermark_later() {
        let (bars, _) = built(vec![trade(1_000, 1, 100, 1, false), quote(2_249)]);
        assert_eq!(bars.len(), 0);
        let (bars, builder) = built(vec![
            trade(1_000, 1, 100, 1, false),
            quote(2_100),
            trade(1_990, 2, 100, 1, false),
            quote(2_250),
            trade(1_995, 3, 100, 1, false),
        ]);
        assert_eq!((bars.len(), bars[0].trades, builder.late()), (1, 2, 1));
    }
}
