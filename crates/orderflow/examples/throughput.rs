//! Measures raw bytes to bins, and one z: `cargo run --release -p orderflow --example throughput -- UNPACKED_RECORDING`.
#![allow(clippy::disallowed_methods, reason = "a measurement reads a clock")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use orderflow::bins::FlowEngine;
use orderflow::flow_config::FlowConfig;
use orderflow::robust_z::RobustZ;
use orderflow::wire::WireParser;

const CHUNK: usize = 256 << 10;
const ROUNDS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: throughput UNPACKED_RECORDING")?;
    let bytes = std::fs::read(path)?;
    let mut seconds = Vec::new();
    let mut parse_seconds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(bins(&bytes)?);
        seconds.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(parsed(&bytes)?);
        parse_seconds.push(start.elapsed().as_secs_f64());
    }
    let megabytes = bytes.len() as f64 / 1e6;
    for (name, times) in [("raw to bins", &mut seconds), ("raw to events", &mut parse_seconds)] {
        times.sort_by(f64::total_cmp);
        let (best, median) = (times[0], times[times.len() / 2]);
        println!(
            "{name}: median {:.0} MB/s, best {:.0} MB/s",
            megabytes / median,
            megabytes / best
        );
    }
    for window in [300, 3_000] {
        println!("z, window {window}: {:.2} µs a bin", z_micros(window));
    }
    Ok(())
}

fn bins(bytes: &[u8]) -> Result<usize, Box<dyn Error>> {
    let mut parser = WireParser::new(None);
    let mut engine = None;
    let mut rows = Vec::new();
    for chunk in bytes.chunks(CHUNK) {
        parser.feed(chunk)?;
        if engine.is_none()
            && let Some(scale) = parser.scale()
        {
            engine = Some(FlowEngine::new(FlowConfig::new(scale))?);
        }
        if let Some(engine) = &mut engine {
            engine.push(&parser.take(None), &mut rows);
        }
    }
    parser.finish()?;
    if let Some(engine) = &mut engine {
        engine.push(&parser.take(None), &mut rows);
        engine.finish(&mut rows);
    }
    Ok(rows.len())
}

fn parsed(bytes: &[u8]) -> Result<usize, Box<dyn Error>> {
    let mut parser = WireParser::new(None);
    let mut events = 0;
    for chunk in bytes.chunks(CHUNK) {
        parser.feed(chunk)?;
        events += parser.take(None).events.len();
    }
    parser.finish()?;
    Ok(events + parser.take(None).events.len())
}

fn z_micros(window: usize) -> f64 {
    let mut z = RobustZ::new(window, window / 5);
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as i64 - (1 << 23)
    };
    for _ in 0..window {
        z.push(Some(next()));
    }
    let count = 100_000;
    let start = Instant::now();
    for _ in 0..count {
        let y = next();
        black_box(z.score(y));
        z.push(Some(y));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}
