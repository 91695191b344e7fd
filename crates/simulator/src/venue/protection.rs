//! Attached exits and triggers: what keeps a position from losing its stop.

use crate::order::{EventKind, Kind, LiveOrder, NewOrder, Stage, Tif};

use super::Venue;
use super::arrival::{STOP_SUFFIX, TARGET_SUFFIX};

impl Venue {
    /// Places the exits of an entry that opened `opened` lots, or lets them grow by so much.
    pub(super) fn protect(&mut self, seq: u64, opened: i64) {
        let Some(at) = self.index(seq).filter(|_| opened > 0) else { return };
        let entry = &mut self.live[at];
        let Some(exits) = entry.order.attached else { return };
        let (name, side) = (entry.order.client_id.clone(), entry.order.side.opposite());
        if std::mem::replace(&mut entry.is_protected, true) {
            for exit in self.ranks(|order| order.entry == Some(seq)) {
                self.grow(exit, opened);
            }
            return;
        }
        let stop = (STOP_SUFFIX, Kind::StopMarket { trigger: exits.stop_trigger });
        let target = exits
            .take_profit_trigger
            .map(|trigger| (TARGET_SUFFIX, Kind::TakeProfitMarket { trigger }));
        for (suffix, kind) in [Some(stop), target].into_iter().flatten() {
            let order = NewOrder {
                client_id: format!("{name}{suffix}"),
                side,
                kind,
                qty: opened,
                tif: Tif::Gtc,
                reduce_only: true,
                attached: None,
            };
            let exit_seq = self.rank();
            self.insert(LiveOrder {
                order,
                leaves: opened,
                stage: Stage::Armed,
                seq: exit_seq,
                entry: Some(seq),
                is_protected: false,
            });
            self.say_of(exit_seq, EventKind::Accepted);
        }
    }

    fn grow(&mut self, seq: u64, lots: i64) {
        if let Some(at) = self.index(seq) {
            self.live[at].order.qty += lots;
            self.live[at].leaves += lots;
            self.say_of(seq, EventKind::Amended);
        }
    }

    /// Ends a filled order; with an exit, its pair ends too. The rest of its entry ended when the exit triggered.
    pub(super) fn finish(&mut self, seq: u64) {
        let Some(at) = self.index(seq) else { return };
        let done = self.live.remove(at);
        if let Some(entry) = done.entry {
            for pair in self.ranks(|order| order.entry == Some(entry)) {
                self.end(pair, EventKind::Canceled);
            }
        }
    }

    /// Ends reduce-only orders that have nothing left to reduce.
    pub(super) fn drop_idle_exits(&mut self) {
        let idle =
            self.ranks(|order| order.order.reduce_only && self.reducible(order.order.side) == 0);
        for seq in idle {
            let entry = self.live(seq).and_then(|order| order.entry);
            match entry {
                Some(entry) => {
                    self.end(seq, EventKind::Canceled);
                    self.end(entry, EventKind::Canceled);
                }
                None => self.end(seq, EventKind::Expired),
            }
        }
    }

    /// Lets triggered orders that the book could not fill try again.
    pub(super) fn work_on(&mut self) {
        for seq in self.ranks(|order| order.stage == Stage::Working) {
            self.take(seq, None);
        }
    }

    /// Triggers what the mark has reached, and lets it take.
    pub(super) fn trigger(&mut self) {
        let Some(mark2) = self.mirror.mark2().filter(|_| !self.live.is_empty()) else { return };
        let hit = self.ranks(|order| {
            order.stage == Stage::Armed && order.order.kind.is_triggered(order.order.side, mark2)
        });
        for seq in hit {
            let Some(order) = self.live(seq) else { continue };
            let entry = order.entry;
            self.set_stage(seq, Stage::Working);
            self.say_of(seq, EventKind::Triggered);
            if let Some(entry) = entry {
                self.end(entry, EventKind::Canceled);
            }
            self.take(seq, None);
        }
    }
}
