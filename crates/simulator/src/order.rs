//! Orders as the venue is asked for them, as it keeps them, and what it says about them.

use crate::account::AccountId;
use crate::ladder::Side;
use crate::life::{Move, State};
use crate::queue::Place;
use crate::reject::Reject;

/// Which price a conditional order watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TriggerOn {
    /// The mark price.
    #[default]
    Mark,
    /// The last trade's price.
    Last,
}

/// What happens when an order would trade with one of the same account; the names are Binance's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SelfTrade {
    /// The resting order expires (`EXPIRE_MAKER`).
    #[default]
    ExpireMaker,
    /// The arriving order expires (`EXPIRE_TAKER`).
    ExpireTaker,
    /// Both expire (`EXPIRE_BOTH`).
    ExpireBoth,
}

/// What makes an order trade. Prices and triggers are integers of 10^-p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Takes what the book offers on arrival; the rest expires.
    Market,
    /// Trades at `price` or better.
    Limit {
        /// The worst price.
        price: i64,
    },
    /// Takes at market once the watched price has moved to `trigger` against a position it would close.
    StopMarket {
        /// The watched price that triggers.
        trigger: i64,
    },
    /// As `StopMarket`, then a limit order.
    StopLimit {
        /// The watched price that triggers.
        trigger: i64,
        /// The worst price.
        price: i64,
    },
    /// Takes at market once the watched price has moved to `trigger` in favour of a position it would close.
    TakeProfitMarket {
        /// The watched price that triggers.
        trigger: i64,
    },
    /// As `TakeProfitMarket`, then a limit order.
    TakeProfitLimit {
        /// The watched price that triggers.
        trigger: i64,
        /// The worst price.
        price: i64,
    },
    /// Takes at market once the watched price has come back from its best by a share of it.
    Trailing {
        /// How far it must come back, in hundredths of a percent of the best price since it became active.
        callback_bps: i64,
        /// The watched price from which it is active; at once without one.
        activation: Option<i64>,
    },
}

impl Kind {
    /// Returns the fixed trigger of a stop or take-profit.
    pub fn trigger(self) -> Option<i64> {
        match self {
            Self::StopMarket { trigger }
            | Self::StopLimit { trigger, .. }
            | Self::TakeProfitMarket { trigger }
            | Self::TakeProfitLimit { trigger, .. } => Some(trigger),
            Self::Market | Self::Limit { .. } | Self::Trailing { .. } => None,
        }
    }

    /// Returns the worst price, for the kinds that have one.
    pub fn limit(self) -> Option<i64> {
        match self {
            Self::Limit { price }
            | Self::StopLimit { price, .. }
            | Self::TakeProfitLimit { price, .. } => Some(price),
            _ => None,
        }
    }

    /// Returns whether it waits for a watched price.
    pub fn is_conditional(self) -> bool {
        !matches!(self, Self::Market | Self::Limit { .. })
    }

    /// Returns the same kind at another trigger; kinds without one stay.
    pub(crate) fn with_trigger(self, to: i64) -> Self {
        match self {
            Self::StopMarket { .. } => Self::StopMarket { trigger: to },
            Self::StopLimit { price, .. } => Self::StopLimit { trigger: to, price },
            Self::TakeProfitMarket { .. } => Self::TakeProfitMarket { trigger: to },
            Self::TakeProfitLimit { price, .. } => Self::TakeProfitLimit { trigger: to, price },
            Self::Market | Self::Limit { .. } | Self::Trailing { .. } => self,
        }
    }

    /// Returns the same kind at another worst price; kinds without one stay.
    pub(crate) fn with_limit(self, to: i64) -> Self {
        match self {
            Self::Limit { .. } => Self::Limit { price: to },
            Self::StopLimit { trigger, .. } => Self::StopLimit { trigger, price: to },
            Self::TakeProfitLimit { trigger, .. } => Self::TakeProfitLimit { trigger, price: to },
            _ => self,
        }
    }

    /// Returns whether an order of `side` triggers at a watched price, given doubled so that half ticks stay whole.
    pub(crate) fn is_triggered(self, side: Side, watched2: i64) -> bool {
        match self {
            Self::StopMarket { trigger } | Self::StopLimit { trigger, .. } => {
                side.reaches(watched2, 2 * trigger)
            }
            Self::TakeProfitMarket { trigger } | Self::TakeProfitLimit { trigger, .. } => {
                side.reaches(2 * trigger, watched2)
            }
            Self::Market | Self::Limit { .. } | Self::Trailing { .. } => false,
        }
    }
}

/// The best price that a trailing order has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Trail {
    /// Twice the best watched price since it became active: the highest for a sell, the lowest for a buy.
    pub best2: Option<i64>,
}

impl Trail {
    /// Takes a watched price, given doubled, and returns whether the order triggers.
    pub(crate) fn hears(
        &mut self,
        side: Side,
        callback_bps: i64,
        activation: Option<i64>,
        watched2: i64,
    ) -> bool {
        let Some(best2) = self.best2 else {
            // A sell wakes when the price has risen to its activation, a buy when it has fallen to it.
            if activation.is_none_or(|from| side.opposite().reaches(watched2, 2 * from)) {
                self.best2 = Some(watched2);
            }
            return false;
        };
        let best2 = if side == Side::Sell { best2.max(watched2) } else { best2.min(watched2) };
        self.best2 = Some(best2);
        let back = i128::from(side.sign()) * (i128::from(watched2) - i128::from(best2));
        back > 0 && back * 10_000 >= i128::from(best2) * i128::from(callback_bps)
    }
}

/// How long a limit order may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tif {
    /// Until it is cancelled.
    #[default]
    Gtc,
    /// Not at all: the rest expires.
    Ioc,
    /// Not at all, and refused unless all of it trades at once.
    Fok,
    /// Until it is cancelled, and refused if it would take.
    Gtx,
    /// Until a time at the venue, then it expires.
    Gtd {
        /// Unix ns.
        until_ns: i64,
    },
}

/// Exits that the venue itself places when the entry gets its first fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Mark price at which the position is closed at a loss, in 10^-p.
    pub stop_trigger: i64,
    /// Mark price at which it is closed at a gain, in 10^-p.
    pub take_profit_trigger: Option<i64>,
}

/// An order as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Whose it is.
    pub account: AccountId,
    /// The client's name for it, 1 to 36 of `[A-Za-z0-9._:/-]` (at most 33 with protection), new as the venue's
    /// [`Uniqueness`](crate::venue::Uniqueness) asks.
    pub client_id: String,
    /// Buy or sell.
    pub side: Side,
    /// What makes it trade.
    pub kind: Kind,
    /// Quantity in lots of 10^-q.
    pub qty: i64,
    /// How long it may wait; only limit orders wait.
    pub tif: Tif,
    /// Whether it may only reduce the position.
    pub reduce_only: bool,
    /// Which price a conditional order watches.
    pub trigger_on: TriggerOn,
    /// What happens when it would trade with its own account.
    pub self_trade: SelfTrade,
    /// Exits to place with the first fill.
    pub attached: Option<Protection>,
}

impl NewOrder {
    /// Returns a good-till-cancelled order that may open, watches the mark and has no exits attached.
    pub fn new(account: AccountId, client_id: &str, side: Side, kind: Kind, qty: i64) -> Self {
        Self {
            account,
            client_id: client_id.to_owned(),
            side,
            kind,
            qty,
            tif: Tif::Gtc,
            reduce_only: false,
            trigger_on: TriggerOn::Mark,
            self_trade: SelfTrade::ExpireMaker,
            attached: None,
        }
    }
}

/// What an amendment changes; what is `None` stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Change {
    /// The new trigger of an order that waits for one.
    pub trigger: Option<i64>,
    /// The new worst price.
    pub price: Option<i64>,
    /// The new whole quantity, filled lots included.
    pub qty: Option<i64>,
}

/// What a live order does at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Being matched on arrival.
    Taking,
    /// In the book, at a [`Place`](crate::queue::Place) in the queue of its price.
    Resting,
    /// Waiting for the watched price.
    Armed,
    /// Triggered, and taking whatever the book offers until it is done.
    Working,
}

/// An order that is live at the venue.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveOrder {
    /// The order as sent; the quantity of an attached exit grows with its entry's fills.
    pub order: NewOrder,
    /// Lots not filled yet.
    pub leaves: i64,
    /// Where it is in its life.
    pub state: State,
    /// What it does there.
    pub stage: Stage,
    /// The venue's number for it, rising from 1.
    pub seq: u64,
    /// Where it stands in the queue of its price, while it rests.
    pub place: Place,
    /// What a trailing order has seen.
    pub trail: Trail,
    /// Rank in time among orders at its price: its number, or later where an amendment lost the place.
    pub(crate) since: u64,
    /// The entry whose fill placed it.
    pub(crate) entry: Option<u64>,
    /// Whether its attached exits have been placed.
    pub(crate) is_protected: bool,
}

/// Something the venue says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueEvent {
    /// When it happened at the venue, Unix ns.
    pub venue_ns: i64,
    /// When the client knows it, Unix ns.
    pub known_ns: i64,
    /// Whose event it is.
    pub account: AccountId,
    /// The order it is about; empty for an event of the account.
    pub client_id: String,
    /// What happened.
    pub kind: EventKind,
    /// Lots of the order not filled after it.
    pub leaves_qty: i64,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It is live.
    Accepted,
    /// It traded.
    Fill {
        /// Contiguous over this venue's own fills, from 1.
        trade_id: i64,
        /// Price in 10^-p.
        price: i64,
        /// Lots.
        qty: i64,
        /// Whether it had rested in the book.
        maker: bool,
        /// Fee in 10^-(p+q+9) quote units; negative where the venue pays.
        fee_nano: i128,
        /// Profit of the lots it closed against their average cost, before the fee, in 10^-(p+q+9).
        realized_nano: i128,
    },
    /// The mark reached its trigger; it now takes.
    Triggered,
    /// Its trigger or its quantity changed.
    Amended,
    /// It ended on request, or because its pair or its position ended.
    Canceled,
    /// It ended because its terms allow no waiting, or there is nothing left to reduce.
    Expired,
    /// It was refused on arrival.
    Rejected(Reject),
    /// A request to cancel it was refused; the order is as it was.
    CancelRejected(Reject),
    /// A request to amend it was refused; the order is as it was.
    AmendRejected(Reject),
    /// The account paid (negative) or received funding.
    Funding {
        /// Rate in 10^-9 of the notional.
        rate_ppb: i64,
        /// Amount in 10^-(p+q+9) quote units.
        amount_nano: i128,
    },
    /// The account's margin fell to its maintenance: its orders end and its position is closed at `price`.
    Liquidated {
        /// The bankruptcy price, at which the account's margin is used up.
        price: i64,
        /// Lots closed.
        qty: i64,
        /// What the insurance fund took as its fee, in 10^-(p+q+9) quote units.
        fee_nano: i128,
    },
    /// The insurance fund closed the position it took over.
    Insurance {
        /// What it earned (negative: paid) on it, in 10^-(p+q+9) quote units.
        amount_nano: i128,
    },
}

impl EventKind {
    /// Returns what it does to its order's state; `leaves` are the lots left. Refused requests and the account's own
    /// events do nothing.
    pub fn step(&self, leaves: i64) -> Option<Move> {
        match self {
            Self::Accepted => Some(Move::Accept),
            Self::Rejected(_) => Some(Move::Reject),
            Self::Triggered => Some(Move::Trigger),
            Self::Amended => Some(Move::Amend),
            Self::Fill { .. } => Some(Move::Fill { leaves }),
            Self::Canceled => Some(Move::Cancel),
            Self::Expired => Some(Move::Expire),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_triggers_against_the_position_and_a_target_for_it() {
        let (stop, target) =
            (Kind::StopMarket { trigger: 100 }, Kind::TakeProfitMarket { trigger: 100 });
        let hits = |kind: Kind, side| [199, 200, 201].map(|mark2| kind.is_triggered(side, mark2));
        assert_eq!(hits(stop, Side::Sell), [true, true, false]);
        assert_eq!(hits(stop, Side::Buy), [false, true, true]);
        assert_eq!(hits(target, Side::Sell), [false, true, true]);
        assert_eq!(hits(target, Side::Buy), [true, true, false]);
    }

    #[test]
    fn a_trailing_sell_triggers_when_the_price_comes_back_from_its_best() {
        let mut trail = Trail::default();
        let mut hears = |watched: i64| trail.hears(Side::Sell, 100, Some(1_000), 2 * watched);
        assert_eq!([990, 985, 1_000, 1_100, 1_090].map(&mut hears), [false; 5]);
        assert!(hears(1_089));
    }

    #[test]
    fn a_trailing_buy_mirrors_it() {
        let mut trail = Trail::default();
        let mut hears = |watched: i64| trail.hears(Side::Buy, 100, None, 2 * watched);
        assert_eq!([1_000, 900, 908].map(&mut hears), [false; 3]);
        assert!(hears(909));
    }
}
