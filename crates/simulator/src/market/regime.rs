//! Slow regimes of the synthetic market: what makes one hour unlike the next.

use crate::rng::Rng;

const NS_PER_MIN: f64 = 60e9;
/// How trends are pulled back: the share of up-trends falls by so much per unit of relative distance from the start.
const PULL: f64 = 12.0;

/// How the flow leans in a regime.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Temper {
    /// Market orders per second, both sides, before excitation.
    pub(super) markets_per_s: f64,
    /// Mean number of market orders that one excites.
    pub(super) offspring: f64,
    /// Share of buys among market orders that none excited.
    pub(super) buy_share: f64,
    /// Factor on the cancel rate of bids.
    pub(super) bid_cancel: f64,
    /// Factor on the cancel rate of asks.
    pub(super) ask_cancel: f64,
}

const CALM: Temper =
    Temper { markets_per_s: 0.9, offspring: 0.4, buy_share: 0.5, bid_cancel: 1.0, ask_cancel: 1.0 };
const TREND_UP: Temper = Temper {
    markets_per_s: 1.1,
    offspring: 0.4,
    buy_share: 0.535,
    bid_cancel: 0.98,
    ask_cancel: 1.02,
};
const TREND_DOWN: Temper = Temper {
    markets_per_s: 1.1,
    offspring: 0.4,
    buy_share: 0.465,
    bid_cancel: 1.02,
    ask_cancel: 0.98,
};
const VOLATILE: Temper =
    Temper { markets_per_s: 1.3, offspring: 0.4, buy_share: 0.5, bid_cancel: 1.1, ask_cancel: 1.1 };

/// The regime in force and the chance that chooses the next.
#[derive(Clone, Debug)]
pub(super) struct Regimes {
    rng: Rng,
    temper: Temper,
    until_ns: i64,
    start_price: i64,
}

impl Regimes {
    pub(super) fn new(seed: u64, start_ns: i64, start_price: i64) -> Self {
        let mut regimes =
            Self { rng: Rng::named(seed, "regime"), temper: CALM, until_ns: start_ns, start_price };
        regimes.turn(start_price);
        regimes
    }

    pub(super) fn temper(&self) -> &Temper {
        &self.temper
    }

    pub(super) fn until_ns(&self) -> i64 {
        self.until_ns
    }

    /// Chooses the next regime, for 20 to 120 minutes; the farther the start price, the likelier are trends back to it.
    pub(super) fn turn(&mut self, price: i64) {
        let gap = (price - self.start_price) as f64 / self.start_price as f64;
        let up_share = (0.5 - PULL * gap).clamp(0.1, 0.9);
        let kind = self.rng.uniform();
        let direction = self.rng.uniform();
        self.temper = if kind < 0.25 {
            CALM
        } else if kind < 0.4 {
            VOLATILE
        } else if direction < up_share {
            TREND_UP
        } else {
            TREND_DOWN
        };
        self.until_ns += ((20.0 + 100.0 * self.rng.uniform()) * NS_PER_MIN) as i64;
    }
}
