//! What a UTC day may have of faults: empty seconds, duplicates, quarantined rows.

use std::collections::BTreeMap;

const SECONDS_PER_DAY: i64 = 86_400;
const MS_PER_DAY: i64 = 86_400_000;
/// Days that are remembered; older ones are dropped first.
const DAYS_MAX: usize = 400;

/// Counts of one UTC day over all symbols. Seconds are those of a symbol's first to its last good row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Rows.
    pub rows: u64,
    /// Rows that came twice.
    pub duplicates: u64,
    /// Rows with any other code that condemns a row.
    pub quarantined: u64,
    /// Seconds from a symbol's first good row to its last, summed.
    pub seconds: u64,
    /// Those of them without a good row.
    pub empty_seconds: u64,
}

/// The seconds of one symbol on one day.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SecondSpan {
    last: Option<i64>,
    /// Where that second ends, Unix ms.
    end_ms: i64,
}

/// Days by their number since the epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Days {
    counts: BTreeMap<i64, DayCounts>,
    /// The day that is being counted, kept out of the map.
    current: Option<(i64, DayCounts)>,
    begin_ms: i64,
    end_ms: i64,
}

impl Days {
    /// Counts a row at `ts_ms`; a row without a usable time counts on the day of the row before.
    pub fn count(&mut self, ts_ms: i64, is_duplicate: bool, is_quarantined: bool) {
        if ts_ms > 0 && !(self.begin_ms..self.end_ms).contains(&ts_ms) {
            self.turn(ts_ms.div_euclid(MS_PER_DAY));
        }
        if let Some((_, counts)) = &mut self.current {
            counts.rows += 1;
            counts.duplicates += u64::from(is_duplicate);
            counts.quarantined += u64::from(is_quarantined);
        }
    }

    /// Enters the second of a good row, right after it was counted.
    pub fn enter(&mut self, span: &mut SecondSpan, ts_ms: i64) {
        if ts_ms < span.end_ms {
            return;
        }
        let second = ts_ms.div_euclid(1_000);
        span.end_ms = second.saturating_add(1).saturating_mul(1_000);
        let Some((day, counts)) = &mut self.current else { return };
        match span.last {
            Some(last) if second <= last => {}
            Some(last) if last.div_euclid(SECONDS_PER_DAY) == *day => {
                counts.seconds += second.abs_diff(last);
                counts.empty_seconds += second.abs_diff(last) - 1;
                span.last = Some(second);
            }
            _ => {
                counts.seconds += 1;
                span.last = Some(second);
            }
        }
    }

    /// Returns the days, oldest first.
    pub fn all(&self) -> Vec<(i64, DayCounts)> {
        let mut days = self.counts.clone();
        days.extend(self.current);
        days.into_iter().collect()
    }

    fn turn(&mut self, day: i64) {
        self.begin_ms = day.saturating_mul(MS_PER_DAY);
        self.end_ms = self.begin_ms.saturating_add(MS_PER_DAY);
        if let Some((old, counts)) = self.current.take() {
            self.counts.insert(old, counts);
        }
        if self.counts.len() >= DAYS_MAX {
            self.counts.pop_first();
        }
        self.current = Some((day, self.counts.remove(&day).unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_without_a_row_are_empty_within_a_day() {
        let (mut days, mut span) = (Days::default(), SecondSpan::default());
        for ts_ms in [1_000, 1_500, 2_000, 5_000, 4_000, 86_399_999, 86_401_000, 86_403_000] {
            days.count(ts_ms, ts_ms == 4_000, false);
            days.enter(&mut span, ts_ms);
        }
        let first = DayCounts { rows: 6, duplicates: 1, seconds: 86_399, ..DayCounts::default() };
        let second = DayCounts { rows: 2, seconds: 3, empty_seconds: 1, ..DayCounts::default() };
        // Seconds 1, 2, 5 and 86,399 have rows.
        let first = DayCounts { empty_seconds: 86_399 - 4, ..first };
        assert_eq!(days.all(), [(0, first), (1, second)]);
    }
}
