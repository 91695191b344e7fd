//! A feed of snapshots, diffs and quotes told level by level: the ticks that leave a venue with the same book.

use orderflow::event::{Body, Event, EventBatch, Level};

use crate::ladder::{Ladder, Side};
use crate::mirror::{Impact, Mirror};
use crate::ticks::{Tick, TickKind};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

/// Turns events into ticks. Until a snapshot comes, and after a gap, only the best quotes are told.
#[derive(Clone, Debug)]
pub struct Leveller {
    mirror: Mirror,
    /// Ticks never go back in time, though streams of one venue may overtake one another.
    now_ns: i64,
}

impl Default for Leveller {
    fn default() -> Self {
        Self { mirror: Mirror::new(Impact::None), now_ns: i64::MIN }
    }
}

impl Leveller {
    /// Returns the book as told so far.
    pub fn ladder(&self) -> &Ladder {
        self.mirror.ladder()
    }

    /// Appends what a batch tells.
    pub fn take(&mut self, batch: &EventBatch, out: &mut Vec<Tick>) {
        for event in &batch.events {
            self.now_ns = self.now_ns.max(event.event_ns);
            match event.body {
                Body::Trade { price, qty, buyer_is_maker, is_market, .. } => {
                    if is_market && price > 0 && qty > 0 {
                        let kind = if buyer_is_maker { TickKind::Sell } else { TickKind::Buy };
                        out.push(Tick { event_ns: self.now_ns, price, qty, kind });
                    }
                }
                Body::Depth { .. } if self.mirror.is_synced() => self.diff(event, batch, out),
                Body::Quote { .. } => self.quote(event, batch, out),
                _ => self.anew(event, batch, out),
            }
        }
    }

    fn diff(&mut self, event: &Event, batch: &EventBatch, out: &mut Vec<Tick>) {
        let Body::Depth { bids, asks, .. } = event.body else { return };
        let before = self.mirror.last_id();
        self.mirror.apply(event, batch);
        if !self.mirror.is_synced() {
            return self.tell_lost(out);
        }
        if self.mirror.last_id() == before {
            return;
        }
        let from = out.len();
        for (side, range) in [(Side::Buy, bids), (Side::Sell, asks)] {
            for level in batch.levels(range) {
                let qty = self.mirror.ladder().qty_at(side, level.price);
                self.tell(side, Level { price: level.price, qty }, out);
            }
        }
        // What goes makes room for what comes, so that no step crosses the book; and what comes best first, since a
        // resting order that the book has come to meets the best of it.
        out[from..].sort_by_key(|tick| {
            let rank = if tick.kind == TickKind::Bid { -tick.price } else { tick.price };
            (tick.qty > 0, rank)
        });
    }

    fn quote(&mut self, event: &Event, batch: &EventBatch, out: &mut Vec<Tick>) {
        let before = self.mirror.quote();
        let better = SIDES.map(|side| self.quoted_away(side, event));
        self.mirror.apply(event, batch);
        let Some((update_id, bid, ask)) = self.mirror.quote() else { return };
        let is_news = before.is_none_or(|known| known != (update_id, bid, ask));
        if !is_news || (self.mirror.is_synced() && update_id < self.mirror.last_id()) {
            return;
        }
        let known = before.map_or([None, None], |(_, bid, ask)| [Some(bid), Some(ask)]);
        let told = [bid, ask];
        for at in [0, 1] {
            if known[at] == Some(told[at]) {
                continue;
            }
            if self.mirror.is_synced() {
                for &price in &better[at] {
                    self.tell(SIDES[at], Level { price, qty: 0 }, out);
                }
            }
        }
        for at in [0, 1] {
            if known[at] == Some(told[at]) {
                continue;
            }
            if self.mirror.is_synced() {
                self.tell(SIDES[at], told[at], out);
            } else {
                self.tell_best(SIDES[at], told[at], out);
            }
        }
    }

    /// Returns the prices of a side that a quote says are gone.
    fn quoted_away(&self, side: Side, event: &Event) -> Vec<i64> {
        let Body::Quote { bid, ask, .. } = event.body else { return Vec::new() };
        let best = if side == Side::Buy { bid } else { ask };
        let levels = self.mirror.ladder().levels(side).iter().rev();
        let gone = levels.take_while(|level| side.sign() * level.price > side.sign() * best.price);
        gone.map(|level| level.price).collect()
    }

    /// Takes what makes the book anew, or ends it.
    fn anew(&mut self, event: &Event, batch: &EventBatch, out: &mut Vec<Tick>) {
        let was_synced = self.mirror.is_synced();
        let before = self.mirror.ladder().clone();
        self.mirror.apply(event, batch);
        match (was_synced, self.mirror.is_synced()) {
            (false, false) => {}
            (true, false) => self.tell_lost(out),
            (false, true) => {
                out.push(self.clear());
                for side in SIDES {
                    for &level in self.mirror.ladder().levels(side).iter().rev() {
                        self.tell(side, level, out);
                    }
                }
            }
            (true, true) => self.tell_changes(&before, out),
        }
    }

    fn tell_changes(&self, before: &Ladder, out: &mut Vec<Tick>) {
        let after = self.mirror.ladder();
        for side in SIDES {
            let gone =
                before.levels(side).iter().filter(|level| after.qty_at(side, level.price) == 0);
            for level in gone {
                self.tell(side, Level { price: level.price, qty: 0 }, out);
            }
        }
        for side in SIDES {
            for &level in after.levels(side).iter().rev() {
                if before.qty_at(side, level.price) != level.qty {
                    self.tell(side, level, out);
                }
            }
        }
    }

    fn tell_lost(&self, out: &mut Vec<Tick>) {
        out.push(self.clear());
        for side in SIDES {
            if let Some(best) = self.mirror.best(side) {
                self.tell_best(side, best, out);
            }
        }
    }

    fn clear(&self) -> Tick {
        Tick { event_ns: self.now_ns, price: 0, qty: 0, kind: TickKind::Clear }
    }

    fn tell(&self, side: Side, level: Level, out: &mut Vec<Tick>) {
        let kind = if side == Side::Buy { TickKind::Bid } else { TickKind::Ask };
        out.push(Tick { event_ns: self.now_ns, price: level.price, qty: level.qty, kind });
    }

    fn tell_best(&self, side: Side, level: Level, out: &mut Vec<Tick>) {
        let kind = if side == Side::Buy { TickKind::BestBid } else { TickKind::BestAsk };
        out.push(Tick { event_ns: self.now_ns, price: level.price, qty: level.qty, kind });
    }
}
