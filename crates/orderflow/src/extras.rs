//! The columns beyond the fixed ones. They live apart, so that who does not ask for them does not pay for them.

use std::collections::{BTreeMap, VecDeque};

use crate::book::Book;
use crate::closer::{Bin, Units};
use crate::divergence::{Divergences, Point};
use crate::error::Error;
use crate::event::Level;
use crate::flow_config::FlowConfig;
use crate::flow_row::{ExtraRow, FlowRow};
use crate::integrated::Integrated;
use crate::kyle::KyleLambda;
use crate::microprice::MicroPrice;
use crate::mlofi::{ByLevel, MAX_LEVELS, Tops, normalised};
use crate::ofi::BestQuotes;
use crate::regime::{Part, Regime};
use crate::state::{Reader, State, Writer, state_of};
use crate::vpin::Vpin;

const DAY_MS: i64 = 86_400_000;
const KYLE_MS: i64 = 1_800_000;
const VPIN_LEARNING_MS: i64 = 60_000;
/// Conflict of the legs: strong OFI against trade flow.
const CONFLICT_OFI: f64 = 1.5;
const CONFLICT_CVD: f64 = 0.7;
/// A score counts in units of 2^-20 in its running sum, so that the sum is exact.
const SCORE_UNIT: f64 = 1_048_576.0;

/// What an open bin collects.
#[derive(Clone, Debug, Default)]
struct OpenBin {
    mlofi: ByLevel,
    /// Quantity on the levels after each change of the book, and the number of changes.
    depth: i128,
    changes: i64,
    /// Signed lots in order; they wait here because a bucket of volume may end inside a bin.
    trades: Vec<i64>,
}

state_of!(OpenBin { mlofi, depth, changes, trades });

/// Quantity near the mid at the end of the bin of a change of the book.
#[derive(Clone, Copy, Debug)]
struct Depth {
    bin: i64,
    bid: i128,
    ask: i128,
}

state_of!(Depth { bin, bid, ask });

/// Everything that `all_columns` needs between bins.
#[derive(Clone, Debug)]
pub(crate) struct Extras {
    bin_ms: i64,
    levels: usize,
    weights: [f64; MAX_LEVELS],
    units: Units,
    cvd_bins: usize,
    before: Option<Tops>,
    open: BTreeMap<i64, OpenBin>,
    depths: VecDeque<Depth>,
    /// Bin of the newest change of the book, while it is the venue's.
    newest_change: Option<i64>,
    micro: MicroPrice,
    kyle: KyleLambda,
    vpin: Vpin,
    /// Ends of bins seen, for the learning of VPIN's bucket.
    first_ts_ms: Option<i64>,
    integrated: Integrated,
    regime: Regime,
    rolling: VecDeque<i128>,
    rolling_sum: i128,
    cvd_day: i128,
    day: Option<i64>,
    /// bid + ask at the end of the last bin; none after a bin with a bad book.
    mid_before: Option<i64>,
    ofi_total: i128,
    score_total: i128,
    divergences: Divergences,
    rows: Vec<ExtraRow>,
}

impl Extras {
    /// Returns extras without history; the settings have been checked.
    pub fn new(config: &FlowConfig) -> Self {
        Self {
            bin_ms: config.bin_ms,
            levels: config.levels,
            weights: normalised(&config.level_weights, config.levels),
            units: Units::new(config.scale),
            cvd_bins: config.bins_in(config.cvd_window_ms),
            before: None,
            open: BTreeMap::new(),
            depths: VecDeque::new(),
            newest_change: None,
            micro: MicroPrice::new(config.tick),
            kyle: KyleLambda::new(config.bins_in(KYLE_MS)),
            vpin: Vpin::new(config.vpin_bucket),
            first_ts_ms: None,
            integrated: Integrated::new(config.levels),
            regime: Regime::new(config.bin_ms),
            rolling: VecDeque::new(),
            rolling_sum: 0,
            cvd_day: 0,
            day: None,
            mid_before: None,
            ofi_total: 0,
            score_total: 0,
            divergences: Divergences::new(config.pivot_bins),
            rows: Vec::new(),
        }
    }

    /// Takes the rows of the bins closed since the last call.
    pub fn take(&mut self) -> Vec<ExtraRow> {
        std::mem::take(&mut self.rows)
    }

    /// Takes quotes in their order.
    pub fn on_quote(&mut self, event_ms: i64, quotes: &BestQuotes) {
        self.micro.on_quote(event_ms, quotes);
    }

    /// Takes a trade of an open bin.
    pub fn on_trade(&mut self, bin: i64, qty: i64, taker_buys: bool) {
        let signed = if taker_buys { qty } else { -qty };
        self.open.entry(bin).or_default().trades.push(signed);
    }

    /// Notes the depth near the mid before a change in a later bin alters it.
    pub fn before_change(&mut self, bin: i64, book: &Book) {
        if let Some(newest) = self.newest_change.filter(|newest| bin > *newest) {
            self.depths.extend(near_mid(newest, book));
        }
    }

    /// Takes the book after a change; `is_open` says whether the change's bin still takes it.
    pub fn after_change(&mut self, bin: i64, is_open: bool, book: &Book) {
        self.newest_change = Some(self.newest_change.map_or(bin, |newest| newest.max(bin)));
        if self.levels == 0 {
            return;
        }
        let tops = Tops::of(book.bids(), book.asks(), self.levels);
        let before = self.before.replace(tops);
        if !is_open {
            return;
        }
        let open = self.open.entry(bin).or_default();
        open.depth += tops.depth();
        open.changes += 1;
        if let Some(before) = before {
            let steps = tops.step_from(&before);
            open.mlofi.iter_mut().zip(steps).for_each(|(sum, step)| *sum += step);
        }
    }

    /// Forgets what must not be carried across a hole.
    pub fn break_off(&mut self) {
        self.before = None;
        self.newest_change = None;
        self.micro.break_off();
    }

    /// Forgets what was compared over time, after a long hole.
    pub fn clear(&mut self) {
        self.divergences.clear();
    }

    /// Closes the bin of `row`, after the fixed columns.
    pub fn close(&mut self, closed: &Closed<'_>, book: &Book) {
        let Closed { index, bin, row, quotes, cvd, .. } = *closed;
        let ts_ms = row.ts_ms;
        let open = self.open.remove(&index).unwrap_or_default();
        // Steps of the book may have opened bins before the first row.
        while self.open.first_key_value().is_some_and(|(first, _)| *first < index) {
            self.open.pop_first();
        }
        let depth = self.depth(index, book).filter(|_| row.book_ok == Some(true));
        let mut extra = ExtraRow::default();
        self.of_quotes(ts_ms, quotes, &mut extra);
        self.of_trades(ts_ms, bin, &open, &mut extra);
        let mid2 = quotes.map(|quotes| quotes.bid.price + quotes.ask.price);
        let moved = mid2.zip(self.mid_before).map(|(new, old)| i128::from(new) - i128::from(old));
        let sound = row.book_ok != Some(false);
        self.mid_before = mid2.filter(|_| sound);
        self.of_moves(bin, moved.filter(|_| sound), mid2, &mut extra);
        if row.book_ok == Some(true) && self.levels > 0 {
            self.of_levels(ts_ms, &open, moved, mid2, &mut extra);
        }
        extra.depth_bid = depth.map(|depth| depth.bid as f64 / self.units.lot);
        extra.depth_ask = depth.map(|depth| depth.ask as f64 / self.units.lot);
        let (ofi_age, cvd_age) = closed.ages_ms;
        extra.lag_sec = ofi_age.zip(cvd_age).map(|(one, other)| one.max(other) as f64 / 1_000.0);
        self.of_divergence(bin, row, cvd, mid2, &mut extra);
        self.rows.push(extra);
    }

    fn depth(&mut self, index: i64, book: &Book) -> Option<Depth> {
        // After a hole an older bin may follow a newer one: the last that was noted counts.
        let known = self.depths.iter().rposition(|depth| depth.bin <= index);
        self.depths.drain(..known.unwrap_or(0));
        match self.newest_change {
            Some(newest) if newest <= index => near_mid(newest, book),
            _ => self.depths.front().filter(|_| known.is_some()).copied(),
        }
    }

    fn of_quotes(&mut self, ts_ms: i64, quotes: Option<&BestQuotes>, extra: &mut ExtraRow) {
        let Some(quotes) = quotes else { return };
        let (bid, ask) = (quotes.bid, quotes.ask);
        let (bid_qty, ask_qty) = (i128::from(bid.qty), i128::from(ask.qty));
        if bid_qty + ask_qty > 0 {
            let both = (bid_qty + ask_qty) as f64;
            let crossed = bid_qty * i128::from(ask.price) + ask_qty * i128::from(bid.price);
            extra.queue_imbalance = Some((bid_qty - ask_qty) as f64 / both);
            extra.weighted_mid = Some(crossed as f64 / both / self.units.price);
        }
        extra.micro_price = self
            .micro
            .adjustment(ts_ms, quotes)
            .map(|shift| ((bid.price + ask.price) as f64 + shift) / (2.0 * self.units.price));
    }

    fn of_trades(&mut self, ts_ms: i64, bin: &Bin, open: &OpenBin, extra: &mut ExtraRow) {
        let tfi = bin.buy - bin.sell;
        let lot = self.units.lot;
        let day = (ts_ms - 1).div_euclid(DAY_MS);
        if self.day.replace(day) != Some(day) {
            self.cvd_day = 0;
        }
        self.cvd_day += tfi;
        self.rolling.push_back(tfi);
        self.rolling_sum += tfi;
        if self.rolling.len() > self.cvd_bins {
            self.rolling_sum -= self.rolling.pop_front().unwrap_or(0);
        }
        for signed in &open.trades {
            self.vpin.push(*signed);
        }
        let first = *self.first_ts_ms.get_or_insert(ts_ms);
        if ts_ms - first + self.bin_ms >= VPIN_LEARNING_MS {
            self.vpin.learnt();
        }
        let both = bin.buy + bin.sell;
        extra.cvd_day = self.cvd_day as f64 / lot;
        extra.cvd_rolling = self.rolling_sum as f64 / lot;
        extra.buy_ratio = (both > 0).then(|| bin.buy as f64 / both as f64);
        extra.tfi_quote = (bin.buy_amount - bin.sell_amount) as f64 / (self.units.price * lot);
        extra.vpin = self.vpin.value();
    }

    fn of_moves(
        &mut self,
        bin: &Bin,
        moved: Option<i128>,
        mid2: Option<i64>,
        extra: &mut ExtraRow,
    ) {
        let Units { price, lot } = self.units;
        self.kyle.push(moved.map(|moved| (bin.buy - bin.sell, moved)));
        if let Some(fit) = self.kyle.slope() {
            extra.kyle_lambda = Some(fit.slope * lot / (2.0 * price));
            extra.kyle_t = fit.t_value;
        }
        let cut = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let part = Part {
            trades: cut(bin.trades),
            quotes: cut(bin.quotes),
            amount: bin.buy_amount + bin.sell_amount,
            squared_move: moved.map_or(0, |moved| moved * moved),
        };
        self.regime.push(part, mid2);
        let Some(rates) = self.regime.rates() else { return };
        extra.trades_per_min = Some(rates.trades_per_min);
        extra.quotes_per_s = Some(rates.quotes_per_s);
        extra.volume_quote = Some(rates.amount_per_min / (price * lot));
        extra.sigma_bps = mid2.map(|mid2| 1e4 * rates.moved / mid2 as f64);
        extra.move_5m_bps = self.regime.move_bps();
    }

    fn of_levels(
        &mut self,
        ts_ms: i64,
        open: &OpenBin,
        moved: Option<i128>,
        mid2: Option<i64>,
        extra: &mut ExtraRow,
    ) {
        let lot = self.units.lot;
        extra.mlofi = open.mlofi.iter().take(self.levels).map(|flow| *flow as f64 / lot).collect();
        let mut weighted = 0.0;
        for (weight, flow) in self.weights.iter().zip(&extra.mlofi) {
            weighted += weight * flow;
        }
        extra.ofi_weighted = Some(weighted);
        let sides = 2 * self.levels as i64 * open.changes;
        let depth = if open.depth > 0 { open.depth as f64 / sides as f64 } else { 1.0 };
        let flows: Vec<f64> =
            open.mlofi.iter().take(self.levels).map(|flow| *flow as f64 / depth).collect();
        extra.ofi_integrated = self.integrated.value(ts_ms, &flows);
        if let (Some(moved), Some(mid2)) = (moved, mid2) {
            self.integrated.add(&flows, 1e4 * moved as f64 / mid2 as f64);
        }
    }

    fn of_divergence(
        &mut self,
        bin: &Bin,
        row: &FlowRow,
        cvd: i128,
        mid2: Option<i64>,
        extra: &mut ExtraRow,
    ) {
        self.ofi_total += bin.ofi;
        let score = row.fusion.map_or(0.0, |score| (score * SCORE_UNIT).round_ties_even());
        self.score_total += score as i128;
        if let Some((ofi, cvd)) = row.z_ofi.zip(row.z_cvd) {
            extra.ofi_cvd_conflict = ofi.abs() >= CONFLICT_OFI
                && cvd.abs() >= CONFLICT_CVD
                && (ofi > 0.0) != (cvd > 0.0);
        }
        if let Some(price) = mid2 {
            let sums = [cvd, self.ofi_total, self.score_total];
            let consistency = row.consistency.unwrap_or(0.0);
            extra.divergences =
                self.divergences.push(Point { ts_ms: row.ts_ms, price, sums, consistency });
        }
    }

    /// Appends what is not in the settings.
    pub fn save(&self, out: &mut Writer) {
        self.before.save(out);
        self.open.save(out);
        self.depths.save(out);
        self.newest_change.save(out);
        self.micro.save(out);
        self.kyle.save(out);
        self.vpin.save(out);
        self.first_ts_ms.save(out);
        self.integrated.save(out);
        self.regime.save(out);
        self.rolling.save(out);
        self.cvd_day.save(out);
        self.day.save(out);
        self.mid_before.save(out);
        self.ofi_total.save(out);
        self.score_total.save(out);
        self.divergences.save(out);
    }

    /// Returns extras as they were saved under the same settings; rows not taken are not kept.
    pub fn load(config: &FlowConfig, from: &mut Reader<'_>) -> Result<Self, Error> {
        let mut extras = Self::new(config);
        extras.before = State::load(from)?;
        extras.open = State::load(from)?;
        extras.depths = State::load(from)?;
        extras.newest_change = State::load(from)?;
        extras.micro = State::load(from)?;
        extras.kyle = State::load(from)?;
        extras.vpin = State::load(from)?;
        extras.first_ts_ms = State::load(from)?;
        extras.integrated = State::load(from)?;
        extras.regime = State::load(from)?;
        extras.rolling = State::load(from)?;
        extras.rolling_sum = extras.rolling.iter().sum();
        extras.cvd_day = State::load(from)?;
        extras.day = State::load(from)?;
        extras.mid_before = State::load(from)?;
        extras.ofi_total = State::load(from)?;
        extras.score_total = State::load(from)?;
        extras.divergences = Divergences::load(from)?.with_reach(config.pivot_bins);
        Ok(extras)
    }
}

/// A bin as the fixed columns leave it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed<'a> {
    /// Number of the bin since the epoch.
    pub index: i64,
    pub bin: &'a Bin,
    pub row: &'a FlowRow,
    /// Last quotes before its end.
    pub quotes: Option<&'a BestQuotes>,
    /// CVD in lots.
    pub cvd: i128,
    /// Ages of the last quote and the last trade.
    pub ages_ms: (Option<i64>, Option<i64>),
}

/// Returns the quantity within 10 bps of the mid on either side; `None` where the book does not reach so far.
fn near_mid(bin: i64, book: &Book) -> Option<Depth> {
    let mid2 = i128::from(book.best_bid()?.price) + i128::from(book.best_ask()?.price);
    let bid = until_far(book.bids(), mid2)?;
    let ask = until_far(book.asks(), mid2)?;
    Some(Depth { bin, bid, ask })
}

/// Adds quantities up to the first level beyond 10 bps; `None` without such a level: what lies there is not shown.
fn until_far(levels: impl Iterator<Item = Level>, mid2: i128) -> Option<i128> {
    let mut sum = 0;
    for level in levels {
        if (2 * i128::from(level.price) - mid2).abs() * 1_000 > mid2 {
            return Some(sum);
        }
        sum += i128::from(level.qty);
    }
    None
}
