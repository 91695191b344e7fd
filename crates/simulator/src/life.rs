//! The life of an order at a venue, one table for the tick venue and the bar venue.
//!
//! | from | move → to |
//! |---|---|
//! | New | accept → Accepted · reject → Rejected |
//! | Accepted, Triggered, PartiallyFilled | fill → PartiallyFilled, or Filled where nothing is left |
//! | Accepted | trigger → Triggered |
//! | Accepted, Triggered, PartiallyFilled | amend → same · cancel → Canceled · expire → Expired |
//!
//! The rest is not legal: an order that ended stays ended.

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Arrived, not judged.
    New,
    /// Live.
    Accepted,
    /// Live, its condition met.
    Triggered,
    /// Live, some of it filled.
    PartiallyFilled,
    /// Ended: all of it filled.
    Filled,
    /// Ended on request.
    Canceled,
    /// Ended by its terms.
    Expired,
    /// Refused.
    Rejected,
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It is taken in.
    Accept,
    /// It is refused.
    Reject,
    /// Its condition is met.
    Trigger,
    /// Its terms change.
    Amend,
    /// Some of it trades and so many lots are left.
    Fill {
        /// Lots not filled after it.
        leaves: i64,
    },
    /// It ends on request.
    Cancel,
    /// It ends by its terms.
    Expire,
}

impl State {
    /// Returns whether the order can still trade.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Accepted | Self::Triggered | Self::PartiallyFilled)
    }

    /// Returns the state after a move, none where the table does not allow it.
    pub fn after(self, step: Move) -> Option<Self> {
        match (self, step) {
            (Self::New, Move::Accept) => Some(Self::Accepted),
            (Self::New, Move::Reject) => Some(Self::Rejected),
            (Self::Accepted, Move::Trigger) => Some(Self::Triggered),
            (live, _) if !live.is_live() => None,
            (_, Move::Fill { leaves: 0 }) => Some(Self::Filled),
            (_, Move::Fill { leaves: 1.. }) => Some(Self::PartiallyFilled),
            (live, Move::Amend) => Some(live),
            (_, Move::Cancel) => Some(Self::Canceled),
            (_, Move::Expire) => Some(Self::Expired),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_stays_ended() {
        let ends = [State::Filled, State::Canceled, State::Expired, State::Rejected];
        let steps = [
            Move::Accept,
            Move::Reject,
            Move::Trigger,
            Move::Amend,
            Move::Fill { leaves: 1 },
            Move::Cancel,
            Move::Expire,
        ];
        for end in ends {
            assert!(steps.iter().all(|&step| end.after(step).is_none()), "{end:?}");
        }
    }

    #[test]
    fn a_fill_that_leaves_nothing_ends_the_order() {
        let accepted = State::New.after(Move::Accept).unwrap();
        let part = accepted.after(Move::Fill { leaves: 3 }).unwrap();
        assert_eq!(
            (part, part.after(Move::Fill { leaves: 0 })),
            (State::PartiallyFilled, Some(State::Filled))
        );
        assert_eq!(accepted.after(Move::Fill { leaves: -1 }), None);
    }
}
