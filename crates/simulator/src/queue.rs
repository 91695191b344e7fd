//! Where a resting order stands among the displayed quantity of its price: the risk-adverse model.
//!
//! An order joins behind all that is displayed on arrival. Trades at the price take the queue from its front; a
//! reduction that no trade explains is taken to have been behind the order, until the level is too small for that.
//!
//! Source: `RiskAdverseQueueModel` of hftbacktest, the model's idea; its name is kept.

/// One resting order in the queue of its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Displayed lots that trade before it.
    pub ahead: i64,
    /// Lots it still wants.
    pub leaves: i64,
    /// Lots the trade gave it.
    pub filled: i64,
}

/// Lets `qty` lots trade against a queue of own orders, first come first, with the displayed lots between them.
///
/// Sets `filled` of each and moves the queue forward by the lots that the displayed orders got.
pub fn trade(queue: &mut [Waiting], qty: i64) {
    let (mut displayed, mut own) = (0, 0);
    for waiting in queue.iter_mut() {
        displayed += (waiting.ahead - displayed).max(0).min(qty - displayed - own);
        if waiting.ahead > displayed {
            break;
        }
        waiting.filled = waiting.leaves.min(qty - displayed - own);
        own += waiting.filled;
    }
    for waiting in queue {
        waiting.ahead = (waiting.ahead - (qty - own)).max(0);
    }
}

/// Returns the lots ahead after the level was shown to hold `displayed` lots.
pub fn ahead_after_change(ahead: i64, displayed: i64) -> i64 {
    ahead.min(displayed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(orders: &[(i64, i64)]) -> Vec<Waiting> {
        orders.iter().map(|&(ahead, leaves)| Waiting { ahead, leaves, filled: 0 }).collect()
    }

    fn after(orders: &[(i64, i64)], qty: i64) -> Vec<(i64, i64)> {
        let mut queue = queue(orders);
        trade(&mut queue, qty);
        queue.iter().map(|waiting| (waiting.ahead, waiting.filled)).collect()
    }

    #[test]
    fn a_trade_takes_what_is_ahead_first() {
        assert_eq!(after(&[(20, 5)], 8), [(12, 0)]);
        assert_eq!(after(&[(20, 5)], 20), [(0, 0)]);
        assert_eq!(after(&[(20, 5)], 23), [(0, 3)]);
        assert_eq!(after(&[(20, 5)], 40), [(0, 5)]);
    }

    #[test]
    fn displayed_lots_between_two_orders_trade_between_them() {
        assert_eq!(after(&[(20, 5), (30, 5)], 26), [(0, 5), (9, 0)]);
        assert_eq!(after(&[(20, 5), (30, 5)], 37), [(0, 5), (0, 2)]);
    }

    #[test]
    fn an_unexplained_reduction_was_behind_until_the_level_is_too_small() {
        assert_eq!(ahead_after_change(20, 25), 20);
        assert_eq!(ahead_after_change(20, 12), 12);
    }
}
