//! The venue under random clients in the synthetic market: what must hold after every event, over many seeds.
#![allow(clippy::panic, reason = "the audit is part of the tests")]

use std::collections::BTreeMap;

use orderflow::event::EventBatch;
use simulator::ladder::Side;
use simulator::latency::Latency;
use simulator::market::{MarketConfig, SyntheticMarket};
use simulator::mirror::Impact;
use simulator::order::{EventKind, Kind, NewOrder, Protection, Stage, Tif, VenueEvent};
use simulator::rng::Rng;
use simulator::venue::{Venue, VenueConfig};

const NS_PER_S: i64 = 1_000_000_000;
const SEEDS: u64 = 40;

/// What a client does after the event of an index.
#[derive(Clone, Debug)]
enum Act {
    Submit(NewOrder),
    Cancel(String),
    Amend(String, i64),
}

/// Whether every opening order has a stop that nobody takes away.
#[derive(Clone, Copy, PartialEq)]
enum Client {
    AlwaysProtected,
    Reckless,
}

fn events(seed: u64, seconds: i64) -> EventBatch {
    let mut batch = EventBatch::default();
    SyntheticMarket::new(MarketConfig::default(), seed).advance(seconds * NS_PER_S, &mut batch);
    batch
}

fn config(seed: u64) -> VenueConfig {
    let impact = if seed.is_multiple_of(5) { Impact::None } else { Impact::Consume };
    VenueConfig {
        order_latency: Latency::Constant((seed as i64 % 4) * 30_000_000),
        impact,
        ..VenueConfig::default()
    }
}

fn script(seed: u64, events: usize, client: Client) -> BTreeMap<usize, Act> {
    let mut rng = Rng::named(seed, "client");
    let mut acts = BTreeMap::new();
    let mut ids: Vec<String> = Vec::new();
    for index in 1..events {
        if rng.chance(0.94) {
            continue;
        }
        let any = |rng: &mut Rng| ids.get(rng.below(ids.len() as u64) as usize).cloned();
        let act = match rng.below(10) {
            0..=6 => Some(Act::Submit(order(&mut rng, format!("o{index}"), client))),
            7 => any(&mut rng).map(Act::Cancel),
            8 if client == Client::Reckless => {
                any(&mut rng).map(|id| Act::Cancel(format!("{id}-sl")))
            }
            _ => any(&mut rng)
                .map(|id| Act::Amend(format!("{id}-sl"), 10_000 + rng.below(60) as i64 - 30)),
        };
        if let Some(Act::Submit(order)) = &act {
            ids.push(order.client_id.clone());
        }
        acts.extend(act.map(|act| (index, act)));
    }
    acts
}

fn order(rng: &mut Rng, client_id: String, client: Client) -> NewOrder {
    let side = if rng.chance(0.5) { Side::Buy } else { Side::Sell };
    let price = 10_000 + rng.below(24) as i64 - 12;
    let kind = match rng.below(10) {
        0..=2 => Kind::Market,
        3..=7 => Kind::Limit { price },
        8 => Kind::StopMarket { trigger: price },
        _ => Kind::TakeProfitMarket { trigger: price },
    };
    let qty = 60 + (rng.pareto(3) * 500.0).min(300_000.0) as i64;
    let tif = match (kind, rng.below(4)) {
        (Kind::Limit { .. }, 0) => Tif::Ioc,
        (Kind::Limit { .. }, 1) => Tif::Gtx,
        _ => Tif::Gtc,
    };
    let opens = kind.trigger().is_none();
    let reduce_only = !opens || rng.chance(0.2);
    let distance = |rng: &mut Rng| 1 + rng.below(15) as i64;
    let exits = Protection {
        stop_trigger: price - side.sign() * distance(rng),
        take_profit_trigger: rng.chance(0.6).then(|| price + side.sign() * distance(rng)),
    };
    let is_guarded = !reduce_only && (client == Client::AlwaysProtected || rng.chance(0.5));
    let attached = is_guarded.then_some(exits);
    NewOrder { tif, reduce_only, attached, ..NewOrder::new(0, &client_id, side, kind, qty) }
}

/// Runs a script; `cut` says after which events the batch ends besides those that a request follows.
fn run(
    seed: u64,
    market: &EventBatch,
    acts: &BTreeMap<usize, Act>,
    mut cut: impl FnMut() -> bool,
) -> Vec<VenueEvent> {
    let mut venue = Venue::new(config(seed));
    let (mut said, mut batch) =
        (Vec::new(), EventBatch { levels: market.levels.clone(), ..EventBatch::default() });
    for (index, event) in market.events.iter().enumerate() {
        batch.events.push(*event);
        let act = acts.get(&index);
        if act.is_some() || cut() || index + 1 == market.events.len() {
            said.extend_from_slice(venue.on_events(&batch));
            batch.events.clear();
        }
        if let Some(act) = act {
            // A refusal at once leaves no trace, which is what the audit then sees.
            let _ = perform(&mut venue, event.known_ns, act);
        }
    }
    said
}

fn perform(venue: &mut Venue, now_ns: i64, act: &Act) -> Result<(), simulator::reject::Reject> {
    match act {
        Act::Submit(order) => venue.submit(now_ns, order.clone()),
        Act::Cancel(id) => venue.cancel(now_ns, id),
        Act::Amend(id, trigger) => venue.amend_trigger(now_ns, id, *trigger),
    }
}

/// An order as its client can know it from events alone.
#[derive(Debug)]
struct Known {
    side: Side,
    qty: i64,
    filled: i64,
    opened: i64,
    reduce_only: bool,
    is_live: bool,
}

#[derive(Default)]
struct Audit {
    orders: BTreeMap<String, Known>,
    sent: BTreeMap<String, NewOrder>,
    position: i64,
    trade_id: i64,
    venue_ns: i64,
    fills: usize,
    triggers: usize,
    growths: usize,
    refusals: usize,
}

impl Audit {
    fn hear(&mut self, event: &VenueEvent) {
        assert!(event.venue_ns >= self.venue_ns && event.known_ns > event.venue_ns, "{event:?}");
        self.venue_ns = event.venue_ns;
        let id = &event.client_id;
        match &event.kind {
            EventKind::Accepted => {
                let known = self.accepted(id, event.leaves_qty);
                assert!(self.orders.insert(id.clone(), known).is_none(), "{id} accepted twice");
            }
            EventKind::Fill { trade_id, price, qty, .. } => {
                self.filled(event, *trade_id, *price, *qty)
            }
            EventKind::Triggered => self.triggers += 1,
            EventKind::Amended => {
                let known = self.live(id);
                let grown = event.leaves_qty + known.filled;
                assert!(grown >= known.qty, "{event:?}");
                let has_grown = grown > known.qty;
                known.qty = grown;
                self.growths += usize::from(has_grown);
            }
            EventKind::Canceled | EventKind::Expired => self.live(id).is_live = false,
            EventKind::Rejected(_) => {
                assert!(!self.orders.contains_key(id));
                self.refusals += 1;
            }
            EventKind::CancelRejected(_) => {
                assert!(self.orders.get(id).is_none_or(|known| !known.is_live), "{event:?}");
            }
            EventKind::AmendRejected(_) => {}
            other => panic!("a venue without margin says {other:?}"),
        }
    }

    fn accepted(&self, id: &str, leaves: i64) -> Known {
        let entry = id.strip_suffix("-sl").or(id.strip_suffix("-tp"));
        let (side, reduce_only) = match entry.and_then(|entry| self.sent.get(entry)) {
            Some(entry) => (entry.side.opposite(), true),
            None => (self.sent[id].side, self.sent[id].reduce_only),
        };
        Known { side, qty: leaves, filled: 0, opened: 0, reduce_only, is_live: true }
    }

    fn filled(&mut self, event: &VenueEvent, trade_id: i64, price: i64, qty: i64) {
        assert!(qty > 0 && price > 0 && trade_id == self.trade_id + 1, "{event:?}");
        self.trade_id = trade_id;
        self.fills += 1;
        if let Some(Kind::Limit { price: bound }) =
            self.sent.get(&event.client_id).map(|order| order.kind)
        {
            assert!(
                self.orders[&event.client_id].side.reaches(bound, price),
                "worse than its limit: {event:?}"
            );
        }
        let before = self.position;
        let known = self.live(&event.client_id);
        let after = before + known.side.sign() * qty;
        known.filled += qty;
        known.opened += qty - qty.min((-known.side.sign() * before).max(0));
        assert!(known.filled <= known.qty, "{event:?}");
        assert_eq!(event.leaves_qty, known.qty - known.filled, "{event:?}");
        known.is_live = known.filled < known.qty;
        let never_flips = after.abs() < before.abs() && after.signum() * before.signum() >= 0;
        assert!(!known.reduce_only || never_flips, "{before} to {after}: {event:?}");
        self.position = after;
    }

    fn live(&mut self, id: &str) -> &mut Known {
        match self.orders.get_mut(id) {
            Some(known) if known.is_live => known,
            other => panic!("{id} is not live: {other:?}"),
        }
    }

    fn compare_orders(&self, venue: &Venue) {
        let live: Vec<&String> =
            self.orders.iter().filter(|(_, known)| known.is_live).map(|(id, _)| id).collect();
        let mut open: Vec<&String> =
            venue.open_orders().iter().map(|order| &order.order.client_id).collect();
        open.sort_unstable();
        assert_eq!(live, open, "the events tell exactly which orders are live");
    }

    fn compare(&self, venue: &Venue, client: Client) {
        assert_eq!(self.position, venue.position());
        assert!(!venue.book().is_crossed());
        let mut covered = 0;
        for order in venue.open_orders() {
            let (side, kind) = (order.order.side, order.order.kind);
            if let (Stage::Resting, Kind::Limit { price }) = (order.stage, kind) {
                assert!(order.place.front >= 0.0);
                let meets =
                    venue.best(side.opposite()).is_some_and(|best| side.reaches(price, best.price));
                assert!(
                    !meets || venue.config().impact == Impact::None,
                    "{order:?} stands against the book"
                );
            }
            if let Some(entry) = order.order.client_id.strip_suffix("-sl") {
                assert_eq!(order.order.qty, self.orders[entry].opened, "{order:?}");
                covered += order.leaves * i64::from(side.sign() * venue.position() < 0);
            }
        }
        if client == Client::AlwaysProtected {
            assert!(covered >= venue.position().abs(), "{covered} covers {}", venue.position());
        }
    }
}

fn audited(seed: u64, client: Client) -> Audit {
    let market = events(seed, 600);
    let acts = script(seed, market.events.len(), client);
    let mut venue = Venue::new(config(seed));
    let mut audit = Audit::default();
    let mut batch = EventBatch { levels: market.levels.clone(), ..EventBatch::default() };
    for (index, event) in market.events.iter().enumerate() {
        batch.events.clear();
        batch.events.push(*event);
        let said = venue.on_events(&batch);
        said.iter().for_each(|event| audit.hear(event));
        if !said.is_empty() {
            audit.compare_orders(&venue);
        }
        audit.compare(&venue, client);
        let Some(act) = acts.get(&index) else { continue };
        if perform(&mut venue, event.known_ns, act).is_ok()
            && let Act::Submit(order) = act
        {
            let reduce_only = order.reduce_only || order.kind.trigger().is_some();
            audit.sent.insert(order.client_id.clone(), NewOrder { reduce_only, ..order.clone() });
        }
    }
    audit
}

#[test]
fn a_protected_client_is_covered_after_every_event() {
    let (mut fills, mut triggers, mut growths, mut refusals) = (0, 0, 0, 0);
    for seed in 1..=SEEDS {
        let audit = audited(seed, Client::AlwaysProtected);
        fills += audit.fills;
        triggers += audit.triggers;
        growths += audit.growths;
        refusals += audit.refusals;
    }
    // The run has been where it matters.
    assert!(
        fills > 5_000 && triggers > 1_000 && growths > 300 && refusals > 500,
        "{fills} {triggers} {growths} {refusals}"
    );
}

#[test]
fn a_reckless_client_keeps_the_books_honest() {
    let fills: usize = (1..=SEEDS).map(|seed| audited(seed, Client::Reckless).fills).sum();
    assert!(fills > 5_000, "{fills}");
}

#[test]
fn the_same_input_gives_the_same_output_however_it_is_cut() {
    for seed in 1..=20 {
        let market = events(seed, 300);
        let acts = script(seed, market.events.len(), Client::Reckless);
        let whole = run(seed, &market, &acts, || false);
        assert!(!whole.is_empty());
        assert_eq!(whole, run(seed, &market, &acts, || false));
        assert_eq!(whole, run(seed, &market, &acts, || true));
        let mut rng = Rng::named(seed, "cuts");
        assert_eq!(whole, run(seed, &market, &acts, || rng.chance(0.2)));
    }
}
