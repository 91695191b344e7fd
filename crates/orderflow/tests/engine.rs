//! Properties of the engine on seeded streams.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use orderflow::Scale;
use orderflow::bins::{FlowEngine, FlowRow};
use orderflow::event::{Body, Event, EventBatch, Level};
use orderflow::flow_config::FlowConfig;
use orderflow::fusion::{Reasons, Signal};

const SCALE: Scale = Scale { price_decimals: 1, qty_decimals: 3 };
const START_MS: i64 = 1_700_000_000_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound) as i64
    }
}

fn event(event_ms: i64, body: Body) -> Event {
    Event { event_ns: event_ms * 1_000_000, emitted_ms: event_ms, known_ns: 0, body }
}

/// Quotes and trades, about one each 20 ms; trades lag up to 30 ms behind the quotes.
fn stream(seed: u64, count: usize) -> Vec<Event> {
    let mut dice = Dice(seed);
    let (mut now, mut bid) = (START_MS, 10_000);
    let mut trade_ms = now;
    (0..count as i64)
        .map(|id| {
            now += dice.below(40);
            if dice.below(3) > 0 {
                bid += dice.below(3) - 1;
                let (bid_qty, ask_qty) = (dice.below(5_000), dice.below(5_000));
                let ask = Level { price: bid + 1 + dice.below(2), qty: ask_qty };
                let bid = Level { price: bid, qty: bid_qty };
                return event(now, Body::Quote { update_id: id, bid, ask });
            }
            trade_ms = trade_ms.max(now - dice.below(30));
            let (price, qty) = (bid + dice.below(2), 1 + dice.below(3_000));
            let buyer_is_maker = dice.below(2) == 0;
            let body = Body::Trade { trade_id: id, price, qty, buyer_is_maker, is_market: true };
            event(trade_ms, body)
        })
        .collect()
}

fn config(bin_ms: i64) -> FlowConfig {
    FlowConfig { bin_ms, window_ms: 20_000, warmup_ms: 4_000, ..FlowConfig::new(SCALE) }
}

fn rows(events: &[Event], bin_ms: i64) -> Vec<FlowRow> {
    let mut engine = FlowEngine::new(config(bin_ms)).unwrap();
    let mut out = Vec::new();
    engine.push(&EventBatch { events: events.to_vec(), levels: Vec::new() }, &mut out);
    engine.finish(&mut out);
    assert_eq!(engine.stats().late, 0);
    out
}

fn lots(value: f64) -> i64 {
    (value * 1e3).round() as i64
}

fn changed(events: &[Event], change: impl Fn(Body) -> Body) -> Vec<Event> {
    events.iter().map(|event| Event { body: change(event.body), ..*event }).collect()
}

#[test]
fn mirrored_quotes_negate_ofi_exactly() {
    let events = stream(1, 20_000);
    let mirror = changed(&events, |body| match body {
        Body::Quote { update_id, bid, ask } => Body::Quote {
            update_id,
            bid: Level { price: 30_000 - ask.price, qty: ask.qty },
            ask: Level { price: 30_000 - bid.price, qty: bid.qty },
        },
        other => other,
    });
    let pairs = rows(&events, 1_000).into_iter().zip(rows(&mirror, 1_000));
    assert!(pairs.clone().any(|(row, _)| row.z_ofi.is_some_and(|z| z.abs() > 1.0)));
    for (row, other) in pairs {
        assert_eq!((row.ofi, row.z_ofi), (-other.ofi, other.z_ofi.map(|z| -z)));
    }
}

#[test]
fn flipped_takers_negate_cvd_and_its_z() {
    let events = stream(2, 20_000);
    let flipped = changed(&events, |body| match body {
        Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
            Body::Trade { trade_id, price, qty, buyer_is_maker: !buyer_is_maker, is_market }
        }
        other => other,
    });
    for (row, other) in rows(&events, 1_000).iter().zip(rows(&flipped, 1_000)) {
        assert_eq!((row.cvd, row.z_cvd), (-other.cvd, other.z_cvd.map(|z| -z)));
        assert_eq!(row.buy_qty, other.sell_qty);
    }
}

#[test]
fn the_unit_of_quantity_hardly_moves_z() {
    let events = stream(11, 20_000);
    let larger = changed(&events, |body| match body {
        Body::Quote { update_id, bid, ask } => {
            let times = |level: Level| Level { qty: level.qty * 9, ..level };
            Body::Quote { update_id, bid: times(bid), ask: times(ask) }
        }
        Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
            Body::Trade { trade_id, price, qty: qty * 9, buyer_is_maker, is_market }
        }
        other => other,
    });
    let mut compared = 0;
    for (row, other) in rows(&events, 1_000).iter().zip(rows(&larger, 1_000)) {
        assert_eq!(lots(other.ofi), 9 * lots(row.ofi));
        for (z, scaled) in [(row.z_ofi, other.z_ofi), (row.z_cvd, other.z_cvd)] {
            assert_eq!(z.is_some(), scaled.is_some());
            compared += usize::from(z.is_some());
            assert!(z.zip(scaled).is_none_or(|(z, scaled)| (z - scaled).abs() < 0.01));
        }
    }
    assert!(compared > 500);
}

#[test]
fn coarse_bins_are_sums_of_fine_ones() {
    for seed in 3..6 {
        let events = stream(seed, 20_000);
        let fine = rows(&events, 100);
        for coarse in rows(&events, 1_000) {
            let inside: Vec<_> = fine
                .iter()
                .filter(|row| row.ts_ms > coarse.ts_ms - 1_000 && row.ts_ms <= coarse.ts_ms)
                .collect();
            let sum = |of: fn(&FlowRow) -> f64| inside.iter().map(|row| lots(of(row))).sum::<i64>();
            assert_eq!(lots(coarse.ofi), sum(|row| row.ofi));
            assert_eq!(lots(coarse.tfi), sum(|row| row.tfi));
            assert_eq!(coarse.trades, inside.iter().map(|row| row.trades).sum::<u64>());
        }
    }
}

#[test]
fn every_bin_has_a_row() {
    let rows = rows(&stream(7, 5_000), 100);
    for pair in rows.windows(2) {
        assert_eq!(pair[1].ts_ms - pair[0].ts_ms, 100);
        assert_eq!(lots(pair[1].cvd) - lots(pair[0].cvd), lots(pair[1].tfi));
    }
}

#[test]
fn a_shorter_input_gives_the_same_rows_but_for_the_last() {
    // Trades lag 30 ms behind the quotes: a cut less than that past a bin's end leaves two bins open.
    let events = stream(8, 5_000);
    let whole = rows(&events, 1_000);
    for cut in (200..5_000).step_by(311) {
        let part = rows(&events[..cut], 1_000);
        let clock = events[..cut].iter().map(|event| event.event_ns / 1_000_000).max().unwrap();
        let settled = part.iter().filter(|row| row.ts_ms + 30 <= clock).count();
        assert!(settled + 2 >= part.len());
        assert_eq!(part[..settled], whole[..settled]);
    }
}

#[test]
fn pieces_and_a_clock_give_the_same_rows() {
    let events = stream(9, 5_000);
    let mut engine = FlowEngine::new(config(100)).unwrap();
    let mut out = Vec::new();
    for piece in events.chunks(7) {
        engine.push(&EventBatch { events: piece.to_vec(), levels: Vec::new() }, &mut out);
        let clock = piece.iter().map(|event| event.event_ns / 1_000_000).max().unwrap();
        engine.advance(clock, &mut out);
    }
    engine.finish(&mut out);
    assert_eq!(out, rows(&events, 100));
}

#[test]
fn without_depth_there_is_z_but_no_book() {
    let rows = rows(&stream(10, 5_000), 1_000);
    assert!(rows.iter().all(|row| row.book_ok.is_none()));
    assert!(rows[..4].iter().all(|row| row.z_ofi.is_none() && row.signal == Signal::Neutral));
    assert!(rows[..4].iter().all(|row| row.reasons.has(Reasons::WARMUP)));
    assert!(rows[4].z_ofi.is_some());
}

fn quote(at_ms: i64, update_id: i64, bid_qty: i64) -> Event {
    let bid = Level { price: 1_000, qty: bid_qty };
    let ask = Level { price: 1_001, qty: 1_000 };
    event(START_MS + at_ms, Body::Quote { update_id, bid, ask })
}

/// A book that agrees with its quotes, one diff and one quote each 100 ms; `broken` makes the diff of that step follow none.
fn booked(steps: i64, broken: i64) -> EventBatch {
    let mut batch = EventBatch::default();
    let bids = batch.add_levels([Level { price: 1_000, qty: 1_000 }]);
    let asks = batch.add_levels([Level { price: 1_001, qty: 1_000 }]);
    batch.events.push(event(START_MS, Body::Snapshot { last_id: 0, bids, asks }));
    for step in 0..steps {
        let qty = 1_000 + step;
        let bids = batch.add_levels([Level { price: 1_000, qty }]);
        let body = Body::Depth {
            first_id: step,
            final_id: step,
            prev_final_id: if step == broken { -7 + step } else { step - 1 }.max(0),
            bids,
            asks: Default::default(),
        };
        batch.events.push(quote(step * 100, step, qty));
        batch.events.push(event(START_MS + step * 100, body));
    }
    batch
}

fn run(batch: &EventBatch) -> (Vec<FlowRow>, FlowEngine) {
    let mut engine = FlowEngine::new(config(1_000)).unwrap();
    let mut out = Vec::new();
    engine.push(batch, &mut out);
    engine.finish(&mut out);
    (out, engine)
}

#[test]
fn book_ok_ends_with_a_gap_and_no_flow_leaks_across_it() {
    let (rows, engine) = run(&booked(100, -1));
    let good = rows.iter().filter(|row| row.book_ok == Some(true)).count();
    // All but the last, past whose end nothing was seen.
    assert_eq!((rows.len(), good), (10, 9));
    assert_eq!(engine.agreement(), (100, 100));
    assert_eq!(rows[5].ofi, 0.010);

    let (rows, engine) = run(&booked(100, 55));
    let ok: Vec<_> = rows.iter().map(|row| row.book_ok == Some(true)).collect();
    assert_eq!(ok, [true, true, true, true, true, false, false, false, false, false]);
    assert_eq!((engine.stats().gaps, engine.stats().gap_list[0].from_u), (1, 54));
    // The step from quote 55 to 56 is not known to be one step.
    assert_eq!(rows[5].ofi, 0.009);
}

#[test]
fn a_book_that_disagrees_with_the_quotes_is_not_ok() {
    let mut batch = booked(100, -1);
    let at = batch.events.iter().position(|e| matches!(e.body, Body::Quote { update_id: 33, .. }));
    batch.events[at.unwrap()] = quote(3_300, 33, 5);
    let (rows, engine) = run(&batch);
    let ok: Vec<_> = rows[..5].iter().map(|row| row.book_ok).collect();
    assert_eq!(ok, [true, true, true, false, true].map(Some));
    assert_eq!(engine.agreement(), (100, 99));
}

#[test]
fn repeated_and_late_events_are_counted_and_not_applied() {
    let batch = EventBatch {
        events: vec![
            quote(0, 1, 10),
            quote(10, 2, 15),
            quote(20, 2, 99),
            quote(1_300, 3, 20),
            quote(500, 4, 30),
            quote(1_400, 5, 40),
        ],
        levels: Vec::new(),
    };
    let (rows, engine) = run(&batch);
    assert_eq!((engine.stats().repeated_quotes, engine.stats().late), (1, 1));
    let ofi: Vec<_> = rows.iter().map(|row| lots(row.ofi)).collect();
    assert_eq!(ofi, [5, 15]);
}

#[test]
fn settings_outside_their_bounds_are_refused() {
    let base = config(1_000);
    for bad in [
        FlowConfig { bin_ms: 0, ..base },
        FlowConfig { bin_ms: 7, ..base },
        FlowConfig { window_ms: 10, ..base },
        FlowConfig { warmup_ms: 99_000, ..base },
        FlowConfig { watermark_ms: -1, ..base },
        FlowConfig { scale: Scale { price_decimals: 13, qty_decimals: 0 }, ..base },
    ] {
        assert!(FlowEngine::new(bad).is_err(), "{bad:?}");
    }
}
