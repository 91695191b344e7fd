//! The simulated venue of one instrument: takes market events and the orders of any number of accounts, and says what
//! becomes of the orders.
//!
//! **Time.** A request sent at `now_ns` arrives one order latency later, after all market events of that instant; what
//! happens is known to the client one response latency later. A cancel that arrives after the fill is refused.
//! Events must be pushed up to the present before a request is sent: none arrives before what the venue has seen.
//!
//! **Matching.** Takers walk the mirrored book ([`crate::mirror`]) and the resting orders of other accounts between its
//! lots; makers queue behind the displayed lots ([`crate::queue`]), and fill also when a trade goes through their price
//! or the opposite best reaches it. Orders of one account never trade with each other.
//!
//! **Positions.** One net position an account ([`crate::account`]). Reduce-only orders end when there is nothing left for
//! them to reduce. With margin rules, a position whose margin falls to its maintenance is liquidated.
//!
//! **Protection.** An entry's attached exits are placed with its first fill and grow with it. They end together, and
//! the rest of the entry with them, so that it cannot open a position that has lost its stop. Conditional orders watch
//! the mark (the given one, else the mid of the best quotes) or the last trade; a market order that the book cannot
//! fill once triggered keeps working.

mod amend;
mod arrival;
mod config;
mod feed;
mod matching;
mod protection;
mod settle;
mod takers;

use std::collections::{BTreeMap, BTreeSet};

use orderflow::event::{Body, Event, EventBatch, Level};

use crate::account::{Account, AccountId, Counterparts};
use crate::ladder::{Ladder, Side};
use crate::latency::Way;
use crate::mirror::Mirror;
use crate::order::{Change, EventKind, LiveOrder, NewOrder, Stage, Tif, VenueEvent};
use crate::reject::Reject;

pub use config::{Uniqueness, VenueConfig};

#[derive(Clone, Debug)]
enum Request {
    Submit(NewOrder),
    Cancel(AccountId, String),
    CancelAll(AccountId),
    Amend(AccountId, String, Change),
    /// A good-till-date order's time has come.
    Expire(u64),
}

/// What of the live orders a market event could touch, so that most events are done after a few comparisons.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// Best resting prices of buys and sells.
    resting: [Option<i64>; 2],
    has_armed: bool,
    has_working: bool,
    is_stale: bool,
}

/// One account and where its messages are.
#[derive(Clone, Debug)]
struct Seat {
    books: Account,
    last_arrival_ns: i64,
    last_answer_ns: i64,
}

impl Default for Seat {
    fn default() -> Self {
        let long_ago_ns = i64::MIN;
        Self {
            books: Account::default(),
            last_arrival_ns: long_ago_ns,
            last_answer_ns: long_ago_ns,
        }
    }
}

/// The venue of one instrument.
#[derive(Clone, Debug)]
pub struct Venue {
    config: VenueConfig,
    mirror: Mirror,
    clock_ns: i64,
    seats: BTreeMap<AccountId, Seat>,
    counterparts: Counterparts,
    /// By number.
    live: Vec<LiveOrder>,
    by_name: BTreeMap<(AccountId, String), u64>,
    /// By arrival and rank.
    pending: BTreeMap<(i64, u64), Request>,
    /// Requests on their way, expiries not counted.
    under_way: usize,
    next_wake_ns: i64,
    /// Every client id that was ever used, where that is asked for; else those of orders live or on their way.
    seen: BTreeSet<(AccountId, String)>,
    next_seq: u64,
    last_trade_id: i64,
    last_price: Option<i64>,
    given_mark: Option<i64>,
    /// Twice the mark when the margins were last looked at.
    checked_mark2: Option<i64>,
    orders_way: Way,
    answers_way: Way,
    said: Vec<VenueEvent>,
    watch: Watch,
    /// Scratch of the walks.
    fills: Vec<Level>,
}

impl Venue {
    /// Returns a venue that has seen nothing. A tick or step below 1 is taken as 1.
    pub fn new(config: VenueConfig) -> Self {
        let config = VenueConfig { tick: config.tick.max(1), step: config.step.max(1), ..config };
        Self {
            mirror: Mirror::new(config.impact),
            orders_way: Way::new(config.order_latency.clone(), config.seed, "orders"),
            answers_way: Way::new(config.response_latency.clone(), config.seed, "answers"),
            config,
            clock_ns: i64::MIN,
            seats: BTreeMap::new(),
            counterparts: Counterparts::default(),
            live: Vec::new(),
            by_name: BTreeMap::new(),
            pending: BTreeMap::new(),
            under_way: 0,
            next_wake_ns: i64::MAX,
            seen: BTreeSet::new(),
            next_seq: 0,
            last_trade_id: 0,
            last_price: None,
            given_mark: None,
            checked_mark2: None,
            said: Vec::new(),
            watch: Watch::default(),
            fills: Vec::new(),
        }
    }

    /// Sends an order. What can be judged from the order alone is judged at once; the rest on arrival, by an event.
    ///
    /// # Errors
    /// The refusal, when the terms are wrong or the client id is taken. Such an order leaves no trace.
    pub fn submit(&mut self, now_ns: i64, order: NewOrder) -> Result<(), Reject> {
        let order = self.admitted(order)?;
        for id in arrival::ids(&order) {
            self.seen.insert((order.account, id));
        }
        self.send(now_ns, order.account, Request::Submit(order));
        Ok(())
    }

    /// Asks to cancel an order of account 0; see [`Venue::cancel_of`].
    ///
    /// # Errors
    /// As there.
    pub fn cancel(&mut self, now_ns: i64, client_id: &str) -> Result<(), Reject> {
        self.cancel_of(now_ns, 0, client_id)
    }

    /// Asks to cancel an order.
    ///
    /// # Errors
    /// -2011 if no order is known by this id. That it is live no longer is said on arrival, by an event.
    pub fn cancel_of(
        &mut self,
        now_ns: i64,
        account: AccountId,
        client_id: &str,
    ) -> Result<(), Reject> {
        self.known(account, client_id)?;
        self.send(now_ns, account, Request::Cancel(account, client_id.to_owned()));
        Ok(())
    }

    /// Asks to cancel all orders of an account that are live on arrival.
    pub fn cancel_all(&mut self, now_ns: i64, account: AccountId) {
        self.send(now_ns, account, Request::CancelAll(account));
    }

    /// Asks to move the trigger of a stop or take-profit of account 0.
    ///
    /// # Errors
    /// As [`Venue::amend`].
    pub fn amend_trigger(
        &mut self,
        now_ns: i64,
        client_id: &str,
        trigger: i64,
    ) -> Result<(), Reject> {
        self.amend(now_ns, 0, client_id, Change { trigger: Some(trigger), ..Change::default() })
    }

    /// Asks to change an order's trigger, price or whole quantity.
    ///
    /// A resting order keeps its place in the queue only when it becomes smaller at its price. A post-only order whose new
    /// price would take, and an order whose new quantity is filled already, end with it, as at Binance.
    ///
    /// # Errors
    /// -2011 if no order is known by this id, -1111 off the tick or step, -1013 out of bounds, -1128 without a change.
    pub fn amend(
        &mut self,
        now_ns: i64,
        account: AccountId,
        client_id: &str,
        change: Change,
    ) -> Result<(), Reject> {
        self.known(account, client_id)?;
        self.change_in_bounds(change)?;
        self.send(now_ns, account, Request::Amend(account, client_id.to_owned(), change));
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

    /// Returns the net position of account 0 in lots, negative when short.
    pub fn position(&self) -> i64 {
        self.books(0).map_or(0, |books| books.position)
    }

    /// Returns the live orders of all accounts, oldest first.
    pub fn open_orders(&self) -> &[LiveOrder] {
        &self.live
    }

    /// Returns a live order by its name.
    pub fn order(&self, account: AccountId, client_id: &str) -> Option<&LiveOrder> {
        let seq = self.by_name.get(&(account, client_id.to_owned()))?;
        self.live(*seq)
    }

    /// Returns whether any order is live or any request on its way.
    pub fn has_live_orders(&self) -> bool {
        !self.live.is_empty() || self.under_way > 0
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

    fn send(&mut self, now_ns: i64, account: AccountId, request: Request) {
        let seq = self.rank();
        let seat = self.seats.entry(account).or_default();
        let arrive_ns = self.orders_way.arrival_ns(now_ns, &mut seat.last_arrival_ns);
        self.under_way += 1;
        self.schedule(arrive_ns.max(self.clock_ns), seq, request);
    }

    fn schedule(&mut self, at_ns: i64, seq: u64, request: Request) {
        self.pending.insert((at_ns, seq), request);
        self.note_wake();
    }

    fn note_wake(&mut self) {
        self.next_wake_ns = self.next_wake_ns().unwrap_or(i64::MAX);
    }

    fn rank(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    fn arrive_before(&mut self, now_ns: i64) {
        while self.next_wake_ns <= now_ns {
            let Some(((arrive_ns, seq), request)) = self.pending.pop_first() else { break };
            self.note_wake();
            self.clock_ns = self.clock_ns.max(arrive_ns);
            self.under_way -= usize::from(!matches!(request, Request::Expire(_)));
            match request {
                Request::Submit(order) => self.accept(seq, order),
                Request::Cancel(account, client_id) => self.cancel_arrived(account, client_id),
                Request::CancelAll(account) => {
                    for seq in self.ranks(|order| order.order.account == account) {
                        self.end(seq, EventKind::Canceled);
                    }
                }
                Request::Amend(account, client_id, change) => {
                    self.amend_arrived(account, client_id, change);
                }
                Request::Expire(order) => self.end(order, EventKind::Expired),
            }
            self.watch_prices();
        }
    }

    fn market_event(&mut self, event: &Event, batch: &EventBatch) {
        if let Body::Trade { price, qty, buyer_is_maker, is_market, .. } = event.body {
            if is_market {
                self.last_price = Some(price);
                if !self.live.is_empty() {
                    self.trade(price, qty, if buyer_is_maker { Side::Buy } else { Side::Sell });
                }
            }
        } else {
            self.mirror.apply(event, batch);
            if !self.live.is_empty() {
                self.requeue();
                self.meet_the_book();
                self.work_on();
            }
        }
        self.watch_prices();
    }

    /// Lets conditional orders and margins see the prices as they are now.
    fn watch_prices(&mut self) {
        self.trigger();
        self.check_margins();
    }

    fn index(&self, seq: u64) -> Option<usize> {
        self.live.binary_search_by_key(&seq, |order| order.seq).ok()
    }

    fn live(&self, seq: u64) -> Option<&LiveOrder> {
        self.index(seq).and_then(|at| self.live.get(at))
    }

    fn live_mut(&mut self, seq: u64) -> Option<&mut LiveOrder> {
        self.watch.is_stale = true;
        let at = self.index(seq)?;
        self.live.get_mut(at)
    }

    /// Returns the ranks of the live orders that satisfy a condition, oldest first.
    fn ranks(&self, condition: impl Fn(&LiveOrder) -> bool) -> Vec<u64> {
        self.live.iter().filter(|order| condition(order)).map(|order| order.seq).collect()
    }

    fn say(&mut self, account: AccountId, client_id: String, kind: EventKind, leaves_qty: i64) {
        let venue_ns = self.clock_ns;
        let seat = self.seats.entry(account).or_default();
        let known_ns = self.answers_way.arrival_ns(venue_ns, &mut seat.last_answer_ns);
        self.said.push(VenueEvent { venue_ns, known_ns, account, client_id, kind, leaves_qty });
    }

    /// Says something about a live order.
    fn say_of(&mut self, seq: u64, kind: EventKind) {
        let Some(at) = self.index(seq) else { return };
        let Some(order) = self.live.get_mut(at) else { return };
        let (account, leaves) = (order.order.account, order.leaves);
        if let Some(step) = kind.step(leaves) {
            let next = order.state.after(step);
            debug_assert!(next.is_some(), "{kind:?} of {order:?}");
            order.state = next.unwrap_or(order.state);
        }
        let client_id = order.order.client_id.clone();
        self.say(account, client_id, kind, leaves);
    }

    /// Ends a live order with a last word.
    fn end(&mut self, seq: u64, kind: EventKind) {
        self.say_of(seq, kind);
        self.remove(seq);
    }

    fn remove(&mut self, seq: u64) -> Option<LiveOrder> {
        let order = self.live.remove(self.index(seq)?);
        self.watch.is_stale = true;
        let name = (order.order.account, order.order.client_id.clone());
        self.by_name.remove(&name);
        if self.config.unique_ids == Uniqueness::WhileLive {
            self.seen.remove(&name);
            self.release_exits(&order);
        }
        if let Tif::Gtd { until_ns } = order.order.tif {
            self.pending.remove(&(until_ns, seq));
            self.note_wake();
        }
        Some(order)
    }

    /// Adds an order at its rank: an exit placed by an arrival's fill ranks after requests that are still on their way.
    fn insert(&mut self, order: LiveOrder) {
        self.watch.is_stale = true;
        self.by_name.insert((order.order.account, order.order.client_id.clone()), order.seq);
        let at = self.live.partition_point(|other| other.seq < order.seq);
        self.live.insert(at, order);
    }

    fn set_stage(&mut self, seq: u64, stage: Stage) {
        if let Some(order) = self.live_mut(seq) {
            order.stage = stage;
        }
    }
}
