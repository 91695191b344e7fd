//! A venue of which only bars are known: decisions at a close, fills from the next bar on.
//!
//! **A bar.** Market orders fill at the open, slipped. What the open has already passed fills at the open: a gap gives
//! stops their worse price and limits their better one. Inside the bar stops come before targets, so that a bar which
//! holds both gives the worse one; the exits of an entry that filled inside the bar may lose in it but not win.
//! Trailing stops stand by the bars before. What fills is at most a share of the bar's volume; the rest waits.
//!
//! **A day** of shares: what was bought is sold from the next day on, prices keep within limits of the close before and
//! nothing is bought at the upper or sold at the lower one, a bar without volume trades nothing (suspended), and the
//! first open is the auction's price.

mod fills;
mod rules;
mod targets;

use crate::account::{Account, Counterparts};
use crate::ladder::Side;
use crate::life::{Move, State};
use crate::order::{Kind, Tif, Trail};

pub use rules::BarRules;
pub use targets::{BarColumns, BarRun, HOLD, Targets, run};

/// One bar; prices in 10^-p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// First price.
    pub open: i64,
    /// Highest price.
    pub high: i64,
    /// Lowest price.
    pub low: i64,
    /// Last price.
    pub close: i64,
    /// Lots traded, none where the market does not tell; 0 means suspended.
    pub volume: Option<i64>,
    /// Its day, rising.
    pub day: i64,
}

/// An order for bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarOrder {
    /// Buy or sell.
    pub side: Side,
    /// What makes it trade; the watched price is the bar's.
    pub kind: Kind,
    /// Lots.
    pub qty: i64,
    /// How long it waits; `Gtd` counts bars: the index of the last one.
    pub tif: Tif,
    /// Whether it may only reduce the position.
    pub reduce_only: bool,
    /// Exits to place with the first fill: stop, then target.
    pub exits: [Option<i64>; 2],
}

impl BarOrder {
    /// Returns a market order without exits.
    pub fn market(side: Side, qty: i64) -> Self {
        Self {
            side,
            kind: Kind::Market,
            qty,
            tif: Tif::Gtc,
            reduce_only: false,
            exits: [None, None],
        }
    }
}

/// An order that is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveBarOrder {
    /// Its number, rising from 1.
    pub number: u32,
    /// Its terms.
    pub order: BarOrder,
    /// Lots not filled yet.
    pub leaves: i64,
    /// Where it is in its life.
    pub state: State,
    /// What a trailing order has seen.
    trail: Trail,
    /// The entry that placed it.
    entry: u32,
    /// The bar in which an entry's fill placed it inside the bar: it cannot win in that one.
    inside: Option<u32>,
    /// Whether its exits were placed.
    has_exits: bool,
    fee_paid_nano: i128,
    notional: i128,
    sold_notional: i128,
}

/// A fill on bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarFill {
    /// Index of the bar.
    pub bar: u32,
    /// The order's number.
    pub order: u32,
    /// Buy or sell.
    pub side: Side,
    /// Price in 10^-p.
    pub price: i64,
    /// Lots.
    pub qty: i64,
    /// Fee and duty in 10^-(p+q+9).
    pub fee_nano: i128,
    /// Profit of the lots it closed, before fees.
    pub realized_nano: i128,
    /// Why it traded.
    pub cause: Cause,
}

/// Why an order traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// A market order.
    Market = 0,
    /// A limit order.
    Limit = 1,
    /// A stop.
    Stop = 2,
    /// A take-profit.
    Target = 3,
    /// A trailing stop.
    Trailing = 4,
}

/// The venue of bars: one account, one instrument.
#[derive(Clone, Debug)]
pub struct BarVenue {
    rules: BarRules,
    account: Account,
    counterparts: Counterparts,
    live: Vec<LiveBarOrder>,
    fills: Vec<BarFill>,
    next_bar: u32,
    last_number: u32,
    /// How each order that ended did, for those who count.
    ended: [u64; 4],
    day: i64,
    bought_today: i64,
    last_close: i64,
    limits: (i64, i64),
    /// The last number that was taken in before the decisions of the last close.
    settled: u32,
    /// Lots that this bar may still give.
    room: i64,
}

impl BarVenue {
    /// Returns a venue that has seen no bar.
    ///
    /// # Errors
    /// The first rule out of bounds.
    pub fn new(rules: BarRules) -> Result<Self, String> {
        Ok(Self {
            rules: rules.checked()?,
            account: Account::default(),
            counterparts: Counterparts::default(),
            live: Vec::new(),
            fills: Vec::new(),
            next_bar: 0,
            last_number: 0,
            ended: [0; 4],
            day: i64::MIN,
            bought_today: 0,
            last_close: 0,
            limits: (i64::MIN, i64::MAX),
            settled: 0,
            room: 0,
        })
    }

    /// Takes an order after the last bar and returns its number; it may trade from the next bar on.
    ///
    /// # Errors
    /// Quantities below 1 or off the lot, prices below 1.
    pub fn submit(&mut self, order: BarOrder) -> Result<u32, String> {
        let prices = [order.kind.limit(), order.kind.trigger(), order.exits[0], order.exits[1]];
        if let Some(price) =
            prices.into_iter().flatten().find(|at| !(1..=i64::MAX / 4).contains(at))
        {
            return Err(format!("price is {price}, from 1 to 2^61"));
        }
        if !(1..=i64::MAX / 4).contains(&order.qty) {
            return Err(format!("quantity is {}, from 1 to 2^61", order.qty));
        }
        let sells_all = order.side == Side::Sell && order.qty == self.account.position;
        if order.qty % self.rules.lot != 0 && !sells_all {
            return Err(format!("quantity is {}, a multiple of {}", order.qty, self.rules.lot));
        }
        Ok(self.place(order, 0, None))
    }

    /// Ends a live order; false if it is not live.
    pub fn cancel(&mut self, number: u32) -> bool {
        let at = self.live.iter().position(|live| live.number == number);
        at.is_some_and(|at| self.end(at, Move::Cancel))
    }

    /// Returns the account's books.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the live orders, oldest first.
    pub fn open_orders(&self) -> &[LiveBarOrder] {
        &self.live
    }

    /// Returns all fills.
    pub fn fills(&self) -> &[BarFill] {
        &self.fills
    }

    /// Returns how many orders ended filled, canceled, expired, rejected.
    pub fn ended(&self) -> [u64; 4] {
        self.ended
    }

    /// Returns how many orders were taken in.
    pub fn orders(&self) -> u32 {
        self.last_number
    }

    /// Returns what is missing from the books, (0, 0) always.
    pub fn imbalance(&self) -> (i128, i64) {
        self.counterparts.imbalance(std::iter::once(&self.account))
    }

    /// Pays (positive) or takes funding at a price for the position, as at the venue's time.
    pub fn fund(&mut self, price: i64, rate_ppb: i64) {
        let amount = -crate::account::share_nano(price, self.account.position, rate_ppb);
        self.account.receive_funding(amount);
        self.counterparts.funding_nano -= amount;
    }

    fn place(&mut self, order: BarOrder, entry: u32, inside: Option<u32>) -> u32 {
        self.last_number += 1;
        self.live.push(LiveBarOrder {
            number: self.last_number,
            order,
            leaves: order.qty,
            state: State::New.after(Move::Accept).unwrap_or(State::Accepted),
            trail: Trail::default(),
            entry,
            inside,
            has_exits: false,
            fee_paid_nano: 0,
            notional: 0,
            sold_notional: 0,
        });
        self.last_number
    }

    /// Ends the order at an index and returns whether the table allowed it.
    fn end(&mut self, at: usize, step: Move) -> bool {
        let Some(state) = self.live.get(at).and_then(|live| live.state.after(step)) else {
            return false;
        };
        self.live.remove(at);
        self.count_end(state);
        true
    }

    fn count_end(&mut self, state: State) {
        let [filled, canceled, expired, rejected] = &mut self.ended;
        match state {
            State::Filled => *filled += 1,
            State::Canceled => *canceled += 1,
            State::Expired => *expired += 1,
            State::Rejected => *rejected += 1,
            _ => {}
        }
    }
}
