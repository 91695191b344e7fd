//! The newest row keys of a stream, to know a row that comes twice.

use std::collections::{BTreeSet, VecDeque};

/// How many rows of a stream are remembered.
pub const RECENT_ROWS: usize = 32_768;

/// Sequence number and event time: with venue, symbol and kind, what a row's id is made of.
pub(crate) type RowKey = (i64, i64);

/// Remembers at least the newest [`RECENT_ROWS`] keys.
///
/// Keys that rise, as nearly all do, lie in a queue that needs no search; only others go to a tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentRows {
    rising: VecDeque<RowKey>,
    late: BTreeSet<RowKey>,
    /// (number of the row, its key), oldest first.
    late_order: VecDeque<(u64, RowKey)>,
    rows: u64,
}

impl RecentRows {
    /// Takes a key and returns whether it was there already.
    pub fn has_seen(&mut self, key: RowKey) -> bool {
        self.rows += 1;
        let rises = self.rising.back().is_none_or(|newest| key > *newest);
        if rises {
            if self.rising.len() == RECENT_ROWS {
                self.rising.pop_front();
            }
            self.rising.push_back(key);
        } else if self.rising.back() == Some(&key)
            || self.rising.binary_search(&key).is_ok()
            || !self.late.insert(key)
        {
            return true;
        } else {
            self.late_order.push_back((self.rows, key));
        }
        while let Some((row, old)) = self.late_order.front().copied() {
            if self.rows - row < RECENT_ROWS as u64 {
                break;
            }
            self.late.remove(&old);
            self.late_order.pop_front();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_until_enough_others_came() {
        let mut recent = RecentRows::default();
        assert!(!recent.has_seen((5, 0)));
        assert!(recent.has_seen((5, 0)));
        assert!(!recent.has_seen((3, 0)));
        assert!(recent.has_seen((3, 0)));
        assert!(!recent.has_seen((5, 1)));
        for id in 0..RECENT_ROWS as i64 - 2 {
            assert!(!recent.has_seen((10 + id, 0)));
        }
        assert!(recent.has_seen((5, 0)));
        for id in 0..3 {
            assert!(!recent.has_seen((100_000 + id, 0)));
        }
        assert!(!recent.has_seen((5, 0)));
        assert!(!recent.has_seen((3, 0)));
    }
}
