//! The synthetic market as an emulated exchange plays it: every level as it changes, trades, a mark price each second
//! and funding at the venue's times.

use orderflow::event::Level;

use crate::ladder::{Ladder, Side};
use crate::market::{MarketConfig, SyntheticMarket, Teller};
use crate::rng::Rng;
use crate::ticks::{Tick, TickKind};

const NS_PER_S: i64 = 1_000_000_000;
const NS_PER_H: i64 = 3_600 * NS_PER_S;
/// Fraction bits of smoothed prices.
const FINE: u32 = 16;
/// The mark follows the mid by an eighth of the way each second.
const MARK_SHIFT: u32 = 3;
/// The index follows the mark by 1/512 of the way each second.
const INDEX_SHIFT: u32 = 9;
/// Interest of one funding interval, in ppb.
pub const INTEREST_PPB: i64 = 100_000;
/// How far interest may pull the rate, in ppb.
const PULL_PPB: i64 = 500_000;
/// Bound of a funding rate, in ppb.
const CAP_PPB: i64 = 3_000_000;

/// The premium of a mark over its index, and the funding rate that follows from it.
///
/// Source: Binance, "Introduction to Binance Futures Funding Rates": F = P + clamp(I - P, ±0.05 %), P the mean premium
/// of the interval.
#[derive(Clone, Debug, Default)]
pub struct Premium {
    index_fine: i64,
    sum_ppb: i64,
    marks: i64,
}

impl Premium {
    /// Takes the mark of one second.
    pub fn take(&mut self, mark: i64) {
        let fine = mark << FINE;
        if self.index_fine == 0 {
            self.index_fine = fine;
        }
        self.index_fine += (fine - self.index_fine) >> INDEX_SHIFT;
        let gap = i128::from(fine - self.index_fine) * 1_000_000_000;
        self.sum_ppb += gap.div_euclid(i128::from(self.index_fine.max(1))) as i64;
        self.marks += 1;
    }

    /// Returns the index price.
    pub fn index(&self) -> i64 {
        self.index_fine >> FINE
    }

    /// Returns the rate that funding would have now, in ppb.
    pub fn rate_ppb(&self) -> i64 {
        let mean = self.sum_ppb.div_euclid(self.marks.max(1));
        (mean + (INTEREST_PPB - mean).clamp(-PULL_PPB, PULL_PPB)).clamp(-CAP_PPB, CAP_PPB)
    }

    /// Begins the next funding interval.
    pub fn settle(&mut self) {
        (self.sum_ppb, self.marks) = (0, 0);
    }
}

/// Tells levels one by one, on a clock that runs `pace` times slower than the market's.
#[derive(Clone, Debug)]
struct LevelTeller {
    start_ns: i64,
    pace: i64,
    beat: i64,
    funding_ns: i64,
    is_open: bool,
    mark_fine: i64,
    premium: Premium,
    touched: Vec<(Side, i64)>,
}

impl LevelTeller {
    fn told_ns(&self, market_ns: i64) -> i64 {
        self.start_ns + (market_ns - self.start_ns) / self.pace
    }

    fn level(side: Side, level: Level, event_ns: i64) -> Tick {
        let kind = if side == Side::Buy { TickKind::Bid } else { TickKind::Ask };
        Tick { event_ns, price: level.price, qty: level.qty, kind }
    }
}

impl Teller for LevelTeller {
    type Out = Vec<Tick>;

    fn next_beat_ns(&self) -> i64 {
        self.start_ns + self.beat * NS_PER_S * self.pace
    }

    fn open(&mut self, ladder: &Ladder, out: &mut Vec<Tick>) {
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        out.push(Tick { event_ns: self.start_ns, price: 0, qty: 0, kind: TickKind::Clear });
        for side in [Side::Buy, Side::Sell] {
            let best_first = ladder.levels(side).iter().rev();
            out.extend(best_first.map(|&level| Self::level(side, level, self.start_ns)));
        }
    }

    fn touch(&mut self, side: Side, price: i64) {
        self.touched.push((side, price));
    }

    fn trade(&mut self, now_ns: i64, fill: Level, taker: Side, out: &mut Vec<Tick>) {
        let kind = if taker == Side::Buy { TickKind::Buy } else { TickKind::Sell };
        out.push(Tick { event_ns: self.told_ns(now_ns), price: fill.price, qty: fill.qty, kind });
    }

    fn quote(&mut self, now_ns: i64, ladder: &Ladder, out: &mut Vec<Tick>) {
        let event_ns = self.told_ns(now_ns);
        for (side, price) in self.touched.drain(..) {
            let qty = ladder.qty_at(side, price);
            out.push(Self::level(side, Level { price, qty }, event_ns));
        }
    }

    fn beat(&mut self, ladder: &Ladder, out: &mut Vec<Tick>) {
        let event_ns = self.start_ns + self.beat * NS_PER_S;
        self.beat += 1;
        let (Some(bid), Some(ask)) = (ladder.best(Side::Buy), ladder.best(Side::Sell)) else {
            return;
        };
        let mid_fine = (bid.price + ask.price) << (FINE - 1);
        if self.mark_fine == 0 {
            self.mark_fine = mid_fine;
        }
        self.mark_fine += (mid_fine - self.mark_fine) >> MARK_SHIFT;
        let mark = (self.mark_fine >> FINE).max(1);
        self.premium.take(mark);
        out.push(Tick { event_ns, price: mark, qty: 0, kind: TickKind::Mark });
        if event_ns.div_euclid(self.funding_ns) > (event_ns - NS_PER_S).div_euclid(self.funding_ns)
        {
            let qty = self.premium.rate_ppb();
            self.premium.settle();
            out.push(Tick { event_ns, price: 0, qty, kind: TickKind::Funding });
        }
    }
}

/// A seeded market of one symbol, told level by level; it never ends.
#[derive(Clone, Debug)]
pub struct Flow {
    market: SyntheticMarket<LevelTeller>,
    start_ns: i64,
    pace: i64,
}

impl Flow {
    /// Returns the flow of `config` whose market lives `pace` times as fast as the clock it is told on.
    ///
    /// Symbols of one seed differ. A pace or an interval below 1 is taken as 1.
    pub fn new(config: MarketConfig, seed: u64, pace: i64, funding_interval_h: i64) -> Self {
        let (start_ns, pace) = (config.start_ns, pace.max(1));
        let teller = LevelTeller {
            start_ns,
            pace,
            beat: 1,
            funding_ns: funding_interval_h.max(1) * NS_PER_H,
            is_open: false,
            mark_fine: 0,
            premium: Premium::default(),
            touched: Vec::new(),
        };
        let seed = Rng::named(seed, &config.symbol).next_u64();
        Self { market: SyntheticMarket::told_by(config, seed, teller), start_ns, pace }
    }

    /// Appends all ticks with `event_ns < until_ns` that were not given before.
    ///
    /// The concatenated stream does not depend on how the time is cut into calls.
    pub fn advance(&mut self, until_ns: i64, out: &mut Vec<Tick>) {
        let market_ns = (until_ns - self.start_ns).saturating_mul(self.pace);
        self.market.advance(self.start_ns.saturating_add(market_ns), out);
    }
}
