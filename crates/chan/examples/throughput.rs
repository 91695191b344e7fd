//! Bars per second of the whole structure on a seeded walk: in batch, and pushed one by one with events; and how long
//! one push takes at most for 99 of 100 bars.
//!
//! `cargo run --release -p chan --example throughput [preset…]`

#![allow(clippy::disallowed_methods, reason = "a speed is measured with a clock")]

use std::time::Instant;

use chan::{Bar, ChanError, Engine, Params};

/// A walk on a grid of 0.01.
fn walk(bars: u32) -> Vec<Bar> {
    let mut seed = 42_u64;
    let mut step = |reach: u32| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = u32::try_from((seed >> 33) % u64::from(2 * reach + 1)).unwrap_or(reach);
        (f64::from(drawn) - f64::from(reach)) * 0.01
    };
    let mut close = 10_000.0;
    (0..bars)
        .map(|i| {
            let open = close;
            close += step(50);
            let high = f64::max(open, close) + step(20).max(0.0);
            let low = f64::min(open, close) - step(20).max(0.0);
            let ts_ms = i64::from(i) * 60_000;
            Bar { ts_ms, open, high, low, close, volume: 1.0, amount: close }
        })
        .collect()
}

/// Returns the median speed of some runs, in million bars per second.
fn speed(
    bars: &[Bar],
    runs: usize,
    run: impl Fn(&[Bar]) -> Result<usize, ChanError>,
) -> Result<f64, ChanError> {
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        let read = run(bars)?;
        seconds.push(start.elapsed().as_secs_f64());
        assert_eq!(read, bars.len());
    }
    seconds.sort_by(f64::total_cmp);
    let count = u32::try_from(bars.len()).unwrap_or(u32::MAX);
    Ok(f64::from(count) / seconds[runs / 2] / 1e6)
}

fn fold(params: Params, bars: &[Bar]) -> Result<usize, ChanError> {
    let mut engine = Engine::new(params);
    for bar in bars {
        engine.push(*bar)?;
    }
    Ok(engine.bar_count())
}

/// Returns the time of one push, in microseconds: of 50 bars in 100, of 99, and of all.
fn push_times(params: Params, bars: &[Bar]) -> Result<[f64; 3], ChanError> {
    let mut engine = Engine::new(params);
    let mut micros = Vec::with_capacity(bars.len());
    for bar in bars {
        let start = Instant::now();
        engine.push(*bar)?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    let last = micros.len() - 1;
    Ok([micros[last / 2], micros[last * 99 / 100], micros[last]])
}

fn main() -> Result<(), ChanError> {
    let mut presets: Vec<String> = std::env::args().skip(1).collect();
    if presets.is_empty() {
        presets = ["default", "czsc6", "textbook"].map(str::to_owned).to_vec();
    }
    for preset in &presets {
        let params = Params::preset(preset)?;
        for (count, runs) in [(100_000, 9), (1_000_000, 5), (10_000_000, 3)] {
            let bars = walk(count);
            let batch = speed(&bars, runs, |bars| {
                Engine::batch(params, bars.iter().copied()).map(|engine| engine.bar_count())
            })?;
            let pushed = speed(&bars, runs, |bars| fold(params, bars))?;
            println!(
                "{preset:8} {count:9} bars: batch {batch:5.2}, pushed {pushed:5.2} M bars/s (medians of {runs})"
            );
        }
        let [half, most, all] = push_times(params, &walk(1_000_000))?;
        println!("{preset:8} one push: p50 {half:.2}, p99 {most:.2}, longest {all:.0} µs");
    }
    Ok(())
}
