//! Centers and points: an update equals seeking them from scratch, what is final stays, and no market makes them slow.

#![allow(clippy::unwrap_used, reason = "a test may panic, its support too")]

#[path = "support/mod.rs"]
mod support;

use chan::{
    Bar, Center, CenterMachine, Columns, Direction, Element, Engine, Level, LevelRules, Params,
    Point, PointMachine, SegmentMachine, SegmentSpan, UpperParams,
};
use support::{settings, walk};

const UPPER: [&str; 22] = [
    "",
    "divergence_rate=inf",
    "divergence_rate=inf min_zs_cnt=0 bs1_peak=false bsp2_follow_1=false bsp3_follow_1=false",
    "zs_combine=false divergence_rate=inf",
    "zs_combine_mode=peak divergence_rate=inf",
    "one_bi_zs=true divergence_rate=inf bsp1_only_multibi_zs=false",
    "touch_overlaps=true divergence_rate=inf",
    "zs_algo=over_seg divergence_rate=inf bsp3_follow_1=false",
    "zs_algo=over_seg zs_combine_mode=peak divergence_rate=inf bs1_peak=false",
    "zs_algo=over_seg touch_overlaps=true bsp2_follow_1=false",
    "zs_algo=auto divergence_rate=inf bsp3_follow_1=false",
    "zs_algo=auto one_bi_zs=true zs_combine=false",
    "zs_algo=free touch_overlaps=true bsp3_follow_1=false divergence_rate=inf",
    "zs_algo=free min_zs_cnt=0 macd_algo=slope",
    "bs_type=2,3a bsp2_follow_1=false bsp3_follow_1=false",
    "max_bsp2s_lv=1 bsp2s_follow_2=true max_bs2_rate=0.618 bsp2_follow_1=false",
    "bsp3a_max_zs_cnt=3 bsp3_peak=true zs_combine=false bsp3_follow_1=false",
    "strict_bsp3=true bsp3_follow_1=false divergence_rate=inf",
    "macd_algo=area",
    "macd_algo-buy=full_area macd_algo-sell=diff macd_algo-seg=amp",
    "macd_algo-buy=rsi macd_algo-sell=volume_avg",
    "macd_algo-buy=amount macd_algo-sell=amp divergence_rate-seg=inf",
];

fn upper(set: &str) -> UpperParams {
    let mut params = UpperParams::default();
    for (key, value) in set.split_whitespace().filter_map(|one| one.split_once('=')) {
        params.set(key, value).unwrap();
    }
    params
}

/// The machines of one level, and what they last read.
struct Kept {
    centers: CenterMachine,
    points: PointMachine,
    elements: Vec<Element>,
    segments: Vec<SegmentSpan>,
    open_from: usize,
}

fn same<T: PartialEq>(before: &[T], now: &[T]) -> usize {
    before.iter().zip(now).take_while(|(before, now)| before == now).count()
}

impl Kept {
    fn new(params: &UpperParams, rules: LevelRules) -> Self {
        let (centers, points) = (CenterMachine::new(params.centers), PointMachine::new(rules));
        Self { centers, points, elements: Vec::new(), segments: Vec::new(), open_from: 0 }
    }

    /// Reads the level as it is now. Returns the first center and the first point that may differ.
    fn update(
        &mut self,
        elements: &[Element],
        segments: &[SegmentSpan],
        columns: &Columns,
    ) -> (usize, usize) {
        let element = same(&self.elements, elements);
        let segment = same(&self.segments, segments);
        let change = self.centers.update(elements, segments, element, segment);
        self.open_from = self.centers.open_from(elements);
        let (centers, open_from) = (self.centers.centers(), self.open_from);
        let level = Level { elements, segments, centers, columns, open_from };
        let point = self.points.update(&level, &change, segment);
        (self.elements, self.segments) = (elements.to_vec(), segments.to_vec());
        (change.center, point)
    }

    fn shown(&self) -> (Vec<Center>, Vec<Point>) {
        (self.centers.centers().to_vec(), self.points.points().to_vec())
    }
}

/// Asserts that what was final is so still.
fn check_final(kept: &Kept, before: &(Vec<Center>, Vec<Point>), open_from: usize, case: &str) {
    assert!(kept.open_from >= open_from, "{case}: {} after {open_from}", kept.open_from);
    let (centers, points) = (kept.centers.centers(), kept.points.points());
    for (index, center) in before.0.iter().enumerate().filter(|(_, c)| c.start < open_from) {
        assert_eq!(centers.get(index), Some(center), "{case}: a final center changed");
    }
    for old in before.1.iter().filter(|point| !point.confirmed.is_empty()) {
        let new = points.iter().find(|point| point.element == old.element);
        assert!(new.is_some(), "{case}: {old:?} is gone");
        let new = new.unwrap();
        assert_eq!((new.bar, new.price, new.side), (old.bar, old.price, old.side), "{case}");
        let lost = old.confirmed.iter().find(|kind| !new.confirmed.contains(*kind));
        assert_eq!(lost, None, "{case}: {old:?} became {new:?}");
    }
}

/// Follows one series, looking every `step` bars.
fn follow(bars: &[Bar], params: Params, set: &str, step: usize) {
    let upper = upper(set);
    let rules = [upper.stroke_points, upper.segment_points];
    let mut engine = Engine::new(params);
    let mut columns = Columns::new(upper.needs());
    let mut levels = rules.map(|rules| Kept::new(&upper, rules));
    for (i, bar) in bars.iter().enumerate() {
        engine.push(*bar).unwrap();
        columns.push(bar.close, bar.volume, bar.volume * bar.close);
        if i % step != 0 {
            continue;
        }
        let inputs = [
            (engine.stroke_elements(), engine.segments()),
            (engine.segment_elements(), engine.super_segments()),
        ];
        for (level, kept) in levels.iter_mut().enumerate() {
            let case = format!("{set:?}, {params:?}, level {level}, bar {i}");
            let (before, open_from) = (kept.shown(), kept.open_from);
            let (elements, segments) = inputs[level];
            let (center, point) = kept.update(elements, segments, &columns);
            let mut scratch = Kept::new(&upper, rules[level]);
            scratch.update(elements, segments, &columns);
            let now = kept.shown();
            assert!(now == scratch.shown(), "{case}");
            assert_eq!(kept.open_from, scratch.open_from, "{case}");
            assert!(same(&before.0, &now.0) >= center, "{case}: center {center} said");
            assert!(same(&before.1, &now.1) >= point, "{case}: point {point} said");
            check_final(kept, &before, open_from, &case);
        }
    }
}

#[test]
fn after_every_bar_an_update_equals_seeking_from_scratch_and_what_is_final_stays() {
    for (seed, set) in (10..).zip(UPPER) {
        follow(&walk(1_500, seed), Params::default(), set, 1);
    }
}

#[test]
fn so_it_is_with_every_kind_of_strokes() {
    for (seed, params) in (40..).zip(settings()) {
        for set in ["divergence_rate=inf", "zs_algo=over_seg bsp3_follow_1=false", "zs_algo=free"] {
            follow(&walk(700, seed), params, set, 1);
        }
    }
}

#[test]
fn so_it_is_when_many_bars_pass_between_two_looks() {
    for (seed, set) in (70..).zip(UPPER) {
        follow(&walk(4_000, seed), Params::default(), set, 37);
    }
}

#[test]
fn a_replaced_bar_leaves_no_trace() {
    for (seed, set) in (90..).zip(UPPER) {
        let upper = upper(set);
        let (bars, other) = (walk(700, seed), walk(700, seed + 1));
        let mut engine = Engine::new(Params::default());
        let mut columns = Columns::new(upper.needs());
        let mut kept = Kept::new(&upper, upper.stroke_points);
        for (bar, wrong) in bars.iter().zip(&other) {
            engine.push(*wrong).unwrap();
            columns.push(wrong.close, 1.0, wrong.close);
            kept.update(engine.stroke_elements(), engine.segments(), &columns);
            engine.replace(*bar).unwrap();
            columns.replace(bar.close, 2.0, bar.close);
            kept.update(engine.stroke_elements(), engine.segments(), &columns);
            let mut scratch = Kept::new(&upper, upper.stroke_points);
            scratch.update(engine.stroke_elements(), engine.segments(), &columns);
            assert!(kept.shown() == scratch.shown(), "{set:?}, seed {seed}, {bar:?}");
        }
    }
}

/// Elements between these prices, five bars each.
fn zigzag(prices: &[f64]) -> Vec<Element> {
    let element = |(at, pair): (usize, &[f64])| {
        let (begin_price, end_price) = (pair[0], pair[1]);
        let (low, high) = (begin_price.min(end_price), begin_price.max(end_price));
        let (begin_bar, end_bar) = (at * 5, at * 5 + 5);
        let direction = if end_price > begin_price { Direction::Up } else { Direction::Down };
        let (first_bar, last_bar) = (begin_bar, end_bar);
        let (begin_ts_ms, end_ts_ms, sure, confirmed) = (0, 0, true, true);
        Element {
            begin_bar,
            end_bar,
            begin_ts_ms,
            end_ts_ms,
            begin_price,
            end_price,
            low,
            high,
            first_bar,
            last_bar,
            direction,
            sure,
            confirmed,
        }
    };
    prices.windows(2).enumerate().map(element).collect()
}

/// Feeds the machines element by element. Returns how many centers and points there are at the end.
fn fold(count: usize, price: impl Fn(usize) -> f64, set: &str) -> (usize, usize) {
    let elements = zigzag(&(0..=count).map(price).collect::<Vec<_>>());
    let upper = upper(set);
    let columns = Columns::new(upper.needs());
    let mut segments = SegmentMachine::new(&Params::default());
    let mut centers = CenterMachine::new(upper.centers);
    let mut points = PointMachine::new(upper.stroke_points);
    for end in 1..=count {
        let elements = &elements[..end];
        let segment = segments.update(elements, end.saturating_sub(2), end - 1);
        let segments = segments.segments();
        let change = centers.update(elements, segments, end - 1, segment);
        let open_from = centers.open_from(elements);
        let (centers, columns) = (centers.centers(), &columns);
        let level = Level { elements, segments, centers, columns, open_from };
        points.update(&level, &change, segment);
    }
    (centers.centers().len(), points.points().len())
}

/// Each of these would take minutes if an element cost a walk over those before it.
#[test]
fn no_market_makes_the_machines_slow() {
    type Market = (&'static str, fn(usize) -> f64);
    let markets: [Market; 10] = [
        ("rising", |at| 1e6 + number(at) + 2.0 * turn(at)),
        ("falling after a rise", |at| 1e6 - (number(at) - 50.0).abs() + 2.0 * turn(at)),
        ("stairs", |at| 1e3 + number(at / 12) * 8.0 + turn(at) * (1.0 + number(at % 12))),
        ("sideways", |at| 1e3 + 5.0 * turn(at)),
        ("sideways after a fall", |at| 1e3 - number(at.min(50)) + 5.0 * turn(at)),
        ("narrowing", |at| 1e6 + turn(at) * (2e5 - number(at))),
        ("widening", |at| 1e6 + turn(at) * (1.0 + number(at))),
        ("widening upwards", |at| 1e6 + if at % 2 == 0 { 0.0 } else { number(at) }),
        ("nested gaps that burst", |at| {
            let burst = if at % 9_000 < 8_990 { 0.0 } else { 1e6 * turn(at) };
            let side = turn(at / 6);
            let nested = side * (2e5 - number(at / 6));
            1e6 + nested + [0.0, -0.3, 0.1, -0.2, 0.2, 0.0][at % 6] * side + burst
        }),
        ("nested gaps", |at| {
            let side = turn(at / 6);
            1e6 + side * (2e5 - number(at / 6)) + [0.0, -0.3, 0.1, -0.2, 0.2, 0.0][at % 6] * side
        }),
    ];
    let base = "macd_algo=amp min_zs_cnt=0 divergence_rate=inf bs1_peak=false";
    for set in [
        "",
        " one_bi_zs=true",
        " zs_combine_mode=peak",
        " zs_algo=over_seg bs1_peak=true",
        " zs_algo=auto",
        " zs_algo=free",
        " bsp2_follow_1=false",
        " bsp3_follow_1=false",
    ] {
        for (name, price) in &markets {
            let (centers, points) = fold(20_000, price, &format!("{base}{set}"));
            assert!(centers + points > 0, "{set} {name}");
        }
    }
}

fn number(at: usize) -> f64 {
    f64::from(u32::try_from(at).unwrap())
}

fn turn(at: usize) -> f64 {
    if at.is_multiple_of(2) { -1.0 } else { 1.0 }
}
