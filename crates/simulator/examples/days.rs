//! Prints what a synthetic day looks like and how fast it is made: `cargo run --release -p simulator --example days`.
#![allow(clippy::disallowed_methods, reason = "a stopwatch around the core, not inside it")]

use std::time::Instant;

use orderflow::event::{Body, EventBatch};
use simulator::market::{MarketConfig, SyntheticMarket};

const NS_PER_S: i64 = 1_000_000_000;

fn main() {
    println!("seed    events  events/s made   range %  spread median  p99  turns of 5-min bars  kurtosis  swings ≥ 0.5 %");
    for seed in 1..=10 {
        let mut batch = EventBatch::default();
        let mut market = SyntheticMarket::new(MarketConfig::default(), seed);
        let clock = Instant::now();
        market.advance(86_400 * NS_PER_S, &mut batch);
        let took_s = clock.elapsed().as_secs_f64();
        let day = Day::of(&batch);
        println!(
            "{seed:4} {:9} {:14.0} {:9.2} {:14} {:4} {:20} {:9.1} {:15}",
            batch.events.len(),
            batch.events.len() as f64 / took_s,
            day.range_pct(),
            day.spread_quantile(0.5),
            day.spread_quantile(0.99),
            day.turns(),
            day.kurtosis(),
            day.swings(0.005),
        );
        if std::env::args().any(|arg| arg == "--hours") {
            println!("     {:?}\n     trades {} quotes {} lots {:?}", day.mids.iter().step_by(1800).map(|m| m / 2.0).collect::<Vec<_>>(), day.trades, day.spreads.len(), day.best_lots());
        }
    }
}

struct Day {
    /// Twice the mid at each second, in ticks.
    mids: Vec<f64>,
    spreads: Vec<i64>,
    lots: Vec<i64>,
    trades: usize,
}

impl Day {
    fn of(batch: &EventBatch) -> Self {
        let mut day = Self { mids: Vec::new(), spreads: Vec::new(), lots: Vec::new(), trades: 0 };
        let mut mid = 0;
        for event in &batch.events {
            while (day.mids.len() as i64) * NS_PER_S < event.event_ns {
                day.mids.push(mid as f64);
            }
            match event.body {
                Body::Quote { bid, ask, .. } => {
                    mid = bid.price + ask.price;
                    day.spreads.push(ask.price - bid.price);
                    day.lots.push(bid.qty);
                }
                Body::Trade { .. } => day.trades += 1,
                _ => {}
            }
        }
        day.spreads.sort_unstable();
        day.lots.sort_unstable();
        day
    }

    fn best_lots(&self) -> [i64; 3] {
        [0.1, 0.5, 0.9].map(|share| self.lots[(self.lots.len() as f64 * share) as usize])
    }

    fn range_pct(&self) -> f64 {
        let high = self.mids.iter().copied().fold(f64::MIN, f64::max);
        let low = self.mids.iter().copied().fold(f64::MAX, f64::min);
        100.0 * (high - low) / low
    }

    fn spread_quantile(&self, share: f64) -> i64 {
        self.spreads[(self.spreads.len() as f64 * share) as usize]
    }

    /// How often the closes of 5-minute bars change direction.
    fn turns(&self) -> usize {
        let closes: Vec<f64> = self.mids.iter().skip(300).step_by(300).copied().collect();
        let moves: Vec<f64> = closes.windows(2).map(|w| w[1] - w[0]).filter(|&m| m != 0.0).collect();
        moves.windows(2).filter(|w| (w[0] > 0.0) != (w[1] > 0.0)).count()
    }

    fn kurtosis(&self) -> f64 {
        let closes: Vec<f64> = self.mids.iter().step_by(60).copied().collect();
        let moves: Vec<f64> = closes.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = moves.iter().sum::<f64>() / moves.len() as f64;
        let moment = |n: i32| moves.iter().map(|m| (m - mean).powi(n)).sum::<f64>() / moves.len() as f64;
        moment(4) / moment(2).powi(2)
    }

    /// Moves between extremes that turn back by at least `share` of the price.
    fn swings(&self, share: f64) -> usize {
        let (mut high, mut low, mut up, mut count) = (self.mids[0], self.mids[0], true, 0);
        for &mid in &self.mids {
            high = high.max(mid);
            low = low.min(mid);
            if up && mid < high * (1.0 - share) || !up && mid > low * (1.0 + share) {
                (up, high, low) = (!up, mid, mid);
                count += 1;
            }
        }
        count
    }
}
