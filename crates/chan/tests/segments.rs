//! Segments and super-segments: what they promise from bar to bar, and that no market makes them slow.

#![allow(clippy::unwrap_used, reason = "a test may panic, its support too")]

#[path = "support/mod.rs"]
mod support;

use chan::{Bar, Direction, Element, Engine, Params, SegmentMachine, SegmentSpan, State};
use support::{Chance, settings, walk};

fn segment_settings() -> Vec<Params> {
    let mut all = settings();
    for set in ["left_seg_method=all", "seg_gap_cancel=true"] {
        let mut params = Params::default();
        let (key, value) = set.split_once('=').unwrap();
        params.set(key, value).unwrap();
        all.push(params);
    }
    all.extend(["czsc6", "textbook"].map(|preset| Params::preset(preset).unwrap()));
    all
}

/// Elements between these prices; all but the last `open` are sure.
fn zigzag(prices: &[f64], open: usize) -> Vec<Element> {
    let strokes = prices.len() - 1;
    let element = |at: usize| {
        let (begin, end) = (prices[at], prices[at + 1]);
        let sure = at + open < strokes;
        Element {
            begin_bar: at * 5,
            end_bar: (at + 1) * 5,
            begin_ts_ms: 0,
            end_ts_ms: 0,
            begin_price: begin,
            end_price: end,
            low: begin.min(end),
            high: begin.max(end),
            first_bar: at * 5,
            last_bar: (at + 1) * 5,
            direction: if end > begin { Direction::Up } else { Direction::Down },
            sure,
            confirmed: sure,
        }
    };
    (0..strokes).map(element).collect()
}

/// Prices that alternate between rising and falling, on a coarse grid, in one of four moods.
fn prices(chance: &mut Chance, strokes: usize) -> Vec<f64> {
    let mut prices = vec![500.0];
    let mut mood = 0;
    for at in 0..strokes {
        if at % 40 == 0 {
            mood = chance.below(4);
        }
        let drawn = 1.0 + f64::from(u32::try_from(chance.below(9)).unwrap());
        let (up, down) = match mood {
            0 => (drawn + 2.0, drawn),
            1 => (drawn, drawn + 2.0),
            2 => (drawn, drawn),
            _ => (drawn * f64::from(u32::try_from(at % 40).unwrap() + 1) / 8.0, drawn * 2.0),
        };
        let last = *prices.last().unwrap();
        prices.push(if at % 2 == 0 { last + up } else { last - down });
    }
    prices
}

#[test]
fn a_machine_that_settles_shows_what_one_that_never_settles_shows() {
    let mut segments = 0;
    for seed in 0..120 {
        let mut chance = Chance::new(seed);
        let turn = chance.below(2) == 0;
        let mut prices = prices(&mut chance, 160);
        if turn {
            prices.iter_mut().for_each(|price| *price = -*price);
        }
        for params in [&segment_settings()[0], &segment_settings()[13], &segment_settings()[14]] {
            let mut settling = SegmentMachine::new(params);
            let mut before: Vec<SegmentSpan> = Vec::new();
            let mut settled = 0;
            for end in 1..=prices.len() {
                let elements = zigzag(&prices[..end], usize::try_from(chance.below(2)).unwrap());
                settled = settled.max(elements.len().saturating_sub(chance.below(5) as usize + 1));
                let same = elements.len().saturating_sub(2);
                let from = settling.update(&elements, settled, same);
                let mut fresh = SegmentMachine::new(params);
                fresh.update(&elements, 0, 0);
                assert_eq!(settling.segments(), fresh.segments(), "seed {seed} {params:?} {end}");
                assert_eq!(settling.segments().get(..from), before.get(..from));
                before = settling.segments().to_vec();
            }
            assert!(settling.settled_count() > 0, "seed {seed}: nothing was ever settled");
            segments += before.len();
        }
    }
    assert!(segments > 5_000, "{segments}");
}

#[test]
fn every_prefix_in_one_piece_shows_what_the_pushes_show() {
    for (seed, params) in (0..).zip(segment_settings()) {
        let bars = walk(700, seed);
        let mut engine = Engine::new(params);
        for (i, bar) in bars.iter().enumerate() {
            engine.push(*bar).unwrap();
            if i % 3 == 0 {
                let batch = Engine::batch(params, bars[..=i].iter().copied()).unwrap();
                assert_eq!(batch.segments(), engine.segments(), "{params:?} after bar {i}");
                assert_eq!(batch.super_segments(), engine.super_segments(), "{params:?} bar {i}");
                assert_eq!(batch.segment_elements(), engine.segment_elements());
            }
        }
    }
}

#[test]
fn a_replaced_bar_leaves_no_trace() {
    for (seed, params) in (20..).zip(segment_settings()) {
        let bars = walk(500, seed);
        let (mut engine, mut straight) = (Engine::new(params), Engine::new(params));
        for bar in bars {
            for wrong in [9.0, -9.0] {
                let (high, low) = (bar.high.max(bar.high + wrong), bar.low.min(bar.low + wrong));
                let version = Bar { high, low, ..bar };
                if wrong > 0.0 { engine.push(version) } else { engine.replace(version) }.unwrap();
            }
            engine.replace(bar).unwrap();
            straight.push(bar).unwrap();
            assert_eq!(engine.stroke_elements(), straight.stroke_elements(), "{params:?}");
            assert_eq!(engine.segments(), straight.segments(), "{params:?}");
            assert_eq!(engine.super_segments(), straight.super_segments(), "{params:?}");
        }
    }
}

type Seen = Option<(SegmentSpan, Element, Element)>;

/// The segments shown as confirmed, with what they look like.
fn confirmed(spans: &[SegmentSpan], elements: &[Element]) -> Vec<Seen> {
    spans
        .iter()
        .map(|span| {
            (span.state == State::Confirmed)
                .then(|| (*span, elements[span.start], elements[span.end]))
        })
        .collect()
}

#[test]
fn a_confirmed_segment_never_changes() {
    let mut in_all = [0, 0];
    // Where a better peak may drop a stroke, a segment confirmed by it goes too.
    let steady = segment_settings().into_iter().filter(|params| params.bi_allow_sub_peak);
    for (seed, params) in (40..).zip(steady) {
        let mut engine = Engine::new(params);
        let mut known: [Vec<Seen>; 2] = [Vec::new(), Vec::new()];
        for (i, bar) in walk(4_000, seed).into_iter().enumerate() {
            engine.push(bar).unwrap();
            let now = [
                confirmed(engine.segments(), engine.stroke_elements()),
                confirmed(engine.super_segments(), engine.segment_elements()),
            ];
            for (known, now) in known.iter_mut().zip(now) {
                for (at, old) in known.iter().enumerate() {
                    let Some((span, first, last)) = old else { continue };
                    let Some(Some((new_span, new_first, new_last))) = now.get(at) else {
                        panic!("{params:?}: number {at}, {span:?}, is gone after bar {i}");
                    };
                    assert_eq!((span, first.begin_bar), (new_span, new_first.begin_bar));
                    assert_eq!(
                        (last.end_bar, last.end_price),
                        (new_last.end_bar, new_last.end_price)
                    );
                }
                *known = now;
            }
        }
        for (sum, known) in in_all.iter_mut().zip(known) {
            *sum += known.iter().flatten().count();
        }
    }
    assert!(in_all[0] > 300 && in_all[1] > 20, "{in_all:?}");
}

#[test]
fn segments_hang_together() {
    for (seed, params) in (60..).zip(segment_settings()) {
        let engine = Engine::batch(params, walk(3_000, seed)).unwrap();
        for (spans, elements) in [
            (engine.segments(), engine.stroke_elements()),
            (engine.super_segments(), engine.segment_elements()),
        ] {
            assert_eq!(spans[0].start, 0);
            for pair in spans.windows(2) {
                assert_eq!(pair[0].end + 1, pair[1].start);
            }
            let confirmed = |span: &&SegmentSpan| span.state == State::Confirmed;
            for span in spans.iter().filter(confirmed) {
                assert!(span.element_count() >= 3, "{params:?} {span:?}");
                let (first, last) = (&elements[span.start], &elements[span.end]);
                assert_eq!(last.direction, span.direction);
                let rise = f64::from(span.direction.sign()) * (last.end_price - first.begin_price);
                assert!(rise >= 0.0, "{params:?} {span:?}");
            }
        }
    }
}

/// Feeds a machine stroke by stroke and returns how many segments there are at the end.
fn fold(strokes: usize, price: impl Fn(usize) -> f64, params: &Params) -> usize {
    let prices: Vec<f64> = (0..=strokes).map(price).collect();
    let elements = zigzag(&prices, 0);
    let mut machine = SegmentMachine::new(params);
    for end in 1..=strokes {
        machine.update(&elements[..end], end.saturating_sub(2), end - 1);
    }
    machine.segments().len()
}

/// Each of these would take minutes if a stroke cost a walk over those before it.
#[test]
fn no_market_makes_the_machine_slow() {
    let number = |at: usize| f64::from(u32::try_from(at).unwrap());
    let turn = |at: usize| if at.is_multiple_of(2) { -1.0 } else { 1.0 };
    let strokes = 100_000;
    for params in [&segment_settings()[0], &segment_settings()[13], &segment_settings()[14]] {
        let endless_trend = |at: usize| number(at) + 2.0 * turn(at);
        assert!(fold(strokes, endless_trend, params) <= 2);
        let staircase = |at: usize| number(at / 12) * 8.0 + turn(at) * (1.0 + number(at % 12));
        assert!(fold(strokes, staircase, params) > 1);
        let widening = |at: usize| turn(at) * number(at);
        assert!(fold(strokes, widening, params) >= 1);
        let narrowing = |at: usize| turn(at) * (2e5 - number(at));
        assert!(fold(strokes, narrowing, params) >= 1);
        let nested = |at: usize| {
            let depth = 2e5 - number(at / 6);
            let side = turn(at / 6);
            side * depth + [0.0, -0.3, 0.1, -0.2, 0.2, 0.0][at % 6] * side
        };
        assert!(fold(strokes, nested, params) >= 1);
    }
}
