//! The engine: events in, one feature row for every bin of event time out.
//!
//! Bin k of width w covers venue times in [k·w, (k+1)·w). The streams of a symbol arrive interleaved and some milliseconds out of
//! step, so a bin closes when an event with `T ≥ ts_ms + watermark` is seen; what comes later still is counted, not applied.

use std::collections::VecDeque;

use crate::agreement::Agreement;
use crate::error::Error;
use crate::event::{Body, Event, EventBatch, Level};
use crate::flow_config::FlowConfig;
use crate::fusion::{Fusion, FusionInput, Reasons, Signal};
use crate::ofi::{BestQuotes, ofi_step};
use crate::robust_z::{RobustZ, signed_sqrt};
use crate::scan::POW10;
use crate::sync::{BookSync, Change, Diff, Gap, SyncState};

const NS_PER_MS: i64 = 1_000_000;
/// A gap longer than this clears the baselines of z.
const MAX_GAP_MS: i64 = 60_000;
/// Gaps kept for the report; all are counted.
const MAX_KEPT_GAPS: usize = 1_024;

/// One bin's features. Quantities are base units, prices quote units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowRow {
    /// Bin end, exclusive, Unix ms.
    pub ts_ms: i64,
    /// Middle of the last quotes before `ts_ms`.
    pub mid: Option<f64>,
    /// Order flow imbalance of the bin.
    pub ofi: f64,
    /// Taker buys less taker sells since the start of the input.
    pub cvd: f64,
    /// Taker buys less taker sells of the bin.
    pub tfi: f64,
    /// Robust z of `ofi`.
    pub z_ofi: Option<f64>,
    /// Robust z of `tfi`.
    pub z_cvd: Option<f64>,
    /// Score of the two; contemporaneous.
    pub fusion: Option<f64>,
    /// State after the bin.
    pub signal: Signal,
    /// Whether the book was the venue's through the bin; `None` without a depth stream.
    pub book_ok: Option<bool>,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best ask.
    pub ask: Option<f64>,
    /// 10^4 (ask − bid) / mid.
    pub spread_bps: Option<f64>,
    /// Agreement of the two z, 0 to 1.
    pub consistency: Option<f64>,
    /// Why the signal is what it is.
    pub reasons: Reasons,
    /// Quantity bought by takers.
    pub buy_qty: f64,
    /// Quantity sold by takers.
    pub sell_qty: f64,
    /// Trades in the bin.
    pub trades: u64,
    /// Quote changes in the bin.
    pub quotes: u64,
    /// Price of the last trade before `ts_ms`.
    pub last_price: Option<f64>,
}

/// What the engine has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Events taken.
    pub events: u64,
    /// Quotes used.
    pub quotes: u64,
    /// Quotes left out: `u` not above the one before.
    pub repeated_quotes: u64,
    /// Trades used.
    pub trades: u64,
    /// Trades left out: id not above the one before.
    pub repeated_trades: u64,
    /// Trades left out: not on the market.
    pub ignored_trades: u64,
    /// Times a trade id skipped.
    pub trade_gaps: u64,
    /// Quotes and trades that came after their bin had closed.
    pub late: u64,
    /// Diffs seen.
    pub diffs: u64,
    /// Snapshots seen.
    pub snapshots: u64,
    /// Times the book became synced.
    pub syncs: u64,
    /// Breaks of the chain of diffs.
    pub gaps: u64,
    /// Times the book was crossed.
    pub crossed: u64,
    /// The first 1,024 gaps.
    pub gap_list: Vec<Gap>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    ofi: i128,
    buy: i128,
    sell: i128,
    trades: u64,
    quotes: u64,
    quote: Option<(BestQuotes, i64)>,
    trade: Option<(i64, i64)>,
}

/// Features of one symbol, bin by bin.
#[derive(Clone, Debug)]
pub struct FlowEngine {
    config: FlowConfig,
    /// Index of the first open bin, once there is one.
    first_open: Option<i64>,
    open: VecDeque<Bin>,
    /// The bin of the newest quote or trade: rows go no further.
    last_active: i64,
    any_closed: bool,
    clock_ms: i64,
    next_close_ms: i64,
    quote_id: i64,
    trade_id: i64,
    diff_id: i64,
    before: Option<BestQuotes>,
    quote: Option<(BestQuotes, i64)>,
    trade: Option<(i64, i64)>,
    cvd: i128,
    z_ofi: RobustZ,
    z_cvd: RobustZ,
    fusion: Fusion,
    sync: BookSync,
    agreement: Agreement,
    changes: Vec<Change>,
    /// Spans of venue time, [from, to), in which the book was not the venue's.
    bad: Vec<(i64, i64)>,
    has_depth: bool,
    stats: FlowStats,
}

impl FlowEngine {
    /// Returns an engine without history.
    ///
    /// # Errors
    /// A setting outside its bounds.
    pub fn new(config: FlowConfig) -> Result<Self, Error> {
        config.check()?;
        let window = (config.window_ms / config.bin_ms) as usize;
        let z = RobustZ::new(window, (config.warmup_ms / config.bin_ms) as usize);
        Ok(Self {
            config,
            first_open: None,
            open: VecDeque::new(),
            last_active: i64::MIN,
            any_closed: false,
            clock_ms: i64::MIN,
            next_close_ms: i64::MAX,
            quote_id: i64::MIN,
            trade_id: i64::MIN,
            diff_id: 0,
            before: None,
            quote: None,
            trade: None,
            cvd: 0,
            z_ofi: z.clone(),
            z_cvd: z,
            fusion: Fusion::new(config.fusion),
            sync: BookSync::new(config.keep_levels),
            agreement: Agreement::default(),
            changes: Vec::new(),
            bad: vec![(i64::MIN, i64::MAX)],
            has_depth: false,
            stats: FlowStats::default(),
        })
    }

    /// Returns the counters.
    pub fn stats(&self) -> &FlowStats {
        &self.stats
    }

    /// Returns the book and how it stands.
    pub fn sync(&self) -> &BookSync {
        &self.sync
    }

    /// Returns (compared, equal): diffs after which the book was compared with the quotes.
    pub fn agreement(&self) -> (u64, u64) {
        (self.agreement.checks(), self.agreement.matches())
    }

    /// Takes events in arrival order and appends the rows of the bins they close.
    pub fn push(&mut self, batch: &EventBatch, out: &mut Vec<FlowRow>) {
        self.stats.events += batch.events.len() as u64;
        for event in &batch.events {
            let event_ms = event.event_ns.div_euclid(NS_PER_MS);
            self.clock_ms = self.clock_ms.max(event_ms);
            self.take(event, event_ms, batch, out);
        }
    }

    /// Appends the rows of the bins that a clock (Unix ms) closes: all events before it have been pushed.
    pub fn advance(&mut self, clock_ms: i64, out: &mut Vec<FlowRow>) {
        self.close_due(clock_ms, out);
    }

    /// Appends the rows still open, up to the bin of the last quote or trade.
    pub fn finish(&mut self, out: &mut Vec<FlowRow>) {
        self.agreement.finish();
        while self.first_open.is_some_and(|first| first <= self.last_active) {
            self.close_first(out);
        }
    }

    fn take(&mut self, event: &Event, event_ms: i64, batch: &EventBatch, out: &mut Vec<FlowRow>) {
        match event.body {
            Body::Quote { update_id, bid, ask } => {
                if update_id <= self.quote_id {
                    self.stats.repeated_quotes += 1;
                    return;
                }
                self.quote_id = update_id;
                self.on_quote(event_ms, BestQuotes { bid, ask }, out);
                self.compare_quote(update_id, bid, ask);
            }
            Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
                if trade_id <= self.trade_id {
                    self.stats.repeated_trades += 1;
                    return;
                }
                let skipped = self.trade_id != i64::MIN && trade_id != self.trade_id + 1;
                self.stats.trade_gaps += u64::from(skipped);
                self.trade_id = trade_id;
                if is_market {
                    self.on_trade(event_ms, price, qty, buyer_is_maker, out);
                } else {
                    self.stats.ignored_trades += 1;
                }
            }
            Body::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                self.stats.diffs += 1;
                self.has_depth = true;
                self.diff_id = final_id;
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                let diff = Diff { first_id, final_id, prev_final_id, event_ms, bids, asks };
                self.sync.on_diff(&diff, &mut self.changes);
                self.on_changes();
                self.close_due(self.clock_ms, out);
            }
            Body::Book { id, bids, asks } => {
                self.stats.snapshots += 1;
                self.has_depth = true;
                self.diff_id = id;
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                self.sync.on_book(id, event_ms, bids, asks, &mut self.changes);
                self.on_changes();
                self.close_due(self.clock_ms, out);
            }
            Body::Reset => {
                self.sync.reset(event_ms, &mut self.changes);
                self.before = None;
                self.on_changes();
            }
            Body::Snapshot { last_id, bids, asks } => {
                self.stats.snapshots += 1;
                self.has_depth = true;
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                self.sync.on_snapshot(last_id, bids, asks, &mut self.changes);
                self.on_changes();
                self.close_due(self.clock_ms, out);
            }
        }
    }

    fn on_quote(&mut self, event_ms: i64, quotes: BestQuotes, out: &mut Vec<FlowRow>) {
        self.stats.quotes += 1;
        let step = self.before.replace(quotes).map_or(0, |before| ofi_step(&before, &quotes));
        if let Some(bin) = self.bin_of(event_ms, out) {
            bin.ofi += i128::from(step);
            bin.quotes += 1;
            bin.quote = Some((quotes, event_ms));
        } else {
            self.quote = Some((quotes, event_ms));
        }
    }

    fn on_trade(
        &mut self,
        event_ms: i64,
        price: i64,
        qty: i64,
        buyer_is_maker: bool,
        out: &mut Vec<FlowRow>,
    ) {
        self.stats.trades += 1;
        if let Some(bin) = self.bin_of(event_ms, out) {
            let side = if buyer_is_maker { &mut bin.sell } else { &mut bin.buy };
            *side += i128::from(qty);
            bin.trades += 1;
            bin.trade = Some((price, event_ms));
        }
    }

    /// Returns the open bin of a quote or trade, after closing what its time closes; `None` where it comes late.
    fn bin_of(&mut self, event_ms: i64, out: &mut Vec<FlowRow>) -> Option<&mut Bin> {
        let index = event_ms.div_euclid(self.config.bin_ms);
        self.last_active = self.last_active.max(index);
        self.close_due(self.clock_ms, out);
        let mut first = *self.first_open.get_or_insert(index);
        if index < first && !self.any_closed {
            // The first events of two streams may come in either order.
            for _ in index..first {
                self.open.push_front(Bin::default());
            }
            first = index;
            self.first_open = Some(index);
        }
        if index < first {
            self.stats.late += 1;
            return None;
        }
        let at = (index - first) as usize;
        while self.open.len() <= at {
            self.open.push_back(Bin::default());
        }
        self.next_close_ms = (first + 1) * self.config.bin_ms + self.config.watermark_ms;
        self.open.get_mut(at)
    }

    fn close_due(&mut self, clock_ms: i64, out: &mut Vec<FlowRow>) {
        while clock_ms >= self.next_close_ms
            && self.first_open.is_some_and(|first| first <= self.last_active)
        {
            self.close_first(out);
        }
    }

    fn compare_quote(&mut self, update_id: i64, bid: Level, ask: Level) {
        let needed = match self.sync.state() {
            SyncState::Synced => self.diff_id,
            _ => self.sync.oldest_buffered_id().unwrap_or(self.diff_id),
        };
        if let Some(bad_ms) = self.agreement.on_quote(update_id, bid, ask, needed) {
            self.bad.push((bad_ms, bad_ms + 1));
        }
    }

    fn on_changes(&mut self) {
        for change in self.changes.drain(..) {
            match change {
                Change::Synced => {
                    self.stats.syncs += 1;
                    for span in self.bad.iter_mut().filter(|span| span.1 == i64::MAX) {
                        span.1 = self.clock_ms;
                    }
                }
                Change::Applied { final_id, event_ms, bid, ask } => {
                    let bad_ms = self.agreement.on_applied(final_id, event_ms, bid, ask);
                    self.bad.extend(bad_ms.map(|bad_ms| (bad_ms, bad_ms + 1)));
                }
                Change::Lost(gap) => {
                    self.stats.gaps += 1;
                    if self.stats.gap_list.len() < MAX_KEPT_GAPS {
                        self.stats.gap_list.push(gap);
                    }
                    self.bad.push((gap.from_ms, i64::MAX));
                    // Nothing is carried across a gap.
                    self.before = None;
                    self.agreement.lose_book();
                    if gap.to_ms - gap.from_ms > MAX_GAP_MS {
                        self.z_ofi.clear();
                        self.z_cvd.clear();
                    }
                }
                Change::Crossed(at_ms) => {
                    self.stats.crossed += 1;
                    self.bad.push((at_ms, i64::MAX));
                    self.before = None;
                    self.agreement.lose_book();
                }
            }
        }
    }

    /// Closes the first open bin.
    fn close_first(&mut self, out: &mut Vec<FlowRow>) {
        let Some(index) = self.first_open else { return };
        let bin = self.open.pop_front().unwrap_or_default();
        let start_ms = index * self.config.bin_ms;
        let ts_ms = start_ms + self.config.bin_ms;
        self.any_closed = true;
        self.first_open = Some(index + 1);
        self.next_close_ms = ts_ms + self.config.bin_ms + self.config.watermark_ms;
        self.quote = bin.quote.or(self.quote);
        self.trade = bin.trade.or(self.trade);
        let tfi = bin.buy - bin.sell;
        self.cvd += tfi;
        let book_ok = self.book_ok(start_ms, ts_ms);
        let z_ofi = z_step(&mut self.z_ofi, bin.ofi, book_ok);
        let z_cvd = z_step(&mut self.z_cvd, tfi, book_ok);
        let price = POW10[self.config.scale.price_decimals as usize] as f64;
        let lot = POW10[self.config.scale.qty_decimals as usize] as f64;
        let quotes = self.quote.map(|(quotes, _)| (quotes.bid.price, quotes.ask.price));
        let spread_bps = quotes.map(|(bid, ask)| spread_bps(bid, ask));
        let fused = self.fusion.step(&FusionInput {
            ts_ms,
            bin_ms: self.config.bin_ms,
            z_ofi,
            z_cvd,
            book_ok,
            ofi_age_ms: self.quote.map(|(_, at_ms)| ts_ms - at_ms),
            cvd_age_ms: self.trade.map(|(_, at_ms)| ts_ms - at_ms),
            spread_bps,
        });
        out.push(FlowRow {
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
        });
    }

    /// Returns whether the book was the venue's from `start_ms` to `ts_ms`, and forgets what no later bin can touch.
    fn book_ok(&mut self, start_ms: i64, ts_ms: i64) -> Option<bool> {
        if !self.has_depth {
            return None;
        }
        let bad = self.bad.iter().any(|(from, to)| *from < ts_ms && *to > start_ms);
        self.bad.retain(|(_, to)| *to > ts_ms);
        Some(!bad && self.clock_ms >= ts_ms)
    }
}

/// Scores a bin against its past, then adds it to the past; a bin with a bad book does neither.
fn z_step(z: &mut RobustZ, flow: i128, book_ok: Option<bool>) -> Option<f64> {
    let y = (book_ok != Some(false)).then(|| signed_sqrt(flow));
    let score = y.and_then(|y| z.score(y));
    z.push(y);
    score
}

/// Returns 10^4 (ask − bid) / mid of integer prices.
pub(crate) fn spread_bps(bid: i64, ask: i64) -> f64 {
    1e4 * (ask - bid) as f64 / ((bid + ask) as f64 / 2.0)
}
