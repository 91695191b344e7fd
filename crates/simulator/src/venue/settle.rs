//! Accounts at the venue: fees, funding, margin, liquidation, and the mark they are judged by.

use crate::account::{
    Account, AccountId, Counterparts, MarginMode, NANO, fee_tier, notional_nano, share_nano,
};
use crate::ladder::Side;
use crate::order::{EventKind, NewOrder, VenueEvent};
use crate::reject::{Code, Reject};

use super::Venue;

impl Venue {
    /// Returns an account's books; one that was never used is empty.
    pub fn account(&self, account: AccountId) -> Account {
        self.books(account).cloned().unwrap_or_default()
    }

    /// Returns the maintenance margin of an account's position here, 0 without margin rules or a mark.
    pub fn maintenance_nano(&self, account: AccountId) -> i128 {
        let worth = self
            .mark2()
            .zip(self.books(account))
            .map(|(mark2, books)| (notional_nano(mark2, books.position) / 2).abs());
        let rules = self.config.margin.as_ref();
        rules.zip(worth).map_or(0, |(rules, worth)| rules.maintenance_nano(worth))
    }

    /// Returns the other sides of all entries.
    pub fn counterparts(&self) -> &Counterparts {
        &self.counterparts
    }

    /// Returns the ids of the accounts that were ever used, in order.
    pub fn account_ids(&self) -> impl Iterator<Item = AccountId> {
        self.seats.keys().copied()
    }

    /// Returns what is missing from the books, (0, 0) always: money in nano units, and lots.
    pub fn imbalance(&self) -> (i128, i64) {
        self.counterparts.imbalance(self.seats.values().map(|seat| &seat.books))
    }

    /// Pays into an account, or out of it with a negative amount, in 10^-(p+q+9) quote units.
    pub fn deposit(&mut self, account: AccountId, amount_nano: i128) {
        self.books_mut(account).deposit(amount_nano);
    }

    /// Sets an account's leverage.
    ///
    /// # Errors
    /// -1013 below 1; -2027 if its position is more than that leverage may carry.
    pub fn set_leverage(&mut self, account: AccountId, leverage: i64) -> Result<(), Reject> {
        if leverage < 1 {
            return Err(Reject::new(Code::Filter, format!("leverage is {leverage}, at least 1")));
        }
        let held = self.account(account).cost_nano.abs() / NANO;
        if let Some(cap) = self.config.margin.as_ref().map(|rules| rules.cap(leverage))
            && (held > cap || cap == 0)
        {
            let msg = format!("leverage {leverage} carries {cap}, the position is {held}");
            return Err(Reject::new(Code::Leverage, msg));
        }
        self.books_mut(account).leverage = leverage;
        Ok(())
    }

    /// Sets what stands behind an account's positions.
    ///
    /// # Errors
    /// -4048 while it has a position.
    pub fn set_margin_mode(&mut self, account: AccountId, mode: MarginMode) -> Result<(), Reject> {
        let books = self.books_mut(account);
        if books.position != 0 && books.mode != mode {
            let msg = format!("the margin mode stays while the position is {}", books.position);
            return Err(Reject::new(Code::HasPosition, msg));
        }
        books.mode = mode;
        Ok(())
    }

    /// Moves money from an account's wallet to its isolated position, or back with a negative amount.
    ///
    /// # Errors
    /// -2019 if there is not so much to move, -4048 without an isolated position.
    pub fn add_isolated_margin(
        &mut self,
        account: AccountId,
        amount_nano: i128,
    ) -> Result<(), Reject> {
        let books = self.books_mut(account);
        if books.mode != MarginMode::Isolated || books.position == 0 {
            return Err(Reject::new(Code::HasPosition, "there is no isolated position"));
        }
        let free = books.wallet_nano - books.isolated_nano;
        if amount_nano > free || -amount_nano > books.isolated_nano {
            let msg = format!("cannot move {amount_nano} nano units, {free} are free");
            return Err(Reject::new(Code::Margin, msg));
        }
        books.isolated_nano += amount_nano;
        Ok(())
    }

    /// Takes over an account's position from elsewhere, as after a restart; the market holds the other side.
    ///
    /// # Errors
    /// -4048 while the account has a position.
    pub fn adopt(
        &mut self,
        account: AccountId,
        position: i64,
        cost_nano: i128,
        isolated_nano: i128,
    ) -> Result<(), Reject> {
        let books = self.books_mut(account);
        if books.position != 0 {
            let msg = format!("the account holds {} lots", books.position);
            return Err(Reject::new(Code::HasPosition, msg));
        }
        books.adopt(position, cost_nano, isolated_nano);
        self.counterparts.adopt(position, cost_nano);
        Ok(())
    }

    /// Tells what a cross account has and needs in other instruments; the owner of several venues keeps it up to date.
    pub fn set_elsewhere(&mut self, account: AccountId, equity_nano: i128, maintenance_nano: i128) {
        let books = self.books_mut(account);
        books.elsewhere_equity_nano = equity_nano;
        books.elsewhere_maintenance_nano = maintenance_nano;
        self.checked_mark2 = None;
    }

    /// Returns twice the mark: the given one, else the mid of the best quotes.
    pub fn mark2(&self) -> Option<i64> {
        self.given_mark.map(|mark| 2 * mark).or_else(|| self.mirror.mark2())
    }

    /// Returns the last trade's price.
    pub fn last_price(&self) -> Option<i64> {
        self.last_price
    }

    /// Takes the mark price of an instant, in order with the market events, and returns what it brought about.
    pub fn set_mark(&mut self, now_ns: i64, price: i64) -> &[VenueEvent] {
        self.said.clear();
        self.marked(now_ns, price);
        &self.said
    }

    pub(crate) fn marked(&mut self, now_ns: i64, price: i64) {
        self.arrive_before(now_ns);
        self.clock_ns = self.clock_ns.max(now_ns);
        if (1..=i64::MAX / 4).contains(&price) {
            self.given_mark = Some(price);
            self.watch_prices();
        }
    }

    /// Settles funding at the mark: longs pay the rate (parts per billion of the notional) and shorts receive it.
    pub fn fund(&mut self, now_ns: i64, rate_ppb: i64) -> &[VenueEvent] {
        self.said.clear();
        self.funded(now_ns, rate_ppb);
        &self.said
    }

    pub(crate) fn funded(&mut self, now_ns: i64, rate_ppb: i64) {
        self.arrive_before(now_ns);
        self.clock_ns = self.clock_ns.max(now_ns);
        let Some(mark2) = self.mark2() else { return };
        let mut paid = Vec::new();
        for (&id, seat) in &mut self.seats {
            if seat.books.position != 0 {
                let amount_nano = -share_nano(mark2, seat.books.position, rate_ppb) / 2;
                seat.books.receive_funding(amount_nano);
                self.counterparts.funding_nano -= amount_nano;
                paid.push((id, amount_nano));
            }
        }
        for (id, amount_nano) in paid {
            self.say(id, String::new(), EventKind::Funding { rate_ppb, amount_nano }, 0);
        }
        self.checked_mark2 = None;
        self.check_margins();
    }

    /// Books a fill on both sides and returns its fee and the profit it realised.
    pub(super) fn enter_trade(
        &mut self,
        account: AccountId,
        side: Side,
        price: i64,
        qty: i64,
        maker: bool,
    ) -> (i128, i128) {
        let tier = fee_tier(&self.config.fees, self.account(account).traded_notional);
        let rate_ppb = if maker { tier.maker_ppb } else { tier.taker_ppb };
        let fee_nano = share_nano(price, qty, rate_ppb);
        let books = self.books_mut(account);
        let realized_nano = books.trade(side, price, qty);
        books.pay_fee(fee_nano);
        self.counterparts.trade(side, price, qty);
        self.counterparts.fees_nano += fee_nano;
        self.checked_mark2 = None;
        (fee_nano, realized_nano)
    }

    pub(super) fn margin_refusal(&self, order: &NewOrder, price2: i64) -> Option<Reject> {
        self.margin_refusal_of(order, price2, 0)
    }

    /// Returns why an account cannot carry an order at a price, given doubled, that takes the place of `replaced` lots.
    pub(super) fn margin_refusal_of(
        &self,
        order: &NewOrder,
        price2: i64,
        replaced: i64,
    ) -> Option<Reject> {
        let rules = self.config.margin.as_ref().filter(|_| !order.reduce_only)?;
        let books = self.account(order.account);
        let resting: i64 = self
            .live
            .iter()
            .filter(|live| live.order.account == order.account && live.order.side == order.side)
            .filter(|live| !live.order.reduce_only && !live.order.kind.is_conditional())
            .map(|live| live.leaves)
            .sum();
        let ahead = order.side.sign().saturating_mul(books.position);
        let exposed = ahead.saturating_add(resting - replaced).saturating_add(order.qty);
        if exposed <= ahead.abs() {
            return None;
        }
        let worth_nano = notional_nano(price2, exposed) / 2;
        let cap = rules.cap(books.leverage);
        if worth_nano / NANO > cap {
            let msg = format!(
                "notional {} is above {cap} at leverage {}",
                worth_nano / NANO,
                books.leverage
            );
            return Some(Reject::new(Code::Leverage, msg));
        }
        let needed = worth_nano / i128::from(books.leverage.max(1));
        let profit = self.mark2().map_or(0, |mark2| books.unrealized_nano(mark2));
        let has = books.wallet_nano + profit + books.elsewhere_equity_nano
            - books.elsewhere_maintenance_nano;
        (needed > has).then(|| {
            let msg = format!(
                "margin {} is needed, {} is there (10^-{} quote)",
                needed / NANO,
                has / NANO,
                self.config.price_decimals + self.config.qty_decimals
            );
            Reject::new(Code::Margin, msg)
        })
    }

    /// Liquidates the accounts whose margin has fallen to its maintenance.
    pub(super) fn check_margins(&mut self) {
        if self.config.margin.is_none() {
            return;
        }
        let Some(mark2) = self.mark2().filter(|&mark2| self.checked_mark2 != Some(mark2)) else {
            return;
        };
        self.checked_mark2 = Some(mark2);
        let Some(rules) = self.config.margin.as_ref() else { return };
        let due = self.seats.iter().filter(|(_, seat)| rules.is_due(&seat.books, mark2));
        let due: Vec<AccountId> = due.map(|(&id, _)| id).collect();
        for id in due {
            self.liquidate(id, mark2);
        }
    }

    /// Ends an account's orders and closes its position at bankruptcy: the insurance fund takes it over and closes it
    /// in the book, what the book does not take at the mark.
    fn liquidate(&mut self, id: AccountId, mark2: i64) {
        for seq in self.ranks(|order| order.order.account == id) {
            self.end(seq, EventKind::Canceled);
        }
        let books = self.account(id);
        let Some(rules) = self.config.margin.as_ref() else { return };
        let qty = books.position.abs();
        let side = if books.position > 0 { Side::Sell } else { Side::Buy };
        let stake = match books.mode {
            MarginMode::Isolated => books.isolated_nano,
            MarginMode::Cross => books.wallet_nano + books.elsewhere_equity_nano,
        };
        let left = (stake + books.unrealized_nano(mark2)).max(0);
        let fee = (share_nano(mark2, qty, rules.liquidation_fee_ppb) / 2).min(left);
        let price = rules.bankruptcy_price(&books, mark2, fee);
        // The trade releases the isolated margin; what the loss leaves of it goes to the fund, so nothing is left over.
        let books = self.books_mut(id);
        let realized = books.trade(side, price, qty);
        let fee_nano = stake + realized;
        books.give_up(fee_nano);
        self.counterparts.insurance_nano += fee_nano;
        self.say(id, String::new(), EventKind::Liquidated { price, qty, fee_nano }, 0);
        let amount_nano = self.insure(side, price, qty, mark2);
        self.say(id, String::new(), EventKind::Insurance { amount_nano }, 0);
    }

    /// Lets the insurance fund close what it took over at `price`, and returns what it earned.
    fn insure(&mut self, side: Side, price: i64, qty: i64, mark2: i64) -> i128 {
        let mut fills = std::mem::take(&mut self.fills);
        fills.clear();
        self.mirror.take(side, None, qty, &mut fills);
        let (mut rest, mut proceeds) = (qty, 0);
        for fill in &fills {
            proceeds += notional_nano(fill.price, fill.qty);
            rest -= fill.qty;
        }
        self.fills = fills;
        proceeds += notional_nano(mark2, rest) / 2;
        // The fund bought (sold) at bankruptcy and sold (bought) in the market, which holds what it held before.
        let amount_nano = -i128::from(side.sign()) * (proceeds - notional_nano(price, qty));
        self.counterparts.insurance_nano += amount_nano;
        self.counterparts.market_nano += i128::from(side.sign()) * proceeds;
        self.counterparts.market_position -= side.sign() * qty;
        amount_nano
    }

    pub(super) fn books(&self, account: AccountId) -> Option<&Account> {
        self.seats.get(&account).map(|seat| &seat.books)
    }

    fn books_mut(&mut self, account: AccountId) -> &mut Account {
        self.checked_mark2 = None;
        &mut self.seats.entry(account).or_default().books
    }
}
