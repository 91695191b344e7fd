//! What a position needs: brackets of notional with their leverage and maintenance, and where it is bankrupt.

use crate::account::{Account, MarginMode, NANO, notional_nano};

/// One step of notional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// The notional up to which it holds, in 10^-(p+q).
    pub to_notional: i128,
    /// The most leverage.
    pub max_leverage: i64,
    /// Maintenance in parts per billion of the notional inside the bracket.
    pub maintenance_ppb: i64,
}

/// The venue's margin rules. Maintenance is the sum over the brackets, so that it has no steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginRules {
    brackets: Vec<Bracket>,
    /// The insurance fund's fee at a liquidation, in parts per billion of the notional.
    pub liquidation_fee_ppb: i64,
}

impl MarginRules {
    /// Returns the rules.
    ///
    /// # Errors
    /// What is wrong, naming value and bound: brackets that do not rise, leverage below 1, rates outside 0 to 1.
    pub fn new(brackets: Vec<Bracket>, liquidation_fee_ppb: i64) -> Result<Self, String> {
        if brackets.is_empty() {
            return Err("there is no margin bracket, at least 1".to_owned());
        }
        let mut from = 0;
        for bracket in &brackets {
            if bracket.to_notional <= from {
                return Err(format!("bracket ends at {}, above {from}", bracket.to_notional));
            }
            from = bracket.to_notional;
            if bracket.max_leverage < 1 {
                return Err(format!("max_leverage is {}, at least 1", bracket.max_leverage));
            }
            rate("maintenance_ppb", bracket.maintenance_ppb)?;
        }
        rate("liquidation_fee_ppb", liquidation_fee_ppb)?;
        Ok(Self { brackets, liquidation_fee_ppb })
    }

    /// Returns the brackets.
    pub fn brackets(&self) -> &[Bracket] {
        &self.brackets
    }

    /// Returns the maintenance margin of a notional; both in nano units. The last bracket has no end.
    pub fn maintenance_nano(&self, notional_nano: i128) -> i128 {
        let (mut sum, mut from) = (0, 0);
        for (at, bracket) in self.brackets.iter().enumerate() {
            let is_last = at + 1 == self.brackets.len();
            let to = if is_last { i128::MAX } else { bracket.to_notional.saturating_mul(NANO) };
            let inside = notional_nano.min(to) - from;
            if inside <= 0 {
                break;
            }
            sum += inside / NANO * i128::from(bracket.maintenance_ppb)
                + inside % NANO * i128::from(bracket.maintenance_ppb) / NANO;
            from = to;
        }
        sum
    }

    /// Returns the largest notional that a leverage may have, in 10^-(p+q).
    pub fn cap(&self, leverage: i64) -> i128 {
        let allowed = self.brackets.iter().take_while(|bracket| bracket.max_leverage >= leverage);
        allowed.last().map_or(0, |bracket| bracket.to_notional)
    }

    /// Returns what stands behind the position without its profit, and what it needs, at a mark given doubled.
    fn stake(&self, account: &Account, mark2: i64) -> (i128, i128) {
        let own = self.maintenance_nano((notional_nano(mark2, account.position) / 2).abs());
        match account.mode {
            MarginMode::Isolated => (account.isolated_nano, own),
            MarginMode::Cross => (
                account.wallet_nano + account.elsewhere_equity_nano,
                own + account.elsewhere_maintenance_nano,
            ),
        }
    }

    /// Returns whether a position's margin has fallen to its maintenance.
    pub fn is_due(&self, account: &Account, mark2: i64) -> bool {
        if account.position == 0 {
            return false;
        }
        let (stake, needed) = self.stake(account, mark2);
        stake + account.unrealized_nano(mark2) <= needed
    }

    /// Returns at which price a position is bankrupt once `fee_nano` is paid, rounded in its favour, at least 1.
    pub fn bankruptcy_price(&self, account: &Account, mark2: i64, fee_nano: i128) -> i64 {
        let (stake, _) = self.stake(account, mark2);
        let left = account.cost_nano - stake + fee_nano;
        let per_tick = i128::from(account.position).saturating_mul(NANO);
        if per_tick == 0 {
            return 1;
        }
        // position · price = cost - stake + fee: up for a long, down for a short.
        let price = left.div_euclid(per_tick);
        let is_whole = left.rem_euclid(per_tick) == 0;
        let price = if is_whole { price } else { price + per_tick.signum() };
        price.clamp(1, i128::from(i64::MAX / 4)) as i64
    }
}

fn rate(name: &str, value: i64) -> Result<(), String> {
    if (0..=1_000_000_000).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} is {value}, from 0 to 1,000,000,000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::Side;

    fn rules() -> MarginRules {
        let bracket = |to_notional, max_leverage, maintenance_ppb| Bracket {
            to_notional,
            max_leverage,
            maintenance_ppb,
        };
        MarginRules::new(vec![bracket(1_000, 50, 10_000_000), bracket(5_000, 20, 50_000_000)], 0)
            .unwrap()
    }

    #[test]
    fn maintenance_adds_up_over_the_brackets() {
        let of = |notional: i128| rules().maintenance_nano(notional * NANO) / (NANO / 1_000);
        assert_eq!([of(100), of(1_000), of(2_000), of(9_000)], [1_000, 10_000, 60_000, 410_000]);
        assert_eq!(
            [50, 51, 20, 10].map(|leverage| rules().cap(leverage)),
            [1_000, 0, 5_000, 5_000]
        );
    }

    #[test]
    fn a_long_is_due_where_its_margin_meets_maintenance_and_bankrupt_below() {
        let mut account = Account::default();
        account.deposit(100 * NANO);
        account.trade(Side::Buy, 100, 10);
        // 100 + 10·(p - 100) <= 0.01·10·p at p = 90.9.
        assert!(!rules().is_due(&account, 2 * 91) && rules().is_due(&account, 2 * 90));
        assert_eq!(rules().bankruptcy_price(&account, 182, 0), 90);
        assert_eq!(rules().bankruptcy_price(&account, 182, 5 * NANO), 91);
    }

    #[test]
    fn a_short_is_bankrupt_above() {
        let mut account =
            Account { mode: MarginMode::Isolated, leverage: 10, ..Account::default() };
        account.deposit(1_000 * NANO);
        account.trade(Side::Sell, 100, 10);
        assert!(rules().is_due(&account, 2 * 110) && !rules().is_due(&account, 2 * 108));
        assert_eq!(rules().bankruptcy_price(&account, 216, 0), 110);
        assert_eq!(rules().bankruptcy_price(&account, 216, 5 * NANO), 109);
    }

    #[test]
    fn wrong_rules_name_their_value() {
        assert!(MarginRules::new(Vec::new(), 0).is_err());
        let bracket = Bracket { to_notional: 5, max_leverage: 0, maintenance_ppb: 0 };
        assert_eq!(
            MarginRules::new(vec![bracket], 0),
            Err("max_leverage is 0, at least 1".to_owned())
        );
    }
}
