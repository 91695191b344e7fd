//! The book's state machine: BUFFERING → SNAPSHOT_WAIT → SYNCED, and back on a gap or a crossed book.
//!
//! Source of the rules: Binance USD-M developer documentation, "How to manage a local order book correctly"; where a venue sends no
//! `pu` (-1 here) the spot rules of the same documentation apply.

use std::collections::VecDeque;

use crate::book::Book;
use crate::event::Level;

mod state;

/// How much is kept while unsynced; older diffs are let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferCaps {
    /// Most diffs.
    pub events: usize,
    /// Longest span of venue time.
    pub span_ms: i64,
}

impl Default for BufferCaps {
    fn default() -> Self {
        Self { events: 20_000, span_ms: 30_000 }
    }
}

/// Applied diffs between two prunings.
const PRUNE_EVERY: u64 = 1_024;

/// Where the book stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SyncState {
    /// Diffs are kept until a snapshot comes.
    #[default]
    Buffering,
    /// A snapshot is there, the diff that brackets it is not.
    SnapshotWait,
    /// The book is the venue's.
    Synced,
}

/// A hole in the chain of diffs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Last update id before the hole.
    pub from_u: i64,
    /// First update id after it.
    pub to_u: i64,
    /// Venue time of the last diff before, Unix ms.
    pub from_ms: i64,
    /// Venue time of the first diff after, Unix ms.
    pub to_ms: i64,
}

/// What a diff or a snapshot did to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The book became the venue's.
    Synced,
    /// A diff was applied; best quotes after it.
    Applied {
        /// The diff's `u`.
        final_id: i64,
        /// The diff's venue time, Unix ms.
        event_ms: i64,
        /// Best bid.
        bid: Option<Level>,
        /// Best ask.
        ask: Option<Level>,
    },
    /// The chain broke and the book is lost.
    Lost(Gap),
    /// Bid met ask after a diff of this venue time (Unix ms), and the book is lost.
    Crossed(i64),
}

/// A diff with its sequence ids and levels.
#[derive(Clone, Copy, Debug)]
pub struct Diff<'a> {
    /// `U`.
    pub first_id: i64,
    /// `u`.
    pub final_id: i64,
    /// `pu`, -1 where the venue sends none.
    pub prev_final_id: i64,
    /// Venue time, Unix ms.
    pub event_ms: i64,
    /// Bid levels.
    pub bids: &'a [Level],
    /// Ask levels.
    pub asks: &'a [Level],
}

#[derive(Clone, Debug)]
struct Kept {
    first_id: i64,
    final_id: i64,
    prev_final_id: i64,
    event_ms: i64,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Kept {
    fn diff(&self) -> Diff<'_> {
        Diff {
            first_id: self.first_id,
            final_id: self.final_id,
            prev_final_id: self.prev_final_id,
            event_ms: self.event_ms,
            bids: &self.bids,
            asks: &self.asks,
        }
    }
}

#[derive(Clone, Debug)]
struct Snapshot {
    last_id: i64,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

/// A book kept in step with its venue.
#[derive(Clone, Debug)]
pub struct BookSync {
    book: Book,
    state: SyncState,
    keep_levels: Option<usize>,
    caps: BufferCaps,
    buffer: VecDeque<Kept>,
    snapshot: Option<Snapshot>,
    last_id: i64,
    last_ms: i64,
    applied: u64,
    dropped: u64,
    repeated: u64,
}

impl BookSync {
    /// Returns an unsynced book; every 1,024 diffs it is cut to the best `keep_levels` of each side.
    pub fn new(keep_levels: Option<usize>) -> Self {
        Self::with_caps(keep_levels, BufferCaps::default())
    }

    /// Returns an unsynced book with bounds of its own on what it keeps until a snapshot comes.
    pub fn with_caps(keep_levels: Option<usize>, caps: BufferCaps) -> Self {
        Self {
            book: Book::default(),
            state: SyncState::default(),
            keep_levels,
            caps,
            buffer: VecDeque::new(),
            snapshot: None,
            last_id: 0,
            last_ms: 0,
            applied: 0,
            dropped: 0,
            repeated: 0,
        }
    }

    /// Returns the state.
    pub fn state(&self) -> SyncState {
        self.state
    }

    /// Returns the book; it is the venue's only while synced.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Returns the lowest update id that may still be applied while unsynced.
    pub fn oldest_buffered_id(&self) -> Option<i64> {
        self.buffer.front().map(|kept| kept.final_id)
    }

    /// Returns how many diffs were applied.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Returns how many diffs were older than the snapshot.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns how many diffs came twice in a row.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Takes a full book and appends what it changed. A synced book has no use for it.
    pub fn on_snapshot(
        &mut self,
        last_id: i64,
        bids: &[Level],
        asks: &[Level],
        out: &mut Vec<Change>,
    ) {
        if self.state == SyncState::Synced {
            return;
        }
        self.snapshot = Some(Snapshot { last_id, bids: bids.to_vec(), asks: asks.to_vec() });
        self.state = SyncState::SnapshotWait;
        self.try_bracket(out);
    }

    /// Takes a whole book that stands alone and appends what it changed; one whose id does not rise is left out.
    pub fn on_book(
        &mut self,
        id: i64,
        event_ms: i64,
        bids: &[Level],
        asks: &[Level],
        out: &mut Vec<Change>,
    ) {
        if self.state == SyncState::Synced {
            if id <= self.last_id {
                self.repeated += 1;
                return;
            }
        } else {
            self.state = SyncState::Synced;
            out.push(Change::Synced);
        }
        self.book.clear();
        self.put(id, event_ms, bids, asks, out);
    }

    /// Loses the book and what was kept for it: the connection is another one now.
    pub fn reset(&mut self, at_ms: i64, out: &mut Vec<Change>) {
        if self.state == SyncState::Synced {
            self.lose(-1, at_ms, out);
        }
        self.state = SyncState::Buffering;
        self.snapshot = None;
        self.buffer.clear();
    }

    /// Takes a diff and appends what it changed.
    pub fn on_diff(&mut self, diff: &Diff<'_>, out: &mut Vec<Change>) {
        if self.state == SyncState::Synced {
            self.step(diff, out);
            return;
        }
        self.keep(diff);
        if self.state == SyncState::SnapshotWait {
            self.try_bracket(out);
        }
    }

    fn keep(&mut self, diff: &Diff<'_>) {
        self.buffer.push_back(Kept {
            first_id: diff.first_id,
            final_id: diff.final_id,
            prev_final_id: diff.prev_final_id,
            event_ms: diff.event_ms,
            bids: diff.bids.to_vec(),
            asks: diff.asks.to_vec(),
        });
        let BufferCaps { events, span_ms } = self.caps;
        while self.buffer.len() > events
            || self
                .buffer
                .front()
                .is_some_and(|old| diff.event_ms.saturating_sub(old.event_ms) > span_ms)
        {
            self.buffer.pop_front();
        }
    }

    fn try_bracket(&mut self, out: &mut Vec<Change>) {
        let Some(snapshot) = &self.snapshot else { return };
        let id = snapshot.last_id;
        while self.buffer.front().is_some_and(|old| old.final_id < bracket(id, old.prev_final_id)) {
            self.buffer.pop_front();
            self.dropped += 1;
        }
        let Some(first) = self.buffer.front() else { return };
        if first.first_id > bracket(id, first.prev_final_id) {
            // The snapshot is older than all we can add to it: wait for another.
            self.snapshot = None;
            self.state = SyncState::Buffering;
            return;
        }
        self.book.clear();
        self.book.apply(&snapshot.bids, &snapshot.asks);
        self.snapshot = None;
        self.state = SyncState::Synced;
        // The bracketing diff follows the snapshot, whatever its `pu` says.
        self.last_id = if first.prev_final_id >= 0 {
            first.prev_final_id
        } else {
            first.first_id.saturating_sub(1)
        };
        out.push(Change::Synced);
        for kept in std::mem::take(&mut self.buffer) {
            if self.state == SyncState::Synced {
                self.step(&kept.diff(), out);
            } else {
                self.keep(&kept.diff());
            }
        }
    }

    /// Applies a diff to the synced book.
    fn step(&mut self, diff: &Diff<'_>, out: &mut Vec<Change>) {
        let follows = if diff.prev_final_id >= 0 {
            diff.prev_final_id == self.last_id
        } else {
            diff.first_id == self.last_id.saturating_add(1)
        };
        if !follows {
            if diff.final_id == self.last_id {
                self.repeated += 1;
                return;
            }
            self.lose(diff.first_id, diff.event_ms, out);
            self.keep(diff);
            return;
        }
        self.put(diff.final_id, diff.event_ms, diff.bids, diff.asks, out);
    }

    fn lose(&mut self, to_u: i64, to_ms: i64, out: &mut Vec<Change>) {
        let (from_u, from_ms) = (self.last_id, self.last_ms);
        out.push(Change::Lost(Gap { from_u, to_u, from_ms, to_ms }));
        self.state = SyncState::Buffering;
    }

    /// Applies levels to the synced book.
    fn put(
        &mut self,
        final_id: i64,
        event_ms: i64,
        bids: &[Level],
        asks: &[Level],
        out: &mut Vec<Change>,
    ) {
        self.book.apply(bids, asks);
        self.last_id = final_id;
        self.last_ms = event_ms;
        self.applied += 1;
        let (bid, ask) = (self.book.best_bid(), self.book.best_ask());
        if self.book.is_crossed() {
            out.push(Change::Crossed(event_ms));
            self.state = SyncState::Buffering;
            return;
        }
        out.push(Change::Applied { final_id, event_ms, bid, ask });
        if let Some(keep) = self.keep_levels
            && self.applied.is_multiple_of(PRUNE_EVERY)
        {
            self.book.prune(keep);
        }
    }
}

/// The update id that the first applied diff must contain.
fn bracket(last_id: i64, prev_final_id: i64) -> i64 {
    if prev_final_id >= 0 { last_id } else { last_id.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(ids: (i64, i64, i64), event_ms: i64, bids: &[Level]) -> Diff<'_> {
        let (first_id, final_id, prev_final_id) = ids;
        Diff { first_id, final_id, prev_final_id, event_ms, bids, asks: &[] }
    }

    fn names(changes: &[Change]) -> Vec<String> {
        changes
            .iter()
            .map(|change| match change {
                Change::Synced => "synced".to_owned(),
                Change::Applied { final_id, .. } => final_id.to_string(),
                Change::Lost(gap) => format!("{}..{}", gap.from_u, gap.to_u),
                Change::Crossed(at) => format!("crossed@{at}"),
            })
            .collect()
    }

    const BID: [Level; 1] = [Level { price: 100, qty: 1 }];
    const ASK: [Level; 1] = [Level { price: 101, qty: 1 }];

    fn synced() -> (BookSync, Vec<Change>) {
        let mut sync = BookSync::new(None);
        let mut out = Vec::new();
        for ids in [(1, 4, 0), (5, 9, 4), (10, 14, 9), (15, 19, 14)] {
            sync.on_diff(&diff(ids, ids.1, &[]), &mut out);
        }
        sync.on_snapshot(12, &BID, &ASK, &mut out);
        (sync, out)
    }

    #[test]
    fn the_snapshot_is_bracketed_from_the_buffer() {
        let (sync, out) = synced();
        assert_eq!(names(&out), ["synced", "14", "19"]);
        assert_eq!((sync.dropped(), sync.applied()), (2, 2));
        assert_eq!(sync.book().best_bid(), Some(BID[0]));
    }

    #[test]
    fn a_snapshot_waits_for_its_diff_and_an_old_one_is_refused() {
        let mut sync = BookSync::new(None);
        let mut out = Vec::new();
        sync.on_snapshot(12, &BID, &ASK, &mut out);
        sync.on_diff(&diff((5, 9, 4), 1, &[]), &mut out);
        assert_eq!(sync.state(), SyncState::SnapshotWait);
        sync.on_diff(&diff((13, 15, 12), 2, &[]), &mut out);
        assert_eq!((sync.state(), names(&out).len()), (SyncState::Buffering, 0));
        sync.on_snapshot(14, &BID, &ASK, &mut out);
        assert_eq!(names(&out), ["synced", "15"]);
    }

    #[test]
    fn a_broken_chain_is_a_gap_until_the_next_snapshot() {
        let (mut sync, mut out) = synced();
        out.clear();
        sync.on_diff(&diff((30, 35, 29), 40, &[]), &mut out);
        sync.on_diff(&diff((36, 39, 35), 41, &[]), &mut out);
        assert_eq!(out, [Change::Lost(Gap { from_u: 19, to_u: 30, from_ms: 19, to_ms: 40 })]);
        out.clear();
        sync.on_snapshot(33, &BID, &ASK, &mut out);
        assert_eq!(names(&out), ["synced", "35", "39"]);
    }

    #[test]
    fn an_overlap_with_a_wrong_pu_is_a_gap_and_a_repeat_is_not() {
        let (mut sync, mut out) = synced();
        out.clear();
        sync.on_diff(&diff((15, 19, 14), 20, &[]), &mut out);
        assert_eq!((names(&out).len(), sync.repeated()), (0, 1));
        sync.on_diff(&diff((18, 22, 17), 21, &[]), &mut out);
        assert_eq!(names(&out), ["19..18"]);
    }

    #[test]
    fn a_crossed_book_is_lost() {
        let (mut sync, mut out) = synced();
        out.clear();
        sync.on_diff(&diff((20, 22, 19), 21, &ASK), &mut out);
        assert_eq!(
            (names(&out), sync.state()),
            (vec!["crossed@21".to_owned()], SyncState::Buffering)
        );
    }

    #[test]
    fn without_pu_the_first_id_carries_the_chain() {
        let mut sync = BookSync::new(None);
        let mut out = Vec::new();
        sync.on_diff(&diff((5, 12, -1), 1, &[]), &mut out);
        sync.on_diff(&diff((13, 15, -1), 2, &[]), &mut out);
        sync.on_snapshot(12, &BID, &ASK, &mut out);
        sync.on_diff(&diff((17, 18, -1), 3, &[]), &mut out);
        assert_eq!(names(&out), ["synced", "15", "15..17"]);
    }
}
