//! Prints what a synthetic day looks like and how fast it is made: `cargo run --release -p simulator --example days`.
#![allow(clippy::disallowed_methods, reason = "a stopwatch around the core, not inside it")]

use std::time::Instant;

use orderflow::event::{Body, EventBatch};
use simulator::ladder::Side;
use simulator::market::{MarketConfig, SyntheticMarket};
use simulator::order::{Kind, NewOrder, Protection};
use simulator::venue::{Venue, VenueConfig};

const NS_PER_S: i64 = 1_000_000_000;

fn main() {
    let mut last = EventBatch::default();
    println!(
        "seed    events  events/s made   range %  spread median  p99  turns of 5-min bars  kurtosis  swings ≥ 0.5 %"
    );
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
        last = batch;
    }
    time_venue(&last);
}

/// Prints how fast a venue reads a day: without orders, and with a protected order after each 1,000 events.
fn time_venue(batch: &EventBatch) {
    for (name, orders_every) in [("idle", usize::MAX), ("an order each 1,000 events", 1_000)] {
        let mut venue = Venue::new(VenueConfig::default());
        let mut part = EventBatch { events: Vec::new(), levels: batch.levels.clone() };
        let (mut said, mut refused) = (0, 0);
        let clock = Instant::now();
        for (number, events) in
            batch.events.chunks(orders_every.min(batch.events.len())).enumerate()
        {
            part.events.clear();
            part.events.extend_from_slice(events);
            said += venue.on_events(&part).len();
            let sent = events
                .last()
                .zip(venue.best(Side::Buy))
                .map(|(event, bid)| venue.submit(event.event_ns, protected_buy(number, bid.price)));
            refused += usize::from(sent.is_some_and(|sent| sent.is_err()));
        }
        let took_s = clock.elapsed().as_secs_f64();
        println!(
            "venue, {name}: {:.1} M market events/s, {said} venue events, {refused} refused, {} live at the end",
            batch.events.len() as f64 / took_s / 1e6,
            venue.open_orders().len(),
        );
    }
}

fn protected_buy(number: usize, bid: i64) -> NewOrder {
    let side = if number.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let exits = Protection {
        stop_trigger: bid - 30 * side.sign(),
        take_profit_trigger: Some(bid + 30 * side.sign()),
    };
    let kind = Kind::Limit { price: bid };
    let attached = Some(exits);
    NewOrder { attached, ..NewOrder::new(0, &format!("o{number}"), side, kind, 2_000) }
}

struct Day {
    /// Twice the mid at each second, in ticks.
    mids: Vec<f64>,
    spreads: Vec<i64>,
}

impl Day {
    fn of(batch: &EventBatch) -> Self {
        let mut day = Self { mids: Vec::new(), spreads: Vec::new() };
        let mut mid = 0;
        for event in &batch.events {
            while (day.mids.len() as i64) * NS_PER_S < event.event_ns {
                day.mids.push(mid as f64);
            }
            if let Body::Quote { bid, ask, .. } = event.body {
                mid = bid.price + ask.price;
                day.spreads.push(ask.price - bid.price);
            }
        }
        day.spreads.sort_unstable();
        day
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
        let moves: Vec<f64> =
            closes.windows(2).map(|w| w[1] - w[0]).filter(|&m| m != 0.0).collect();
        moves.windows(2).filter(|w| (w[0] > 0.0) != (w[1] > 0.0)).count()
    }

    fn kurtosis(&self) -> f64 {
        let closes: Vec<f64> = self.mids.iter().step_by(60).copied().collect();
        let moves: Vec<f64> = closes.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = moves.iter().sum::<f64>() / moves.len() as f64;
        let moment =
            |n: i32| moves.iter().map(|m| (m - mean).powi(n)).sum::<f64>() / moves.len() as f64;
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
