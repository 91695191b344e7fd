//! What the synthetic venue publishes: diffs each 100 ms, one snapshot, quotes and trades, with ids and latencies.

use orderflow::event::{Body, Event, EventBatch, Level};

use crate::ladder::{Ladder, Side};
use crate::rng::Rng;

use super::Teller;

const DIFF_EVERY_NS: i64 = 100_000_000;
/// The snapshot follows the first change of the book after so long, so that diffs run before it.
const SNAPSHOT_AFTER_NS: i64 = 500_000_000;
const MIN_LATENCY_NS: i64 = 1_000_000;
const LATENCY_SPAN_NS: u64 = 4_000_000;
const NS_PER_MS: i64 = 1_000_000;

/// The feed's ids, its clock, and what it has to tell at the next diff.
#[derive(Clone, Debug)]
pub struct Feed {
    latency: Rng,
    start_ns: i64,
    next_diff_ns: i64,
    known_ns: i64,
    update_id: i64,
    diff_id: i64,
    trade_id: i64,
    touched: Vec<(Side, i64)>,
    quoted: Option<(Level, Level)>,
    snapshot_given: bool,
}

impl Feed {
    pub(super) fn new(seed: u64, start_ns: i64) -> Self {
        Self {
            latency: Rng::named(seed, "latency"),
            start_ns,
            next_diff_ns: start_ns + DIFF_EVERY_NS,
            known_ns: i64::MIN,
            update_id: 1,
            diff_id: 1,
            trade_id: 0,
            touched: Vec::new(),
            quoted: None,
            snapshot_given: false,
        }
    }

    fn give_quote(&mut self, now_ns: i64, ladder: &Ladder, out: &mut EventBatch) {
        let (Some(bid), Some(ask)) = (ladder.best(Side::Buy), ladder.best(Side::Sell)) else {
            return;
        };
        if self.quoted != Some((bid, ask)) {
            self.quoted = Some((bid, ask));
            self.give(now_ns, Body::Quote { update_id: self.update_id, bid, ask }, out);
        }
    }

    fn give(&mut self, event_ns: i64, body: Body, out: &mut EventBatch) {
        let latency_ns = MIN_LATENCY_NS + self.latency.below(LATENCY_SPAN_NS) as i64;
        self.known_ns = self.known_ns.max(event_ns + latency_ns);
        out.events.push(Event {
            event_ns,
            emitted_ms: event_ns / NS_PER_MS,
            known_ns: self.known_ns,
            body,
        });
    }
}

impl Teller for Feed {
    type Out = EventBatch;

    fn next_beat_ns(&self) -> i64 {
        self.next_diff_ns
    }

    fn open(&mut self, ladder: &Ladder, out: &mut EventBatch) {
        if self.quoted.is_none() {
            self.give_quote(self.start_ns, ladder, out);
        }
    }

    fn touch(&mut self, side: Side, price: i64) {
        self.touched.push((side, price));
    }

    fn trade(&mut self, now_ns: i64, fill: Level, taker: Side, out: &mut EventBatch) {
        self.trade_id += 1;
        let body = Body::Trade {
            trade_id: self.trade_id,
            price: fill.price,
            qty: fill.qty,
            buyer_is_maker: taker == Side::Sell,
            is_market: true,
        };
        self.give(now_ns, body, out);
    }

    fn quote(&mut self, now_ns: i64, ladder: &Ladder, out: &mut EventBatch) {
        self.update_id += 1;
        self.give_quote(now_ns, ladder, out);
        if !self.snapshot_given && now_ns >= self.start_ns + SNAPSHOT_AFTER_NS {
            self.snapshot_given = true;
            let bids = out.add_levels(ladder.levels(Side::Buy).iter().rev().copied());
            let asks = out.add_levels(ladder.levels(Side::Sell).iter().rev().copied());
            self.give(now_ns, Body::Snapshot { last_id: self.update_id, bids, asks }, out);
        }
    }

    fn beat(&mut self, ladder: &Ladder, out: &mut EventBatch) {
        let now_ns = self.next_diff_ns;
        self.next_diff_ns += DIFF_EVERY_NS;
        if self.touched.is_empty() {
            return;
        }
        // Best prices first on both sides, as venues send them.
        self.touched.sort_unstable_by_key(|&(side, price)| (side, -side.sign() * price));
        self.touched.dedup();
        let asks_from = self.touched.partition_point(|&(side, _)| side == Side::Buy);
        let now = |&(side, price): &(Side, i64)| Level { price, qty: ladder.qty_at(side, price) };
        let bids = out.add_levels(self.touched[..asks_from].iter().map(now));
        let asks = out.add_levels(self.touched[asks_from..].iter().map(now));
        self.touched.clear();
        let body = Body::Depth {
            first_id: self.diff_id + 1,
            final_id: self.update_id,
            prev_final_id: self.diff_id,
            bids,
            asks,
        };
        self.diff_id = self.update_id;
        self.give(now_ns, body, out);
    }
}
