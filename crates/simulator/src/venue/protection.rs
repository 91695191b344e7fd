//! Attached exits and triggers: what keeps a position from losing its stop.

use crate::account::AccountId;
use crate::order::{EventKind, Kind, LiveOrder, NewOrder, Stage, TriggerOn};

use super::Venue;
use super::arrival::{STOP_SUFFIX, TARGET_SUFFIX, born};

impl Venue {
    /// Places the exits of an entry that opened `opened` lots, or lets them grow by so much.
    pub(super) fn protect(&mut self, seq: u64, opened: i64) {
        if opened <= 0 {
            return;
        }
        let Some(entry) = self.live_mut(seq) else { return };
        let account = entry.order.account;
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
                reduce_only: true,
                ..NewOrder::new(account, &format!("{name}{suffix}"), side, kind, opened)
            };
            let exit_seq = self.rank();
            self.seen.insert((account, order.client_id.clone()));
            self.insert(LiveOrder {
                stage: Stage::Armed,
                entry: Some(seq),
                ..born(order, opened, exit_seq)
            });
            self.say_of(exit_seq, EventKind::Accepted);
        }
    }

    fn grow(&mut self, seq: u64, lots: i64) {
        if let Some(order) = self.live_mut(seq) {
            order.order.qty += lots;
            order.leaves += lots;
            self.say_of(seq, EventKind::Amended);
        }
    }

    /// Ends a filled order; with an exit, its pair ends too. The rest of its entry ended when the exit triggered.
    pub(super) fn finish(&mut self, seq: u64) {
        let Some(done) = self.remove(seq) else { return };
        if let Some(entry) = done.entry {
            for pair in self.ranks(|order| order.entry == Some(entry)) {
                self.end(pair, EventKind::Canceled);
            }
        }
    }

    /// Ends an account's reduce-only orders that have nothing left to reduce.
    pub(super) fn drop_idle_exits(&mut self, account: AccountId) {
        let book = self.account(account);
        let idle = self.ranks(|order| {
            order.order.account == account
                && order.order.reduce_only
                && book.reducible(order.order.side) == 0
                && !self.waits_without_position(order)
        });
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

    fn waits_without_position(&self, order: &LiveOrder) -> bool {
        self.config.idle_exits_stay && order.stage == Stage::Armed && order.entry.is_none()
    }

    /// Lets triggered orders that the book could not fill try again.
    pub(super) fn work_on(&mut self) {
        if self.watched().has_working {
            for seq in self.ranks(|order| order.stage == Stage::Working) {
                self.take(seq, None);
            }
        }
    }

    /// Triggers what the watched prices have reached, and lets it take.
    pub(super) fn trigger(&mut self) {
        if !self.watched().has_armed {
            return;
        }
        let prices = [TriggerOn::Mark, TriggerOn::Last].map(|on| self.watched2(on));
        let mut hit = Vec::new();
        for order in &mut self.live {
            let watched2 = prices[usize::from(order.order.trigger_on == TriggerOn::Last)];
            let Some(watched2) = watched2.filter(|_| order.stage == Stage::Armed) else { continue };
            let side = order.order.side;
            let is_hit = match order.order.kind {
                Kind::Trailing { callback_bps, activation } => {
                    order.trail.hears(side, callback_bps, activation, watched2)
                }
                kind => kind.is_triggered(side, watched2),
            };
            if is_hit {
                hit.push(order.seq);
            }
        }
        for seq in hit {
            self.set_off(seq);
        }
    }

    /// Triggers an order.
    fn set_off(&mut self, seq: u64) {
        let Some(order) = self.live(seq) else { return };
        let (entry, limit, tif) = (order.entry, order.order.kind.limit(), order.order.tif);
        let refused = limit.and_then(|price| self.limit_refusal(&order.order, price));
        self.set_stage(seq, if limit.is_some() { Stage::Taking } else { Stage::Working });
        self.say_of(seq, EventKind::Triggered);
        if let Some(entry) = entry {
            self.end(entry, EventKind::Canceled);
        }
        if self.live(seq).is_some_and(|order| self.tradable(order) == 0) {
            return self.end(seq, EventKind::Expired);
        }
        match limit {
            Some(_) if refused.is_some() => self.end(seq, EventKind::Expired),
            Some(price) => self.enter(seq, price, tif),
            None => self.take(seq, None),
        }
    }
}
