//! The venue by example: one small book, one order, one fact.
#![allow(clippy::expect_used, reason = "the desk is part of the tests")]

use orderflow::event::{Body, Event, EventBatch, Level};
use simulator::ladder::Side;
use simulator::latency::Latency;
use simulator::mirror::Impact;
use simulator::order::{EventKind, Kind, NewOrder, Protection, Tif, VenueEvent};
use simulator::reject::Code;
use simulator::venue::{Venue, VenueConfig};

const LATENCY_NS: i64 = 1_000;

/// A venue with a book of 9998 x 20, 9999 x 10 | 10001 x 10, 10002 x 20, fed one event each 100 000 ns.
struct Desk {
    venue: Venue,
    now_ns: i64,
    id: i64,
    /// Final id of the latest diff.
    diff_id: i64,
    trade_id: i64,
}

impl Desk {
    fn new() -> Self {
        Self::with(Impact::Consume)
    }

    fn with(impact: Impact) -> Self {
        let config = VenueConfig {
            order_latency: Latency::Constant(LATENCY_NS),
            response_latency: Latency::Constant(500),
            impact,
            min_notional: 1,
            ..VenueConfig::default()
        };
        let mut desk =
            Self { venue: Venue::new(config), now_ns: 0, id: 1, diff_id: 1, trade_id: 0 };
        desk.push(|batch, id| {
            let bids = batch.add_levels([level(9_999, 10), level(9_998, 20)]);
            let asks = batch.add_levels([level(10_001, 10), level(10_002, 20)]);
            Body::Snapshot { last_id: id, bids, asks }
        });
        desk.quote((9_999, 10), (10_001, 10));
        desk
    }

    fn push(&mut self, body: impl FnOnce(&mut EventBatch, i64) -> Body) -> Vec<VenueEvent> {
        self.now_ns += 100_000;
        let mut batch = EventBatch::default();
        let body = body(&mut batch, self.id);
        batch.events.push(Event {
            event_ns: self.now_ns,
            emitted_ms: 0,
            known_ns: self.now_ns,
            body,
        });
        self.venue.on_events(&batch).to_vec()
    }

    fn quote(&mut self, bid: (i64, i64), ask: (i64, i64)) -> Vec<VenueEvent> {
        self.id += 1;
        let (bid, ask) = (level(bid.0, bid.1), level(ask.0, ask.1));
        self.push(|_, update_id| Body::Quote { update_id, bid, ask })
    }

    fn diff(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Vec<VenueEvent> {
        let prev_final_id = self.diff_id;
        self.id += 1;
        self.diff_id = self.id;
        self.push(|batch, final_id| {
            let bids = batch.add_levels(bids.iter().map(|&(price, qty)| level(price, qty)));
            let asks = batch.add_levels(asks.iter().map(|&(price, qty)| level(price, qty)));
            Body::Depth { first_id: prev_final_id + 1, final_id, prev_final_id, bids, asks }
        })
    }

    fn trade(&mut self, price: i64, qty: i64, taker: Side) -> Vec<VenueEvent> {
        self.trade_id += 1;
        let (trade_id, buyer_is_maker) = (self.trade_id, taker == Side::Sell);
        self.push(|_, _| Body::Trade { trade_id, price, qty, buyer_is_maker, is_market: true })
    }

    /// Sends an order and lets it arrive.
    fn send(&mut self, order: NewOrder) -> Vec<VenueEvent> {
        self.venue.submit(self.now_ns, order).expect("a well-formed order");
        self.pass()
    }

    fn pass(&mut self) -> Vec<VenueEvent> {
        self.now_ns += LATENCY_NS + 1;
        self.venue.advance(self.now_ns).to_vec()
    }
}

fn level(price: i64, qty: i64) -> Level {
    Level { price, qty }
}

fn order(client_id: &str, side: Side, kind: Kind, qty: i64) -> NewOrder {
    NewOrder::new(0, client_id, side, kind, qty)
}

fn market(client_id: &str, side: Side, qty: i64) -> NewOrder {
    order(client_id, side, Kind::Market, qty)
}

fn limit(client_id: &str, side: Side, price: i64, qty: i64) -> NewOrder {
    order(client_id, side, Kind::Limit { price }, qty)
}

fn protected(order: NewOrder, stop_trigger: i64, take_profit_trigger: Option<i64>) -> NewOrder {
    NewOrder { attached: Some(Protection { stop_trigger, take_profit_trigger }), ..order }
}

/// `id kind` of each event, fills as `id qty@price m|t`, with the lots left.
fn told(events: &[VenueEvent]) -> Vec<String> {
    events
        .iter()
        .map(|event| {
            let what = match &event.kind {
                EventKind::Fill { price, qty, maker, .. } => {
                    format!("{qty}@{price}{}", if *maker { "m" } else { "t" })
                }
                EventKind::Accepted => "accepted".to_owned(),
                EventKind::Triggered => "triggered".to_owned(),
                EventKind::Amended => "amended".to_owned(),
                EventKind::Canceled => "canceled".to_owned(),
                EventKind::Expired => "expired".to_owned(),
                EventKind::Rejected(reject) => reject.code.number().to_string(),
                EventKind::CancelRejected(reject) => format!("cancel{}", reject.code.number()),
                EventKind::AmendRejected(reject) => format!("amend{}", reject.code.number()),
                other => format!("{other:?}"),
            };
            format!("{} {what} {}", event.client_id, event.leaves_qty)
        })
        .collect()
}

#[test]
fn a_market_order_walks_the_book_and_its_rest_expires() {
    let mut desk = Desk::new();
    let events = desk.send(market("a", Side::Buy, 35));
    assert_eq!(told(&events), ["a accepted 35", "a 10@10001t 25", "a 20@10002t 5", "a expired 5"]);
    assert_eq!(desk.venue.position(), 30);
}

#[test]
fn events_carry_the_venues_time_and_the_clients() {
    let mut desk = Desk::new();
    let sent_ns = desk.now_ns;
    let events = desk.send(market("a", Side::Buy, 1));
    assert!(events.iter().all(|event| event.venue_ns == sent_ns + LATENCY_NS));
    assert!(events.iter().all(|event| event.known_ns == event.venue_ns + 500));
}

#[test]
fn what_was_eaten_stays_eaten_until_the_feed_tells_the_level() {
    let mut desk = Desk::new();
    desk.send(market("a", Side::Buy, 4));
    assert_eq!(desk.venue.best(Side::Sell), Some(level(10_001, 6)));
    desk.quote((9_999, 11), (10_001, 10));
    assert_eq!(
        desk.venue.best(Side::Sell),
        Some(level(10_001, 6)),
        "the quote only repeats the ask"
    );
    desk.diff(&[], &[(10_001, 12)]);
    assert_eq!(desk.venue.best(Side::Sell), Some(level(10_001, 12)));
}

#[test]
fn without_impact_the_book_stays_as_displayed() {
    let mut desk = Desk::with(Impact::None);
    desk.send(market("a", Side::Buy, 4));
    assert_eq!(desk.venue.best(Side::Sell), Some(level(10_001, 10)));
}

#[test]
fn a_crossing_limit_takes_and_its_rest_queues() {
    let mut desk = Desk::new();
    let events = desk.send(limit("a", Side::Buy, 10_001, 15));
    assert_eq!(told(&events), ["a accepted 15", "a 10@10001t 5"]);
    assert_eq!(desk.venue.open_orders()[0].place.ahead(), Some(0));
}

#[test]
fn an_ioc_limit_never_rests() {
    let mut desk = Desk::new();
    let events = desk.send(NewOrder { tif: Tif::Ioc, ..limit("a", Side::Sell, 9_999, 15) });
    assert_eq!(told(&events), ["a accepted 15", "a 10@9999t 5", "a expired 5"]);
    assert!(!desk.venue.has_live_orders());
}

#[test]
fn a_maker_waits_for_the_queue_ahead() {
    let mut desk = Desk::new();
    desk.send(limit("a", Side::Buy, 9_999, 5));
    assert_eq!(told(&desk.trade(9_999, 8, Side::Sell)), [""; 0]);
    assert_eq!(told(&desk.trade(9_999, 4, Side::Buy)), [""; 0], "a buyer's trade takes no bids");
    assert_eq!(told(&desk.trade(9_999, 5, Side::Sell)), ["a 3@9999m 2"]);
    assert_eq!(told(&desk.trade(9_999, 9, Side::Sell)), ["a 2@9999m 0"]);
}

#[test]
fn the_queue_is_never_longer_than_the_level() {
    let mut desk = Desk::new();
    desk.send(limit("a", Side::Buy, 9_998, 5));
    assert_eq!(desk.venue.open_orders()[0].place.ahead(), Some(20));
    desk.diff(&[(9_998, 6)], &[]);
    assert_eq!(desk.venue.open_orders()[0].place.ahead(), Some(6));
    desk.diff(&[(9_998, 40)], &[]);
    assert_eq!(desk.venue.open_orders()[0].place.ahead(), Some(6), "newcomers queue behind");
}

#[test]
fn a_trade_through_the_price_fills_best_price_first_and_no_more_than_it_traded() {
    let mut desk = Desk::new();
    desk.send(limit("far", Side::Buy, 9_998, 5));
    desk.send(limit("near", Side::Buy, 9_999, 5));
    assert_eq!(told(&desk.trade(9_997, 7, Side::Sell)), ["near 5@9999m 0", "far 2@9998m 3"]);
}

#[test]
fn a_maker_fills_when_the_opposite_best_reaches_its_price() {
    let mut desk = Desk::new();
    desk.send(limit("a", Side::Buy, 9_999, 5));
    assert_eq!(told(&desk.quote((9_997, 3), (9_999, 4))), ["a 4@9999m 1"]);
    assert!(!desk.venue.book().is_crossed());
}

#[test]
fn a_post_only_order_that_would_take_is_refused() {
    let mut desk = Desk::new();
    let post = |id, price| NewOrder { tif: Tif::Gtx, ..limit(id, Side::Buy, price, 5) };
    assert_eq!(told(&desk.send(post("a", 10_001))), ["a -5022 5"]);
    assert_eq!(told(&desk.send(post("b", 10_000))), ["b accepted 5"]);
}

#[test]
fn a_cancel_that_arrives_after_the_fill_is_refused() {
    let mut desk = Desk::new();
    desk.send(limit("a", Side::Buy, 9_999, 5));
    desk.send(limit("b", Side::Buy, 9_998, 5));
    desk.venue.cancel(desk.now_ns + 99_500, "a").expect("known");
    desk.venue.cancel(desk.now_ns + 1, "b").expect("known");
    let events = desk.trade(9_999, 30, Side::Sell);
    assert_eq!(told(&events), ["b canceled 5", "a 5@9999m 0"]);
    assert_eq!(told(&desk.pass()), ["a cancel-2011 0"]);
}

#[test]
fn wrong_terms_are_refused_at_once_and_leave_no_trace() {
    let mut desk = Desk::new();
    desk.venue =
        Venue::new(VenueConfig { tick: 5, step: 10, min_qty: 20, ..VenueConfig::default() });
    let price = Kind::Limit { price: 10_000 };
    let cases = [
        (limit("a", Side::Buy, 10_001, 1_000), Code::Precision),
        (limit("a", Side::Buy, 10_000, 1_001), Code::Precision),
        (limit("a", Side::Buy, 0, 1_000), Code::Filter),
        (limit("a", Side::Buy, 10_000, 10), Code::Filter),
        (limit("a", Side::Buy, 10_000, 40), Code::Notional),
        (limit("", Side::Buy, 10_000, 1_000), Code::ClientId),
        (limit(&"x".repeat(37), Side::Buy, 10_000, 1_000), Code::ClientId),
        (protected(limit(&"x".repeat(34), Side::Buy, 10_000, 1_000), 9_900, None), Code::ClientId),
        (NewOrder { tif: Tif::Gtx, ..market("a", Side::Buy, 1_000) }, Code::Combination),
        (
            NewOrder {
                reduce_only: true,
                ..protected(order("a", Side::Buy, price, 1_000), 9_900, None)
            },
            Code::Combination,
        ),
        (protected(limit("a", Side::Buy, 10_000, 1_000), 10_000, None), Code::WouldTrigger),
        (
            protected(limit("a", Side::Sell, 10_000, 1_000), 10_100, Some(10_005)),
            Code::WouldTrigger,
        ),
    ];
    for (order, code) in cases {
        let refused = desk.venue.submit(0, order.clone()).map_err(|reject| reject.code);
        assert_eq!(refused, Err(code), "{order:?}");
    }
    assert_eq!(
        desk.venue.submit(0, limit("a", Side::Buy, 10_000, 1_000)),
        Ok(()),
        "the id is still free"
    );
}

#[test]
fn a_client_id_serves_once_for_ever() {
    let mut desk = Desk::new();
    desk.send(protected(market("a", Side::Buy, 1), 9_900, None));
    let again =
        |venue: &mut Venue, id: &str| venue.submit(0, market(id, Side::Buy, 1)).map_err(|r| r.code);
    assert_eq!(again(&mut desk.venue, "a"), Err(Code::Duplicate));
    assert_eq!(
        again(&mut desk.venue, "a-sl"),
        Err(Code::Duplicate),
        "its exit's name is taken too"
    );
    assert_eq!(again(&mut desk.venue, "a-tp"), Ok(()));
}

#[test]
fn what_depends_on_the_moment_is_refused_on_arrival() {
    let mut desk = Desk::new();
    let reduce = NewOrder { reduce_only: true, ..market("a", Side::Sell, 1) };
    assert_eq!(told(&desk.send(reduce)), ["a -2022 1"]);
    assert_eq!(told(&desk.send(protected(market("b", Side::Buy, 1), 10_000, None))), ["b -2021 1"]);
    desk.send(market("c", Side::Buy, 1));
    let stop = order("d", Side::Sell, Kind::StopMarket { trigger: 10_000 }, 1);
    assert_eq!(told(&desk.send(stop)), ["d -2021 1"]);
    assert_eq!(desk.venue.cancel(0, "never").map_err(|r| r.code), Err(Code::UnknownOrder));
    assert_eq!(
        desk.venue.amend_trigger(0, "never", 1).map_err(|r| r.code),
        Err(Code::UnknownOrder)
    );
}

#[test]
fn a_market_order_below_the_minimum_notional_is_refused_by_the_mark() {
    let mut desk = Desk::new();
    let mut venue = Venue::new(VenueConfig { min_notional: 500_000, ..VenueConfig::default() });
    std::mem::swap(&mut desk.venue, &mut venue);
    desk.quote((9_999, 100), (10_001, 100));
    desk.now_ns += 2_000_000;
    assert_eq!(told(&desk.send(market("a", Side::Buy, 49))), [""; 0]);
    desk.now_ns += 2_000_000;
    assert_eq!(told(&desk.quote((9_999, 90), (10_001, 90))), ["a -4164 49"]);
}

#[test]
fn reduce_only_takes_no_more_than_the_position() {
    let mut desk = Desk::new();
    desk.send(market("a", Side::Buy, 4));
    let events = desk.send(NewOrder { reduce_only: true, ..market("b", Side::Sell, 9) });
    assert_eq!(told(&events), ["b accepted 9", "b 4@9999t 5", "b expired 5"]);
    assert_eq!(desk.venue.position(), 0);
}

#[test]
fn two_reduce_only_makers_share_one_position() {
    let mut desk = Desk::new();
    desk.send(market("a", Side::Buy, 4));
    let reduce = |id| NewOrder { reduce_only: true, ..limit(id, Side::Sell, 10_000, 4) };
    desk.send(reduce("b"));
    desk.send(reduce("c"));
    let events = desk.trade(10_000, 6, Side::Buy);
    assert_eq!(told(&events), ["b 4@10000m 0", "c expired 4"]);
    desk.send(market("d", Side::Buy, 6));
    desk.send(reduce("e"));
    desk.send(reduce("f"));
    let events = desk.trade(10_000, 9, Side::Buy);
    assert_eq!(told(&events), ["e 4@10000m 0", "f 2@10000m 2", "f expired 2"]);
}

#[test]
fn the_exits_come_with_the_first_fill_and_grow_with_the_next() {
    let mut desk = Desk::new();
    let entry = protected(limit("a", Side::Buy, 10_000, 9), 9_990, Some(10_020));
    assert_eq!(told(&desk.send(entry)), ["a accepted 9"]);
    let first = desk.trade(10_000, 4, Side::Sell);
    assert_eq!(told(&first), ["a 4@10000m 5", "a-sl accepted 4", "a-tp accepted 4"]);
    let second = desk.trade(10_000, 9, Side::Sell);
    assert_eq!(told(&second), ["a 5@10000m 0", "a-sl amended 9", "a-tp amended 9"]);
}

#[test]
fn a_stop_triggers_on_the_mark_executes_at_the_gap_and_cancels_its_pair() {
    let mut desk = Desk::new();
    desk.send(protected(market("a", Side::Buy, 8), 9_990, Some(10_020)));
    assert_eq!(
        told(&desk.trade(9_980, 5, Side::Sell)),
        [""; 0],
        "a trade alone does not move the mark"
    );
    desk.diff(&[(9_999, 0), (9_998, 0), (9_950, 6), (9_949, 9)], &[]);
    let events = desk.quote((9_950, 6), (9_960, 3));
    assert_eq!(
        told(&events),
        ["a-sl triggered 8", "a-sl 6@9950t 2", "a-sl 2@9949t 0", "a-tp canceled 8"]
    );
    assert_eq!(desk.venue.position(), 0);
    assert!(!desk.venue.has_live_orders());
}

#[test]
fn a_target_reached_cancels_the_stop() {
    let mut desk = Desk::new();
    desk.send(protected(market("a", Side::Sell, 5), 10_030, Some(9_980)));
    desk.diff(&[(9_999, 0), (9_998, 0), (9_975, 9)], &[]);
    let events = desk.quote((9_975, 9), (9_979, 30));
    assert_eq!(told(&events), ["a-tp triggered 5", "a-tp 5@9979t 0", "a-sl canceled 5"]);
}

#[test]
fn a_triggered_stop_that_the_book_cannot_fill_keeps_working() {
    let mut desk = Desk::new();
    desk.send(protected(market("a", Side::Buy, 8), 9_990, None));
    desk.diff(&[(9_999, 0), (9_998, 0), (9_950, 3)], &[]);
    let events = desk.quote((9_950, 3), (9_960, 3));
    assert_eq!(told(&events), ["a-sl triggered 8", "a-sl 3@9950t 5"]);
    let events = desk.quote((9_940, 7), (9_960, 3));
    assert_eq!(told(&events), ["a-sl 5@9940t 0"]);
}

#[test]
fn a_stop_ends_the_rest_of_its_entry() {
    let mut desk = Desk::new();
    desk.send(protected(limit("a", Side::Buy, 10_000, 9), 9_990, None));
    desk.trade(10_000, 4, Side::Sell);
    desk.diff(&[(9_999, 0), (9_998, 0), (9_950, 50)], &[]);
    let events = desk.quote((9_950, 50), (10_001, 3));
    assert_eq!(told(&events), ["a-sl triggered 4", "a canceled 5", "a-sl 4@9950t 0"]);
}

#[test]
fn a_flat_position_ends_exits_and_the_entry_they_guard() {
    let mut desk = Desk::new();
    desk.send(protected(limit("a", Side::Buy, 9_998, 9), 9_990, Some(10_020)));
    desk.trade(9_997, 4, Side::Sell);
    assert_eq!(desk.venue.position(), 4);
    let events = desk.send(market("b", Side::Sell, 4));
    assert_eq!(
        told(&events),
        ["b accepted 4", "b 4@9999t 0", "a-sl canceled 4", "a canceled 5", "a-tp canceled 4"]
    );
}

#[test]
fn an_amended_trigger_holds_and_one_already_passed_is_refused() {
    let mut desk = Desk::new();
    desk.send(protected(market("a", Side::Buy, 8), 9_900, None));
    desk.venue.amend_trigger(desk.now_ns, "a-sl", 9_995).expect("on the tick");
    assert_eq!(told(&desk.pass()), ["a-sl amended 8"]);
    desk.venue.amend_trigger(desk.now_ns, "a-sl", 10_000).expect("on the tick");
    assert_eq!(told(&desk.pass()), ["a-sl amend-2021 8"]);
    desk.diff(&[(9_999, 0), (9_998, 0), (9_990, 50)], &[]);
    let events = desk.quote((9_990, 50), (10_000, 10));
    assert_eq!(told(&events), ["a-sl triggered 8", "a-sl 8@9990t 0"]);
}

#[test]
fn own_orders_never_meet() {
    let mut desk = Desk::new();
    desk.send(limit("resting", Side::Sell, 10_000, 5));
    let events = desk.send(market("a", Side::Buy, 3));
    assert_eq!(told(&events), ["a accepted 3", "resting expired 5", "a 3@10001t 0"]);
}

#[test]
fn a_gap_in_the_diffs_leaves_only_the_quotes_until_the_next_snapshot() {
    let mut desk = Desk::new();
    desk.diff_id += 7;
    desk.id += 7;
    desk.diff(&[(9_990, 5)], &[]);
    assert_eq!(desk.venue.best(Side::Sell), Some(level(10_001, 10)));
    assert_eq!(desk.venue.book().levels(Side::Sell).len(), 1, "the depth is unknown");
    desk.push(|batch, last_id| {
        let bids = batch.add_levels([level(9_999, 1)]);
        let asks = batch.add_levels([level(10_001, 2), level(10_004, 3)]);
        Body::Snapshot { last_id, bids, asks }
    });
    assert_eq!(desk.venue.book().levels(Side::Sell).len(), 2);
}

#[test]
fn diffs_that_waited_for_the_snapshot_are_applied_after_it() {
    let mut desk = Desk::new();
    desk.venue = Venue::new(VenueConfig::default());
    let served_id = desk.diff_id;
    desk.diff(&[(9_999, 3)], &[]);
    desk.diff(&[(9_997, 4)], &[]);
    desk.push(|batch, _| {
        let bids = batch.add_levels([level(9_999, 1), level(9_998, 1)]);
        let asks = batch.add_levels([level(10_001, 2)]);
        Body::Snapshot { last_id: served_id, bids, asks }
    });
    let bids: Vec<i64> =
        desk.venue.book().levels(Side::Buy).iter().map(|level| level.qty).collect();
    assert_eq!(bids, [4, 1, 3]);
}

#[test]
fn requests_wait_for_their_time() {
    let mut desk = Desk::new();
    desk.venue.submit(desk.now_ns, market("a", Side::Buy, 1)).expect("well-formed");
    assert_eq!(desk.venue.next_wake_ns(), Some(desk.now_ns + LATENCY_NS + 1));
    assert!(desk.venue.has_live_orders());
    assert_eq!(desk.venue.advance(desk.now_ns + LATENCY_NS), []);
    assert_eq!(desk.venue.position(), 0);
    assert_eq!(desk.venue.advance(desk.now_ns + LATENCY_NS + 1).len(), 2);
    assert_eq!((desk.venue.next_wake_ns(), desk.venue.has_live_orders()), (None, false));
}
