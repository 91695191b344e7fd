//! The engine against the plain model, and what it promises from bar to bar.

#![allow(clippy::unwrap_used, reason = "a test may panic, its support too")]

#[path = "support/model.rs"]
mod model;
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use chan::{Bar, EventKind, Params, State, Stroke, StrokeEngine as Engine, StrokeEvent};
use model::{Model, Shown};
use support::{Chance, settings, walk};

const SEEDS: [u64; 4] = [1, 2, 3, 4];

fn each_case(bars: i64, mut check: impl FnMut(Params, &[Bar])) {
    for seed in SEEDS {
        let bars = walk(bars, seed);
        for params in settings() {
            check(params, &bars);
        }
    }
}

fn strokes(engine: &Engine) -> Vec<Stroke> {
    engine.strokes().collect()
}

fn plain(engine: &Engine) -> Vec<Shown> {
    engine.strokes().map(|s| (s.start_bar, s.end_bar, s.start_price, s.end_price)).collect()
}

#[test]
fn every_prefix_shows_what_the_plain_model_shows() {
    let mut most = 0;
    each_case(600, |params, bars| {
        let (mut engine, mut model) = (Engine::new(params), Model::new(params));
        for (i, bar) in bars.iter().enumerate() {
            engine.push(*bar).unwrap();
            model.push(*bar);
            assert_eq!(plain(&engine), model.shown(), "{params:?} after bar {i}");
            assert_eq!(engine.merged_count(), model.merged_count());
        }
        most = most.max(engine.stroke_count());
    });
    assert!(most > 40, "the series are too quiet to show anything: {most} strokes");
}

/// Before the first stroke the search has its own code: wedges that widen or narrow keep it busy.
#[test]
fn the_first_stroke_is_the_one_of_the_plain_model() {
    let mut found = 0;
    for params in settings() {
        for seed in 0..150 {
            let mut chance = Chance::new(seed);
            let (mut engine, mut model) = (Engine::new(params), Model::new(params));
            let widening = chance.below(2) == 0;
            for i in 0..40_i64 {
                let reach = if widening { i } else { 40 - i };
                let noise = i64::try_from(chance.below(5)).unwrap();
                let price = i32::try_from(if i % 2 == 0 { reach + noise } else { -reach - noise });
                let low = f64::from(price.unwrap());
                let high = low + 1.5;
                let bar =
                    Bar { ts_ms: i, open: low, high, low, close: high, volume: 0.0, amount: 0.0 };
                engine.push(bar).unwrap();
                model.push(bar);
                assert_eq!(plain(&engine), model.shown(), "{params:?} seed {seed} after bar {i}");
            }
            found += usize::from(engine.stroke_count() > 0);
        }
    }
    assert!(found > 300, "{found}");
}

#[test]
fn a_batch_is_the_fold_at_every_prefix_and_goes_on_like_it() {
    each_case(150, |params, bars| {
        let mut engine = Engine::new(params);
        for (i, bar) in bars.iter().enumerate() {
            engine.push(*bar).unwrap();
            let mut batch = Engine::batch(params, bars[..=i].iter().copied()).unwrap();
            assert_eq!(strokes(&batch), strokes(&engine), "{params:?} after bar {i}");
            assert_eq!(batch.merged_count(), engine.merged_count());
            let other = wrong_versions(*bar)[i % 3];
            let mut fold = engine.clone();
            assert_eq!(batch.replace(other).unwrap(), fold.replace(other).unwrap(), "{params:?}");
        }
    });
}

#[test]
fn a_confirmed_stroke_never_changes() {
    let mut confirmed_in_all = 0;
    each_case(1_500, |params, bars| {
        let mut engine = Engine::new(params);
        let mut confirmed: Vec<Stroke> = Vec::new();
        for bar in bars {
            engine.push(*bar).unwrap();
            let now = strokes(&engine);
            assert_eq!(now.get(..confirmed.len()), Some(confirmed.as_slice()), "{params:?}");
            let newly =
                now.iter().skip(confirmed.len()).take_while(|s| s.state == State::Confirmed);
            confirmed.extend(newly);
            assert!(now.iter().skip(confirmed.len()).all(|s| s.state == State::Provisional));
        }
        confirmed_in_all += confirmed.len();
    });
    assert!(confirmed_in_all > 1_000, "{confirmed_in_all}");
}

#[test]
fn strokes_alternate_and_hang_together() {
    each_case(1_500, |params, bars| {
        let shown = strokes(&Engine::batch(params, bars.iter().copied()).unwrap());
        for (i, stroke) in shown.iter().enumerate() {
            assert_eq!(stroke.index, i);
            assert!(stroke.start_bar < stroke.end_bar, "{params:?} {stroke:?}");
            let rises = stroke.end_price > stroke.start_price;
            assert_eq!(stroke.direction.sign(), if rises { 1 } else { -1 });
        }
        for pair in shown.windows(2) {
            assert_eq!(pair[0].end_bar, pair[1].start_bar, "{params:?}");
            assert_eq!(pair[0].end_price, pair[1].start_price, "{params:?}");
            assert_ne!(pair[0].direction, pair[1].direction, "{params:?}");
        }
    });
}

/// Keeps what a listener knows who only sees events.
fn apply(known: &mut BTreeMap<usize, Stroke>, events: &[StrokeEvent]) {
    for event in events {
        let stroke = event.stroke;
        match event.kind {
            EventKind::New => assert!(known.insert(stroke.index, stroke).is_none(), "{event:?}"),
            EventKind::Revised | EventKind::Confirmed => {
                let old = known.insert(stroke.index, stroke).unwrap();
                assert_eq!(old.start_bar, stroke.start_bar, "{event:?}");
            }
            EventKind::Void => {
                let old = known.remove(&stroke.index).unwrap();
                let old = Stroke { state: State::Void, ..old };
                assert_eq!(without_tail_bars(&old), without_tail_bars(&stroke));
            }
        }
    }
}

/// A merged bar may grow without moving the peak that a stroke ends at: that is no event.
fn without_tail_bars(stroke: &Stroke) -> Stroke {
    Stroke { last_bar: 0, end_far_price: 0.0, ..*stroke }
}

/// Three wrong versions of a bar: a spike up, one down, and a bar inside.
fn wrong_versions(bar: Bar) -> [Bar; 3] {
    let middle = (bar.high + bar.low) / 2.0;
    [
        Bar { high: bar.high + 9.0, ..bar },
        Bar { low: bar.low - 9.0, ..bar },
        Bar { open: middle, high: middle, low: middle, close: middle, ..bar },
    ]
}

#[test]
fn a_replaced_bar_leaves_no_trace_but_in_the_events() {
    each_case(400, |params, bars| {
        let (mut engine, mut straight) = (Engine::new(params), Engine::new(params));
        let mut known = BTreeMap::new();
        for (i, bar) in bars.iter().enumerate() {
            let [first, second, third] = wrong_versions(*bar);
            apply(&mut known, engine.push(first).unwrap());
            apply(&mut known, engine.replace(second).unwrap());
            apply(&mut known, engine.replace(third).unwrap());
            apply(&mut known, engine.replace(*bar).unwrap());
            straight.push(*bar).unwrap();
            assert_eq!(strokes(&engine), strokes(&straight), "{params:?} after bar {i}");
            let told: Vec<_> = known.values().map(without_tail_bars).collect();
            let shown: Vec<_> = strokes(&engine).iter().map(without_tail_bars).collect();
            assert_eq!(told, shown, "{params:?}");
        }
    });
}

#[test]
fn a_stroke_keeps_the_bar_that_first_showed_it() {
    each_case(600, |params, bars| {
        let mut engine = Engine::new(params);
        let mut first_seen: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (i, bar) in bars.iter().enumerate() {
            engine.push(*bar).unwrap();
            for stroke in engine.strokes() {
                let seen = *first_seen.entry((stroke.index, stroke.start_bar)).or_insert(i);
                assert_eq!(stroke.first_seen_bar, seen, "{params:?} {stroke:?}");
            }
        }
    });
}

#[test]
fn a_refused_bar_changes_nothing() {
    let bars = walk(300, 9);
    let mut engine = Engine::batch(Params::default(), bars.iter().copied()).unwrap();
    let before = strokes(&engine);
    let last = bars[299];
    let nan = Bar { close: f64::NAN, ts_ms: last.ts_ms + 1, ..last };
    assert_eq!(engine.push(last).unwrap_err().to_string().get(..8), Some("bar 300:"));
    assert_eq!(engine.replace(nan).unwrap_err().to_string().get(..8), Some("bar 299:"));
    assert_eq!((strokes(&engine), engine.bar_count()), (before, 300));
    let empty = Engine::new(Params::default()).replace(last).unwrap_err().to_string();
    assert!(empty.contains("push it first"), "{empty}");
}

/// A market that flips between two prices never has a stroke. A walk over all its fractals at each would take minutes.
#[test]
fn a_market_without_strokes_is_read_in_linear_time() {
    let mut engine = Engine::new(Params::default());
    for i in 0..300_000_i64 {
        let low = if i % 2 == 0 { 1.0 } else { 2.0 };
        let high = low + 1.0;
        engine
            .push(Bar { ts_ms: i, open: low, high, low, close: high, volume: 0.0, amount: 0.0 })
            .unwrap();
    }
    assert_eq!((engine.stroke_count(), engine.merged_count()), (0, 300_000));
}
