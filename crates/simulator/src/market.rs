//! A synthetic order-driven market: zero-intelligence flow meets in a book, and the price is whatever the book says.
//!
//! Limit orders arrive by Poisson clocks at power-law distances from the opposite best (Bouchaud, Mézard & Potters
//! 2002, "Statistical properties of stock order books", Quantitative Finance 2(4)), cancels take resting lots at
//! random (Smith, Farmer, Gillemot & Krishnamurthy 2003, "Statistical theory of the continuous double auction",
//! Quantitative Finance 3(6)), market orders excite further ones in clusters (Hawkes & Oakes 1974, "A cluster process
//! representation of a self-exciting process", Journal of Applied Probability 11(3)), and slow regimes tilt the
//! sides so that a day has swings.

mod feed;
mod regime;
mod teller;

use orderflow::event::Level;

use crate::ladder::{Ladder, Side};
use crate::rng::Rng;
pub use feed::Feed;
use regime::Regimes;
pub use teller::Teller;

/// Limit orders per second, both sides.
const LIMITS_PER_S: f64 = 6.0;
/// Distances decay as P(K > k) = (1 + k / 6)^(-4/3), in ticks from the opposite best.
const DISTANCE_QUARTERS: u32 = 3;
/// The distance below which the decay is flat, in ticks.
const DISTANCE_SCALE_TICKS: f64 = 6.0;
/// Farthest limit order, in ticks from the opposite best.
const MAX_DISTANCE_TICKS: f64 = 200.0;
/// Quarters of the tail exponent of sizes: P(X > x) = x^(-4/3).
const SIZE_QUARTERS: u32 = 3;
/// Largest order, in typical sizes.
const MAX_SIZES: f64 = 25.0;
/// Mean size of an order, in typical sizes, under this cap: 4 - 3·25^(-1/3).
const MEAN_SIZES: f64 = 2.974;
/// Mean life of a resting lot, in seconds, while the sides are not tilted.
const RESTING_LIFE_S: f64 = 30.0;
/// Mean delay of a market order that another one excited, in seconds.
const EXCITED_DELAY_S: f64 = 2.0;
/// Share of excited orders on the side of the order that excited them.
const SAME_SIDE_SHARE: f64 = 0.9;
/// Nothing takes or cancels from a side that has only so many levels.
const MIN_LEVELS: usize = 10;
/// Limit orders that make the first book.
const FIRST_ORDERS: usize = 600;

const NS_PER_S: f64 = 1e9;

/// What is traded, from when, and in which units. Moves scale with the tick: the defaults give a day range of a few
/// percent because the tick is a hundredth of a percent of the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketConfig {
    /// The instrument's name.
    pub symbol: String,
    /// Time of the first event, Unix ns.
    pub start_ns: i64,
    /// First mid price, in 10^-p.
    pub start_price: i64,
    /// Price step, in 10^-p.
    pub tick: i64,
    /// Quantity step, in 10^-q.
    pub step: i64,
    /// Typical order, in 10^-q.
    pub typical_qty: i64,
    /// p: prices are integers of 10^-p.
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    pub qty_decimals: u32,
}

impl Default for MarketConfig {
    fn default() -> Self {
        Self {
            symbol: "SIMUSDT".to_owned(),
            start_ns: 0,
            start_price: 10_000,
            tick: 1,
            step: 1,
            typical_qty: 1_000,
            price_decimals: 2,
            qty_decimals: 3,
        }
    }
}

/// A market order that another one excited.
#[derive(Clone, Copy, Debug)]
struct Excited {
    at_ns: i64,
    side: Side,
}

/// What happens next to the book, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Poisson,
    Excited,
    Regime,
}

/// Poisson rates per second at the present book.
struct Rates {
    market: f64,
    cancel_bids: f64,
    cancel_asks: f64,
}

impl Rates {
    fn total(&self) -> f64 {
        LIMITS_PER_S + self.market + self.cancel_bids + self.cancel_asks
    }
}

/// The market: a book, the flow into it, and the feed out of it.
#[derive(Clone, Debug)]
pub struct SyntheticMarket<F: Teller = Feed> {
    config: MarketConfig,
    ladder: Ladder,
    flow: Rng,
    regimes: Regimes,
    /// Latest first, so that the next one is popped from the end.
    excited: Vec<Excited>,
    feed: F,
    now_ns: i64,
    next: (i64, Next),
}

impl SyntheticMarket {
    /// Returns the market at its start, with a full book and no event given yet, told as a venue's sockets tell it.
    ///
    /// Ticks, steps, prices and sizes below 1 are taken as 1.
    pub fn new(config: MarketConfig, seed: u64) -> Self {
        let feed = Feed::new(seed, config.start_ns);
        Self::told_by(config, seed, feed)
    }
}

impl<F: Teller> SyntheticMarket<F> {
    /// Returns the market at its start, told by `feed`.
    ///
    /// Ticks, steps, prices and sizes below 1 are taken as 1.
    pub fn told_by(config: MarketConfig, seed: u64, feed: F) -> Self {
        let config = MarketConfig {
            start_price: config.start_price.max(1),
            tick: config.tick.max(1),
            step: config.step.max(1),
            typical_qty: config.typical_qty.max(1),
            ..config
        };
        let start_ns = config.start_ns;
        let mut market = Self {
            ladder: Ladder::default(),
            flow: Rng::named(seed, "flow"),
            regimes: Regimes::new(seed, start_ns, config.start_price),
            excited: Vec::new(),
            feed,
            now_ns: start_ns,
            next: (start_ns, Next::Regime),
            config,
        };
        market.fill_first_book();
        market.plan();
        market
    }

    /// Returns the configuration in force.
    pub fn config(&self) -> &MarketConfig {
        &self.config
    }

    /// Appends all events with `event_ns < until_ns` that were not given before.
    ///
    /// The concatenated stream does not depend on how the time is cut into calls.
    pub fn advance(&mut self, until_ns: i64, out: &mut F::Out) {
        if self.config.start_ns < until_ns {
            self.feed.open(&self.ladder, out);
        }
        loop {
            let action_ns = self.next.0;
            let beat_ns = self.feed.next_beat_ns();
            if action_ns.min(beat_ns) >= until_ns {
                break;
            }
            if beat_ns <= action_ns {
                self.feed.beat(&self.ladder, out);
            } else {
                self.act(out);
            }
        }
    }

    fn fill_first_book(&mut self) {
        let tick = self.config.tick;
        let bid = (self.config.start_price / tick).max(MIN_LEVELS as i64) * tick;
        for n in 0..FIRST_ORDERS {
            // The first levels of each side are given, so that no side starts thin.
            let distance = if n < 4 * MIN_LEVELS { (n / 2) as i64 } else { self.distance() - 1 };
            let (side, price) = match n % 2 {
                0 => (Side::Buy, bid - distance * tick),
                _ => (Side::Sell, bid + tick + distance * tick),
            };
            let qty = self.size();
            if price > 0 {
                let resting = self.ladder.qty_at(side, price);
                self.ladder.set(side, Level { price, qty: resting + qty });
            }
        }
    }

    fn rates(&self) -> Rates {
        let temper = self.regimes.temper();
        let orders =
            |side| self.ladder.total(side) as f64 / (MEAN_SIZES * self.config.typical_qty as f64);
        Rates {
            market: temper.markets_per_s,
            cancel_bids: orders(Side::Buy) * temper.bid_cancel / RESTING_LIFE_S,
            cancel_asks: orders(Side::Sell) * temper.ask_cancel / RESTING_LIFE_S,
        }
    }

    /// Draws when the next change comes; memoryless clocks may be drawn anew after each.
    fn plan(&mut self) {
        let wait_s = self.flow.exponential(1.0 / self.rates().total());
        let mut next = (self.now_ns + 1 + (wait_s * NS_PER_S) as i64, Next::Poisson);
        if let Some(excited) = self.excited.last().filter(|excited| excited.at_ns < next.0) {
            next = (excited.at_ns, Next::Excited);
        }
        if self.regimes.until_ns() < next.0 {
            next = (self.regimes.until_ns(), Next::Regime);
        }
        self.next = next;
    }

    fn act(&mut self, out: &mut F::Out) {
        let (now_ns, next) = self.next;
        self.now_ns = now_ns.max(self.now_ns);
        match next {
            Next::Poisson => self.poisson_action(out),
            Next::Excited => {
                if let Some(excited) = self.excited.pop() {
                    self.market_order(excited.side, out);
                }
            }
            Next::Regime => {
                let price =
                    self.ladder.best(Side::Buy).map_or(self.config.start_price, |l| l.price);
                self.regimes.turn(price);
            }
        }
        self.plan();
    }

    fn poisson_action(&mut self, out: &mut F::Out) {
        let rates = self.rates();
        let mut point = self.flow.uniform() * rates.total();
        point -= LIMITS_PER_S;
        if point < 0.0 {
            return self.limit_order(out);
        }
        point -= rates.market;
        if point < 0.0 {
            let buys = self.flow.chance(self.regimes.temper().buy_share);
            return self.market_order(if buys { Side::Buy } else { Side::Sell }, out);
        }
        point -= rates.cancel_bids;
        self.cancel(if point < 0.0 { Side::Buy } else { Side::Sell }, out);
    }

    fn distance(&mut self) -> i64 {
        let excess = DISTANCE_SCALE_TICKS * (self.flow.pareto(DISTANCE_QUARTERS) - 1.0);
        1 + excess.min(MAX_DISTANCE_TICKS) as i64
    }

    fn size(&mut self) -> i64 {
        let lots = self.flow.pareto(SIZE_QUARTERS).min(MAX_SIZES) * self.config.typical_qty as f64;
        (lots as i64 / self.config.step).max(1) * self.config.step
    }

    fn limit_order(&mut self, out: &mut F::Out) {
        let side = if self.flow.chance(0.5) { Side::Buy } else { Side::Sell };
        let (distance, qty) = (self.distance(), self.size());
        let Some(opposite) = self.ladder.best(side.opposite()) else { return };
        let price = opposite.price - side.sign() * distance * self.config.tick;
        if price > 0 {
            let resting = self.ladder.qty_at(side, price);
            self.change(side, Level { price, qty: resting + qty });
            self.feed.quote(self.now_ns, &self.ladder, out);
        }
    }

    fn cancel(&mut self, side: Side, out: &mut F::Out) {
        let lot = self.flow.below(self.ladder.total(side).max(0) as u64) as i64;
        let qty = self.size();
        let levels = self.ladder.levels(side);
        let mut passed = 0;
        let chosen = levels.iter().rev().find(|level| {
            passed += level.qty;
            lot < passed
        });
        let Some(level) = chosen.copied() else { return };
        if level.qty <= qty && levels.len() <= MIN_LEVELS {
            return;
        }
        self.change(side, Level { price: level.price, qty: (level.qty - qty).max(0) });
        self.feed.quote(self.now_ns, &self.ladder, out);
    }

    fn market_order(&mut self, side: Side, out: &mut F::Out) {
        let mut rest = self.size();
        let resting_side = side.opposite();
        while rest > 0 {
            let Some(level) = self.ladder.best(resting_side) else { break };
            if level.qty <= rest && self.ladder.levels(resting_side).len() <= MIN_LEVELS {
                break;
            }
            let qty = rest.min(level.qty);
            rest -= qty;
            self.change(resting_side, Level { price: level.price, qty: level.qty - qty });
            self.feed.trade(self.now_ns, Level { price: level.price, qty }, side, out);
        }
        self.feed.quote(self.now_ns, &self.ladder, out);
        self.excite(side);
    }

    fn change(&mut self, side: Side, level: Level) {
        self.ladder.set(side, level);
        self.feed.touch(side, level.price);
    }

    fn excite(&mut self, side: Side) {
        for _ in 0..self.flow.poisson(self.regimes.temper().offspring) {
            let delay_ns = 1 + (self.flow.exponential(EXCITED_DELAY_S) * NS_PER_S) as i64;
            let at_ns = self.now_ns + delay_ns;
            let side = if self.flow.chance(SAME_SIDE_SHARE) { side } else { side.opposite() };
            let place = self.excited.partition_point(|other| other.at_ns > at_ns);
            self.excited.insert(place, Excited { at_ns, side });
        }
    }
}
