//! What the engine tells from bar to bar about everything above strokes, and since when it knows it.

#![allow(clippy::unwrap_used, reason = "a test may panic, its support too")]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use chan::{Bar, Engine, Event, EventKind, LevelKind, Life, Object, Params, Records, State};
use support::{settings, walk};

const LEVELS: [LevelKind; 2] = [LevelKind::Stroke, LevelKind::Segment];

fn presets() -> Vec<Params> {
    let mut all: Vec<Params> = ["default", "chanpy", "new_bi", "totally", "czsc6", "textbook"]
        .map(|preset| Params::preset(preset).unwrap())
        .into();
    for (key, value) in [("zs_algo", "over_seg"), ("zs_algo", "auto"), ("bi_algo", "fx")] {
        let mut params = Params::preset("chanpy").unwrap();
        params.set(key, value).unwrap();
        all.push(params);
    }
    let steady = settings().into_iter().filter(|params| params.bi_allow_sub_peak);
    all.extend(steady.skip(3).step_by(3));
    all
}

fn life(object: &Object) -> Option<Life> {
    match object {
        Object::Stroke(_) | Object::Reset(_) => None,
        Object::Segment(s) => Some(s.life),
        Object::Center(c) => Some(c.life),
        Object::Point(p) => Some(p.life),
    }
}

/// List, level, number or element, type: where an object stands.
type Key = (u8, u8, usize, u8);

fn key(object: &Object) -> Key {
    match object {
        Object::Stroke(s) => (0, 0, s.index, 0),
        Object::Segment(s) => (1, s.level.code(), s.index, 0),
        Object::Center(c) => (2, c.level.code(), c.center.start, 0),
        Object::Point(p) => (3, p.level.code(), p.element, p.kind as u8),
        Object::Reset(r) => (4, 0, r.bar, r.reason as u8),
    }
}

/// What a revision may not change.
fn identity(object: &Object) -> usize {
    match object {
        Object::Stroke(s) => s.start_bar,
        Object::Segment(s) => s.start_element,
        Object::Center(c) => c.center.start,
        Object::Point(p) => p.bar,
        Object::Reset(r) => r.bar,
    }
}

/// Keeps what a listener knows who only sees events.
fn apply(known: &mut BTreeMap<Key, Object>, events: &[Event]) {
    for event in events {
        let key = key(&event.object);
        match event.kind {
            EventKind::New => assert!(known.insert(key, event.object).is_none(), "{event:?}"),
            EventKind::Revised | EventKind::Confirmed => {
                let old = known.insert(key, event.object).unwrap();
                assert_eq!(identity(&old), identity(&event.object), "{event:?}");
            }
            EventKind::Void => {
                let old = known.remove(&key).unwrap();
                assert_eq!(identity(&old), identity(&event.object), "{event:?}");
                assert!(life(&event.object).is_none_or(|life| life.void_bar == Some(event.bar)));
            }
        }
    }
}

/// Everything above strokes that the records show.
fn recorded(records: &Records) -> Vec<Object> {
    let mut all = Vec::new();
    for level in LEVELS {
        all.extend(records.segments(level).iter().map(|s| Object::Segment(*s)));
        all.extend(records.centers(level).iter().map(|c| Object::Center(*c)));
        all.extend(records.points(level).iter().map(|p| Object::Point(*p)));
    }
    all
}

fn void(records: &Records) -> Vec<Object> {
    let mut all = Vec::new();
    for level in LEVELS {
        all.extend(records.void_segments(level).iter().map(|s| Object::Segment(*s)));
        all.extend(records.void_centers(level).iter().map(|c| Object::Center(*c)));
        all.extend(records.void_points(level).iter().map(|p| Object::Point(*p)));
    }
    all
}

/// What the machines show, since when it is known left out.
fn lists(engine: &Engine) -> Vec<Object> {
    let nothing = |state| Life { state, first_seen_bar: 0, confirmed_bar: None, void_bar: None };
    let mut all = Vec::new();
    for level in LEVELS {
        let (spans, elements) = match level {
            LevelKind::Stroke => (engine.segments(), engine.stroke_elements()),
            LevelKind::Segment => (engine.super_segments(), engine.segment_elements()),
        };
        let spans = spans.iter().enumerate();
        all.extend(
            spans.map(|(i, s)| Object::Segment(chan::Segment::of(level, i, s, elements).unwrap())),
        );
        all.extend(engine.level_centers(level).map(Object::Center));
        all.extend(engine.level_points(level).map(Object::Point));
    }
    for object in &mut all {
        match object {
            Object::Segment(s) => s.life = nothing(s.life.state),
            Object::Center(c) => c.life = nothing(c.life.state),
            Object::Point(p) => p.life = nothing(p.life.state),
            Object::Stroke(_) | Object::Reset(_) => {}
        }
    }
    all
}

fn without_lives(objects: &[Object]) -> Vec<Object> {
    let mut all = objects.to_vec();
    for object in &mut all {
        let life = match object {
            Object::Segment(s) => &mut s.life,
            Object::Center(c) => &mut c.life,
            Object::Point(p) => &mut p.life,
            Object::Stroke(_) | Object::Reset(_) => continue,
        };
        (life.first_seen_bar, life.confirmed_bar) = (0, None);
    }
    all
}

#[test]
fn the_records_show_what_the_engine_shows_and_a_batch_shows_the_same() {
    for (seed, params) in (0..).zip(presets()) {
        let bars = walk(900, seed);
        let mut engine = Engine::new(params);
        for (i, bar) in bars.iter().enumerate() {
            engine.push(*bar).unwrap();
            let now = lists(&engine);
            assert_eq!(without_lives(&recorded(engine.records())), now, "{params:?} bar {i}");
            if i % 7 == 0 {
                let batch = Engine::batch(params, bars[..=i].iter().copied()).unwrap();
                assert_eq!(lists(&batch), now, "{params:?} after bar {i}");
            }
        }
    }
}

#[test]
fn a_listener_knows_what_is_shown() {
    let mut told = [0_usize; 4];
    for (seed, params) in (100..).zip(presets()) {
        let mut engine = Engine::new(params);
        let mut known = BTreeMap::new();
        for bar in walk(1_500, seed) {
            let events = engine.push(bar).unwrap();
            events.iter().for_each(|event| told[key(&event.object).0 as usize] += 1);
            apply(&mut known, events);
            let mut shown: Vec<(Key, usize, State)> = recorded(engine.records())
                .iter()
                .map(|o| (key(o), identity(o), life(o).unwrap().state))
                .collect();
            shown.sort_by_key(|(key, _, _)| *key);
            let heard: Vec<_> = known
                .iter()
                .filter_map(|(key, o)| Some((*key, identity(o), life(o)?.state)))
                .collect();
            assert_eq!(heard, shown, "{params:?}");
        }
    }
    assert!(told.iter().all(|told| *told > 500), "{told:?}");
}

#[test]
fn an_engine_made_in_one_piece_tells_on_like_a_pushed_one() {
    for (seed, params) in (200..).zip(presets()) {
        let bars = walk(1_000, seed);
        let (past, rest) = bars.split_at(700);
        let mut batch = Engine::batch(params, past.iter().copied()).unwrap();
        let mut fold = Engine::new(params);
        for bar in past {
            fold.push(*bar).unwrap();
        }
        for bar in rest {
            let told: Vec<_> =
                batch.push(*bar).unwrap().iter().map(|e| (e.kind, key(&e.object))).collect();
            let expected: Vec<_> =
                fold.push(*bar).unwrap().iter().map(|e| (e.kind, key(&e.object))).collect();
            assert_eq!(told, expected, "{params:?}");
        }
    }
}

#[test]
fn a_replaced_bar_leaves_no_trace_in_the_records() {
    for (seed, params) in (300..).zip(presets()) {
        let mut engine = Engine::with_history(params);
        let mut straight = Engine::with_history(params);
        let mut known = BTreeMap::new();
        for bar in walk(500, seed) {
            let up = Bar { high: bar.high + 9.0, ..bar };
            let down = Bar { low: bar.low - 9.0, close: bar.low - 9.0, ..bar };
            apply(&mut known, engine.push(up).unwrap());
            apply(&mut known, engine.replace(down).unwrap());
            apply(&mut known, engine.replace(bar).unwrap());
            straight.push(bar).unwrap();
            let (now, expected) = (engine.records(), straight.records());
            assert_eq!(recorded(now), recorded(expected), "{params:?}");
            assert_eq!(void(now), void(expected), "{params:?}");
            assert_eq!(now.void_strokes(), expected.void_strokes(), "{params:?}");
            assert_eq!(known.values().filter(|o| life(o).is_some()).count(), recorded(now).len());
        }
    }
}

#[test]
fn what_is_confirmed_stays_and_what_was_first_seen_is_not_forgotten() {
    let mut confirmed = [0_usize; 4];
    for (seed, params) in (400..).zip(presets()) {
        let mut engine = Engine::with_history(params);
        for bar in walk(2_500, seed) {
            engine.push(bar).unwrap();
        }
        let gone = void(engine.records());
        assert!(!gone.is_empty());
        for object in &gone {
            let life = life(object).unwrap();
            assert_eq!((life.state, life.confirmed_bar), (State::Void, None), "{object:?}");
            assert!(life.void_bar.unwrap() > life.first_seen_bar, "{object:?}");
        }
        for object in recorded(engine.records()) {
            let life = life(&object).unwrap();
            assert_eq!(life.confirmed_bar.is_some(), life.state == State::Confirmed);
            assert!(life.confirmed_bar.is_none_or(|bar| bar >= life.first_seen_bar));
            confirmed[key(&object).0 as usize] += usize::from(life.confirmed_bar.is_some());
        }
    }
    assert!(confirmed[1..].iter().all(|confirmed| *confirmed > 50), "{confirmed:?}");
}

#[test]
fn check_says_of_bars_ahead_what_push_will_say() {
    let bars = walk(60, 3);
    for params in presets() {
        let mut engine = Engine::new(params);
        assert_eq!(engine.check(bars.iter().copied()), Ok(()));
        for bar in &bars[..20] {
            engine.push(*bar).unwrap();
        }
        assert_eq!(engine.check(bars[20..].iter().copied()), Ok(()));
        let mut broken = bars[20..].to_vec();
        broken[7].ts_ms = broken[6].ts_ms;
        let said = engine.check(broken.iter().copied());
        assert_eq!(engine.bar_count(), 20);
        let met = broken.iter().find_map(|bar| engine.push(*bar).err());
        assert_eq!(said.err(), met);
        assert!(met.is_some_and(|error| error.to_string().starts_with("bar 27: ")));
    }
}
