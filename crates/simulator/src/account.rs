//! What an account has and owes: double entry in whole numbers, so that nothing is lost to rounding.
//!
//! Money is counted in 10^-(p+q+9) quote units (`_nano`): a price times a quantity times a rate in parts per billion
//! (`_ppb`) is whole. Every amount that enters one book leaves another: accounts, the market they traded with, the
//! venue's fees, the funding pool, the insurance fund.

use crate::ladder::Side;

/// Which account: an index from 0.
pub type AccountId = u32;

/// Parts of a notional in one unit, and nano units in one 10^-(p+q).
pub const NANO: i128 = 1_000_000_000;

/// Returns price times quantity in nano units.
pub fn notional_nano(price: i64, qty: i64) -> i128 {
    (i128::from(price) * i128::from(qty)).saturating_mul(NANO)
}

/// Returns a share of a price times a quantity in nano units, exact.
pub fn share_nano(price: i64, qty: i64, rate_ppb: i64) -> i128 {
    (i128::from(price) * i128::from(qty)).saturating_mul(i128::from(rate_ppb))
}

/// Fees of one step of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeeTier {
    /// The account's traded notional from which it holds, in 10^-(p+q).
    pub from_notional: i128,
    /// Rate for makers in parts per billion; negative where the venue pays.
    pub maker_ppb: i64,
    /// Rate for takers.
    pub taker_ppb: i64,
}

/// Returns the tier of an account that has traded so much; no tiers mean no fees.
pub fn fee_tier(tiers: &[FeeTier], traded_notional: i128) -> FeeTier {
    let reached = tiers.iter().rev().find(|tier| tier.from_notional <= traded_notional);
    reached.or(tiers.first()).copied().unwrap_or_default()
}

/// What stands behind a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MarginMode {
    /// The whole wallet.
    #[default]
    Cross,
    /// What was set aside for it.
    Isolated,
}

/// One account's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Money, without the unrealised profit of the position.
    pub wallet_nano: i128,
    /// Net position in lots, negative when short.
    pub position: i64,
    /// What the position was entered for, with its sign: average cost times position.
    pub cost_nano: i128,
    /// Everything paid in less everything taken out.
    pub deposits_nano: i128,
    /// Profit of closed lots against their average cost.
    pub realized_nano: i128,
    /// Fees paid.
    pub fees_nano: i128,
    /// Funding received less paid.
    pub funding_nano: i128,
    /// What the insurance fund took at liquidations.
    pub seized_nano: i128,
    /// Price times quantity of all fills, in 10^-(p+q).
    pub traded_notional: i128,
    /// Cross or isolated.
    pub mode: MarginMode,
    /// Opening takes notional ÷ leverage as margin.
    pub leverage: i64,
    /// What an isolated position has set aside, part of the wallet.
    pub isolated_nano: i128,
    /// Equity that a cross account has in other instruments, as its owner keeps it up to date.
    pub elsewhere_equity_nano: i128,
    /// Maintenance that it needs there.
    pub elsewhere_maintenance_nano: i128,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            wallet_nano: 0,
            position: 0,
            cost_nano: 0,
            deposits_nano: 0,
            realized_nano: 0,
            fees_nano: 0,
            funding_nano: 0,
            seized_nano: 0,
            traded_notional: 0,
            mode: MarginMode::Cross,
            leverage: 20,
            isolated_nano: 0,
            elsewhere_equity_nano: 0,
            elsewhere_maintenance_nano: 0,
        }
    }
}

impl Account {
    /// Returns how many lots an order of `side` could reduce.
    pub fn reducible(&self, side: Side) -> i64 {
        (-side.sign() * self.position).max(0)
    }

    /// Returns the position's value at a mark, given doubled, less what it was entered for.
    pub fn unrealized_nano(&self, mark2: i64) -> i128 {
        notional_nano(mark2, self.position) / 2 - self.cost_nano
    }

    /// Books a trade and returns the profit of the lots that it closed. Fees are another entry.
    pub fn trade(&mut self, side: Side, price: i64, qty: i64) -> i128 {
        let closed = qty.min(self.reducible(side));
        let opened = qty - closed;
        let mut realized = 0;
        if closed > 0 {
            // Shares of whole numbers: what the division leaves stays in the cost of what remains.
            let held = i128::from(self.position.abs());
            let share = self.cost_nano / held * i128::from(closed)
                + self.cost_nano % held * i128::from(closed) / held;
            realized = -i128::from(side.sign()) * notional_nano(price, closed) - share;
            self.cost_nano -= share;
            self.isolated_nano -= self.isolated_nano / held * i128::from(closed)
                + self.isolated_nano % held * i128::from(closed) / held;
        }
        if opened > 0 {
            self.cost_nano += i128::from(side.sign()) * notional_nano(price, opened);
            if self.mode == MarginMode::Isolated {
                self.isolated_nano +=
                    notional_nano(price, opened) / i128::from(self.leverage.max(1));
            }
        }
        self.position += side.sign() * qty;
        self.wallet_nano += realized;
        self.realized_nano += realized;
        self.traded_notional =
            self.traded_notional.saturating_add(i128::from(price) * i128::from(qty));
        realized
    }

    /// Takes over a position as it stands: lots, what they were entered for, and what it has set aside.
    pub(crate) fn adopt(&mut self, position: i64, cost_nano: i128, isolated_nano: i128) {
        self.position += position;
        self.cost_nano += cost_nano;
        self.isolated_nano += isolated_nano;
    }

    /// Books a payment into the account.
    pub fn deposit(&mut self, amount_nano: i128) {
        self.wallet_nano += amount_nano;
        self.deposits_nano += amount_nano;
    }

    /// Books a fee.
    pub fn pay_fee(&mut self, fee_nano: i128) {
        self.wallet_nano -= fee_nano;
        self.fees_nano += fee_nano;
    }

    /// Books funding received, negative where paid; an isolated position pays from its margin.
    pub fn receive_funding(&mut self, amount_nano: i128) {
        self.wallet_nano += amount_nano;
        self.funding_nano += amount_nano;
        if self.mode == MarginMode::Isolated {
            self.isolated_nano += amount_nano;
        }
    }

    /// Books what a liquidation takes beside the trade.
    pub(crate) fn give_up(&mut self, amount_nano: i128) {
        self.wallet_nano -= amount_nano;
        self.seized_nano += amount_nano;
    }

    /// Returns 0 if what the account has is what its history says: wallet = deposits + realised - fees + funding - seized.
    pub fn discrepancy_nano(&self) -> i128 {
        self.deposits_nano + self.realized_nano - self.fees_nano + self.funding_nano
            - self.seized_nano
            - self.wallet_nano
    }
}

/// The other sides of every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counterparts {
    /// Cash that the market received for what it sold less what it paid.
    pub market_nano: i128,
    /// Lots that the market holds.
    pub market_position: i64,
    /// Fees received.
    pub fees_nano: i128,
    /// Funding received less paid.
    pub funding_nano: i128,
    /// The insurance fund's money.
    pub insurance_nano: i128,
}

impl Counterparts {
    /// Books the market's side of an account's trade.
    pub(crate) fn trade(&mut self, side: Side, price: i64, qty: i64) {
        self.market_nano += i128::from(side.sign()) * notional_nano(price, qty);
        self.market_position -= side.sign() * qty;
    }

    /// Books the market's side of a position taken over.
    pub(crate) fn adopt(&mut self, position: i64, cost_nano: i128) {
        self.market_nano += cost_nano;
        self.market_position -= position;
    }

    /// Returns what is missing, 0 and 0: cash over all books less deposits, and lots over all books.
    pub fn imbalance<'a>(&self, accounts: impl Iterator<Item = &'a Account>) -> (i128, i64) {
        let pools = self.market_nano + self.fees_nano + self.funding_nano + self.insurance_nano;
        accounts.fold((pools, self.market_position), |(cash, lots), account| {
            let own = account.wallet_nano - account.cost_nano - account.deposits_nano;
            (cash + own, lots + account.position)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profit_is_against_average_cost_and_a_flip_opens_anew() {
        let mut account = Account::default();
        assert_eq!(account.trade(Side::Buy, 100, 1), 0);
        assert_eq!(account.trade(Side::Buy, 110, 1), 0);
        assert_eq!(account.trade(Side::Sell, 120, 1), 15 * NANO);
        assert_eq!(account.trade(Side::Sell, 100, 3), -5 * NANO);
        assert_eq!((account.position, account.cost_nano), (-2, -200 * NANO));
        assert_eq!(account.unrealized_nano(2 * 90), 20 * NANO);
        assert_eq!((account.wallet_nano, account.discrepancy_nano()), (10 * NANO, 0));
    }

    #[test]
    fn shares_that_do_not_divide_lose_nothing() {
        let (mut account, mut market) = (Account::default(), Counterparts::default());
        for (side, price, qty) in
            [(Side::Buy, 101, 3), (Side::Buy, 100, 4), (Side::Sell, 103, 2), (Side::Sell, 99, 5)]
        {
            account.trade(side, price, qty);
            market.trade(side, price, qty);
            assert_eq!(market.imbalance(std::iter::once(&account)), (0, 0));
        }
        assert_eq!((account.cost_nano, account.realized_nano), (0, -2 * NANO));
    }

    #[test]
    fn an_isolated_position_sets_its_margin_aside_and_gets_it_back() {
        let mut account =
            Account { mode: MarginMode::Isolated, leverage: 10, ..Account::default() };
        account.trade(Side::Sell, 100, 4);
        assert_eq!(account.isolated_nano, 40 * NANO);
        account.trade(Side::Buy, 90, 1);
        assert_eq!(account.isolated_nano, 30 * NANO);
        account.trade(Side::Buy, 90, 3);
        assert_eq!((account.isolated_nano, account.wallet_nano), (0, 40 * NANO));
    }

    #[test]
    fn the_tier_is_the_last_one_reached() {
        let tier = |from_notional, taker_ppb| FeeTier { from_notional, maker_ppb: 0, taker_ppb };
        let tiers = [tier(0, 500), tier(1_000, 400)];
        assert_eq!([0, 999, 1_000].map(|at| fee_tier(&tiers, at).taker_ppb), [500, 500, 400]);
        assert_eq!(fee_tier(&[], 5), FeeTier::default());
    }
}
