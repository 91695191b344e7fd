//! The flow of an emulated exchange: the same however time is cut, a book that never crosses, marks and funding in time.
#![allow(clippy::expect_used, reason = "a tick of an unknown kind is a failed test")]

use orderflow::event::{Body, EventBatch};
use simulator::flow::{Flow, INTEREST_PPB, Premium};
use simulator::ladder::{Ladder, Side};
use simulator::levels::Leveller;
use simulator::market::{MarketConfig, SyntheticMarket};
use simulator::mirror::{Impact, Mirror};
use simulator::ticks::{Tick, TickKind};

const NS_PER_S: i64 = 1_000_000_000;
const START_NS: i64 = 1_767_571_200 * NS_PER_S;

fn flow(seed: u64, symbol: &str) -> Flow {
    let symbol = symbol.to_owned();
    let start_price = 6_000_000;
    let config = MarketConfig {
        symbol,
        start_ns: START_NS,
        start_price,
        tick: 100,
        ..MarketConfig::default()
    };
    Flow::new(config, seed, 5, 8)
}

fn seconds(seed: u64, symbol: &str, seconds: i64) -> Vec<Tick> {
    let mut ticks = Vec::new();
    flow(seed, symbol).advance(START_NS + seconds * NS_PER_S, &mut ticks);
    ticks
}

fn apply(book: &mut Ladder, tick: &Tick) {
    let level = orderflow::event::Level { price: tick.price, qty: tick.qty };
    match tick.kind {
        TickKind::Clear => {
            book.clear(Side::Buy);
            book.clear(Side::Sell);
        }
        TickKind::Bid => book.set(Side::Buy, level),
        TickKind::Ask => book.set(Side::Sell, level),
        TickKind::BestBid | TickKind::BestAsk => {
            let side = if tick.kind == TickKind::BestBid { Side::Buy } else { Side::Sell };
            book.clear(side);
            book.set(side, level);
        }
        _ => {}
    }
}

#[test]
fn the_stream_does_not_depend_on_how_time_is_cut() {
    let whole = seconds(7, "BTCUSDT", 600);
    let mut cut = Vec::new();
    let mut flow = flow(7, "BTCUSDT");
    for step in 1..=6_000 {
        flow.advance(START_NS + step * NS_PER_S / 10, &mut cut);
    }
    assert_eq!(whole, cut);
    assert!(whole.is_sorted_by_key(|tick| tick.event_ns));
}

#[test]
fn symbols_and_seeds_differ() {
    let one = seconds(7, "BTCUSDT", 60);
    assert_ne!(one, seconds(7, "ETHUSDT", 60));
    assert_ne!(one, seconds(8, "BTCUSDT", 60));
}

#[test]
fn trades_meet_the_book_and_it_never_crosses() {
    let mut book = Ladder::default();
    let mut trades = 0;
    for tick in seconds(3, "BTCUSDT", 1_800) {
        let side = match tick.kind {
            TickKind::Buy => Side::Sell,
            TickKind::Sell => Side::Buy,
            _ => {
                apply(&mut book, &tick);
                assert!(!book.is_crossed());
                continue;
            }
        };
        trades += 1;
        assert!(book.qty_at(side, tick.price) >= tick.qty, "a trade takes what is displayed");
    }
    assert!(trades > 10_000, "{trades}");
}

#[test]
fn marks_come_each_second_and_funding_at_its_hours() {
    let ticks = seconds(3, "BTCUSDT", 9 * 3_600);
    let marks: Vec<_> = ticks.iter().filter(|tick| tick.kind == TickKind::Mark).collect();
    assert_eq!(marks.len(), 9 * 3_600 - 1);
    assert!(marks.iter().all(|mark| mark.event_ns % NS_PER_S == 0));
    let funding: Vec<_> = ticks.iter().filter(|tick| tick.kind == TickKind::Funding).collect();
    assert_eq!(funding.len(), 1);
    assert_eq!(funding[0].event_ns, START_NS + 8 * 3_600 * NS_PER_S);
    let mut premium = Premium::default();
    for mark in marks.iter().filter(|mark| mark.event_ns <= funding[0].event_ns) {
        premium.take(mark.price);
    }
    assert_eq!(premium.rate_ppb(), funding[0].qty, "the rate is the one that was shown");
}

#[test]
fn a_market_without_a_premium_pays_the_interest() {
    let mut premium = Premium::default();
    (0..100).for_each(|_| premium.take(1_000_000));
    assert_eq!((premium.index(), premium.rate_ppb()), (1_000_000, INTEREST_PPB));
    (0..100).for_each(|_| premium.take(1_010_000));
    assert!(premium.rate_ppb() > 2_000_000, "a premium of half a percent costs more than interest");
}

#[test]
fn events_told_level_by_level_leave_the_same_book() {
    let config = MarketConfig { start_ns: START_NS, ..MarketConfig::default() };
    let mut market = SyntheticMarket::new(config, 11);
    let mut events = EventBatch::default();
    market.advance(START_NS + 3_600 * NS_PER_S, &mut events);
    // A gap in the diffs, so that the book is lost: what stays known are the best quotes.
    let lost = events.events.len() / 2;
    let gap =
        events.events.iter().skip(lost).position(|event| matches!(event.body, Body::Depth { .. }));
    events.events.remove(lost + gap.expect("diffs come every 100 ms"));
    let mut leveller = Leveller::default();
    let mut mirror = Mirror::new(Impact::None);
    let mut book = Ladder::default();
    let mut trades = 0;
    for event in &events.events {
        let mut one = EventBatch::default();
        one.append(event, &events);
        let mut ticks = Vec::new();
        leveller.take(&one, &mut ticks);
        mirror.apply(event, &events);
        for tick in &ticks {
            apply(&mut book, tick);
            assert!(!book.is_crossed());
            trades += usize::from(matches!(tick.kind, TickKind::Buy | TickKind::Sell));
        }
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(book.levels(side), mirror.ladder().levels(side));
        }
    }
    assert!(trades > 1_000);
    assert!(!mirror.is_synced(), "the gap was seen");
}
