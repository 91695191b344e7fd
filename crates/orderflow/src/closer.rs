//! What closes a bin: from its sums to z, fusion and a row. The path from events and the one from arrays both end here.

use crate::error::Error;
use crate::ew_z::EwZ;
use crate::flow_config::{FlowConfig, ZKind};
use crate::flow_row::FlowRow;
use crate::fusion::{Fusion, FusionInput};
use crate::ofi::BestQuotes;
use crate::robust_z::{Baseline, RobustZ};
use crate::scan::{POW10, Scale};
use crate::state::{Reader, State, Writer, state_of};

/// The sums of one bin, all exact.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bin {
    pub ofi: i128,
    pub buy: i128,
    pub sell: i128,
    /// Σ price · quantity of taker buys, and of taker sells.
    pub buy_amount: i128,
    pub sell_amount: i128,
    pub trades: u64,
    pub quotes: u64,
    /// Last quotes and their time.
    pub quote: Option<(BestQuotes, i64)>,
    /// Last trade price and its time.
    pub trade: Option<(i64, i64)>,
}

state_of!(Bin { ofi, buy, sell, buy_amount, sell_amount, trades, quotes, quote, trade });
state_of!(BestQuotes { bid, ask });

impl Bin {
    pub fn add_trade(&mut self, event_ms: i64, price: i64, qty: i64, taker_buys: bool) {
        let amount = i128::from(price) * i128::from(qty);
        if taker_buys {
            self.buy += i128::from(qty);
            self.buy_amount += amount;
        } else {
            self.sell += i128::from(qty);
            self.sell_amount += amount;
        }
        self.trades += 1;
        self.trade = Some((price, event_ms));
    }
}

/// Price and quantity units as floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    pub price: f64,
    pub lot: f64,
}

impl Units {
    /// Decimals above 18 count as 18.
    pub fn new(scale: Scale) -> Self {
        let unit = |decimals: u32| POW10.get(decimals as usize).map_or(1e18, |unit| *unit as f64);
        Self { price: unit(scale.price_decimals), lot: unit(scale.qty_decimals) }
    }
}

/// What one bin hands to the next.
#[derive(Clone, Debug)]
pub(crate) struct Closer {
    bin_ms: i64,
    units: Units,
    pub quote: Option<(BestQuotes, i64)>,
    trade: Option<(i64, i64)>,
    pub cvd: i128,
    z_ofi: Baseline,
    z_cvd: Baseline,
    fusion: Fusion,
}

impl Closer {
    /// Returns a closer without history; the settings have been checked.
    pub fn new(config: &FlowConfig) -> Self {
        let warmup = (config.warmup_ms / config.bin_ms) as usize;
        let z = match config.z {
            ZKind::Robust => {
                let window = (config.window_ms / config.bin_ms) as usize;
                Baseline::Robust(RobustZ::new(window, warmup))
            }
            ZKind::Ew => Baseline::Ew(EwZ::new(config.bin_ms, config.half_life_ms, warmup)),
        };
        Self {
            bin_ms: config.bin_ms,
            units: Units::new(config.scale),
            quote: None,
            trade: None,
            cvd: 0,
            z_ofi: z.clone(),
            z_cvd: z,
            fusion: Fusion::new(config.fusion),
        }
    }

    /// Forgets the baselines of z.
    pub fn clear(&mut self) {
        self.z_ofi.clear();
        self.z_cvd.clear();
    }

    /// Returns the ages of the last quote and the last trade at `ts_ms`.
    pub fn ages_ms(&self, ts_ms: i64) -> (Option<i64>, Option<i64>) {
        let age = |at_ms: i64| ts_ms.saturating_sub(at_ms);
        (self.quote.map(|(_, at_ms)| age(at_ms)), self.trade.map(|(_, at_ms)| age(at_ms)))
    }

    /// Closes the bin that ends at `ts_ms`.
    pub fn close(&mut self, ts_ms: i64, bin: &Bin, book_ok: Option<bool>, late: bool) -> FlowRow {
        self.quote = bin.quote.or(self.quote);
        self.trade = bin.trade.or(self.trade);
        let tfi = bin.buy - bin.sell;
        self.cvd += tfi;
        let z_ofi = self.z_ofi.step(bin.ofi, book_ok != Some(false));
        let z_cvd = self.z_cvd.step(tfi, book_ok != Some(false));
        let quotes = self.quote.map(|(quotes, _)| (quotes.bid.price, quotes.ask.price));
        let spread_bps = quotes.map(|(bid, ask)| spread_bps(bid, ask));
        let (ofi_age_ms, cvd_age_ms) = self.ages_ms(ts_ms);
        let fused = self.fusion.step(&FusionInput {
            ts_ms,
            bin_ms: self.bin_ms,
            z_ofi,
            z_cvd,
            book_ok,
            ofi_age_ms,
            cvd_age_ms,
            spread_bps,
        });
        let Units { price, lot } = self.units;
        FlowRow {
            ts_ms,
            mid: quotes.map(|(bid, ask)| (bid + ask) as f64 / (2.0 * price)),
            ofi: bin.ofi as f64 / lot,
            cvd: self.cvd as f64 / lot,
            tfi: tfi as f64 / lot,
            z_ofi,
            z_cvd,
            fusion: fused.score,
            signal: fused.signal,
            book_ok,
            bid: quotes.map(|(bid, _)| bid as f64 / price),
            ask: quotes.map(|(_, ask)| ask as f64 / price),
            spread_bps,
            consistency: fused.consistency,
            reasons: fused.reasons,
            buy_qty: bin.buy as f64 / lot,
            sell_qty: bin.sell as f64 / lot,
            trades: bin.trades,
            quotes: bin.quotes,
            last_price: self.trade.map(|(last, _)| last as f64 / price),
            late,
        }
    }

    /// Appends what is not in the settings.
    pub fn save(&self, out: &mut Writer) {
        self.quote.save(out);
        self.trade.save(out);
        self.cvd.save(out);
        self.z_ofi.save(out);
        self.z_cvd.save(out);
        self.fusion.save(out);
    }

    /// Returns a closer as it was saved under the same settings.
    pub fn load(config: &FlowConfig, from: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            bin_ms: config.bin_ms,
            units: Units::new(config.scale),
            quote: State::load(from)?,
            trade: State::load(from)?,
            cvd: State::load(from)?,
            z_ofi: State::load(from)?,
            z_cvd: State::load(from)?,
            fusion: Fusion::load(config.fusion, from)?,
        })
    }
}

/// Returns 10^4 (ask − bid) / mid of integer prices.
pub(crate) fn spread_bps(bid: i64, ask: i64) -> f64 {
    1e4 * (ask - bid) as f64 / ((bid + ask) as f64 / 2.0)
}
