//! Bars per second on a seeded walk of a million bars: in batch, and pushed one by one with events.
//!
//! `cargo run --release -p chan --example throughput`

#![allow(clippy::disallowed_methods, reason = "a speed is measured with a clock")]

use std::time::Instant;

use chan::{Bar, ChanError, Engine, Params};

const BARS: u32 = 1_000_000;
const RUNS: usize = 7;

/// A walk on a grid of 0.01.
fn walk() -> Vec<Bar> {
    let mut seed = 42_u64;
    let mut step = |reach: u32| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = u32::try_from((seed >> 33) % u64::from(2 * reach + 1)).unwrap_or(reach);
        (f64::from(drawn) - f64::from(reach)) * 0.01
    };
    let mut close = 10_000.0;
    (0..BARS)
        .map(|i| {
            let open = close;
            close += step(50);
            let high = f64::max(open, close) + step(20).max(0.0);
            let low = f64::min(open, close) - step(20).max(0.0);
            Bar { ts_ms: i64::from(i) * 60_000, open, high, low, close, volume: 1.0 }
        })
        .collect()
}

/// Returns the median speed of `RUNS` runs, in million bars per second.
fn speed(run: impl Fn() -> Result<Engine, ChanError>) -> Result<f64, ChanError> {
    let mut seconds = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let engine = run()?;
        seconds.push(start.elapsed().as_secs_f64());
        assert_eq!(engine.bar_count(), BARS as usize);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(f64::from(BARS) / seconds[RUNS / 2] / 1e6)
}

fn main() -> Result<(), ChanError> {
    let bars = walk();
    for preset in ["default", "new_bi", "totally"] {
        let params = Params::preset(preset)?;
        let batch = speed(|| Engine::batch(params, bars.iter().copied()))?;
        let pushed = speed(|| {
            let mut engine = Engine::new(params);
            for bar in &bars {
                engine.push(*bar)?;
            }
            Ok(engine)
        })?;
        println!("{preset:8} batch {batch:5.1}, pushed {pushed:5.1} M bars/s (medians of {RUNS})");
    }
    Ok(())
}
