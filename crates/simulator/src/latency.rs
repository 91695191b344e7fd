//! How long messages travel: a constant, a drawn measurement, or a lognormal draw from the seed.
//!
//! A message never overtakes the one before it on the same way, as on one connection.

use crate::rng::{Rng, exp, normal_quantile};

/// The longest latency, ns: one hour.
pub const MAX_NS: i64 = 3_600_000_000_000;

/// How long one message travels.
#[derive(Clone, Debug, PartialEq)]
pub enum Latency {
    /// Always so long, ns.
    Constant(i64),
    /// One of these at random, ns; none means 0.
    Empirical(Vec<i64>),
    /// Lognormal with this median (ns) and this deviation of the logarithm.
    LogNormal {
        /// Median, ns.
        median_ns: i64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Latency {
    /// Returns one draw in ns, between 0 and an hour.
    pub fn draw(&self, rng: &mut Rng) -> i64 {
        match self {
            Self::Constant(ns) => *ns,
            Self::Empirical(table) => {
                table.get(rng.below(table.len() as u64) as usize).copied().unwrap_or(0)
            }
            Self::LogNormal { median_ns, sigma } => {
                (*median_ns as f64 * exp(sigma * normal_quantile(rng.uniform()))) as i64
            }
        }
        .clamp(0, MAX_NS)
    }
}

/// One way that messages travel in order.
#[derive(Clone, Debug)]
pub struct Way {
    latency: Latency,
    rng: Rng,
}

impl Way {
    /// Returns a way with a stream of chance of its own.
    pub fn new(latency: Latency, seed: u64, name: &str) -> Self {
        Self { latency, rng: Rng::named(seed, name) }
    }

    /// Returns when a message sent at `sent_ns` arrives; where latencies vary, not before `last_ns`, which it then moves.
    pub fn arrival_ns(&mut self, sent_ns: i64, last_ns: &mut i64) -> i64 {
        if let Latency::Constant(ns) = self.latency {
            return sent_ns.saturating_add(ns.clamp(0, MAX_NS));
        }
        let arrives_ns = sent_ns.saturating_add(self.latency.draw(&mut self.rng)).max(*last_ns);
        *last_ns = arrives_ns;
        arrives_ns
    }
}

/// Returns when each event of a feed is known to a client behind it; `event_ns` is in order.
pub fn known_ns(event_ns: &[i64], feed: &Latency, seed: u64) -> Vec<i64> {
    let (mut way, mut last_ns) = (Way::new(feed.clone(), seed, "feed"), i64::MIN);
    event_ns.iter().map(|&at_ns| way.arrival_ns(at_ns, &mut last_ns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_its_own_values_and_a_lognormal_its_median() {
        let mut rng = Rng::named(1, "test");
        let table = Latency::Empirical(vec![5, 7]);
        assert!((0..100).map(|_| table.draw(&mut rng)).all(|ns| ns == 5 || ns == 7));
        let law = Latency::LogNormal { median_ns: 1_000_000, sigma: 0.5 };
        let below = (0..10_000).filter(|_| law.draw(&mut rng) < 1_000_000).count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }

    #[test]
    fn messages_keep_their_order_and_a_seed_its_draws() {
        let law = Latency::LogNormal { median_ns: 1_000, sigma: 1.0 };
        let sent: Vec<i64> = (0..1_000).map(|n| n * 10).collect();
        let known = known_ns(&sent, &law, 3);
        assert!(known.is_sorted() && known.iter().zip(&sent).all(|(known, sent)| known >= sent));
        assert_eq!(known, known_ns(&sent, &law, 3));
        assert_ne!(known, known_ns(&sent, &law, 4));
    }
}
