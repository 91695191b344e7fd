//! Resets: where a guard ends what cannot go on, and why. None happens unless a guard is set.

use crate::error::ChanError;

/// Which guard it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// More open time of the market passed than `reset_gap_ms`: everything starts afresh.
    Gap,
    /// No new stroke for `max_stroke_bars`: the next one need not end at the peak of its bars.
    LongStroke,
}

impl ResetReason {
    /// Returns the word for it: `gap` or `long_stroke`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::LongStroke => "long_stroke",
        }
    }
}

/// One reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Raw bar after which it is known: after a gap the first of the new era.
    pub bar: usize,
    /// Open time of that bar, Unix milliseconds UTC.
    pub ts_ms: i64,
    /// Which guard it was.
    pub reason: ResetReason,
    /// Since which raw bar: the last one before the gap, or where the last stroke ends.
    pub from_bar: usize,
    /// Open time of that bar.
    pub from_ts_ms: i64,
    /// Of a gap, the open time of the market from the one bar's open to the other's.
    pub gap_ms: Option<i64>,
}

/// When a bar opened, by the world's clock and by the market's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub ts_ms: i64,
    /// Open time of the market until then: it stands still while that is closed.
    pub market_ms: i64,
}

/// Watches the time between bars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GapWatch {
    limit_ms: i64,
    last: Option<Stamp>,
    /// The bar before the last, so that the last can be corrected.
    before: Option<Stamp>,
}

impl GapWatch {
    pub fn new(limit_ms: i64) -> Self {
        Self { limit_ms, last: None, before: None }
    }

    /// Returns the reset that bar number `bar` brings, if it is the next one.
    pub fn at_next(&self, bar: usize, now: Stamp) -> Result<Option<Reset>, ChanError> {
        self.between(self.last, bar, now)
    }

    /// Returns the reset that bar number `bar` brings, if it corrects the last one.
    pub fn at_last(&self, bar: usize, now: Stamp) -> Result<Option<Reset>, ChanError> {
        self.between(self.before, bar, now)
    }

    /// Notes that the next bar was read.
    pub fn advance(&mut self, now: Stamp) {
        (self.before, self.last) = (self.last, Some(now));
    }

    /// Notes that the last bar was corrected.
    pub fn correct(&mut self, now: Stamp) {
        self.last = Some(now);
    }

    fn between(
        &self,
        from: Option<Stamp>,
        bar: usize,
        now: Stamp,
    ) -> Result<Option<Reset>, ChanError> {
        let (Some(from), Some(from_bar)) = (from, bar.checked_sub(1)) else { return Ok(None) };
        let Stamp { ts_ms, market_ms } = now;
        if market_ms < from.market_ms {
            let previous_market_ms = from.market_ms;
            return Err(ChanError::MarketTimeFalls { bar, market_ms, previous_market_ms });
        }
        let gap_ms = market_ms.saturating_sub(from.market_ms);
        let reset = Reset {
            bar,
            ts_ms,
            reason: ResetReason::Gap,
            from_bar,
            from_ts_ms: from.ts_ms,
            gap_ms: Some(gap_ms),
        };
        Ok((gap_ms > self.limit_ms).then_some(reset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Stamp {
        Stamp { ts_ms: ms, market_ms: ms }
    }

    #[test]
    fn a_gap_is_longer_than_the_limit_and_not_as_long() {
        let mut watch = GapWatch::new(100);
        assert_eq!(watch.at_next(0, at(7)).unwrap(), None);
        watch.advance(at(7));
        assert_eq!(watch.at_next(1, at(107)).unwrap(), None);
        let reset = watch.at_next(1, at(108)).unwrap().unwrap();
        assert_eq!((reset.bar, reset.from_bar, reset.gap_ms), (1, 0, Some(101)));
        assert_eq!((reset.from_ts_ms, reset.ts_ms), (7, 108));
    }

    #[test]
    fn a_corrected_bar_is_measured_from_the_bar_before_it() {
        let mut watch = GapWatch::new(100);
        watch.advance(at(0));
        watch.advance(at(500));
        assert_eq!(watch.at_last(1, at(90)).unwrap(), None);
        watch.correct(at(90));
        assert!(watch.at_next(2, at(191)).unwrap().is_some());
    }

    #[test]
    fn the_time_of_the_market_may_stand_still_and_not_fall() {
        let mut watch = GapWatch::new(i64::MAX - 1);
        watch.advance(Stamp { ts_ms: 0, market_ms: i64::MIN });
        assert!(watch.at_next(1, at(i64::MAX)).unwrap().is_some());
        watch.advance(at(5));
        assert_eq!(watch.at_next(2, at(5)).unwrap(), None);
        let refused = watch.at_next(2, at(4)).unwrap_err().to_string();
        assert_eq!(refused, "bar 2: market_ms 4 must not be earlier than 5 of the bar before");
    }
}
