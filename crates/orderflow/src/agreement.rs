//! Whether the rebuilt book shows the venue's own best quotes.
//!
//! After each applied diff the best bid and ask, price and size, must equal the latest quote with `u` not above the diff's. The
//! two streams arrive interleaved, so a comparison waits until a quote with a higher `u` shows which one was the latest.

use std::collections::VecDeque;

use crate::event::Level;

mod state;

/// Most quotes kept for diffs that wait for a snapshot.
const MAX_QUOTES: usize = 65_536;

#[derive(Clone, Copy, Debug)]
struct Quote {
    update_id: i64,
    bid: Level,
    ask: Level,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    final_id: i64,
    event_ms: i64,
    bid: Option<Level>,
    ask: Option<Level>,
}

/// Counts comparable diffs and those that agree.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    quotes: VecDeque<Quote>,
    waiting: VecDeque<Waiting>,
    checks: u64,
    matches: u64,
}

impl Agreement {
    /// Returns how many diffs were compared.
    pub fn checks(&self) -> u64 {
        self.checks
    }

    /// Returns how many of them agreed.
    pub fn matches(&self) -> u64 {
        self.matches
    }

    /// Takes a quote and decides the diffs below it; returns the newest venue time (Unix ms) of one that disagrees.
    ///
    /// No diff with `u` below `needed_from` will come any more, so older quotes are let go.
    pub fn on_quote(
        &mut self,
        update_id: i64,
        bid: Level,
        ask: Level,
        needed_from: i64,
    ) -> Option<i64> {
        let mut bad_ms = None;
        while let Some(front) = self.waiting.front().filter(|front| front.final_id < update_id) {
            bad_ms = judge(&self.quotes, front, &mut self.checks, &mut self.matches).or(bad_ms);
            self.waiting.pop_front();
        }
        self.quotes.push_back(Quote { update_id, bid, ask });
        let needed =
            self.waiting.front().map_or(needed_from, |front| front.final_id.min(needed_from));
        while self.quotes.len() > MAX_QUOTES
            || self.quotes.get(1).is_some_and(|next| next.update_id <= needed)
        {
            self.quotes.pop_front();
        }
        bad_ms
    }

    /// Takes the best quotes after an applied diff; returns its time if it is known to disagree already.
    pub fn on_applied(
        &mut self,
        final_id: i64,
        event_ms: i64,
        bid: Option<Level>,
        ask: Option<Level>,
    ) -> Option<i64> {
        let diff = Waiting { final_id, event_ms, bid, ask };
        if self.quotes.back().is_some_and(|newest| newest.update_id > final_id) {
            return judge(&self.quotes, &diff, &mut self.checks, &mut self.matches);
        }
        self.waiting.push_back(diff);
        None
    }

    /// Decides what still waits at the end of the input: an equal diff counts, an unequal one cannot be told from a quote cut off.
    pub fn finish(&mut self) {
        for diff in std::mem::take(&mut self.waiting) {
            let (mut checks, mut matches) = (0, 0);
            judge(&self.quotes, &diff, &mut checks, &mut matches);
            self.checks += matches;
            self.matches += matches;
        }
    }

    /// Forgets the diffs that wait, after the book is lost.
    pub fn lose_book(&mut self) {
        self.waiting.clear();
    }
}

/// Compares a diff with the latest quote not above it; returns its time if they differ.
fn judge(
    quotes: &VecDeque<Quote>,
    diff: &Waiting,
    checks: &mut u64,
    matches: &mut u64,
) -> Option<i64> {
    let after = quotes.partition_point(|quote| quote.update_id <= diff.final_id);
    let quote = quotes.get(after.checked_sub(1)?)?;
    *checks += 1;
    if diff.bid == Some(quote.bid) && diff.ask == Some(quote.ask) {
        *matches += 1;
        None
    } else {
        Some(diff.event_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64) -> Level {
        Level { price, qty: 1 }
    }

    #[test]
    fn a_diff_is_compared_with_the_latest_quote_not_above_it() {
        let mut agreement = Agreement::default();
        agreement.on_quote(5, level(100), level(101), 0);
        agreement.on_quote(9, level(99), level(101), 0);
        assert_eq!(agreement.on_applied(7, 1, Some(level(100)), Some(level(101))), None);
        assert_eq!(agreement.on_applied(8, 2, Some(level(99)), Some(level(101))), Some(2));
        assert_eq!(agreement.on_applied(3, 3, Some(level(99)), None), None);
        assert_eq!((agreement.checks(), agreement.matches()), (2, 1));
    }

    #[test]
    fn a_diff_ahead_of_the_quotes_waits() {
        let mut agreement = Agreement::default();
        agreement.on_quote(5, level(100), level(101), 0);
        agreement.on_applied(7, 1, Some(level(98)), Some(level(101)));
        agreement.on_quote(6, level(98), level(101), 7);
        assert_eq!(agreement.checks(), 0);
        assert_eq!(agreement.on_quote(8, level(97), level(101), 7), None);
        assert_eq!((agreement.checks(), agreement.matches()), (1, 1));
    }
}
