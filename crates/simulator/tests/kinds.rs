//! Order kinds, accounts and money by example, on a feed of levels: one order, one fact.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use orderflow::event::{Body, Event, EventBatch, Level};
use simulator::account::{FeeTier, MarginMode, NANO};
use simulator::ladder::Side;
use simulator::latency::Latency;
use simulator::margin::{Bracket, MarginRules};
use simulator::mirror::Impact;
use simulator::order::{Change, EventKind, Kind, NewOrder, SelfTrade, Tif, TriggerOn, VenueEvent};
use simulator::queue::QueueModel;
use simulator::reject::Code;
use simulator::ticks::Ticks;
use simulator::venue::{Uniqueness, Venue, VenueConfig};

const BID: u8 = 1;
const ASK: u8 = 2;
const BUY: u8 = 3;
const SELL: u8 = 4;
const BEST_BID: u8 = 5;
const BEST_ASK: u8 = 6;

/// A venue with 98 x 20, 99 x 10 | 101 x 10, 102 x 20 and no latency.
struct Desk {
    venue: Venue,
    now_ns: i64,
}

impl Desk {
    fn new(config: VenueConfig) -> Self {
        let none = Latency::Constant(0);
        let config = VenueConfig {
            order_latency: none.clone(),
            response_latency: none,
            min_notional: 0,
            price_decimals: 0,
            qty_decimals: 0,
            ..config
        };
        let mut desk = Self { venue: Venue::new(config), now_ns: 0 };
        desk.feed(&[(BID, 98, 20), (BID, 99, 10), (ASK, 101, 10), (ASK, 102, 20)]);
        desk
    }

    fn plain() -> Self {
        Self::new(VenueConfig::default())
    }

    fn feed(&mut self, rows: &[(u8, i64, i64)]) -> Vec<String> {
        let mut said = Vec::new();
        for &(kind, price, qty) in rows {
            self.now_ns += 10;
            let columns = ([self.now_ns], [kind], [price], [qty]);
            let ticks = Ticks::new(&columns.0, &columns.1, &columns.2, &columns.3).unwrap();
            said.extend(told(self.venue.on_ticks(ticks)));
            assert_eq!(self.venue.imbalance(), (0, 0));
        }
        said
    }

    fn send(&mut self, order: NewOrder) -> Vec<String> {
        self.venue.submit(self.now_ns, order).expect("well-formed");
        self.pass()
    }

    fn pass(&mut self) -> Vec<String> {
        self.now_ns += 1;
        let said = told(self.venue.advance(self.now_ns));
        assert_eq!(self.venue.imbalance(), (0, 0));
        said
    }

    fn amend(&mut self, client_id: &str, change: Change) -> Vec<String> {
        self.venue.amend(self.now_ns, 0, client_id, change).expect("in bounds");
        self.pass()
    }
}

fn told(events: &[VenueEvent]) -> Vec<String> {
    let line = |event: &VenueEvent| {
        let what = match &event.kind {
            EventKind::Fill { price, qty, maker, .. } => {
                format!("{qty}@{price}{}", if *maker { "m" } else { "t" })
            }
            EventKind::Rejected(reject) | EventKind::AmendRejected(reject) => {
                reject.code.number().to_string()
            }
            EventKind::CancelRejected(reject) => format!("cancel{}", reject.code.number()),
            EventKind::Funding { amount_nano, .. } => format!("funding {}", amount_nano / NANO),
            EventKind::Liquidated { price, qty, .. } => format!("liquidated {qty}@{price}"),
            EventKind::Insurance { amount_nano } => format!("insurance {}", amount_nano / NANO),
            other => format!("{other:?}").to_lowercase(),
        };
        format!("{}{} {what}", event.account, event.client_id)
    };
    events.iter().map(line).collect()
}

fn limit(account: u32, id: &str, side: Side, price: i64, qty: i64) -> NewOrder {
    NewOrder::new(account, id, side, Kind::Limit { price }, qty)
}

fn market(account: u32, id: &str, side: Side, qty: i64) -> NewOrder {
    NewOrder::new(account, id, side, Kind::Market, qty)
}

#[test]
fn fill_or_kill_fills_whole_or_is_refused() {
    let mut desk = Desk::plain();
    let fok = |id, qty| NewOrder { tif: Tif::Fok, ..limit(0, id, Side::Buy, 101, qty) };
    assert_eq!(desk.send(fok("a", 11)), [format!("0a {}", Code::FillOrKill.number())]);
    assert_eq!(desk.send(fok("b", 10)), ["0b accepted", "0b 10@101t"]);
}

#[test]
fn good_till_date_expires_at_its_time() {
    let mut desk = Desk::plain();
    let until_ns = desk.now_ns + 15;
    let gtd = NewOrder { tif: Tif::Gtd { until_ns }, ..limit(0, "a", Side::Buy, 99, 5) };
    desk.send(gtd);
    assert!(desk.feed(&[(BID, 97, 5)]).is_empty());
    assert_eq!(desk.feed(&[(BID, 96, 5)]), ["0a expired"]);
    assert!(!desk.venue.has_live_orders());
}

#[test]
fn a_stop_limit_rests_at_its_price_once_triggered() {
    let mut desk = Desk::plain();
    let kind = Kind::StopLimit { trigger: 103, price: 102 };
    let order =
        NewOrder { trigger_on: TriggerOn::Last, ..NewOrder::new(0, "a", Side::Buy, kind, 5) };
    desk.send(order);
    assert!(desk.feed(&[(ASK, 101, 0), (ASK, 102, 0), (ASK, 104, 9)]).is_empty());
    assert_eq!(desk.feed(&[(BUY, 103, 1)]), ["0a triggered"]);
    assert_eq!(desk.feed(&[(SELL, 101, 9)]), ["0a 5@102m"]);
}

#[test]
fn a_trailing_stop_follows_the_last_trade() {
    let mut desk = Desk::plain();
    desk.send(market(0, "in", Side::Buy, 5));
    let kind = Kind::Trailing { callback_bps: 500, activation: Some(110) };
    let order =
        NewOrder { trigger_on: TriggerOn::Last, ..NewOrder::new(0, "a", Side::Sell, kind, 5) };
    desk.send(order);
    assert!(
        desk.feed(&[(BUY, 100, 1), (SELL, 90, 1), (BUY, 110, 1), (BUY, 120, 1), (SELL, 115, 1)])
            .is_empty()
    );
    assert_eq!(desk.feed(&[(SELL, 114, 1)]), ["0a triggered", "0a 5@99t"]);
}

#[test]
fn orders_of_two_accounts_meet_between_the_displayed_lots() {
    let mut desk = Desk::plain();
    desk.send(limit(1, "m", Side::Sell, 101, 4));
    // 10 displayed lots were there first; the maker's 4 come after them.
    let said = desk.send(market(2, "t", Side::Buy, 16));
    assert_eq!(said, ["2t accepted", "2t 10@101t", "1m 4@101m", "2t 4@101t", "2t 2@102t"]);
    assert_eq!((desk.venue.account(1).position, desk.venue.account(2).position), (-4, 16));
}

#[test]
fn a_resting_order_inside_the_spread_is_met_first() {
    let mut desk = Desk::plain();
    desk.send(limit(1, "m", Side::Sell, 100, 4));
    let said = desk.send(limit(2, "t", Side::Buy, 100, 6));
    assert_eq!(said, ["2t accepted", "1m 4@100m", "2t 4@100t"]);
    let post = NewOrder { tif: Tif::Gtx, ..limit(1, "p", Side::Sell, 100, 1) };
    assert_eq!(desk.send(post), ["1p -5022"], "the other account's rest stands at 100");
}

#[test]
fn self_trade_prevention_has_three_ways() {
    for (mode, expected) in [
        (SelfTrade::ExpireMaker, vec!["0t accepted", "0m expired", "0t 3@101t"]),
        (SelfTrade::ExpireTaker, vec!["0t accepted", "0t expired"]),
        (SelfTrade::ExpireBoth, vec!["0t accepted", "0m expired", "0t expired"]),
    ] {
        let mut desk = Desk::plain();
        desk.send(limit(0, "m", Side::Sell, 100, 4));
        let order = NewOrder { self_trade: mode, ..limit(0, "t", Side::Buy, 101, 3) };
        assert_eq!(desk.send(order), expected, "{mode:?}");
    }
}

#[test]
fn a_smaller_order_keeps_its_place_and_a_moved_one_loses_it() {
    let mut desk = Desk::plain();
    desk.send(limit(0, "a", Side::Buy, 99, 5));
    desk.feed(&[(BID, 99, 30)]);
    let ahead = |desk: &Desk| desk.venue.order(0, "a").unwrap().place.ahead();
    assert_eq!(desk.amend("a", Change { qty: Some(3), ..Change::default() }), ["0a amended"]);
    assert_eq!(ahead(&desk), Some(10));
    assert_eq!(desk.amend("a", Change { qty: Some(4), ..Change::default() }), ["0a amended"]);
    assert_eq!(ahead(&desk), Some(30));
    let moved = desk.amend("a", Change { price: Some(101), ..Change::default() });
    assert_eq!(moved, ["0a amended", "0a 4@101t"]);
}

#[test]
fn an_amendment_that_leaves_nothing_or_would_take_ends_the_order() {
    let mut desk = Desk::plain();
    desk.send(NewOrder { tif: Tif::Gtx, ..limit(0, "a", Side::Buy, 99, 5) });
    let change = Change { price: Some(101), ..Change::default() };
    assert_eq!(desk.amend("a", change), ["0a canceled"]);
    desk.send(limit(0, "b", Side::Buy, 101, 15));
    assert_eq!(desk.amend("b", Change { qty: Some(10), ..Change::default() }), ["0b canceled"]);
}

#[test]
fn the_queue_model_shares_reductions_on_the_feed() {
    let mut desk = Desk::new(VenueConfig {
        queue: QueueModel::Power { n: 1.0 },
        impact: Impact::None,
        ..VenueConfig::default()
    });
    desk.send(limit(0, "a", Side::Buy, 98, 5));
    desk.feed(&[(BID, 98, 40), (BID, 98, 30)]);
    assert_eq!(desk.venue.order(0, "a").unwrap().place.front, 15.0);
    assert_eq!(desk.feed(&[(SELL, 98, 17)]), ["0a 2@98m"]);
}

#[test]
fn best_quotes_alone_make_a_queue_where_they_show_the_price() {
    let config = VenueConfig {
        order_latency: Latency::Constant(0),
        min_notional: 0,
        ..VenueConfig::default()
    };
    let mut desk = Desk { venue: Venue::new(config), now_ns: 0 };
    desk.feed(&[(BEST_BID, 99, 10), (BEST_ASK, 101, 10)]);
    desk.send(limit(0, "a", Side::Buy, 98, 5));
    let ahead = |desk: &Desk| desk.venue.order(0, "a").unwrap().place.ahead();
    assert_eq!(ahead(&desk), None, "98 is not shown");
    desk.feed(&[(BEST_BID, 98, 7)]);
    assert_eq!(ahead(&desk), Some(7));
    assert_eq!(desk.feed(&[(SELL, 98, 9)]), ["0a 2@98m"]);
}

#[test]
fn trades_alone_fill_makers_only_through_their_price() {
    let config = VenueConfig {
        order_latency: Latency::Constant(0),
        min_notional: 0,
        trade_spread: 2,
        ..VenueConfig::default()
    };
    let mut desk = Desk { venue: Venue::new(config), now_ns: 0 };
    desk.feed(&[(BUY, 100, 10)]);
    assert_eq!(desk.send(market(0, "t", Side::Sell, 3)), ["0t accepted", "0t 3@98t"]);
    desk.send(limit(0, "a", Side::Buy, 97, 5));
    assert!(desk.feed(&[(SELL, 97, 50)]).is_empty());
    assert_eq!(desk.feed(&[(SELL, 96, 2), (SELL, 96, 9)]), ["0a 2@97m", "0a 3@97m"]);
}

#[test]
fn whole_books_replace_each_other_and_a_reset_empties_them() {
    let mut desk = Desk::plain();
    let push = |desk: &mut Desk, body: fn(&mut EventBatch) -> Body| {
        desk.now_ns += 10;
        let mut batch = EventBatch::default();
        let (event_ns, body) = (desk.now_ns, body(&mut batch));
        batch.events.push(Event { event_ns, emitted_ms: 0, known_ns: event_ns, body });
        desk.venue.on_events(&batch);
        [Side::Buy, Side::Sell].map(|side| desk.venue.best(side).map(|level| level.price))
    };
    let book = |batch: &mut EventBatch| Body::Book {
        id: 7,
        bids: batch.add_levels([Level { price: 50, qty: 1 }]),
        asks: batch.add_levels([Level { price: 60, qty: 1 }]),
    };
    assert_eq!(push(&mut desk, book), [Some(50), Some(60)]);
    assert_eq!(push(&mut desk, |_| Body::Reset), [None, None]);
}

#[test]
fn ids_are_free_again_when_their_order_ended() {
    let mut desk =
        Desk::new(VenueConfig { unique_ids: Uniqueness::WhileLive, ..VenueConfig::default() });
    desk.send(limit(0, "a", Side::Buy, 99, 5));
    let again = desk.venue.submit(desk.now_ns, limit(0, "a", Side::Buy, 99, 5)).unwrap_err();
    assert_eq!(again.code, Code::Duplicate);
    desk.send(limit(1, "a", Side::Buy, 99, 5));
    desk.venue.cancel_all(desk.now_ns, 0);
    assert_eq!(desk.pass(), ["0a canceled"]);
    assert_eq!(desk.send(limit(0, "a", Side::Buy, 99, 5)), ["0a accepted"]);
}

#[test]
fn fees_follow_the_tier_and_funding_the_mark() {
    let tier = |from_notional, taker_ppb| FeeTier { from_notional, maker_ppb: 0, taker_ppb };
    let fees = vec![tier(0, 1_000_000), tier(1_000, 500_000)];
    let mut desk = Desk::new(VenueConfig { fees, ..VenueConfig::default() });
    desk.send(market(0, "a", Side::Buy, 10));
    assert_eq!(desk.venue.account(0).fees_nano, 1_010 * 1_000_000);
    desk.send(market(0, "b", Side::Buy, 10));
    assert_eq!(desk.venue.account(0).fees_nano, 1_010 * 1_000_000 + 1_020 * 500_000);
    desk.venue.set_mark(desk.now_ns, 200);
    let said = told(desk.venue.fund(desk.now_ns, 10_000_000));
    assert_eq!(said, ["0 funding -40"], "1 % of 20 x 200");
    assert_eq!(desk.venue.imbalance(), (0, 0));
    assert_eq!(desk.venue.account(0).discrepancy_nano(), 0);
}

fn with_margin(liquidation_fee_ppb: i64) -> VenueConfig {
    let bracket = |to_notional, max_leverage, maintenance_ppb| Bracket {
        to_notional,
        max_leverage,
        maintenance_ppb,
    };
    let brackets = vec![bracket(5_000, 20, 10_000_000), bracket(50_000, 5, 50_000_000)];
    let margin = Some(MarginRules::new(brackets, liquidation_fee_ppb).unwrap());
    VenueConfig { margin, ..VenueConfig::default() }
}

#[test]
fn an_order_that_the_margin_does_not_carry_is_refused() {
    let mut desk = Desk::new(with_margin(0));
    desk.venue.deposit(0, 50 * NANO);
    assert_eq!(desk.send(limit(0, "a", Side::Buy, 99, 11)), ["0a -2019"]);
    assert_eq!(desk.send(limit(0, "b", Side::Buy, 99, 10)), ["0b accepted"]);
    desk.venue.deposit(0, 10_000 * NANO);
    assert_eq!(desk.send(limit(0, "c", Side::Buy, 99, 60)), ["0c -2027"]);
    desk.venue.set_leverage(0, 5).unwrap();
    assert_eq!(desk.send(limit(0, "d", Side::Buy, 99, 60)), ["0d accepted"]);
}

#[test]
fn a_long_is_liquidated_at_bankruptcy_and_the_fund_bears_the_gap() {
    for mode in [MarginMode::Cross, MarginMode::Isolated] {
        let mut desk = Desk::new(with_margin(0));
        desk.venue.deposit(0, 51 * NANO);
        desk.venue.set_margin_mode(0, mode).unwrap();
        desk.send(market(0, "a", Side::Buy, 10));
        desk.send(limit(0, "exit", Side::Sell, 120, 10));
        desk.venue.set_mark(desk.now_ns, 101);
        // The book runs ahead of the mark, which alone decides.
        assert!(desk.feed(&[(BID, 99, 0), (ASK, 98, 3), (BID, 90, 50)]).is_empty());
        let said = told(desk.venue.set_mark(desk.now_ns, 96));
        // Cross: 51 carries the price to 95.9; isolated: 50.5 to 95.95. Both give 96.
        assert_eq!(said[..2], ["0exit canceled", "0 liquidated 10@96"], "{mode:?}");
        assert_eq!(said[2], "0 insurance -60", "sold at 90");
        assert_eq!(desk.venue.account(0).position, 0);
        let left = desk.venue.account(0).wallet_nano;
        assert_eq!(left, if mode == MarginMode::Cross { 0 } else { NANO / 2 });
        assert_eq!(desk.venue.imbalance(), (0, 0));
        assert_eq!(desk.venue.account(0).discrepancy_nano(), 0);
    }
}
