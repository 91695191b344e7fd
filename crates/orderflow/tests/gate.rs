//! The gate as a whole: what each fault gives, and that nothing makes it panic.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use orderflow::Venue;
use orderflow::gate::*;

const TRADE: u8 = 0;
const QUOTE: u8 = 1;
const AGG_TRADE: u8 = 2;
const BOOK: u8 = 3;
const MARK: u8 = 4;
const KLINE: u8 = 6;
const GAP: u8 = 7;
const BASE_MS: i64 = 1_700_000_000_000;

/// One row; what is absent is as in the columns.
#[derive(Clone, Copy)]
struct Row {
    kind: u8,
    symbol: u16,
    ts_ms: i64,
    event_ms: i64,
    known_ns: i64,
    price: f64,
    qty: f64,
    side: u8,
    is_market: i8,
    bid: f64,
    ask: f64,
    size: f64,
    first: i64,
    last: i64,
    prev: i64,
}

fn blank(kind: u8, at_ms: i64, last: i64) -> Row {
    Row {
        kind,
        symbol: 0,
        ts_ms: BASE_MS + at_ms,
        event_ms: BASE_MS + at_ms,
        known_ns: (BASE_MS + at_ms + 5) * 1_000_000,
        price: f64::NAN,
        qty: f64::NAN,
        side: 0,
        is_market: -1,
        bid: f64::NAN,
        ask: f64::NAN,
        size: f64::NAN,
        first: -1,
        last,
        prev: -1,
    }
}

fn trade(at_ms: i64, id: i64) -> Row {
    Row { price: 100.0, qty: 1.0, side: 1, is_market: 1, ..blank(TRADE, at_ms, id) }
}

fn quote(at_ms: i64, id: i64) -> Row {
    Row { bid: 99.9, ask: 100.1, price: 100.0, size: 2.0, ..blank(QUOTE, at_ms, id) }
}

fn book(at_ms: i64, prev: i64, last: i64) -> Row {
    Row { first: prev + 1, prev, ..Row { kind: BOOK, ..quote(at_ms, last) } }
}

fn level(at_ms: i64, prev: i64, last: i64, side: u8, price: f64) -> Row {
    Row { first: prev + 1, prev, side, price, qty: 1.0, ..blank(KIND_LEVEL, at_ms, last) }
}

fn gate(venue: Venue) -> QualityGate {
    let rule = GridRule::Steps { tick: 0.1, step: 0.01 };
    QualityGate::new(venue, vec![("B".into(), GridRule::Unknown), ("A".into(), rule)]).unwrap()
}

fn check(gate: &mut QualityGate, rows: &[Row]) -> Vec<u32> {
    macro_rules! column {
        ($field:ident) => {
            rows.iter().map(|row| row.$field).collect::<Vec<_>>()
        };
    }
    let (kind, symbol, side, is_market) =
        (column!(kind), column!(symbol), column!(side), column!(is_market));
    let (ts_ms, event_ms, known_ns) = (column!(ts_ms), column!(event_ms), column!(known_ns));
    let (price, qty, bid, ask, size) =
        (column!(price), column!(qty), column!(bid), column!(ask), column!(size));
    let (first, last, prev) = (column!(first), column!(last), column!(prev));
    let columns = GateColumns {
        kind: &kind,
        symbol: Some(&symbol),
        ts_ms: Some(&ts_ms),
        event_ms: Some(&event_ms),
        known_ns: Some(&known_ns),
        price: Some(&price),
        qty: Some(&qty),
        side: Some(&side),
        is_market: Some(&is_market),
        bid: Some(&bid),
        ask: Some(&ask),
        bid_qty: Some(&size),
        ask_qty: Some(&size),
        seq_first: Some(&first),
        seq_last: Some(&last),
        seq_prev: Some(&prev),
        ..GateColumns::default()
    };
    let mut masks = Vec::new();
    gate.check(&columns, &mut masks).unwrap();
    masks
}

fn judged(rows: &[Row]) -> Vec<u32> {
    check(&mut gate(Venue::BinanceUsdm), rows)
}

#[test]
fn clean_rows_have_no_code() {
    let rows = [quote(0, 1), trade(1, 10), book(2, 5, 7), quote(3, 2), trade(4, 11), book(5, 7, 9)];
    assert_eq!(judged(&rows), [0; 6]);
}

#[test]
fn a_value_that_cannot_be_is_bad_or_null() {
    let good = trade(0, 1);
    for (row, code) in [
        (Row { price: -1.0, ..good }, BAD_VALUE),
        (Row { price: 0.0, ..good }, BAD_VALUE),
        (Row { qty: f64::INFINITY, ..good }, BAD_VALUE),
        (Row { side: 3, ..good }, BAD_VALUE),
        (Row { ts_ms: 0, ..good }, BAD_VALUE),
        (Row { event_ms: -1, ..good }, BAD_VALUE),
        (Row { symbol: 2, ..good }, BAD_VALUE),
        (Row { kind: 10, ..good }, BAD_VALUE),
        (Row { price: f64::NAN, ..good }, NULL_FIELD),
        (Row { side: 0, ..good }, NULL_FIELD),
        (Row { last: -1, ..good }, NULL_FIELD),
        (Row { ts_ms: i64::MIN, ..good }, NULL_FIELD),
        (Row { size: 0.0, ..quote(0, 1) }, BAD_VALUE),
        (Row { prev: -1, ..book(0, 5, 7) }, NULL_FIELD),
        (Row { first: 8, ..book(0, 5, 7) }, BAD_VALUE),
    ] {
        assert_eq!(judged(&[row]), [code]);
    }
}

#[test]
fn a_column_that_the_kind_needs_and_is_absent_is_missing() {
    let mut masks = Vec::new();
    let ts_ms = [BASE_MS; 3];
    let columns =
        GateColumns { kind: &[TRADE, QUOTE, GAP], ts_ms: Some(&ts_ms), ..GateColumns::default() };
    gate(Venue::BinanceUsdm).check(&columns, &mut masks).unwrap();
    assert_eq!(masks, [MISSING_FIELD, MISSING_FIELD, 0]);
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let columns = GateColumns { kind: &[TRADE; 3], ts_ms: Some(&[0; 2]), ..GateColumns::default() };
    let fault = gate(Venue::BinanceUsdm).check(&columns, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.to_string(), "columns differ in length: kind has 3, ts_ms 2");
}

#[test]
fn prices_lie_on_the_tick_and_quantities_on_the_step() {
    let rows = [
        Row { price: 100.05, ..trade(0, 1) },
        Row { qty: 0.015, ..trade(1, 2) },
        Row { bid: 99.95, ..quote(2, 1) },
        Row { symbol: 1, price: 100.05, ..trade(3, 1) },
    ];
    assert_eq!(judged(&rows), [OFF_GRID, OFF_GRID, OFF_GRID, 0]);
}

#[test]
fn a_bid_lies_below_its_ask_and_the_mid_between() {
    let rows = [
        Row { bid: 100.1, ..quote(0, 1) },
        Row { price: 100.2, ..quote(1, 2) },
        level(2, 1, 2, 1, 100.0),
        level(2, 1, 2, 2, 99.0),
        level(2, 1, 2, 2, 101.0),
    ];
    assert_eq!(judged(&rows), [CROSSED, CROSSED, 0, CROSSED, 0]);
}

#[test]
fn ids_that_do_not_join_break_the_chain_once() {
    let trades = [trade(0, 1), trade(1, 2), trade(2, 4), trade(3, 5), trade(4, 4)];
    assert_eq!(judged(&trades), [0, 0, CHAIN_BREAK, 0, CHAIN_BREAK]);
    let books = [book(0, 1, 3), book(1, 3, 6), book(2, 7, 9), book(3, 9, 11)];
    assert_eq!(judged(&books), [0, 0, CHAIN_BREAK, 0]);
    let levels = [
        level(0, 1, 3, 1, 99.0),
        level(1, 4, 6, 1, 99.0),
        level(1, 4, 6, 2, 101.0),
        level(2, 6, 8, 2, 101.0),
    ];
    assert_eq!(judged(&levels), [0, CHAIN_BREAK, CHAIN_BREAK, 0]);
}

#[test]
fn spot_joins_by_the_first_id_and_hyperliquid_by_none() {
    let unjoined = [Row { first: 2, ..book(0, -1, 3) }, Row { first: 5, ..book(1, -1, 6) }];
    let unjoined = unjoined.map(|row| Row { prev: -1, ..row });
    assert_eq!(check(&mut gate(Venue::BinanceSpot), &unjoined), [0, CHAIN_BREAK]);
    let skipping = [trade(0, 9), trade(1, 500), book(2, -1, 3), book(3, -1, 9)];
    assert_eq!(check(&mut gate(Venue::Hyperliquid), &skipping), [0; 4]);
}

#[test]
fn a_known_hole_begins_a_new_chain() {
    let rows = [book(0, 1, 3), blank(GAP, 1, 9), book(2, 9, 11)];
    assert_eq!(judged(&rows), [0; 3]);
}

#[test]
fn the_events_beside_a_break_are_named() {
    let mut gate = gate(Venue::BinanceUsdm);
    check(&mut gate, &[level(0, 1, 3, 1, 99.0), level(0, 1, 3, 2, 101.0)]);
    check(&mut gate, &[level(1, 4, 6, 1, 99.0)]);
    assert_eq!(gate.take_amendments(), [Amendment::Unjoined { first: 0, last: 1 }]);
    assert_eq!(gate.take_amendments(), []);
}

#[test]
fn a_trade_that_is_not_the_markets_is_named_and_not_judged() {
    let mut gate = gate(Venue::BinanceUsdm);
    let odd = Row { is_market: 0, price: 0.0, qty: 0.0, ..trade(1, 2) };
    assert_eq!(check(&mut gate, &[trade(0, 1), odd, trade(2, 3)]), [0; 3]);
    assert_eq!(gate.take_amendments(), [Amendment::NotMarket(1)]);
    assert_eq!(gate.rows(), (3, 1));
}

#[test]
fn time_falls_in_no_stream_and_one_wrong_row_does_not_move_it() {
    let early = Row { known_ns: trade(9, 0).known_ns, ..trade(5, 3) };
    assert_eq!(judged(&[trade(9, 2), early, quote(4, 1), trade(9, 4)]), [0, TIME_BACK, 0, 0]);
    let ahead = Row { ts_ms: BASE_MS + 900_000, ..trade(1, 2) };
    let mut rows = vec![trade(0, 1), ahead];
    rows.extend((0..100).map(|n| trade(2 + n, 3 + n)));
    let masks = judged(&rows);
    assert_eq!(masks.iter().filter(|mask| **mask == TIME_BACK).count(), 64);
    assert_eq!(masks.last(), Some(&0));
}

#[test]
fn the_same_row_again_is_a_duplicate_and_no_break() {
    let rows = [trade(0, 1), trade(1, 2), trade(1, 2), trade(2, 3), quote(3, 7), quote(3, 7)];
    assert_eq!(judged(&rows), [0, 0, DUPLICATE, 0, 0, DUPLICATE]);
}

#[test]
fn a_jump_stands_until_a_second_trade_confirms_it() {
    let mut gate = gate(Venue::BinanceUsdm);
    let far = |at_ms, id| Row { price: 102.0, ..trade(at_ms, id) };
    let rows = [quote(0, 1), far(1, 1), trade(2, 2), far(3, 3), far(4, 4)];
    assert_eq!(check(&mut gate, &rows), [0, PRICE_JUMP, 0, PRICE_JUMP, 0]);
    assert_eq!(gate.take_amendments(), [Amendment::Confirmed { row: 3, by: 4 }]);
}

#[test]
fn a_jump_is_told_of_a_row_with_another_fault_too() {
    let odd = Row { price: 230.0, ..trade(1, 2) };
    assert_eq!(judged(&[trade(0, 1), trade(1, 2), odd]), [0, 0, DUPLICATE | PRICE_JUMP]);
}

#[test]
fn a_step_of_two_seconds_flags_exactly_its_rows() {
    let mut rows: Vec<Row> = (0..20_000).map(|at| trade(at, at)).collect();
    for row in &mut rows[8_000..13_000] {
        row.known_ns += 2_000_000_000;
    }
    let masks = judged(&rows);
    let bad: Vec<usize> = (0..rows.len()).filter(|at| masks[*at] != 0).collect();
    assert_eq!(bad, (8_000..13_000).collect::<Vec<_>>());
    assert_eq!(masks[8_000], LATENCY);
}

#[test]
fn the_market_without_new_quotes_shows_that_they_are_stale() {
    let mark = |at_ms| Row { price: 100.0, ..blank(MARK, at_ms, -1) };
    let rows = [mark(0), quote(10, 1), mark(1_510), mark(1_511), trade(1_512, 1), quote(1_513, 2)];
    assert_eq!(judged(&rows), [0, 0, 0, STALE, STALE, 0]);
    assert_eq!(ROW_CODES & STALE, 0);
}

#[test]
fn masks_do_not_depend_on_how_rows_are_cut() {
    let rows = any_rows(4_000, 1);
    let whole = judged(&rows);
    let mut gate = gate(Venue::BinanceUsdm);
    let cut: Vec<u32> = rows.chunks(7).flat_map(|rows| check(&mut gate, rows)).collect();
    assert_eq!(whole, cut);
}

/// Returns rows of mostly odd values, always the same.
fn any_rows(count: usize, seed: u64) -> Vec<Row> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let wholes = [i64::MIN, -1, 0, 1, 2, 3, BASE_MS, BASE_MS + 1, BASE_MS * 1_000_000, i64::MAX];
    let floats =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-320, 99.9, 100.0, 1e300, 5e6];
    let mut rows = Vec::new();
    for _ in 0..count {
        let mut whole = || wholes[draw(10) as usize];
        let (ts_ms, event_ms, known_ns) = (whole(), whole(), whole());
        let (first, last, prev) = (whole(), whole(), whole());
        let mut float = || floats[draw(10) as usize];
        let (price, qty, bid, ask, size) = (float(), float(), float(), float(), float());
        let odd = Row {
            kind: draw(12) as u8,
            symbol: draw(3) as u16,
            ts_ms,
            event_ms,
            known_ns,
            price,
            qty,
            side: draw(4) as u8,
            is_market: draw(3) as i8 - 1,
            bid,
            ask,
            size,
            first,
            last,
            prev,
        };
        let at_ms = draw(5_000) as i64;
        rows.push(match draw(4) {
            0 => trade(at_ms, draw(50) as i64),
            1 => quote(at_ms, draw(50) as i64),
            2 => level(at_ms, draw(9) as i64, draw(9) as i64, 1, 100.0),
            _ => odd,
        });
    }
    rows
}

#[test]
fn no_rows_make_it_panic() {
    for venue in Venue::ALL {
        for seed in 1..20 {
            let mut gate = gate(venue);
            let rows = any_rows(2_000, seed);
            assert_eq!(check(&mut gate, &rows).len(), rows.len());
            let days = gate.days();
            assert_eq!(days.iter().map(|(_, day)| day.duplicates).sum::<u64>(), gate.counts()[7]);
        }
    }
}

#[test]
fn aggregates_and_candles_have_streams_of_their_own() {
    let agg = |at_ms, id| Row { kind: AGG_TRADE, ..trade(at_ms, id) };
    let kline = |at_ms, open_ms| Row { price: 100.0, qty: 0.0, ..blank(KLINE, at_ms, open_ms) };
    let rows = [trade(0, 7), agg(1, 3), kline(2, 60_000), agg(3, 4), kline(4, 60_000), trade(5, 8)];
    assert_eq!(judged(&rows), [0; 6]);
    assert_eq!(
        judged(&[agg(0, 3), agg(1, 5), kline(2, 1), kline(2, 1)])[1..],
        [CHAIN_BREAK, 0, DUPLICATE]
    );
}
