//! The guards: what a time gap ends stays as it was, all else starts afresh, and an overdue stroke may end anywhere.

#![allow(clippy::unwrap_used, reason = "a test may panic, its support too")]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use chan::{
    Bar, Engine, Event, EventKind, LevelKind, Life, Object, Params, Recording, ResetReason, State,
    Stroke,
};
use support::{Chance, settings, walk};

const LEVELS: [LevelKind; 2] = [LevelKind::Stroke, LevelKind::Segment];
const GAP_MS: i64 = 3_600_000;

/// Presets and settings, each with guards: a gap of an hour, and every other one a limit of bars too.
fn guarded() -> Vec<Params> {
    let presets = ["default", "new_bi", "totally", "czsc6", "textbook"];
    let presets = presets.map(|preset| Params::preset(preset).unwrap());
    let mut all: Vec<Params> = presets.into_iter().chain(settings()).collect();
    for (key, value) in [("zs_algo", "over_seg"), ("zs_algo", "auto")] {
        let mut params = Params::default();
        params.set(key, value).unwrap();
        all.push(params);
    }
    for (i, params) in all.iter_mut().enumerate() {
        params.set("reset_gap_ms", &GAP_MS.to_string()).unwrap();
        if i % 2 == 0 && params.set("max_stroke_bars", "13").is_err() {
            params.set("divergence_rate", "inf").unwrap();
        }
    }
    all
}

/// A walk whose clock jumps now and then, in a row too.
fn gapped(bars: i64, seed: u64) -> Vec<Bar> {
    let mut chance = Chance::new(seed + 77);
    let mut shift = 0;
    let mut jump = |bar: Bar| {
        let odds = if shift % (2 * GAP_MS) == 0 { 160 } else { 20 };
        if chance.below(odds) == 0 {
            shift += GAP_MS;
        }
        Bar { ts_ms: bar.ts_ms + shift, ..bar }
    };
    walk(bars, seed).into_iter().map(&mut jump).collect()
}

fn life(object: &mut Object) -> Option<&mut Life> {
    match object {
        Object::Stroke(_) | Object::Reset(_) => None,
        Object::Segment(s) => Some(&mut s.life),
        Object::Center(c) => Some(&mut c.life),
        Object::Point(p) => Some(&mut p.life),
    }
}

fn without_dates(mut object: Object) -> Object {
    if let Some(life) = life(&mut object) {
        (life.first_seen_bar, life.confirmed_bar) = (0, None);
    }
    object
}

/// Everything a batch knows too.
fn shown(engine: &Engine) -> Vec<Object> {
    let mut all: Vec<Object> = engine.resets().map(Object::Reset).collect();
    all.extend(engine.strokes().map(Object::Stroke));
    for level in LEVELS {
        all.extend(engine.level_segments(level).map(Object::Segment));
        all.extend(engine.level_centers(level).map(Object::Center));
        all.extend(engine.level_points(level).map(Object::Point));
    }
    all.into_iter().map(without_dates).collect()
}

/// The same with since when it is known.
fn known(engine: &Engine) -> Vec<Object> {
    let mut all: Vec<Object> = engine.resets().map(Object::Reset).collect();
    all.extend(engine.strokes().map(Object::Stroke));
    for level in LEVELS {
        all.extend(engine.known_segments(level).map(Object::Segment));
        all.extend(engine.known_centers(level).map(Object::Center));
        all.extend(engine.known_points(level).map(Object::Point));
    }
    all
}

fn void(engine: &Engine) -> Vec<Object> {
    let mut all: Vec<Object> = Vec::new();
    all.extend(engine.void_strokes().map(|known| Object::Stroke(known.stroke)));
    for level in LEVELS {
        all.extend(engine.void_segments(level).map(Object::Segment));
        all.extend(engine.void_centers(level).map(Object::Center));
        all.extend(engine.void_points(level).map(Object::Point));
    }
    all
}

fn key(object: &Object) -> (u8, u8, usize, u8) {
    match object {
        Object::Reset(r) => (0, 0, r.bar, r.reason as u8),
        Object::Stroke(s) => (1, 0, s.index, 0),
        Object::Segment(s) => (2, s.level.code(), s.index, 0),
        Object::Center(c) => (3, c.level.code(), c.center.start, 0),
        Object::Point(p) => (4, p.level.code(), p.element, p.kind as u8),
    }
}

fn is_confirmed(object: &Object) -> bool {
    match object {
        Object::Stroke(s) => s.state == State::Confirmed,
        Object::Reset(_) => true,
        Object::Segment(s) => s.life.state == State::Confirmed,
        Object::Center(c) => c.life.state == State::Confirmed,
        Object::Point(p) => p.life.state == State::Confirmed,
    }
}

/// Keeps what a listener knows who only sees events.
fn apply(known: &mut BTreeMap<(u8, u8, usize, u8), Object>, events: &[Event]) {
    for event in events {
        let (key, object) = (key(&event.object), event.object);
        match event.kind {
            EventKind::New => assert!(known.insert(key, object).is_none(), "{event:?}"),
            EventKind::Revised | EventKind::Confirmed => {
                assert!(known.insert(key, object).is_some(), "{event:?}");
            }
            EventKind::Void => assert!(known.remove(&key).is_some(), "{event:?}"),
        }
    }
}

#[test]
fn the_fold_equals_the_batch_and_a_listener_knows_what_is_shown() {
    let mut resets = [0_usize; 2];
    for (seed, params) in (0..).zip(guarded()) {
        let bars = gapped(700, seed);
        let mut engine = Engine::new(params);
        let mut heard = BTreeMap::new();
        for (i, bar) in bars.iter().enumerate() {
            let events = engine.push(*bar).unwrap();
            apply(&mut heard, events);
            let now = shown(&engine);
            let mut expected: Vec<_> = now.iter().map(|o| (key(o), is_confirmed(o))).collect();
            expected.sort_unstable_by_key(|(key, _)| *key);
            let heard: Vec<_> = heard.iter().map(|(key, o)| (*key, is_confirmed(o))).collect();
            assert_eq!(heard, expected, "{params:?} bar {i}");
            let dateless: Vec<_> = known(&engine).into_iter().map(without_dates).collect();
            assert_eq!(dateless, now, "{params:?} bar {i}");
            if i % 7 == 0 || engine.resets().last().is_some_and(|reset| reset.bar == i) {
                let batch = Engine::batch(params, bars[..=i].iter().copied()).unwrap();
                assert_eq!(shown(&batch), now, "{params:?} bar {i}");
                assert_eq!(batch.merged_count(), engine.merged_count());
                for level in LEVELS {
                    assert_eq!(batch.trends(level), engine.trends(level), "{params:?} bar {i}");
                    let points: Vec<_> = batch.points(level).collect();
                    assert!(engine.points(level).eq(points));
                }
            }
        }
        for reset in engine.resets() {
            resets[usize::from(reset.reason == ResetReason::LongStroke)] += 1;
        }
    }
    assert!(resets.iter().all(|count| *count > 60), "{resets:?}");
}

#[test]
fn what_is_confirmed_never_changes_across_resets_either() {
    let mut across = 0;
    for (seed, params) in (100..).zip(guarded()) {
        // Without sub-peaks a confirmed segment may fall with its strokes: see the limits.
        if !params.bi_allow_sub_peak {
            continue;
        }
        let mut engine = Engine::with_history(params);
        let mut sure: BTreeMap<_, Object> = BTreeMap::new();
        for bar in gapped(900, seed) {
            engine.push(bar).unwrap();
            let now: BTreeMap<_, _> = known(&engine).iter().map(|o| (key(o), *o)).collect();
            for (key, object) in &sure {
                assert_eq!(now.get(key), Some(object), "{params:?}");
            }
            sure = now.into_iter().filter(|(_, object)| is_confirmed(object)).collect();
        }
        across += engine.resets().filter(|reset| reset.reason == ResetReason::Gap).count();
        for object in void(&engine) {
            assert!(!sure.contains_key(&key(&object)) || !is_confirmed(&object), "{object:?}");
        }
    }
    assert!(across > 60);
}

#[test]
fn nothing_points_beyond_what_an_era_has_left() {
    for (seed, params) in (200..).zip(guarded()) {
        let mut engine = Engine::new(params);
        for bar in gapped(1_500, seed) {
            engine.push(bar).unwrap();
        }
        let starts: Vec<usize> = engine
            .resets()
            .filter(|reset| reset.reason == ResetReason::Gap)
            .map(|reset| reset.bar)
            .collect();
        let era = |bar: usize| starts.partition_point(|start| *start <= bar);
        let strokes: Vec<_> = engine.strokes().collect();
        for (i, stroke) in strokes.iter().enumerate() {
            assert_eq!(stroke.index, i);
            assert_eq!(era(stroke.start_bar), era(stroke.end_bar));
        }
        for pair in strokes.windows(2) {
            let joins = pair[0].end_bar == pair[1].start_bar;
            assert_eq!(joins, era(pair[0].end_bar) == era(pair[1].start_bar), "{pair:?}");
        }
        let segments: Vec<_> = engine.level_segments(LevelKind::Stroke).collect();
        for (i, segment) in segments.iter().enumerate() {
            assert_eq!(segment.index, i);
            let (first, last) = (strokes[segment.start_element], strokes[segment.end_element]);
            assert_eq!((segment.start_bar, segment.end_bar), (first.start_bar, last.end_bar));
            assert_eq!(era(segment.start_bar), era(segment.end_bar));
        }
        for center in engine.level_centers(LevelKind::Stroke) {
            let of = |index: usize| era(strokes[index].start_bar);
            let home = of(center.center.start);
            assert_eq!(of(center.center.end), home);
            assert!(center.exit.is_none_or(|exit| of(exit) == home), "{params:?} {center:?}");
            assert!(center.entry.is_none_or(|entry| of(entry) == home), "{center:?}");
        }
        for center in engine.level_centers(LevelKind::Segment) {
            let of = |index: usize| era(segments[index].start_bar);
            assert_eq!(of(center.center.end), of(center.center.start));
            assert!(center.exit.is_none_or(|exit| of(exit) == of(center.center.start)));
        }
        for point in engine.level_points(LevelKind::Stroke) {
            assert_eq!(strokes[point.element].end_bar, point.bar);
        }
        for point in engine.level_points(LevelKind::Segment) {
            assert_eq!(segments[point.element].end_bar, point.bar);
        }
    }
}

#[test]
fn an_era_shows_what_its_bars_alone_show() {
    for (seed, params) in (300..).zip(guarded()) {
        let bars = gapped(900, seed);
        let engine = Engine::batch(params, bars.iter().copied()).unwrap();
        let gaps = engine.resets().filter(|reset| reset.reason == ResetReason::Gap);
        let start = gaps.last().unwrap().bar;
        let alone = Engine::batch(params, bars[start..].iter().copied()).unwrap();
        let from = engine.stroke_count() - alone.stroke_count();
        let moved: Vec<_> = alone
            .strokes()
            .map(|s| (s.start_bar + start, s.end_bar + start, s.end_price, s.state))
            .collect();
        let of_era = engine.strokes().skip(from);
        let of_era: Vec<_> =
            of_era.map(|s| (s.start_bar, s.end_bar, s.end_price, s.state)).collect();
        assert_eq!(of_era, moved, "{params:?}");
        assert_eq!(engine.segments(), alone.segments());
        assert_eq!(engine.super_segments(), alone.super_segments());
        let ratios = |engine: &Engine, from: usize| -> Vec<_> {
            let points = engine.points(LevelKind::Stroke).filter(|point| point.bar >= from);
            points.map(|point| (point.bar - from, point.types, point.divergence)).collect()
        };
        assert_eq!(ratios(&engine, start), ratios(&alone, 0), "{params:?}");
    }
}

#[test]
fn a_replaced_bar_leaves_no_trace_whatever_it_reset() {
    for (seed, params) in (400..).zip(guarded()) {
        let mut engine = Engine::with_history(params);
        let mut straight = Engine::with_history(params);
        let mut heard = BTreeMap::new();
        let mut chance = Chance::new(seed);
        for bar in gapped(350, seed) {
            let spike = Bar { high: bar.high + 9.0, ..bar };
            let late = Bar { low: bar.low - 9.0, ..bar };
            let hour = if chance.below(3) == 0 { GAP_MS } else { 0 };
            apply(&mut heard, engine.push_at(spike, bar.ts_ms + hour).unwrap());
            let hour = if chance.below(3) == 0 { 2 * GAP_MS } else { 0 };
            apply(&mut heard, engine.replace_at(late, bar.ts_ms + hour).unwrap());
            apply(&mut heard, engine.replace(bar).unwrap());
            straight.push(bar).unwrap();
            assert_eq!(known(&engine), known(&straight), "{params:?}");
            assert_eq!(void(&engine), void(&straight), "{params:?}");
            assert_eq!(heard.len(), known(&engine).len(), "{params:?}");
        }
        assert_eq!(shown(&engine), shown(&straight));
    }
}

#[test]
fn a_batch_may_be_corrected_at_a_reset_too() {
    for (seed, params) in (500..).zip(guarded()) {
        let bars = gapped(400, seed);
        for cut in (20..400).step_by(19) {
            for hour in [0, GAP_MS] {
                let mut batch = Engine::batch_at(
                    params,
                    bars[..cut]
                        .iter()
                        .enumerate()
                        .map(|(i, bar)| (*bar, bar.ts_ms + if i + 1 == cut { hour } else { 0 })),
                )
                .unwrap();
                let mut fold = Engine::new(params);
                for bar in &bars[..cut] {
                    fold.push(*bar).unwrap();
                }
                batch.replace(bars[cut - 1]).unwrap();
                assert_eq!(shown(&batch), shown(&fold), "{params:?} after {cut}");
                batch.push(bars[cut]).unwrap();
                fold.push(bars[cut]).unwrap();
                assert_eq!(shown(&batch), shown(&fold), "{params:?} after {cut}");
            }
        }
    }
}

#[test]
fn a_recording_keeps_the_markets_clock() {
    let settings = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let set = settings(&[("reset_gap_ms", "3600000"), ("max_stroke_bars", "40")]);
    let mut kept = Recording::new("default", set, true).unwrap();
    let bars = gapped(2_000, 3);
    let (mut closed_ms, mut before_ms, mut gaps) = (0, 0, 0);
    for (i, bar) in bars.iter().enumerate() {
        // Every other gap is closed hours; the first bars come without the market's clock.
        if bar.ts_ms - before_ms > GAP_MS && i > 100 {
            gaps += 1;
            closed_ms += GAP_MS * (gaps % 2);
        }
        before_ms = bar.ts_ms;
        let market_ms = (i > 100).then_some(bar.ts_ms - closed_ms);
        assert!(i < 101 || kept.push_at(*bar, Some(-1)).is_err());
        kept.push_at(Bar { high: bar.high + 3.0, ..*bar }, market_ms).unwrap();
        kept.replace_at(*bar, market_ms).unwrap();
    }
    assert!(gaps > 4 && kept.engine().resets().any(|reset| reset.bar > 100));
    let mut restored = Recording::restore(&kept.snapshot()).unwrap();
    assert_eq!(restored.snapshot(), kept.snapshot());
    assert_eq!(known(restored.engine()), known(kept.engine()));
    assert_eq!(void(restored.engine()), void(kept.engine()));
    let last = bars.last().unwrap();
    let next = Bar { ts_ms: last.ts_ms + 60_000, ..*last };
    let at = Some(next.ts_ms + GAP_MS);
    assert_eq!(restored.push_at(next, at).unwrap(), kept.push_at(next, at).unwrap());
}

/// One leg of bars of one unit each from the close `from` to `to`, without their own times.
fn leg(bars: &mut Vec<Bar>, from: i32, to: i32) {
    let step = (to - from).signum();
    for at in 0..(to - from).abs() {
        let (open, close) = (f64::from(from + at * step), f64::from(from + (at + 1) * step));
        let (high, low) = (open.max(close) + 0.25, open.min(close) - 0.25);
        let ts_ms = 60_000 * i64::try_from(bars.len()).unwrap();
        bars.push(Bar { ts_ms, open, high, low, close, volume: 1.0, amount: 1.0 });
    }
}

/// Legs of ten bars up and down, each pair of them one unit higher.
fn waves(count: i32) -> Vec<Bar> {
    let mut bars = Vec::new();
    for wave in 0..count {
        leg(&mut bars, 100 + wave, 110 + wave);
        leg(&mut bars, 110 + wave, 101 + wave);
    }
    bars
}

fn of(settings: &[(&str, &str)]) -> Params {
    let mut params = Params::default();
    for (key, value) in settings {
        params.set(key, value).unwrap();
    }
    params
}

#[test]
fn after_a_bad_tick_strokes_stop_and_with_the_guard_they_resume() {
    let mut bars = waves(20);
    // Two bars after a low, ten times the price: too near to end a stroke, too high for any later end.
    let tick = bars[78];
    bars[78] = Bar { high: tick.high * 10.0, ..tick };
    let stuck = Engine::batch(Params::default(), bars.iter().copied()).unwrap();
    let resumed = Engine::batch(of(&[("max_stroke_bars", "60")]), bars.iter().copied()).unwrap();
    let ends = |engine: &Engine| engine.strokes().map(|s| s.end_bar).collect::<Vec<_>>();
    let (stuck, ended) = (ends(&stuck), ends(&resumed));
    assert!(stuck.last().is_some_and(|end| *end < 80), "{stuck:?}");
    assert!(ended.len() > stuck.len() + 20, "{ended:?}");
    let resets: Vec<_> = resumed.resets().collect();
    assert_eq!(resets.len(), 1, "{resets:?}");
    assert_eq!(resets[0].reason, ResetReason::LongStroke);
    assert_eq!(
        (resets[0].from_bar, resets[0].bar),
        (stuck[stuck.len() - 1], stuck[stuck.len() - 1] + 60)
    );
}

#[test]
fn only_the_next_stroke_may_end_below_a_peak() {
    let mut bars = waves(40);
    for at in [78, 477] {
        bars[at] = Bar { high: bars[at].high * 10.0, ..bars[at] };
    }
    let params = of(&[("max_stroke_bars", "60")]);
    let mut engine = Engine::new(params);
    let mut told = Vec::new();
    for bar in bars {
        for event in engine.push(bar).unwrap() {
            if let Object::Reset(reset) = event.object {
                assert_eq!((event.kind, event.bar), (EventKind::New, reset.bar));
                told.push(reset);
            }
        }
    }
    assert_eq!(told.len(), 2);
    assert!(engine.resets().eq(told));
}

#[test]
fn after_a_data_hole_strokes_start_afresh_and_the_hole_is_told() {
    let mut bars = waves(16);
    // The feed was away for a day and came back at a tenth of the price.
    for bar in &mut bars[155..] {
        let tenth = |price: f64| price / 10.0;
        *bar = Bar {
            ts_ms: bar.ts_ms + 86_400_000,
            open: tenth(bar.open),
            high: tenth(bar.high),
            low: tenth(bar.low),
            close: tenth(bar.close),
            ..*bar
        };
    }
    let mut engine = Engine::new(of(&[("reset_gap_ms", "3600000")]));
    let mut told = Vec::new();
    for (i, bar) in bars.iter().enumerate() {
        let events = engine.push(*bar).unwrap();
        if i == 155 {
            told = events.to_vec();
        }
    }
    let Object::Reset(reset) = told[0].object else { panic!("{told:?}") };
    assert_eq!((reset.bar, reset.from_bar, reset.gap_ms), (155, 154, Some(86_460_000)));
    assert!(told[1..].iter().all(|event| event.kind != EventKind::New), "{told:?}");
    let strokes: Vec<_> = engine.strokes().collect();
    let (old, new): (Vec<Stroke>, Vec<Stroke>) =
        strokes.into_iter().partition(|s| s.start_bar < 155);
    assert!(old.len() >= 13 && new.len() >= 13);
    assert!(old.iter().all(|stroke| stroke.end_price > 50.0 && stroke.end_bar < 155));
    assert!(old.iter().all(|stroke| stroke.confirmed_bar.is_some_and(|bar| bar <= 155)));
    assert!(new.iter().all(|stroke| stroke.end_price < 50.0));
    // Closed hours are no gap.
    let times = |bar: &Bar| (*bar, bar.ts_ms % 86_400_000);
    let closed = Engine::batch_at(*engine.params(), bars.iter().map(times)).unwrap();
    assert_eq!(closed.resets().count(), 0);
}

#[test]
fn a_refused_bar_changes_nothing_at_a_reset_either() {
    let mut engine = Engine::new(of(&[("reset_gap_ms", "3600000")]));
    let bars = waves(4);
    for bar in &bars {
        engine.push(*bar).unwrap();
    }
    let before = known(&engine);
    let last = bars[bars.len() - 1];
    let next = Bar { ts_ms: last.ts_ms + 2 * GAP_MS, ..last };
    for (bar, market_ms) in [
        (Bar { high: f64::NAN, ..next }, next.ts_ms),
        (Bar { close: next.high + 1.0, ..next }, next.ts_ms),
        (Bar { ts_ms: last.ts_ms, ..next }, next.ts_ms),
        (next, last.ts_ms - 1),
    ] {
        let told = engine.push_at(bar, market_ms).unwrap_err().to_string();
        assert!(told.starts_with(&format!("bar {}", bars.len())), "{told}");
        assert_eq!(known(&engine), before);
    }
    assert!(engine.push(next).unwrap().iter().any(|e| matches!(e.object, Object::Reset(_))));
    let before = known(&engine);
    assert!(engine.replace(Bar { low: next.high + 1.0, ..next }).is_err());
    assert_eq!(known(&engine), before);
}

#[test]
fn a_reset_at_every_bar_costs_no_more_than_a_bar() {
    let mut engine = Engine::new(of(&[("reset_gap_ms", "1"), ("max_stroke_bars", "1")]));
    for bar in walk(50_000, 1) {
        engine.push(bar).unwrap();
    }
    assert_eq!((engine.resets().count(), engine.merged_count()), (49_999, 50_000));
}
