//! What a market of bars allows and costs.

/// Rules of a market; prices in 10^-p, quantities in lots of 10^-q, rates in parts per billion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarRules {
    /// Fee of orders that waited at their price.
    pub maker_ppb: i64,
    /// Fee of the rest.
    pub taker_ppb: i64,
    /// The least fee of an order that trades, in 10^-(p+q+9) quote units.
    pub min_fee_nano: i64,
    /// Duty on what is sold (印花税).
    pub stamp_duty_ppb: i64,
    /// How much worse than the bar's price a taker trades, in 10^-p.
    pub slippage: i64,
    /// The share of a bar's volume that may be ours.
    pub volume_cap_ppb: i64,
    /// What is bought is a multiple of it; what is sold too, unless it is all there is.
    pub lot: i64,
    /// Whether a position may be below 0.
    pub allow_short: bool,
    /// What was bought today may be sold from the next day on (T+1).
    pub sells_next_day: bool,
    /// How far a day's prices may be from the close of the day before (涨跌停); none without limits.
    pub price_limit_ppb: Option<i64>,
    /// Price step, for the limits' rounding.
    pub tick: i64,
}

impl Default for BarRules {
    /// Returns a market without fees, limits or lots, of whose volume a tenth may be ours.
    fn default() -> Self {
        Self {
            maker_ppb: 0,
            taker_ppb: 0,
            min_fee_nano: 0,
            stamp_duty_ppb: 0,
            slippage: 0,
            volume_cap_ppb: 100_000_000,
            lot: 1,
            allow_short: true,
            sells_next_day: false,
            price_limit_ppb: None,
            tick: 1,
        }
    }
}

impl BarRules {
    /// Returns the rules of a Chinese main-board share: T+1, ±10 %, lots of 100, duty 0.05 % on sales, commission 0.025 %
    /// and at least 5 yuan; quantities are single shares and `price_decimals` is 2.
    pub fn a_share() -> Self {
        Self {
            maker_ppb: 250_000,
            taker_ppb: 250_000,
            min_fee_nano: 500_000_000_000,
            stamp_duty_ppb: 500_000,
            lot: 100,
            allow_short: false,
            sells_next_day: true,
            price_limit_ppb: Some(100_000_000),
            ..Self::default()
        }
    }

    /// Checks the rules.
    ///
    /// # Errors
    /// The first value out of bounds, with its bound.
    pub fn checked(self) -> Result<Self, String> {
        const ONE: i64 = 1_000_000_000;
        let share = Some(self.price_limit_ppb.unwrap_or(0));
        for (name, value, low, high) in [
            ("maker_ppb", Some(self.maker_ppb), -ONE, ONE),
            ("taker_ppb", Some(self.taker_ppb), 0, ONE),
            ("min_fee_nano", Some(self.min_fee_nano), 0, i64::MAX),
            ("stamp_duty_ppb", Some(self.stamp_duty_ppb), 0, ONE),
            ("slippage", Some(self.slippage), 0, 1 << 40),
            ("volume_cap_ppb", Some(self.volume_cap_ppb), 0, ONE),
            ("lot", Some(self.lot), 1, 1 << 40),
            ("price_limit_ppb", share, 0, ONE),
            ("tick", Some(self.tick), 1, 1 << 40),
        ] {
            if let Some(value) = value.filter(|value| !(low..=high).contains(value)) {
                return Err(format!("{name} is {value}, from {low} to {high}"));
            }
        }
        Ok(self)
    }

    /// Returns the lowest and highest price of a day after a close, rounded to the tick, halves up.
    pub(super) fn limits(&self, close: i64) -> (i64, i64) {
        let Some(share) = self.price_limit_ppb else { return (i64::MIN, i64::MAX) };
        let at = |ppb: i64| {
            let unit = i128::from(self.tick) * 1_000_000_000;
            let exact = i128::from(close) * i128::from(1_000_000_000 + ppb);
            ((2 * exact + unit).div_euclid(2 * unit) * i128::from(self.tick)) as i64
        };
        (at(-share), at(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_rounded_to_the_tick() {
        // 10.05 ± 10 %: 9.045 and 11.055, halves up.
        assert_eq!(BarRules::a_share().limits(1_005), (905, 1_106));
        assert_eq!(BarRules::default().limits(1_005), (i64::MIN, i64::MAX));
    }

    #[test]
    fn a_rule_out_of_bounds_is_named() {
        let rules = BarRules { lot: 0, ..BarRules::default() };
        assert_eq!(rules.checked().unwrap_err(), format!("lot is 0, from 1 to {}", 1_i64 << 40));
    }
}
