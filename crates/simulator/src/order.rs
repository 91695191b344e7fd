//! Orders as the venue is asked for them, as it keeps them, and what it says about them.

use crate::ladder::Side;
use crate::reject::Reject;

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
    /// Reduces the position at market once the mark has moved to `trigger` against it.
    StopMarket {
        /// The mark that triggers.
        trigger: i64,
    },
    /// Reduces the position at market once the mark has moved to `trigger` in its favour.
    TakeProfitMarket {
        /// The mark that triggers.
        trigger: i64,
    },
}

impl Kind {
    /// Returns the trigger of a stop or take-profit.
    pub fn trigger(self) -> Option<i64> {
        match self {
            Self::StopMarket { trigger } | Self::TakeProfitMarket { trigger } => Some(trigger),
            Self::Market | Self::Limit { .. } => None,
        }
    }

    /// Returns the same kind at another trigger; market and limit orders have none and stay.
    pub(crate) fn with_trigger(self, trigger: i64) -> Self {
        match self {
            Self::StopMarket { .. } => Self::StopMarket { trigger },
            Self::TakeProfitMarket { .. } => Self::TakeProfitMarket { trigger },
            Self::Market | Self::Limit { .. } => self,
        }
    }

    /// Returns whether an order of `side` triggers at a mark, given as twice the mark so that half ticks stay whole.
    pub(crate) fn is_triggered(self, side: Side, mark2: i64) -> bool {
        match self {
            Self::StopMarket { trigger } => side.reaches(mark2, 2 * trigger),
            Self::TakeProfitMarket { trigger } => side.reaches(2 * trigger, mark2),
            Self::Market | Self::Limit { .. } => false,
        }
    }
}

/// How long a limit order may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tif {
    /// Until it is cancelled.
    Gtc,
    /// Not at all: the rest expires.
    Ioc,
    /// Until it is cancelled, and refused if it would take.
    Gtx,
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
    /// The client's name for it, 1 to 36 of `[A-Za-z0-9._:/-]`, never used before (at most 33 with protection).
    pub client_id: String,
    /// Buy or sell.
    pub side: Side,
    /// What makes it trade.
    pub kind: Kind,
    /// Quantity in lots of 10^-q.
    pub qty: i64,
    /// How long it may wait; only limit orders wait, and only they may be `Gtx`.
    pub tif: Tif,
    /// Whether it may only reduce the position. Stops and take-profits do, whatever is said here.
    pub reduce_only: bool,
    /// Exits to place with the first fill.
    pub attached: Option<Protection>,
}

/// Where a live order is in its life at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Being matched on arrival.
    Taking,
    /// In the book, behind so many displayed lots.
    Resting {
        /// Displayed lots that trade first.
        ahead: i64,
    },
    /// Waiting for the mark.
    Armed,
    /// Triggered, and taking whatever the book offers until it is done.
    Working,
}

/// An order that is live at the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOrder {
    /// The order as sent; the quantity of an attached exit grows with its entry's fills.
    pub order: NewOrder,
    /// Lots not filled yet.
    pub leaves: i64,
    /// Where it is in its life.
    pub stage: Stage,
    /// Rank in time.
    pub(crate) seq: u64,
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
    /// The order it is about.
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
}
