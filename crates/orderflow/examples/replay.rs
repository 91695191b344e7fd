//! Replays an unpacked recording: `replay FILE VENUE SYMBOL P Q [ROUNDS]`, and says how fast each part of the way is.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and may panic"
)]

use std::time::Instant;

use orderflow::bins::FlowEngine;
use orderflow::flow_config::FlowConfig;
use orderflow::intake::{Intake, IntakeConfig};
use orderflow::wire::WireParser;
use orderflow::{Instrument, Scale, Venue};

const CHUNK: usize = 1 << 18;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&args[1]).unwrap();
    let venue = Venue::of(&args[2]).unwrap();
    let symbol = args[3].clone();
    let scale =
        Scale { price_decimals: args[4].parse().unwrap(), qty_decimals: args[5].parse().unwrap() };
    let rounds = args.get(6).map_or(1, |rounds| rounds.parse().unwrap());
    let megabytes = bytes.len() as f64 / 1e6;
    for _ in 0..rounds {
        let start = Instant::now();
        let mut parser = WireParser::new(Some(&symbol));
        for chunk in bytes.chunks(CHUNK) {
            parser.feed(chunk).unwrap();
            parser.take(None);
        }
        parser.finish().unwrap();
        let parsed_s = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let mut parser = WireParser::new(Some(&symbol));
        let mut engine: Option<FlowEngine> = None;
        let mut rows = Vec::new();
        for chunk in bytes.chunks(CHUNK) {
            parser.feed(chunk).unwrap();
            let batch = parser.take(None);
            if let Some(scale) = parser.scale() {
                engine
                    .get_or_insert_with(|| FlowEngine::new(FlowConfig::new(scale)).unwrap())
                    .push(&batch, &mut rows);
            }
        }
        parser.finish().unwrap();
        let mut engine = engine.unwrap();
        engine.push(&parser.take(None), &mut rows);
        engine.finish(&mut rows);
        let features_s = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let instruments = vec![Instrument { symbol: symbol.clone(), scale }];
        let mut intake = Intake::new(IntakeConfig::new(venue, instruments)).unwrap();
        let mut count = 0;
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + CHUNK).min(bytes.len());
            let end = bytes[at..end].iter().rposition(|byte| *byte == b'\n').unwrap() + at + 1;
            intake.feed(&bytes[at..end], 0);
            count += intake.take().rows.columns.len();
            at = end;
        }
        let intake_s = start.elapsed().as_secs_f64();
        println!(
            "parse {:.0} MB/s, to bins {:.0} MB/s ({} rows, {:?} {:?}), to unified rows {:.0} MB/s ({count} rows)",
            megabytes / parsed_s,
            megabytes / features_s,
            rows.len(),
            parser.venue(),
            engine.agreement(),
            megabytes / intake_s,
        );
        if rounds == 1 {
            println!("{:?}\n{:?}", engine.stats(), intake.stats());
        }
    }
}
