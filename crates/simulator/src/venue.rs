//! The simulated venue: takes market events and orders, and says what becomes of the orders.
//!
//! **Time.** A request sent at `now_ns` arrives one order latency later, after all market events of that instant; what
//! happens is known to the client one response latency later. A cancel that arrives after the fill is refused.
//! Events must be pushed up to the present before a request is sent: none arrives before what the venue has seen.
//!
//! **Matching.** Takers walk the mirrored book ([`crate::mirror`]); makers queue behind it ([`crate::queue`]), and fill
//! also when a trade goes through their price or the opposite best reaches it. Own orders never meet each other: the
//! resting one expires.
//!
//! **Position.** One net position. Reduce-only orders end when there is nothing left for them to reduce.
//!
//! **Protection.** An entry's attached exits are placed with its first fill and grow with it. They end together, and
//! the rest of the entry with them, so that it cannot open a position that has lost its stop. Stops trigger on the
//! mark, the mid of the best quotes, and execute at what the book offers; one that the book cannot fill keeps working.

mod arrival;
mod matching;
mod protection;

use std::collections::{BTreeMap, BTreeSet};

use orderflow::event::{Body, Event, EventBatch, Level};

use crate::ladder::{Ladder, Side};
use crate::mirror::{Impact, Mirror};
use crate::order::{EventKind, LiveOrder, NewOrder, Stage, VenueEvent};
use crate::reject::Reject;

/// The venue's latencies and the instrument's rules; prices in 10^-p, quantities in 10^-q.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueConfig {
    /// From sending a request to its arrival, ns.
    pub order_latency_ns: i64,
    /// From an event at the venue to the client's knowing it, ns.
    pub response_latency_ns: i64,
    /// Whether what our takers ate stays eaten.
    pub impact: Impact,
    /// p: prices are integers of 10^-p.
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    pub qty_decimals: u32,
    /// Prices are multiples of it.
    pub tick: i64,
    /// Quantities are multiples of it.
    pub step: i64,
    /// Smallest quantity.
    pub min_qty: i64,
    /// Smallest price times quantity of an order that may open, in 10^-(p+q) quote units.
    pub min_notional: i64,
}

impl Default for VenueConfig {
    /// Returns the rules of the default synthetic market: tick 0.01, step 0.001, at least 5 quote; 2 ms each way.
    fn default() -> Self {
        Self {
            order_latency_ns: 2_000_000,
            response_latency_ns: 2_000_000,
            impact: Impact::Consume,
            price_decimals: 2,
            qty_decimals: 3,
            tick: 1,
            step: 1,
            min_qty: 1,
            min_notional: 500_000,
        }
    }
}

#[derive(Clone, Debug)]
enum Request {
    Submit(NewOrder),
    Cancel(String),
    Amend(String, i64),
}

/// The venue of one symbol and one account.
#[derive(Clone, Debug)]
pub struct Venue {
    config: VenueConfig,
    mirror: Mirror,
    clock_ns: i64,
    position: i64,
    /// By rank in time.
    live: Vec<LiveOrder>,
    /// By arrival and rank.
    pending: BTreeMap<(i64, u64), Request>,
    /// Every client id that was ever used.
    seen: BTreeSet<String>,
    next_seq: u64,
    last_trade_id: i64,
    said: Vec<VenueEvent>,
    /// Scratch of the walks.
    fills: Vec<Level>,
}

impl Venue {
    /// Returns a venue that has seen nothing. A tick or step below 1 is taken as 1.
    pub fn new(config: VenueConfig) -> Self {
        let config = VenueConfig { tick: config.tick.max(1), step: config.step.max(1), ..config };
        Self {
            mirror: Mirror::new(config.impact),
            config,
            clock_ns: i64::MIN,
            position: 0,
            live: Vec::new(),
            pending: BTreeMap::new(),
            seen: BTreeSet::new(),
            next_seq: 0,
            last_trade_id: 0,
            said: Vec::new(),
            fills: Vec::new(),
        }
    }

    /// Sends an order. What can be judged from the order alone is judged at once; the rest on arrival, by an event.
    ///
    /// # Errors
    /// The refusal, when the terms are wrong or the client id was used before. Such an order leaves no trace.
    pub fn submit(&mut self, now_ns: i64, order: NewOrder) -> Result<(), Reject> {
        let order = self.admitted(order)?;
        for id in arrival::ids(&order) {
            self.seen.insert(id);
        }
        self.send(now_ns, Request::Submit(order));
        Ok(())
    }

    /// Asks to cancel an order.
    ///
    /// # Errors
    /// -2011 if no order ever had this id. That it is live no longer is said on arrival, by an event.
    pub fn cancel(&mut self, now_ns: i64, client_id: &str) -> Result<(), Reject> {
        self.known(client_id)?;
        self.send(now_ns, Request::Cancel(client_id.to_owned()));
        Ok(())
    }

    /// Asks to move the trigger of a stop or take-profit.
    ///
    /// # Errors
    /// -2011 if no order ever had this id, -1111 if the trigger is off the tick, -1013 if it is not positive.
    pub fn amend_trigger(
        &mut self,
        now_ns: i64,
        client_id: &str,
        trigger: i64,
    ) -> Result<(), Reject> {
        self.known(client_id)?;
        self.price_in_bounds(trigger)?;
        self.send(now_ns, Request::Amend(client_id.to_owned(), trigger));
        Ok(())
    }

    /// Takes market events in order and returns what they and the arrivals between them brought about.
    pub fn on_events(&mut self, batch: &EventBatch) -> &[VenueEvent] {
        self.said.clear();
        for event in &batch.events {
            self.arrive_before(event.event_ns);
            self.clock_ns = self.clock_ns.max(event.event_ns);
            self.market_event(event, batch);
        }
        &self.said
    }

    /// Lets time pass without market events: requests that arrive before `now_ns` do, and the outcome is returned.
    ///
    /// The caller says with it that all market events before `now_ns` have been pushed.
    pub fn advance(&mut self, now_ns: i64) -> &[VenueEvent] {
        self.said.clear();
        self.arrive_before(now_ns);
        self.clock_ns = self.clock_ns.max(now_ns);
        &self.said
    }

    /// Returns the net position in lots, negative when short.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Returns the live orders, oldest first.
    pub fn open_orders(&self) -> &[LiveOrder] {
        &self.live
    }

    /// Returns whether any order is live or on its way.
    pub fn has_live_orders(&self) -> bool {
        !self.live.is_empty() || !self.pending.is_empty()
    }

    /// Returns the earliest time to `advance` to that lets the next request arrive, Unix ns: just after its arrival.
    pub fn next_wake_ns(&self) -> Option<i64> {
        self.pending.first_key_value().map(|(&(arrive_ns, _), _)| arrive_ns.saturating_add(1))
    }

    /// Returns the best level of a side that is left for a taker.
    pub fn best(&self, side: Side) -> Option<Level> {
        self.mirror.best(side)
    }

    /// Returns the displayed book, less what our takers ate.
    pub fn book(&self) -> &Ladder {
        self.mirror.ladder()
    }

    /// Returns the venue's rules.
    pub fn config(&self) -> &VenueConfig {
        &self.config
    }

    fn send(&mut self, now_ns: i64, request: Request) {
        let arrive_ns = now_ns.saturating_add(self.config.order_latency_ns).max(self.clock_ns);
        let seq = self.rank();
        self.pending.insert((arrive_ns, seq), request);
    }

    fn rank(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    fn arrive_before(&mut self, now_ns: i64) {
        while self.next_wake_ns().is_some_and(|wake_ns| wake_ns <= now_ns) {
            let Some(((arrive_ns, seq), request)) = self.pending.pop_first() else { break };
            self.clock_ns = self.clock_ns.max(arrive_ns);
            match request {
                Request::Submit(order) => self.accept(seq, order),
                Request::Cancel(client_id) => self.cancel_arrived(client_id),
                Request::Amend(client_id, trigger) => self.amend_arrived(client_id, trigger),
            }
            self.trigger();
        }
    }

    fn market_event(&mut self, event: &Event, batch: &EventBatch) {
        if let Body::Trade { price, qty, buyer_is_maker, is_market, .. } = event.body {
            if is_market && !self.live.is_empty() {
                self.trade(price, qty, if buyer_is_maker { Side::Buy } else { Side::Sell });
            }
        } else {
            self.mirror.apply(event, batch);
            if self.live.is_empty() {
                return;
            }
            self.requeue();
            self.meet_the_book();
            self.work_on();
        }
        self.trigger();
    }

    fn index(&self, seq: u64) -> Option<usize> {
        self.live.binary_search_by_key(&seq, |order| order.seq).ok()
    }

    fn live(&self, seq: u64) -> Option<&LiveOrder> {
        self.index(seq).and_then(|at| self.live.get(at))
    }

    /// Returns the ranks of the live orders that satisfy a condition, oldest first.
    fn ranks(&self, condition: impl Fn(&LiveOrder) -> bool) -> Vec<u64> {
        self.live.iter().filter(|order| condition(order)).map(|order| order.seq).collect()
    }

    /// Returns how many lots an order of `side` could reduce.
    fn reducible(&self, side: Side) -> i64 {
        (-side.sign() * self.position).max(0)
    }

    fn say(&mut self, client_id: String, kind: EventKind, leaves_qty: i64) {
        let venue_ns = self.clock_ns;
        let known_ns = venue_ns.saturating_add(self.config.response_latency_ns);
        self.said.push(VenueEvent { venue_ns, known_ns, client_id, kind, leaves_qty });
    }

    /// Says something about a live order.
    fn say_of(&mut self, seq: u64, kind: EventKind) {
        if let Some(order) = self.live(seq) {
            let (client_id, leaves) = (order.order.client_id.clone(), order.leaves);
            self.say(client_id, kind, leaves);
        }
    }

    /// Ends a live order with a last word.
    fn end(&mut self, seq: u64, kind: EventKind) {
        self.say_of(seq, kind);
        if let Some(at) = self.index(seq) {
            self.live.remove(at);
        }
    }

    fn set_stage(&mut self, seq: u64, stage: Stage) {
        if let Some(at) = self.index(seq) {
            self.live[at].stage = stage;
        }
    }
}
