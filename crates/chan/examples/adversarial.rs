//! How the machines above strokes take markets made to be hard: time for 20,000 elements one by one and for twice as
//! many. Linear is a ratio of 2. `cargo run --release -p chan --example adversarial`.

#![allow(clippy::disallowed_methods, reason = "a speed is measured with a clock")]

use std::time::Instant;

use chan::{
    CenterMachine, Columns, Direction, Element, Level, Params, PointMachine, SegmentMachine,
};

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let sets = [
        "",
        "one_bi_zs=true",
        "zs_combine_mode=peak",
        "zs_combine=false",
        "zs_algo=over_seg",
        "zs_algo=auto",
        "zs_algo=free touch_overlaps=true",
        "bsp2_follow_1=false",
        "bsp3_follow_1=false",
        "bsp2_follow_1=false bsp3_follow_1=false max_bs2_rate=1 bsp3a_max_zs_cnt=100000000 zs_combine=false",
        "bsp2_follow_1=false bsp3_follow_1=false bs1_peak=true zs_algo=free",
        "bsp3_follow_1=false strict_bsp3=true",
        "left_seg_method=all",
        "bs1_peak=true",
        "seg_gap_cancel=true",
        "zs_algo=free",
        "bs1_peak=true zs_algo=over_seg",
        "one_bi_zs=true bsp3_follow_1=false bsp2_follow_1=false",
        "seg_gap_cancel=true bsp3_follow_1=false bsp2_follow_1=false zs_algo=free",
    ];
    for set in sets {
        for (name, price) in &MARKETS {
            let line = format!("{set} | {name}");
            if !line.contains(&only) {
                continue;
            }
            let [one, two] = [20_000, 40_000].map(|count| seconds(count, *price, set));
            println!("{line:<110} {one:8.3} s {two:8.3} s  x {:.1}", two / one);
        }
    }
}

type Market = (&'static str, fn(usize) -> f64);
const MARKETS: [Market; 14] = [
    ("rising", |at| 1e6 + number(at) + 2.0 * turn(at)),
    ("falling after a rise", |at| 1e6 - (number(at) - 50.0).abs() + 2.0 * turn(at)),
    ("stairs", |at| 1e3 + number(at / 12) * 8.0 + turn(at) * (1.0 + number(at % 12))),
    ("sideways", |at| 1e3 + 5.0 * turn(at)),
    ("sideways after a fall", |at| 1e3 - number(at.min(50)) + 5.0 * turn(at)),
    ("narrowing", |at| 1e6 + turn(at) * (2e5 - number(at))),
    ("widening", |at| 1e6 + turn(at) * (1.0 + number(at))),
    ("widening after a fall", |at| 1e6 - number(at.min(50)) + turn(at) * (5.0 + number(at))),
    ("widening upwards", |at| 1e6 + if at % 2 == 0 { 0.0 } else { number(at) }),
    ("long stairs", |at| 1e6 + number(at / 1_200) * 8.0 + turn(at) * (1.0 + number(at % 1_200))),
    ("very long stairs", |at| {
        1e6 + number(at / 9_600) * 8.0 + turn(at) * (1.0 + number(at % 9_600))
    }),
    ("nested gaps", |at| 1e6 + nested(at)),
    ("nested gaps that burst", |at| {
        1e6 + nested(at) + if at % 9_000 < 8_990 { 0.0 } else { 1e6 * turn(at) }
    }),
    ("sideways in a trend", |at| 1e6 + number(at / 1_000) * 40.0 + 9.0 * turn(at) + number(at % 7)),
];

fn nested(at: usize) -> f64 {
    let side = turn(at / 6);
    side * (2e5 - number(at / 6)) + [0.0, -0.3, 0.1, -0.2, 0.2, 0.0][at % 6] * side
}

fn number(at: usize) -> f64 {
    f64::from(u32::try_from(at).unwrap_or(u32::MAX))
}

fn turn(at: usize) -> f64 {
    if at.is_multiple_of(2) { -1.0 } else { 1.0 }
}

fn seconds(count: usize, price: fn(usize) -> f64, set: &str) -> f64 {
    let mut params = Params::default();
    for setting in "macd_algo=amp min_zs_cnt=0 divergence_rate=inf bs1_peak=false"
        .split(' ')
        .chain(set.split(' '))
    {
        if let Some((key, value)) = setting.split_once('=')
            && let Err(refused) = params.set(key, value)
        {
            println!("{refused}");
        }
    }
    let elements = zigzag(&(0..=count).map(price).collect::<Vec<_>>());
    let began = Instant::now();
    let columns = Columns::new(params.upper.needs());
    let mut segments = SegmentMachine::new(&params);
    let mut centers = CenterMachine::new(params.upper.centers);
    let mut points = PointMachine::new(params.upper.stroke_points);
    for end in 1..=count {
        let Some(elements) = elements.get(..end) else { return 0.0 };
        let segment = segments.update(elements, end.saturating_sub(2), end - 1);
        let segments = segments.segments();
        let change = centers.update(elements, segments, end - 1, segment);
        let open_from = centers.open_from(elements);
        let (centers, columns) = (centers.centers(), &columns);
        let level = Level { elements, segments, centers, columns, open_from };
        points.update(&level, &change, segment);
    }
    began.elapsed().as_secs_f64()
}

/// Elements between these prices, five bars each.
fn zigzag(prices: &[f64]) -> Vec<Element> {
    let element = |(at, pair): (usize, &[f64])| {
        let (Some(&begin_price), Some(&end_price)) = (pair.first(), pair.last()) else {
            return None;
        };
        let direction = if end_price > begin_price { Direction::Up } else { Direction::Down };
        Some(Element {
            begin_bar: at * 5,
            end_bar: at * 5 + 5,
            begin_ts_ms: 0,
            end_ts_ms: 0,
            begin_price,
            end_price,
            low: begin_price.min(end_price),
            high: begin_price.max(end_price),
            first_bar: at * 5,
            last_bar: at * 5 + 5,
            direction,
            sure: true,
            confirmed: true,
        })
    };
    prices.windows(2).enumerate().filter_map(element).collect()
}
