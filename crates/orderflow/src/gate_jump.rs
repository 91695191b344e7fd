//! Trades far from the prevailing mid.

/// A trade nearer to the mid than this is never a jump, as a fraction.
const JUMP_MIN_FRAC: f64 = 0.005;
/// Nor one nearer than this many deviations of one minute.
const JUMP_SIGMAS: f64 = 20.0;
/// How long a second trade may take to confirm the first.
const CONFIRM_MS: i64 = 1_000;
/// Quotes older than this do not prevail: without them the newest trade does.
const QUOTE_MAX_AGE_MS: i64 = 1_500;
/// A price older than this says nothing of the next.
const REFERENCE_MAX_AGE_MS: i64 = 60_000;
const SECONDS: usize = 60;

/// The prevailing price of one symbol, and how much it moves in a minute.
#[derive(Clone, Debug)]
pub(crate) struct PriceBand {
    price: f64,
    price_ms: i64,
    quote_ms: i64,
    /// Squares of the returns of the last sixty seconds, at the second modulo 60.
    squares: [f64; SECONDS],
    /// Half of the band, as a fraction of the price.
    width_frac: f64,
    second: i64,
    second_end_ms: i64,
    second_price: f64,
    /// Row, time and price of the trade that waits for a second one.
    pending: Option<(u64, i64, f64)>,
}

impl Default for PriceBand {
    fn default() -> Self {
        Self {
            price: 0.0,
            price_ms: i64::MIN,
            quote_ms: i64::MIN,
            squares: [0.0; SECONDS],
            width_frac: JUMP_MIN_FRAC,
            second: i64::MIN,
            second_end_ms: i64::MIN,
            second_price: 0.0,
            pending: None,
        }
    }
}

/// The answer for a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    /// Near enough.
    No,
    /// Too far, nobody confirms it yet.
    Yes,
    /// Too far, and it confirms the trade of that row, which is as far.
    Confirms(u64),
}

impl PriceBand {
    /// Takes the mid of good quotes.
    pub fn quote(&mut self, mid: f64, ts_ms: i64) {
        self.quote_ms = ts_ms;
        self.set(mid, ts_ms);
    }

    /// Judges a trade whose price is above 0.
    pub fn trade(&mut self, row: u64, price: f64, ts_ms: i64) -> Jump {
        if !self.is_far(price, ts_ms) {
            self.pending = None;
            if self.quote_ms == i64::MIN || ts_ms.saturating_sub(self.quote_ms) > QUOTE_MAX_AGE_MS {
                self.set(price, ts_ms);
            }
            return Jump::No;
        }
        if let Some((first, first_ms, first_price)) = self.pending {
            let waited_ms = ts_ms.saturating_sub(first_ms);
            let is_near = (price - first_price).abs() <= self.width_frac * first_price;
            if is_near && (0..=CONFIRM_MS).contains(&waited_ms) {
                self.pending = None;
                self.set(price, ts_ms);
                return Jump::Confirms(first);
            }
        }
        self.pending = Some((row, ts_ms, price));
        Jump::Yes
    }

    /// Returns whether a price is beyond the band; before the first price, or long after the last, none is.
    pub fn is_far(&self, price: f64, ts_ms: i64) -> bool {
        self.price_ms != i64::MIN
            && ts_ms.saturating_sub(self.price_ms) <= REFERENCE_MAX_AGE_MS
            && (price - self.price).abs() > self.width_frac * self.price
    }

    fn set(&mut self, price: f64, ts_ms: i64) {
        self.price = price;
        self.price_ms = ts_ms;
        if ts_ms >= self.second_end_ms {
            self.close_second(ts_ms.div_euclid(1_000));
            self.second_price = price;
        }
    }

    /// Enters the return since the last second that had a price, and forgets those older than a minute.
    fn close_second(&mut self, second: i64) {
        let passed = second.saturating_sub(self.second).min(SECONDS as i64);
        if self.second != i64::MIN && self.second_price > 0.0 {
            for back in 0..passed {
                let slot = (second - back).rem_euclid(SECONDS as i64) as usize;
                if let Some(square) = self.squares.get_mut(slot) {
                    *square = 0.0;
                }
            }
            let moved = self.price / self.second_price - 1.0;
            let slot = second.rem_euclid(SECONDS as i64) as usize;
            if let Some(square) = self.squares.get_mut(slot) {
                *square = moved * moved;
            }
            let square_sum: f64 = self.squares.iter().sum();
            self.width_frac = JUMP_MIN_FRAC.max(JUMP_SIGMAS * square_sum.sqrt());
        }
        self.second = second;
        self.second_end_ms = second.saturating_add(1).saturating_mul(1_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_far_from_the_mid_waits_for_a_second_one() {
        let mut band = PriceBand::default();
        band.quote(100.0, 0);
        assert_eq!(band.trade(1, 100.5, 10), Jump::No);
        assert_eq!(band.trade(2, 100.51, 20), Jump::Yes);
        assert_eq!(band.trade(3, 100.0, 30), Jump::No);
        assert_eq!(band.trade(4, 102.0, 40), Jump::Yes);
        assert_eq!(band.trade(5, 102.1, 1_040), Jump::Confirms(4));
        assert_eq!(band.trade(6, 102.1, 1_050), Jump::No);
    }

    #[test]
    fn a_second_trade_that_comes_too_late_or_elsewhere_confirms_nothing() {
        let mut band = PriceBand::default();
        assert_eq!(band.trade(1, 100.0, 0), Jump::No);
        assert_eq!(band.trade(2, 102.0, 10), Jump::Yes);
        assert_eq!(band.trade(3, 102.0, 1_011), Jump::Yes);
        assert_eq!(band.trade(4, 98.0, 1_012), Jump::Yes);
        assert_eq!(band.trade(5, 100.1, 1_013), Jump::No);
    }

    #[test]
    fn a_wild_minute_widens_the_band() {
        let mut band = PriceBand::default();
        for second in 0..30 {
            band.quote(if second % 2 == 0 { 100.0 } else { 100.1 }, second * 1_000);
        }
        // The root of about 29 squares of 10 bps is 54 bps, and twenty of it 10.8 %.
        assert_eq!(band.trade(1, 110.0, 29_500), Jump::No);
        assert_eq!(band.trade(2, 112.0, 29_501), Jump::Yes);
    }

    #[test]
    fn an_old_price_judges_nothing() {
        let mut band = PriceBand::default();
        band.quote(100.0, 0);
        assert_eq!(band.trade(1, 200.0, 60_001), Jump::No);
    }
}
