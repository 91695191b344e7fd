//! The engine: events in, one feature row for every bin of event time out.
//!
//! Bin k of width w covers venue times in [k·w, (k+1)·w). The streams of a symbol arrive interleaved and some milliseconds out of
//! step, so a bin closes when every socket has shown a `T ≥ ts_ms + watermark`, or one has gone `late_after` past its end; what
//! comes later still is counted, not applied.

use std::collections::VecDeque;

use crate::agreement::Agreement;
use crate::closer::{Bin, Closer};
use crate::error::Error;
use crate::event::{Body, Event, EventBatch, Level};
use crate::extras::{Closed, Extras};
use crate::flow_config::{FlowConfig, OfiSource};
use crate::ofi::{BestQuotes, ofi_step};
use crate::sync::{BookSync, Change, Diff, SyncState};

pub(crate) use crate::closer::spread_bps;
pub use crate::flow_row::{ExtraRow, FlowRow, FlowStats};

mod book_events;
mod saved;

const NS_PER_MS: i64 = 1_000_000;
/// A gap longer than this clears the baselines of z.
const MAX_GAP_MS: i64 = 60_000;
/// Gaps kept for the report; all are counted.
const MAX_KEPT_GAPS: usize = 1_024;
/// An event so many bins past all others is not believed.
const MAX_AHEAD_BINS: i64 = 10_000_000;
/// No price or quantity is larger, so that sums of two fit 64 bits.
const MAX_AMOUNT: i64 = 1_000_000_000_000_000_000;

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
    /// Newest venue time of all events, of quotes and books, and of trades.
    clock_ms: i64,
    public_ms: i64,
    market_ms: i64,
    /// The clock that closes the first open bin.
    next_close_ms: i64,
    quote_id: i64,
    trade_id: i64,
    diff_id: i64,
    before: Option<BestQuotes>,
    closer: Closer,
    sync: BookSync,
    agreement: Agreement,
    changes: Vec<Change>,
    /// Spans of venue time, [from, to), in which the book was not the venue's.
    bad: Vec<(i64, i64)>,
    /// The baselines are cleared at the first bin that ends after this.
    clear_after_ms: Option<i64>,
    /// Newest venue time when a connection was lost, until the next quote or trade.
    lost_ms: Option<i64>,
    has_depth: bool,
    extras: Option<Box<Extras>>,
    stats: FlowStats,
}

impl FlowEngine {
    /// Returns an engine without history.
    ///
    /// # Errors
    /// A setting outside its bounds.
    pub fn new(config: FlowConfig) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            config,
            first_open: None,
            open: VecDeque::new(),
            last_active: i64::MIN,
            any_closed: false,
            clock_ms: i64::MIN,
            public_ms: i64::MIN,
            market_ms: i64::MIN,
            next_close_ms: i64::MAX,
            quote_id: i64::MIN,
            trade_id: i64::MIN,
            diff_id: 0,
            before: None,
            closer: Closer::new(&config),
            sync: BookSync::new(config.keep_levels),
            agreement: Agreement::default(),
            changes: Vec::new(),
            bad: vec![(i64::MIN, i64::MAX)],
            clear_after_ms: None,
            lost_ms: None,
            has_depth: false,
            extras: config.all_columns.then(|| Box::new(Extras::new(&config))),
            stats: FlowStats::default(),
        })
    }

    /// Returns the settings.
    pub fn config(&self) -> &FlowConfig {
        &self.config
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
            if self.clock_ms != i64::MIN
                && event_ms.saturating_sub(self.clock_ms) / self.config.bin_ms >= MAX_AHEAD_BINS
            {
                self.stats.too_far += 1;
                continue;
            }
            self.clock_ms = self.clock_ms.max(event_ms);
            let is_trade = matches!(event.body, Body::Trade { .. });
            let socket_ms = if is_trade { &mut self.market_ms } else { &mut self.public_ms };
            *socket_ms = event_ms.max(*socket_ms);
            self.take(event, event_ms, batch, out);
        }
    }

    /// Returns the rows of the extra columns of the bins closed since the last call, in step with the others.
    pub fn take_extras(&mut self) -> Vec<ExtraRow> {
        self.extras.as_mut().map(|extras| extras.take()).unwrap_or_default()
    }

    /// Notes a venue time that a socket has shown in a frame that is no event here, and appends the rows it closes.
    pub fn seen(&mut self, is_market_socket: bool, event_ms: i64, out: &mut Vec<FlowRow>) {
        let socket_ms = if is_market_socket { &mut self.market_ms } else { &mut self.public_ms };
        *socket_ms = event_ms.max(*socket_ms);
        self.clock_ms = self.clock_ms.max(event_ms);
        self.close_due(out);
    }

    /// Notes that a row of this venue time was quarantined: the book of its bin is not ok.
    pub fn spoil(&mut self, event_ms: i64) {
        self.bad.push((event_ms, event_ms.saturating_add(1)));
    }

    /// Returns where the first bin begins that has not closed, Unix ms; `None` before the first quote or trade.
    pub fn open_from_ms(&self) -> Option<i64> {
        self.first_open.map(|first| first.saturating_mul(self.config.bin_ms))
    }

    /// Appends the rows of the bins that a clock (Unix ms) closes: all events before it have been pushed.
    ///
    /// With two sockets a bin waits for `late_after` on this clock.
    pub fn advance(&mut self, clock_ms: i64, out: &mut Vec<FlowRow>) {
        let wait_ms = match self.config.sockets {
            1 => 0,
            _ => self.config.late_after_ms - self.config.watermark_ms,
        };
        self.close_until(clock_ms.saturating_sub(wait_ms), out);
    }

    /// Appends the rows still open, up to the bin of the last quote or trade.
    pub fn finish(&mut self, out: &mut Vec<FlowRow>) {
        self.agreement.finish();
        while self.first_open.is_some_and(|first| first <= self.last_active) {
            self.close_first(false, out);
        }
    }

    fn take(&mut self, event: &Event, event_ms: i64, batch: &EventBatch, out: &mut Vec<FlowRow>) {
        match event.body {
            Body::Quote { update_id, bid, ask } => {
                if self.config.ofi_source == OfiSource::Depth {
                    self.stats.ignored_quotes += 1;
                    return;
                }
                if update_id <= self.quote_id {
                    self.stats.repeated_quotes += 1;
                    return;
                }
                self.quote_id = update_id;
                self.on_quote(event_ms, BestQuotes { bid, ask }, out);
                if self.config.ofi_source == OfiSource::BookTicker {
                    self.compare_quote(update_id, bid, ask);
                }
            }
            Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
                if trade_id <= self.trade_id {
                    self.stats.repeated_trades += 1;
                    return;
                }
                let skipped = self.trade_id != i64::MIN && trade_id != self.trade_id + 1;
                self.stats.trade_gaps += u64::from(skipped);
                self.trade_id = trade_id;
                let amounts = 1..=MAX_AMOUNT;
                if is_market && amounts.contains(&price) && amounts.contains(&qty) {
                    self.on_trade(event_ms, price, qty, buyer_is_maker, out);
                } else {
                    self.stats.ignored_trades += 1;
                }
            }
            Body::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                self.diff_id = final_id;
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                let diff = Diff { first_id, final_id, prev_final_id, event_ms, bids, asks };
                self.on_diff(&diff, out);
            }
            Body::Snapshot { last_id, bids, asks } => {
                self.on_snapshot(last_id, batch.levels(bids), batch.levels(asks), out);
            }
            Body::Book { id, bids, asks } => {
                self.diff_id = id;
                self.on_book(id, event_ms, batch.levels(bids), batch.levels(asks), out);
            }
            Body::Reset => self.on_reset(event_ms, out),
        }
    }

    fn on_quote(&mut self, event_ms: i64, quotes: BestQuotes, out: &mut Vec<FlowRow>) {
        let usable = |level: Level| {
            (1..=MAX_AMOUNT).contains(&level.price) && (0..=MAX_AMOUNT).contains(&level.qty)
        };
        if !usable(quotes.bid) || !usable(quotes.ask) {
            self.stats.ignored_quotes += 1;
            self.before = None;
            return;
        }
        self.stats.quotes += 1;
        self.after_loss(event_ms);
        let step = self.before.replace(quotes).map_or(0, |before| ofi_step(&before, &quotes));
        if let Some(extras) = &mut self.extras {
            extras.on_quote(event_ms, &quotes);
        }
        if let Some(bin) = self.bin_of(event_ms, out) {
            bin.ofi += i128::from(step);
            bin.quotes += 1;
            bin.quote = Some((quotes, event_ms));
        } else {
            self.closer.quote = Some((quotes, event_ms));
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
        self.after_loss(event_ms);
        if let Some(bin) = self.bin_of(event_ms, out) {
            bin.add_trade(event_ms, price, qty, !buyer_is_maker);
            if let Some(extras) = &mut self.extras {
                extras.on_trade(event_ms.div_euclid(self.config.bin_ms), qty, !buyer_is_maker);
            }
        }
    }

    /// Returns the open bin of a quote or trade, after closing what its time closes; `None` where it comes late.
    fn bin_of(&mut self, event_ms: i64, out: &mut Vec<FlowRow>) -> Option<&mut Bin> {
        let index = event_ms.div_euclid(self.config.bin_ms);
        self.last_active = self.last_active.max(index);
        self.close_due(out);
        let mut first = *self.first_open.get_or_insert(index);
        if index < first && !self.any_closed {
            if first - index >= MAX_AHEAD_BINS {
                self.stats.too_far += 1;
                return None;
            }
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

    /// Closes what the sockets' clocks allow.
    fn close_due(&mut self, out: &mut Vec<FlowRow>) {
        if self.config.sockets == 1 {
            return self.close_until(self.clock_ms, out);
        }
        let wait_ms = self.config.late_after_ms - self.config.watermark_ms;
        let timeout_ms = self.clock_ms.saturating_sub(wait_ms);
        self.close_until(self.public_ms.min(self.market_ms).max(timeout_ms), out);
    }

    fn close_until(&mut self, clock_ms: i64, out: &mut Vec<FlowRow>) {
        while clock_ms >= self.next_close_ms
            && self.first_open.is_some_and(|first| first <= self.last_active)
        {
            let seen_ms = self.public_ms.min(self.market_ms);
            self.close_first(self.config.sockets > 1 && seen_ms < self.next_close_ms, out);
        }
    }

    /// Closes the first open bin.
    fn close_first(&mut self, late: bool, out: &mut Vec<FlowRow>) {
        let Some(index) = self.first_open else { return };
        let bin = self.open.pop_front().unwrap_or_default();
        let start_ms = index * self.config.bin_ms;
        let ts_ms = start_ms + self.config.bin_ms;
        self.any_closed = true;
        self.first_open = Some(index + 1);
        self.next_close_ms = ts_ms + self.config.bin_ms + self.config.watermark_ms;
        self.stats.late_bins += u64::from(late);
        if self.clear_after_ms.is_some_and(|after_ms| ts_ms > after_ms) {
            self.clear_after_ms = None;
            self.closer.clear();
            if let Some(extras) = &mut self.extras {
                extras.clear();
            }
        }
        let book_ok = self.book_ok(start_ms, ts_ms);
        let row = self.closer.close(ts_ms, &bin, book_ok, late);
        if let Some(extras) = &mut self.extras {
            let closed = Closed {
                index,
                bin: &bin,
                row: &row,
                quotes: self.closer.quote.as_ref().map(|(quotes, _)| quotes),
                cvd: self.closer.cvd,
                ages_ms: self.closer.ages_ms(ts_ms),
            };
            extras.close(&closed, self.sync.book());
        }
        out.push(row);
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
