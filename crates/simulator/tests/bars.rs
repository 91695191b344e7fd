//! Bars by example: one history, one fact.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use simulator::bars::{
    Bar, BarColumns, BarFill, BarOrder, BarRules, BarVenue, Cause, HOLD, Targets, run,
};
use simulator::ladder::Side;
use simulator::life::State;
use simulator::order::{Kind, Tif};

fn bar(open: i64, high: i64, low: i64, close: i64) -> Bar {
    Bar { open, high, low, close, volume: None, day: 0 }
}

fn venue(rules: BarRules) -> BarVenue {
    let mut venue = BarVenue::new(rules).unwrap();
    venue.on_bar(&bar(100, 101, 99, 100));
    venue
}

fn told(fills: &[BarFill]) -> Vec<(u32, i64, i64, Cause)> {
    let signed = |fill: &BarFill| fill.qty * fill.side.sign();
    fills.iter().map(|fill| (fill.bar, fill.price, signed(fill), fill.cause)).collect()
}

fn long(venue: &mut BarVenue, qty: i64, exits: [Option<i64>; 2]) {
    venue.submit(BarOrder { exits, ..BarOrder::market(Side::Buy, qty) }).unwrap();
}

#[test]
fn a_decision_at_the_close_fills_at_the_next_open_slipped() {
    let mut venue = venue(BarRules { slippage: 2, ..BarRules::default() });
    long(&mut venue, 5, [None, None]);
    assert!(venue.fills().is_empty());
    venue.on_bar(&bar(103, 104, 100, 101));
    assert_eq!(told(venue.fills()), [(1, 105, 5, Cause::Market)]);
}

#[test]
fn a_bar_that_holds_stop_and_target_gives_the_stop() {
    let mut venue = venue(BarRules::default());
    long(&mut venue, 5, [Some(95), Some(105)]);
    venue.on_bar(&bar(100, 106, 94, 100));
    let expected = [(1, 100, 5, Cause::Market), (1, 95, -5, Cause::Stop)];
    assert_eq!(told(venue.fills()), expected);
    assert!(venue.open_orders().is_empty(), "the target ended with its pair");
    assert_eq!(venue.ended(), [2, 1, 0, 0]);
}

#[test]
fn a_target_alone_fills_at_its_price() {
    let mut venue = venue(BarRules::default());
    long(&mut venue, 5, [Some(95), Some(105)]);
    venue.on_bar(&bar(100, 101, 99, 100));
    venue.on_bar(&bar(100, 107, 99, 106));
    assert_eq!(told(venue.fills()).last(), Some(&(2, 105, -5, Cause::Target)));
}

#[test]
fn a_gap_fills_at_the_open_for_worse_and_for_better() {
    for (open, cause) in [(90, Cause::Stop), (110, Cause::Target)] {
        let mut venue = venue(BarRules::default());
        long(&mut venue, 5, [Some(95), Some(105)]);
        venue.on_bar(&bar(100, 101, 99, 100));
        venue.on_bar(&bar(open, open + 1, open - 1, open));
        assert_eq!(told(venue.fills()).last(), Some(&(2, open, -5, cause)));
    }
}

#[test]
fn an_entry_inside_the_bar_may_lose_in_it_but_not_win() {
    let entry = BarOrder {
        kind: Kind::Limit { price: 98 },
        exits: [Some(95), Some(105)],
        ..BarOrder::market(Side::Buy, 5)
    };
    let mut venue = venue(BarRules::default());
    venue.submit(entry).unwrap();
    venue.on_bar(&bar(100, 106, 97, 100));
    assert_eq!(told(venue.fills()), [(1, 98, 5, Cause::Limit)]);
    venue.on_bar(&bar(106, 107, 100, 100));
    assert_eq!(told(venue.fills()).last(), Some(&(2, 106, -5, Cause::Target)));
    venue.submit(entry).unwrap();
    venue.on_bar(&bar(100, 106, 94, 100));
    assert_eq!(told(venue.fills())[2..], [(3, 98, 5, Cause::Limit), (3, 95, -5, Cause::Stop)]);
}

#[test]
fn a_tenth_of_the_volume_is_the_most() {
    let mut venue = venue(BarRules::default());
    long(&mut venue, 25, [None, None]);
    for price in [100, 101, 102] {
        venue.on_bar(&Bar { volume: Some(109), ..bar(price, price, price, price) });
    }
    let fills: Vec<(i64, i64)> = venue.fills().iter().map(|fill| (fill.price, fill.qty)).collect();
    assert_eq!(fills, [(100, 10), (101, 10), (102, 5)]);
}

#[test]
fn a_stop_that_the_volume_cuts_goes_on_at_the_next_open() {
    let mut venue = venue(BarRules::default());
    long(&mut venue, 15, [Some(95), None]);
    venue.on_bar(&bar(100, 100, 100, 100));
    venue.on_bar(&Bar { volume: Some(100), ..bar(99, 99, 94, 98) });
    assert_eq!(venue.open_orders()[0].state, State::PartiallyFilled);
    venue.on_bar(&bar(97, 99, 97, 98));
    let expected = [(2, 95, -10, Cause::Stop), (3, 97, -5, Cause::Stop)];
    assert_eq!(told(venue.fills())[1..], expected);
}

#[test]
fn a_trailing_stop_stands_by_the_bars_before() {
    let mut venue = venue(BarRules::default());
    long(&mut venue, 5, [None, None]);
    venue.on_bar(&bar(1_000, 1_000, 1_000, 1_000));
    let kind = Kind::Trailing { callback_bps: 100, activation: None };
    venue.submit(BarOrder { kind, reduce_only: true, ..BarOrder::market(Side::Sell, 5) }).unwrap();
    venue.on_bar(&bar(1_000, 1_100, 1_000, 1_095));
    assert_eq!(venue.fills().len(), 1, "the bar's own high does not count in it");
    venue.on_bar(&bar(1_095, 1_096, 1_080, 1_090));
    assert_eq!(told(venue.fills()).last(), Some(&(3, 1_089, -5, Cause::Trailing)));
}

#[test]
fn a_stop_limit_that_cannot_fill_at_once_waits_as_a_limit() {
    let mut venue = venue(BarRules::default());
    let kind = Kind::StopLimit { trigger: 105, price: 106 };
    venue.submit(BarOrder { kind, ..BarOrder::market(Side::Buy, 5) }).unwrap();
    venue.on_bar(&bar(110, 112, 108, 111));
    assert_eq!(venue.open_orders()[0].state, State::Triggered);
    venue.on_bar(&bar(110, 110, 104, 108));
    assert_eq!(told(venue.fills()), [(2, 106, 5, Cause::Stop)]);
}

#[test]
fn times_in_force_end_orders() {
    let order = |kind, tif| BarOrder { kind, tif, ..BarOrder::market(Side::Buy, 20) };
    let limit = Kind::Limit { price: 90 };
    let mut venue = venue(BarRules::default());
    venue.submit(order(limit, Tif::Ioc)).unwrap();
    venue.submit(order(Kind::Limit { price: 105 }, Tif::Gtx)).unwrap();
    venue.submit(order(Kind::Market, Tif::Fok)).unwrap();
    venue.submit(order(limit, Tif::Gtd { until_ns: 2 })).unwrap();
    venue.on_bar(&Bar { volume: Some(100), ..bar(100, 101, 99, 100) });
    assert_eq!((venue.open_orders().len(), venue.ended()), (1, [0, 0, 3, 0]));
    venue.on_bar(&bar(100, 101, 99, 100));
    assert_eq!((venue.open_orders().len(), venue.fills().len()), (0, 0));
}

#[test]
fn shares_bought_today_are_sold_tomorrow() {
    let day = |day| Bar { day, volume: Some(1_000_000), ..bar(1_000, 1_001, 999, 1_000) };
    let mut venue = BarVenue::new(BarRules::a_share()).unwrap();
    venue.on_bar(&day(0));
    long(&mut venue, 200, [None, None]);
    venue.on_bar(&day(1));
    venue.submit(BarOrder::market(Side::Sell, 200)).unwrap();
    venue.on_bar(&day(1));
    assert_eq!(venue.account().position, 200);
    venue.on_bar(&day(2));
    assert_eq!(venue.account().position, 0);
    // 2,000 yuan: 5 is the least commission, each way; duty 0.05 % of the sale.
    assert_eq!(venue.account().fees_nano, (500 + 500 + 100) * 1_000_000_000);
}

#[test]
fn nothing_is_bought_at_the_upper_limit_or_while_suspended() {
    let mut venue = BarVenue::new(BarRules::a_share()).unwrap();
    let day =
        |day, price, volume| Bar { day, volume: Some(volume), ..bar(price, price, price, price) };
    venue.on_bar(&day(0, 1_000, 1_000_000));
    long(&mut venue, 100, [None, None]);
    venue.on_bar(&day(1, 1_100, 1_000_000));
    venue.on_bar(&day(2, 1_150, 0));
    assert!(venue.fills().is_empty());
    venue.on_bar(&day(3, 1_200, 1_000_000));
    assert_eq!(told(venue.fills()), [(3, 1_200, 100, Cause::Market)]);
}

#[test]
fn lots_and_shorts_are_refused_where_the_market_has_none() {
    let mut venue = BarVenue::new(BarRules::a_share()).unwrap();
    assert!(venue.submit(BarOrder::market(Side::Buy, 150)).is_err());
    let column = [1_000; 3];
    let bars = BarColumns { prices: [&column; 4], volume: None, day: None, funding_ppb: None };
    let wants = |position: &[i64]| {
        let targets = Targets { position, stop: None, target: None };
        run(BarRules::a_share(), bars, targets, 0, false).map(|run| run.venue.account().position)
    };
    assert!(wants(&[-100, HOLD, HOLD]).unwrap_err().starts_with("position of bar 0 is -100"));
    assert_eq!(wants(&[100, HOLD, HOLD]), Ok(100));
}

#[test]
fn columns_out_of_order_are_named() {
    let bars = |low: &[i64]| {
        let prices: [&[i64]; 4] = [&[10, 10], &[11, 11], low, &[10, 10]];
        BarColumns { prices, volume: None, day: None, funding_ppb: None }.rows()
    };
    assert_eq!(bars(&[9, 9]), Ok(2));
    assert_eq!(
        bars(&[9, 11]),
        Err("bar 1 has open 10, high 11, low 11, close 10: out of order".to_owned())
    );
    assert_eq!(bars(&[9]), Err("low has 1 values and open has 2".to_owned()));
}

#[test]
fn funding_is_paid_on_the_position() {
    let column = [1_000; 4];
    let funding = [0, 0, 100_000, 0];
    let bars =
        BarColumns { prices: [&column; 4], volume: None, day: None, funding_ppb: Some(&funding) };
    let targets = Targets { position: &[3, HOLD, HOLD, HOLD], stop: None, target: None };
    let done = run(BarRules::default(), bars, targets, 50, true).unwrap();
    assert_eq!(done.venue.account().funding_nano, -1_000 * 3 * 100_000);
    assert_eq!(done.equity_nano, [50.0, 50.0, 50.0 - 3e8, 50.0 - 3e8]);
    assert_eq!(done.venue.imbalance(), (0, 0));
}

#[test]
fn bars_keep_money_lots_and_rules_over_seeds() {
    for seed in 1..=300 {
        let mut rng = simulator::rng::Rng::named(seed, "bars");
        let rules = if seed % 2 == 0 { BarRules::a_share() } else { BarRules::default() };
        let (lot, shorts) = (rules.lot, rules.allow_short);
        let mut venue = BarVenue::new(BarRules { slippage: 1, ..rules }).unwrap();
        let mut close = 1_000;
        for row in 0..200 {
            let open = (close + rng.below(41) as i64 - 20).max(50);
            close = (open + rng.below(41) as i64 - 20).max(50);
            let (high, low) = (open.max(close) + 5, open.min(close) - 5);
            let traded = if rng.chance(0.05) { 0 } else { 2_000 + rng.below(9_000) as i64 };
            let volume = Some(traded);
            let (before, fills) = (venue.account().position, venue.fills().len());
            venue.on_bar(&Bar { open, high, low, close, volume, day: row / 4 });
            assert_eq!((venue.imbalance(), venue.account().discrepancy_nano()), ((0, 0), 0));
            let new = &venue.fills()[fills..];
            let lots: i64 = new.iter().map(|fill| fill.qty).sum();
            assert!(lots * 10 <= traded, "a tenth of the volume");
            let net: i64 = new.iter().map(|fill| fill.qty * fill.side.sign()).sum();
            assert_eq!(before + net, venue.account().position);
            assert!(shorts || venue.account().position >= 0);
            assert!(venue.open_orders().iter().all(|live| live.state.is_live() && live.leaves > 0));
            let price = close + rng.below(61) as i64 - 30;
            let kind = match rng.below(6) {
                0 => Kind::Limit { price },
                1 => Kind::StopMarket { trigger: price },
                2 => Kind::StopLimit { trigger: price, price: price + 3 },
                3 => Kind::Trailing { callback_bps: 150, activation: None },
                _ => Kind::Market,
            };
            let side = if rng.chance(0.5) { Side::Buy } else { Side::Sell };
            let exits = [Some(close - 25 * side.sign()), Some(close + 25 * side.sign())];
            let qty = lot * (1 + rng.below(9) as i64);
            venue.submit(BarOrder { kind, exits, ..BarOrder::market(side, qty) }).unwrap();
        }
        assert!(!venue.fills().is_empty());
    }
}
