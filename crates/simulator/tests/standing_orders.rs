//! Exits that wait without a position, and positions taken over.
#![allow(clippy::expect_used, reason = "the steps are part of the tests")]

use orderflow::event::{Body, Event, EventBatch, Level};
use simulator::account::NANO;
use simulator::ladder::Side;
use simulator::latency::Latency;
use simulator::margin::{Bracket, MarginRules};
use simulator::order::{EventKind, Kind, NewOrder};
use simulator::venue::{Venue, VenueConfig};

/// A venue at once, with a book of 99 x 50 | 101 x 50.
fn venue(idle_exits_stay: bool) -> Venue {
    let bracket =
        Bracket { to_notional: 1_000_000, max_leverage: 100, maintenance_ppb: 10_000_000 };
    let mut venue = Venue::new(VenueConfig {
        order_latency: Latency::Constant(0),
        response_latency: Latency::Constant(0),
        min_notional: 1,
        idle_exits_stay,
        margin: Some(MarginRules::new(vec![bracket], 0).expect("rules are right")),
        ..VenueConfig::default()
    });
    let mut batch = EventBatch::default();
    let bids = batch.add_levels([Level { price: 99, qty: 50 }]);
    let asks = batch.add_levels([Level { price: 101, qty: 50 }]);
    let body = Body::Snapshot { last_id: 1, bids, asks };
    batch.events.push(Event { event_ns: 10, emitted_ms: 0, known_ns: 10, body });
    venue.on_events(&batch);
    venue.deposit(0, 1_000_000 * NANO);
    venue
}

fn send(venue: &mut Venue, id: &str, side: Side, kind: Kind, reduce_only: bool) -> Vec<EventKind> {
    let order = NewOrder { reduce_only, ..NewOrder::new(0, id, side, kind, 5) };
    venue.submit(20, order).expect("the order is in order");
    let wake = venue.next_wake_ns().expect("the order is on its way");
    venue.advance(wake).iter().map(|event| event.kind.clone()).collect()
}

#[test]
fn an_exit_outlives_its_position_and_expires_where_it_triggers() {
    let mut venue = venue(true);
    let stop = Kind::StopMarket { trigger: 90 };
    assert_eq!(send(&mut venue, "stop", Side::Sell, stop, true), [EventKind::Accepted]);
    send(&mut venue, "in", Side::Buy, Kind::Market, false);
    send(&mut venue, "out", Side::Sell, Kind::Market, true);
    assert_eq!(venue.position(), 0);
    assert_eq!(venue.open_orders().len(), 1);
    let said: Vec<_> = venue.set_mark(1_000, 89).iter().map(|event| event.kind.clone()).collect();
    assert_eq!(said, [EventKind::Triggered, EventKind::Expired]);
    assert_eq!((venue.position(), venue.open_orders().len()), (0, 0));
}

#[test]
fn without_that_it_ends_with_the_position() {
    let mut venue = venue(false);
    send(&mut venue, "in", Side::Buy, Kind::Market, false);
    send(&mut venue, "stop", Side::Sell, Kind::StopMarket { trigger: 90 }, true);
    let said = send(&mut venue, "out", Side::Sell, Kind::Market, true);
    assert_eq!(said.last(), Some(&EventKind::Expired));
    assert!(venue.open_orders().is_empty());
}

#[test]
fn a_position_taken_over_is_in_the_books_as_if_traded_here() {
    let mut venue = venue(true);
    venue.adopt(0, -7, -700 * NANO, 0).expect("there is no position");
    assert_eq!(venue.imbalance(), (0, 0));
    assert_eq!(venue.account(0).unrealized_nano(2 * 90), 70 * NANO);
    assert!(venue.adopt(0, 1, NANO, 0).is_err());
}
