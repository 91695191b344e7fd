//! What the engine does with books: diffs, snapshots, whole books and lost connections.

use super::{
    BestQuotes, Change, Diff, FlowEngine, FlowRow, Level, MAX_GAP_MS, MAX_KEPT_GAPS, OfiSource,
    SyncState,
};

impl FlowEngine {
    pub(super) fn on_diff(&mut self, diff: &Diff<'_>, out: &mut Vec<FlowRow>) {
        self.stats.diffs += 1;
        self.has_depth = true;
        self.before_change(diff.event_ms);
        self.sync.on_diff(diff, &mut self.changes);
        self.on_changes(out);
    }

    pub(super) fn on_snapshot(
        &mut self,
        last_id: i64,
        bids: &[Level],
        asks: &[Level],
        out: &mut Vec<FlowRow>,
    ) {
        self.stats.snapshots += 1;
        self.has_depth = true;
        self.sync.on_snapshot(last_id, bids, asks, &mut self.changes);
        self.on_changes(out);
    }

    pub(super) fn on_book(
        &mut self,
        id: i64,
        event_ms: i64,
        bids: &[Level],
        asks: &[Level],
        out: &mut Vec<FlowRow>,
    ) {
        self.stats.snapshots += 1;
        self.has_depth = true;
        self.before_change(event_ms);
        self.sync.on_book(id, event_ms, bids, asks, &mut self.changes);
        self.on_changes(out);
    }

    pub(super) fn on_reset(&mut self, event_ms: i64, out: &mut Vec<FlowRow>) {
        self.stats.resets += 1;
        self.lost_ms = Some(self.clock_ms);
        self.break_off();
        self.sync.reset(event_ms, &mut self.changes);
        self.on_changes(out);
    }

    /// Clears the baselines where a lost connection took over a minute to come back.
    pub(super) fn after_loss(&mut self, event_ms: i64) {
        if let Some(lost_ms) = self.lost_ms.take()
            && event_ms.saturating_sub(lost_ms) > MAX_GAP_MS
        {
            self.clear_after_ms = Some(lost_ms);
        }
    }

    pub(super) fn compare_quote(&mut self, update_id: i64, bid: Level, ask: Level) {
        let needed = match self.sync.state() {
            SyncState::Synced => self.diff_id,
            _ => self.sync.oldest_buffered_id().unwrap_or(self.diff_id),
        };
        if let Some(bad_ms) = self.agreement.on_quote(update_id, bid, ask, needed) {
            self.bad.push((bad_ms, bad_ms + 1));
        }
    }

    fn before_change(&mut self, event_ms: i64) {
        if self.sync.state() == SyncState::Synced
            && let Some(extras) = &mut self.extras
        {
            extras.before_change(event_ms.div_euclid(self.config.bin_ms), self.sync.book());
        }
    }

    /// Nothing is carried across a hole.
    fn break_off(&mut self) {
        self.before = None;
        self.agreement.lose_book();
        if let Some(extras) = &mut self.extras {
            extras.break_off();
        }
    }

    /// Draws the consequences of what the last event changed in the book.
    fn on_changes(&mut self, out: &mut Vec<FlowRow>) {
        let mut newest = None;
        let mut changes = std::mem::take(&mut self.changes);
        for change in changes.drain(..) {
            match change {
                Change::Synced => {
                    self.stats.syncs += 1;
                    for span in self.bad.iter_mut().filter(|span| span.1 == i64::MAX) {
                        span.1 = self.clock_ms;
                    }
                }
                Change::Applied { final_id, event_ms, bid, ask } => {
                    newest = Some((event_ms, bid.zip(ask)));
                    if self.config.ofi_source == OfiSource::BookTicker {
                        let bad_ms = self.agreement.on_applied(final_id, event_ms, bid, ask);
                        self.bad.extend(bad_ms.map(|bad_ms| (bad_ms, bad_ms + 1)));
                    }
                }
                Change::Lost(gap) => {
                    newest = None;
                    self.stats.gaps += 1;
                    if self.stats.gap_list.len() < MAX_KEPT_GAPS {
                        self.stats.gap_list.push(gap);
                    }
                    self.bad.push((gap.from_ms, i64::MAX));
                    self.break_off();
                    if gap.to_ms.saturating_sub(gap.from_ms) > MAX_GAP_MS {
                        self.clear_after_ms = Some(gap.from_ms);
                    }
                }
                Change::Crossed(at_ms) => {
                    newest = None;
                    self.stats.crossed += 1;
                    self.bad.push((at_ms, i64::MAX));
                    self.break_off();
                }
            }
        }
        self.changes = changes;
        if let Some((event_ms, best)) = newest {
            self.after_change(event_ms, best, out);
        }
        self.close_due(out);
    }

    /// Takes the book as it stands after an event; what was replayed to get there is no flow that was seen.
    fn after_change(
        &mut self,
        event_ms: i64,
        best: Option<(Level, Level)>,
        out: &mut Vec<FlowRow>,
    ) {
        if self.config.ofi_source == OfiSource::Depth {
            match best {
                // Most changes are deeper: no step of the best quotes.
                Some((bid, ask)) if self.before != Some(BestQuotes { bid, ask }) => {
                    self.on_quote(event_ms, BestQuotes { bid, ask }, out);
                }
                Some(_) => {}
                None => self.before = None,
            }
        }
        if let Some(extras) = &mut self.extras {
            let bin = event_ms.div_euclid(self.config.bin_ms);
            let is_open = !self.any_closed || self.first_open.is_none_or(|first| bin >= first);
            self.stats.late += u64::from(!is_open);
            extras.after_change(bin, is_open, self.sync.book());
        }
    }
}
