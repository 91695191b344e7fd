//! What changes of a book become: rows, holes, and the book layer.

use crate::event::Level;
use crate::intake_core::Core;
use crate::intake_rows::{BookFrame, GapReason, GapRecord};
use crate::intake_symbol::{SymbolBook, Timed};
use crate::okx_book::{Outcome, Push};
use crate::rows::{KIND_BOOK, KIND_GAP, Row};
use crate::sync::{Change, Gap, SyncState};

impl Core {
    pub(crate) fn layer(&mut self, frame: &BookFrame, bids: &[Level], asks: &[Level]) {
        if !self.book_layer {
            return;
        }
        if let Some(state) = self.symbols.get(frame.symbol) {
            self.taken.book.push(frame, bids, asks, state.price_unit, state.lot_unit);
        }
    }

    /// Records what a diff or a snapshot did, and adds a row if the book moved.
    pub(crate) fn after_book(&mut self, index: usize, row: &Row, seq: (i64, i64, i64)) {
        let Some(state) = self.symbols.get_mut(index) else { return };
        let mut lost = None;
        let mut newest = None;
        for change in self.changes.drain(..) {
            match change {
                Change::Synced => {
                    state.syncs += 1;
                    state.unsynced_ns = 0;
                    lost = None;
                    self.counts.syncs += 1;
                }
                Change::Applied { final_id, event_ms, .. } => {
                    state.applied += 1;
                    newest = Some((final_id, event_ms));
                }
                Change::Lost(gap) => {
                    lost = Some((gap, GapReason::Chain));
                    newest = None;
                }
                Change::Crossed(at_ms) => {
                    let (_, u, _) = seq;
                    let gap = Gap { from_u: u, to_u: u, from_ms: at_ms, to_ms: at_ms };
                    lost = Some((gap, GapReason::Crossed));
                    newest = None;
                }
            }
        }
        if state.standing().1 != SyncState::Synced && state.unsynced_ns == 0 {
            state.unsynced_ns = row.known_ns;
        }
        if let Some((gap, reason)) = lost {
            self.record(index, gap, reason, row.known_ns);
        }
        if let Some((final_id, event_ms)) = newest {
            // A snapshot may bring several buffered diffs: the row is the last one's, and only its own frame knows `U` and `pu`.
            let seq = if seq.1 == final_id { seq } else { (-1, final_id, -1) };
            self.book_row(index, &Row { ts_ms: event_ms, ..*row }, seq);
        }
    }

    pub(crate) fn push_okx(&mut self, index: usize, push: &Push<'_>, row: &Row) {
        let Some(state) = self.symbols.get_mut(index) else { return };
        let SymbolBook::Okx(book) = &mut state.book else { return };
        let outcome = book.push(push);
        match outcome {
            Outcome::Synced => {
                state.syncs += 1;
                state.unsynced_ns = 0;
                self.counts.syncs += 1;
            }
            Outcome::Applied => {}
            Outcome::Idle => {
                if book.state() != SyncState::Synced && state.unsynced_ns == 0 {
                    state.unsynced_ns = row.known_ns;
                }
                return;
            }
            Outcome::Broken(gap) | Outcome::Mismatch(gap) | Outcome::Crossed(gap) => {
                state.unsynced_ns = row.known_ns;
                let reason = match outcome {
                    Outcome::Mismatch(_) => GapReason::Checksum,
                    Outcome::Crossed(_) => GapReason::Crossed,
                    _ => GapReason::Chain,
                };
                self.record(index, gap, reason, row.known_ns);
                return;
            }
        }
        state.applied += 1;
        self.book_row(index, row, (-1, push.id, push.prev_id));
    }

    /// Adds a row of the book's best levels.
    pub(crate) fn book_row(&mut self, index: usize, row: &Row, seq: (i64, i64, i64)) {
        let Some(state) = self.symbols.get_mut(index) else { return };
        let (event_ms, known_ns) = (row.ts_ms, row.known_ns);
        state.live.book = Some(Timed { value: (), event_ms, known_ns });
        let (price, lot) = (state.price_unit, state.lot_unit);
        let (book, _) = state.standing();
        let best = book.best_bid().zip(book.best_ask());
        let quote = best.map_or_else(Row::default, |(bid, ask)| Row::quote(bid, ask, price, lot));
        let (seq_first, seq_last, seq_prev) = seq;
        let row = Row {
            ts_ms: row.ts_ms,
            kind: KIND_BOOK,
            event_ms: row.event_ms,
            known_ns,
            seq_first,
            seq_last,
            seq_prev,
            ..quote
        };
        self.taken.rows.push(index, &row, -1);
        self.taken.rows.add_top(book, price, lot);
    }

    pub(crate) fn record(&mut self, index: usize, gap: Gap, reason: GapReason, known_ns: i64) {
        self.counts.gaps += 1;
        if let Some(state) = self.symbols.get_mut(index) {
            state.gaps += 1;
        }
        self.taken.gaps.push(GapRecord { symbol: index, gap, reason });
        let row = Row {
            ts_ms: gap.to_ms,
            kind: KIND_GAP,
            known_ns,
            seq_first: gap.from_u,
            seq_last: gap.to_u,
            ..Row::default()
        };
        self.taken.rows.push(index, &row, -1);
    }
}
