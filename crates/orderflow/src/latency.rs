//! The clock offset of one socket, and the delay of each message beyond it.
//!
//! `receive − E` says nothing by itself, since a host's clock may stand seconds beside the venue's. Its least value of the
//! last ten minutes is the offset; what a message took beyond that is its excess.

use std::collections::VecDeque;

const WINDOW_MS: i64 = 600_000;
/// Messages of one such stretch of receive time share one minimum, so that the memory is bounded.
const STRETCH_MS: i64 = 1_000;
/// An excess above this is bad.
pub const EXCESS_MAX_MS: i64 = 1_500;
/// An excess below this shows that the clock stepped.
pub const EXCESS_MIN_MS: i64 = -50;
/// No host may trade with a clock further off: the venue refuses its orders. Such a difference is a wrong time, not an
/// offset, and does not enter the estimate.
pub const DIFFERENCE_MAX_MS: i64 = 60_000;
/// A minute whose 99th percentile of the excess is above this is warned of.
pub const P99_WARN_MS: i64 = 120;

const MINUTE_MS: i64 = 60_000;
const BINS: usize = EXCESS_MAX_MS as usize + 2;
const RECORDS_MAX: usize = 1_440;

/// A step of the clock that was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// Receive time, Unix ms.
    pub at_ms: i64,
    /// Offset until then, in ms.
    pub from_ms: i64,
    /// Offset that the estimate restarted with, in ms.
    pub to_ms: i64,
}

/// A minute that was slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowMinute {
    /// Its begin in receive time, Unix ms.
    pub from_ms: i64,
    /// 99th percentile of the excess, in ms; at most [`EXCESS_MAX_MS`] + 1.
    pub p99_ms: i64,
}

/// What is known of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Excess over the offset, in ms; None where the difference is no offset at all.
    pub excess_ms: Option<i64>,
    /// Whether the row is to be refused.
    pub is_bad: bool,
}

/// Estimates the offset of one socket.
#[derive(Clone, Debug)]
pub struct Latency {
    /// (stretch of receive time, least difference), both rising.
    minima: VecDeque<(i64, i64)>,
    /// Where the newest stretch and the counted minute end in receive time, Unix ms.
    stretch_end_ms: i64,
    minute_end_ms: i64,
    minute_rows: u64,
    bins: Vec<u32>,
    minutes: u64,
    slow_minutes: u64,
    slow: VecDeque<SlowMinute>,
    step_count: u64,
    steps: VecDeque<ClockStep>,
    max_excess_ms: i64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            minima: VecDeque::new(),
            stretch_end_ms: i64::MIN,
            minute_end_ms: i64::MIN,
            minute_rows: 0,
            bins: vec![0; BINS],
            minutes: 0,
            slow_minutes: 0,
            slow: VecDeque::new(),
            step_count: 0,
            steps: VecDeque::new(),
            max_excess_ms: 0,
        }
    }
}

impl Latency {
    /// Takes the receive time of a message and its `E`, Unix ms.
    pub fn see(&mut self, recv_ms: i64, emitted_ms: i64) -> Delay {
        let difference = recv_ms.saturating_sub(emitted_ms);
        if difference.saturating_abs() > DIFFERENCE_MAX_MS {
            return Delay { excess_ms: None, is_bad: true };
        }
        let Some(offset) = self.offset_ms() else {
            self.enter(recv_ms, difference);
            self.count(recv_ms, 0);
            return Delay { excess_ms: Some(0), is_bad: false };
        };
        let excess = difference - offset;
        if excess < EXCESS_MIN_MS {
            self.step_count += 1;
            push_bounded(
                &mut self.steps,
                ClockStep { at_ms: recv_ms, from_ms: offset, to_ms: difference },
            );
            self.minima.clear();
            self.enter(recv_ms, difference);
            return Delay { excess_ms: Some(excess), is_bad: true };
        }
        self.enter(recv_ms, difference);
        self.count(recv_ms, excess);
        Delay { excess_ms: Some(excess), is_bad: excess > EXCESS_MAX_MS }
    }

    /// Returns the offset in ms, once a message was seen.
    pub fn offset_ms(&self) -> Option<i64> {
        self.minima.front().map(|(_, least)| *least)
    }

    /// Returns how often the clock stepped.
    pub fn step_count(&self) -> u64 {
        self.step_count
    }

    /// Returns the newest steps of the clock, oldest first.
    pub fn steps(&self) -> impl Iterator<Item = ClockStep> {
        self.steps.iter().copied()
    }

    /// Returns how many whole minutes were measured, and how many of them were slow.
    pub fn minutes(&self) -> (u64, u64) {
        (self.minutes, self.slow_minutes)
    }

    /// Returns the newest slow minutes, oldest first.
    pub fn slow(&self) -> impl Iterator<Item = SlowMinute> {
        self.slow.iter().copied()
    }

    /// Returns the largest excess seen, in ms.
    pub fn max_excess_ms(&self) -> i64 {
        self.max_excess_ms
    }

    fn enter(&mut self, recv_ms: i64, difference: i64) {
        let newest = self.minima.back().map_or(i64::MIN, |(stretch, _)| *stretch);
        // A receive time that falls belongs to the newest stretch.
        let stretch = if recv_ms < self.stretch_end_ms && newest != i64::MIN {
            newest
        } else {
            let stretch = recv_ms.div_euclid(STRETCH_MS);
            self.stretch_end_ms = stretch.saturating_add(1).saturating_mul(STRETCH_MS);
            stretch
        };
        while let Some((held, least)) = self.minima.back().copied() {
            if difference > least {
                if held == stretch {
                    return;
                }
                break;
            }
            self.minima.pop_back();
        }
        self.minima.push_back((stretch, difference));
        let oldest = stretch.saturating_sub(WINDOW_MS / STRETCH_MS);
        while self.minima.front().is_some_and(|(held, _)| *held < oldest) {
            self.minima.pop_front();
        }
    }

    fn count(&mut self, recv_ms: i64, excess: i64) {
        if recv_ms >= self.minute_end_ms {
            self.close_minute();
            self.minute_end_ms =
                recv_ms.div_euclid(MINUTE_MS).saturating_add(1).saturating_mul(MINUTE_MS);
        }
        self.max_excess_ms = self.max_excess_ms.max(excess);
        let bin = excess.clamp(0, EXCESS_MAX_MS + 1) as usize;
        if let Some(rows) = self.bins.get_mut(bin) {
            *rows = rows.saturating_add(1);
            self.minute_rows += 1;
        }
    }

    fn close_minute(&mut self) {
        if self.minute_rows == 0 {
            return;
        }
        self.minutes += 1;
        let rank = self.minute_rows - self.minute_rows / 100;
        let mut below = 0;
        let p99_ms = self.bins.iter().position(|rows| {
            below += u64::from(*rows);
            below >= rank
        });
        let p99_ms = p99_ms.unwrap_or(BINS - 1) as i64;
        if p99_ms > P99_WARN_MS {
            self.slow_minutes += 1;
            push_bounded(
                &mut self.slow,
                SlowMinute { from_ms: self.minute_end_ms - MINUTE_MS, p99_ms },
            );
        }
        self.bins.fill(0);
        self.minute_rows = 0;
    }
}

fn push_bounded<T>(records: &mut VecDeque<T>, record: T) {
    if records.len() == RECORDS_MAX {
        records.pop_front();
    }
    records.push_back(record);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excess(latency: &mut Latency, recv_ms: i64, difference: i64) -> (Option<i64>, bool) {
        let delay = latency.see(recv_ms, recv_ms - difference);
        (delay.excess_ms, delay.is_bad)
    }

    #[test]
    fn the_least_difference_of_ten_minutes_is_the_offset() {
        let mut latency = Latency::default();
        assert_eq!(excess(&mut latency, 0, -1_265), (Some(0), false));
        assert_eq!(excess(&mut latency, 10, -1_260), (Some(5), false));
        assert_eq!(excess(&mut latency, 300_000, -1_262), (Some(3), false));
        assert_eq!(excess(&mut latency, 601_000, -1_260), (Some(5), false));
        assert_eq!(latency.offset_ms(), Some(-1_262));
    }

    #[test]
    fn a_late_message_is_bad_and_leaves_the_offset() {
        let mut latency = Latency::default();
        excess(&mut latency, 0, 5);
        assert_eq!(excess(&mut latency, 100, 1_505), (Some(1_500), false));
        assert_eq!(excess(&mut latency, 200, 1_506), (Some(1_501), true));
        assert_eq!(excess(&mut latency, 300, 5), (Some(0), false));
    }

    #[test]
    fn a_clock_that_steps_back_restarts_the_estimate() {
        let mut latency = Latency::default();
        excess(&mut latency, 0, 5);
        assert_eq!(excess(&mut latency, 100, -45), (Some(-50), false));
        assert_eq!(excess(&mut latency, 200, -96), (Some(-51), true));
        assert_eq!(excess(&mut latency, 300, -96), (Some(0), false));
        assert_eq!(latency.step_count(), 1);
        let step = ClockStep { at_ms: 200, from_ms: -45, to_ms: -96 };
        assert_eq!(latency.steps().collect::<Vec<_>>(), [step]);
    }

    #[test]
    fn a_time_from_another_year_is_no_offset() {
        let mut latency = Latency::default();
        assert_eq!(excess(&mut latency, 1, -1_700_000_000_000), (None, true));
        assert_eq!(latency.offset_ms(), None);
        assert!(latency.see(i64::MAX, i64::MIN).is_bad);
        assert!(latency.see(i64::MIN, i64::MAX).is_bad);
    }

    #[test]
    fn a_slow_minute_is_warned_of() {
        let mut latency = Latency::default();
        for second in 0..60 {
            excess(&mut latency, second * 1_000, if second < 58 { 0 } else { 121 });
        }
        assert_eq!(latency.minutes(), (0, 0));
        excess(&mut latency, 60_000, 0);
        assert_eq!(latency.minutes(), (1, 1));
        assert_eq!(latency.slow().collect::<Vec<_>>(), [SlowMinute { from_ms: 0, p99_ms: 121 }]);
    }
}
