//! Order flow imbalance of the best quotes.

use crate::event::Level;

/// Best bid and ask with their quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BestQuotes {
    /// Best bid.
    pub bid: Level,
    /// Best ask.
    pub ask: Level,
}

/// Returns the order flow imbalance (OFI) of one step of the best quotes, in units of 10^-q.
///
/// Positive where demand grew: the bid rose or thickened, or the ask rose or thinned.
///
/// Source: Cont, Kukanov & Stoikov (2014), "The Price Impact of Order Book Events", Journal of Financial Econometrics 12(1), 47-88.
pub fn ofi_step(before: &BestQuotes, after: &BestQuotes) -> i64 {
    let mut step = 0;
    if after.bid.price >= before.bid.price {
        step += after.bid.qty;
    }
    if after.bid.price <= before.bid.price {
        step -= before.bid.qty;
    }
    if after.ask.price <= before.ask.price {
        step -= after.ask.qty;
    }
    if after.ask.price >= before.ask.price {
        step += before.ask.qty;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotes(bid: (i64, i64), ask: (i64, i64)) -> BestQuotes {
        BestQuotes {
            bid: Level { price: bid.0, qty: bid.1 },
            ask: Level { price: ask.0, qty: ask.1 },
        }
    }

    #[test]
    fn one_change_of_the_quotes_is_worth_its_quantity() {
        let before = quotes((1000, 5), (1010, 7));
        let cases = [
            (quotes((1001, 3), (1010, 7)), 3),
            (quotes((999, 4), (1010, 7)), -5),
            (quotes((1000, 5), (1009, 2)), -2),
            (quotes((1000, 5), (1011, 9)), 7),
            (quotes((1000, 8), (1010, 7)), 3),
            (quotes((1000, 5), (1010, 4)), 3),
            (quotes((1001, 3), (1011, 9)), 10),
            (before, 0),
        ];
        for (after, wanted) in cases {
            assert_eq!(ofi_step(&before, &after), wanted, "{after:?}");
        }
    }
}
