//! What the market was like over the last minute, and how far the mid went in five: inputs of modes and regimes.

use std::collections::VecDeque;

use crate::error::Error;
use crate::state::{Reader, State, Writer, state_of};

/// The window of all rates.
const WINDOW_MS: i64 = 60_000;
/// The window of the move.
const MOVE_MS: i64 = 300_000;

/// One bin's part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    pub trades: i64,
    pub quotes: i64,
    /// Σ price · quantity in integer units.
    pub amount: i128,
    /// Square of the move of bid + ask.
    pub squared_move: i128,
}

state_of!(Part { trades, quotes, amount, squared_move });

impl Part {
    fn count(&mut self, other: &Self, sign: i64) {
        self.trades += sign * other.trades;
        self.quotes += sign * other.quotes;
        self.amount += i128::from(sign) * other.amount;
        self.squared_move += i128::from(sign) * other.squared_move;
    }
}

/// Rates of a full window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    pub trades_per_min: f64,
    pub quotes_per_s: f64,
    /// Σ price · quantity per minute, in integer units.
    pub amount_per_min: f64,
    /// Root of the sum of squared moves of bid + ask.
    pub moved: f64,
}

/// A trailing window of bins.
#[derive(Clone, Debug)]
pub(crate) struct Regime {
    bin_ms: i64,
    parts: VecDeque<Part>,
    sum: Part,
    /// bid + ask at the end of each bin, oldest first.
    mids: VecDeque<Option<i64>>,
}

impl Regime {
    /// Returns an empty window.
    pub fn new(bin_ms: i64) -> Self {
        let (parts, mids) = (VecDeque::new(), VecDeque::new());
        Self { bin_ms, parts, sum: Part::default(), mids }
    }

    /// Appends a bin and the mid at its end.
    pub fn push(&mut self, part: Part, mid2: Option<i64>) {
        self.add(part);
        self.mids.push_back(mid2);
        if self.mids.len() as i64 > (MOVE_MS / self.bin_ms).max(1) + 1 {
            self.mids.pop_front();
        }
    }

    fn add(&mut self, part: Part) {
        self.parts.push_back(part);
        self.sum.count(&part, 1);
        if self.parts.len() > self.full()
            && let Some(old) = self.parts.pop_front()
        {
            self.sum.count(&old, -1);
        }
    }

    fn full(&self) -> usize {
        (WINDOW_MS / self.bin_ms).max(1) as usize
    }

    /// Returns the rates, `None` until a minute has been seen.
    pub fn rates(&self) -> Option<Rates> {
        if self.parts.len() < self.full() {
            return None;
        }
        let span_ms = (self.parts.len() as i64 * self.bin_ms) as f64;
        Some(Rates {
            trades_per_min: self.sum.trades as f64 * 60_000.0 / span_ms,
            quotes_per_s: self.sum.quotes as f64 * 1_000.0 / span_ms,
            amount_per_min: self.sum.amount as f64 * 60_000.0 / span_ms,
            moved: (self.sum.squared_move as f64).sqrt(),
        })
    }

    /// Returns the move of the mid over five minutes, in bps; `None` until they have been seen.
    pub fn move_bps(&self) -> Option<f64> {
        if (self.mids.len() as i64) < (MOVE_MS / self.bin_ms).max(1) + 1 {
            return None;
        }
        let (old, new) = ((*self.mids.front()?)?, (*self.mids.back()?)?);
        Some(1e4 * (new - old) as f64 / old as f64)
    }
}

impl State for Regime {
    fn save(&self, out: &mut Writer) {
        self.bin_ms.save(out);
        self.parts.save(out);
        self.mids.save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        let mut regime = Self::new(i64::load(from)?.max(1));
        Vec::<Part>::load(from)?.into_iter().for_each(|part| regime.add(part));
        regime.mids = State::load(from)?;
        Ok(regime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_minute_and_the_move_of_five() {
        let mut regime = Regime::new(20_000);
        for bin in 0..16 {
            let part = Part { trades: bin, quotes: 2, amount: 10, squared_move: 3 };
            assert_eq!(regime.rates().is_some(), bin >= 3);
            regime.push(part, Some(20_000 + 2 * bin));
        }
        let rates = Rates {
            trades_per_min: 13.0 + 14.0 + 15.0,
            quotes_per_s: 0.1,
            amount_per_min: 30.0,
            moved: 3.0,
        };
        assert_eq!((regime.rates(), regime.move_bps()), (Some(rates), Some(15.0)));
    }
}
