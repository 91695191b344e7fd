//! Where a resting order stands among the displayed quantity of its price.
//!
//! An order joins behind all that is displayed on arrival. Trades at the price take the queue from its front. A
//! reduction that no trade explains is shared between what is ahead of the order and what is behind it, by a model:
//!
//! | model | share of a reduction that was behind the order |
//! |---|---|
//! | `risk_adverse` | all of it, until the level is too small for that |
//! | `log` | f(back) / (f(back) + f(front)) with f(x) = ln(1 + x), x in base units |
//! | `power n` | f(back) / (f(back) + f(front)) with f(x) = x^n |
//!
//! With `change` = lots gone less lots traded since the level was last told, `share` as above, and front + back the
//! level before: front becomes min(front - (1 - share)·change + min(back - share·change, 0), level now). A level that
//! grew, or shrank by less than was traded, only bounds it.
//!
//! Source: hftbacktest (MIT), its `RiskAdverseQueueModel` and `ProbQueueModel` with `LogProbQueueFunc` and
//! `PowerProbQueueFunc`, facts and names only; after Rigtorp (2013), "Estimating order queue position".

use crate::rng::{exp, ln};

/// How a reduction that no trade explains is shared.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum QueueModel {
    /// It was behind the order.
    #[default]
    RiskAdverse,
    /// By the logarithms of what is behind and ahead.
    Log {
        /// Base units of one lot, 10^-q: the logarithm is of base units.
        base_per_lot: f64,
    },
    /// By the n-th powers of what is behind and ahead.
    Power {
        /// The exponent.
        n: f64,
    },
}

impl QueueModel {
    /// Returns the share of a reduction that was behind an order with `front` lots ahead and `back` behind.
    pub fn share_behind(self, front: f64, back: f64) -> f64 {
        let (front, back) = match self {
            Self::RiskAdverse => return 1.0,
            Self::Log { base_per_lot } => (log1p(front * base_per_lot), log1p(back * base_per_lot)),
            Self::Power { n } => (power(front, n), power(back, n)),
        };
        if front + back > 0.0 { back / (back + front) } else { 1.0 }
    }
}

fn log1p(x: f64) -> f64 {
    ln(1.0 + x.max(0.0))
}

fn power(x: f64, n: f64) -> f64 {
    if x <= 0.0 {
        0.0
    } else if n.fract() == 0.0 && (0.0..=16.0).contains(&n) {
        (0..n as u32).fold(1.0, |power, _| power * x)
    } else {
        exp(n * ln(x))
    }
}

/// An order's place in the queue of its price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Displayed lots that trade before it, infinite where the feed has not shown its price yet.
    pub front: f64,
    /// Lots traded at the price since the level was last told.
    traded: i64,
    /// Displayed lots when the level was last told; none while unknown.
    level: Option<i64>,
}

impl Place {
    /// Returns the place behind all that is displayed, or behind an unknown quantity.
    pub fn behind(displayed: Option<i64>) -> Self {
        let front = displayed.map_or(f64::INFINITY, |lots| lots as f64);
        Self { front, traded: 0, level: displayed }
    }

    /// Returns the displayed lots ahead, rounded up, none while unknown.
    pub fn ahead(self) -> Option<i64> {
        self.front.is_finite().then(|| self.front.ceil() as i64)
    }

    /// Takes what the level is now told to hold.
    pub fn level_told(&mut self, model: QueueModel, displayed: i64) {
        let now = displayed as f64;
        let traded = std::mem::take(&mut self.traded);
        if let Some(before) = self.level.replace(displayed) {
            let change = (before - displayed - traded) as f64;
            if change > 0.0 && model != QueueModel::RiskAdverse {
                let back = before as f64 - self.front;
                let share = model.share_behind(self.front, back);
                self.front += (back - share * change).min(0.0) - (1.0 - share) * change;
            }
        }
        self.front = self.front.min(now).max(0.0);
    }

    /// As `level_told`, where a feed may have left the level out: an unchanged quantity is no news.
    pub fn level_seen(&mut self, model: QueueModel, displayed: i64) {
        if self.level != Some(displayed) {
            self.level_told(model, displayed);
        }
    }

    /// Takes displayed lots from the front: our own takers ate them.
    pub fn eaten(&mut self, lots: i64) {
        self.front = (self.front - lots as f64).max(0.0);
        self.level = self.level.map(|level| (level - lots).max(0));
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::behind(None)
    }
}

/// One resting order in the queue of its price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// Its place.
    pub place: Place,
    /// Lots it still wants.
    pub leaves: i64,
    /// Lots the trade gave it.
    pub filled: i64,
}

/// Lets `qty` lots trade against a queue of resting orders, first come first, with the displayed lots between them.
///
/// Sets `filled` of each and moves the queue forward by the lots that the displayed orders got.
pub fn trade(queue: &mut [Waiting], qty: i64) {
    let (mut displayed, mut own) = (0.0_f64, 0_i64);
    for waiting in queue.iter_mut() {
        let rest = (qty - own) as f64 - displayed;
        displayed += (waiting.place.front - displayed).max(0.0).min(rest);
        if waiting.place.front > displayed {
            break;
        }
        let lots = ((qty - own) as f64 - displayed).round() as i64;
        waiting.filled = waiting.leaves.min(lots).max(0);
        own += waiting.filled;
    }
    for Waiting { place, .. } in queue {
        place.front = (place.front - (qty - own) as f64).max(0.0);
        place.traded += qty - own;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(orders: &[(i64, i64)], qty: i64) -> Vec<(i64, i64)> {
        let mut queue: Vec<Waiting> = orders
            .iter()
            .map(|&(ahead, leaves)| Waiting {
                place: Place::behind(Some(ahead)),
                leaves,
                filled: 0,
            })
            .collect();
        trade(&mut queue, qty);
        queue.iter().map(|waiting| (waiting.place.ahead().unwrap(), waiting.filled)).collect()
    }

    fn front(model: QueueModel, ahead: i64, level: i64, traded: i64, now: i64) -> f64 {
        let mut place = Place { front: ahead as f64, traded, level: Some(level) };
        place.level_told(model, now);
        place.front
    }

    #[test]
    fn a_trade_takes_what_is_ahead_first() {
        assert_eq!(after(&[(20, 5)], 8), [(12, 0)]);
        assert_eq!(after(&[(20, 5)], 20), [(0, 0)]);
        assert_eq!(after(&[(20, 5)], 23), [(0, 3)]);
        assert_eq!(after(&[(20, 5)], 40), [(0, 5)]);
    }

    #[test]
    fn displayed_lots_between_two_orders_trade_between_them() {
        assert_eq!(after(&[(20, 5), (30, 5)], 26), [(0, 5), (9, 0)]);
        assert_eq!(after(&[(20, 5), (30, 5)], 37), [(0, 5), (0, 2)]);
    }

    #[test]
    fn risk_adverse_takes_a_reduction_to_be_behind_until_the_level_is_too_small() {
        assert_eq!(front(QueueModel::RiskAdverse, 20, 40, 0, 25), 20.0);
        assert_eq!(front(QueueModel::RiskAdverse, 20, 40, 0, 12), 12.0);
    }

    #[test]
    fn power_shares_a_reduction_by_what_is_ahead_and_behind() {
        // 20 ahead and 20 behind: half of 10 was ahead.
        assert_eq!(front(QueueModel::Power { n: 3.0 }, 20, 40, 0, 30), 15.0);
        // 10 ahead and 30 behind: 27/28 of 7 was behind.
        assert!((front(QueueModel::Power { n: 3.0 }, 10, 40, 0, 33) - 9.75).abs() < 1e-12);
        // What does not fit behind was ahead: 35 of 40 gone, 27/28 of them more than the 30 behind.
        assert_eq!(front(QueueModel::Power { n: 3.0 }, 10, 40, 0, 5), 5.0);
    }

    #[test]
    fn a_fractional_power_is_the_power() {
        let share = QueueModel::Power { n: 2.5 }.share_behind(3.0, 7.0);
        assert!((share - 7_f64.powf(2.5) / (7_f64.powf(2.5) + 3_f64.powf(2.5))).abs() < 1e-12);
    }

    #[test]
    fn log_counts_base_units() {
        let share = QueueModel::Log { base_per_lot: 0.001 }.share_behind(2_000.0, 5_000.0);
        assert!((share - 6_f64.ln() / (6_f64.ln() + 3_f64.ln())).abs() < 1e-12);
    }

    #[test]
    fn what_was_traded_is_not_shared_again() {
        assert_eq!(front(QueueModel::Power { n: 1.0 }, 10, 40, 10, 30), 10.0);
        assert_eq!(front(QueueModel::Power { n: 1.0 }, 10, 40, 10, 35), 10.0);
    }

    #[test]
    fn an_unknown_place_is_behind_the_first_quantity_shown() {
        let mut place = Place::behind(None);
        assert_eq!(place.ahead(), None);
        place.level_told(QueueModel::Power { n: 1.0 }, 30);
        assert_eq!(place.ahead(), Some(30));
    }
}
