//! What the metrics of divergence read of the bars: one value per bar and column, and only the columns needed.

use crate::divergence::Needs;
use crate::macd::{Macd, Rsi};

/// A state that a bar carries on, and the one before it, so that the last bar can be corrected.
#[derive(Debug, Clone, Copy)]
struct Running<T> {
    before: Option<T>,
    now: Option<T>,
}

impl<T: Copy> Running<T> {
    const NEW: Self = Self { before: None, now: None };

    fn advance(&mut self, first: T, next: impl Fn(T) -> T) -> T {
        let now = self.now.map_or(first, next);
        *self = Self { before: self.now, now: Some(now) };
        now
    }

    fn take_back(&mut self) {
        self.now = self.before;
    }
}

/// What the bars of an era had carried on when it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carried(Running<Macd>, Running<Rsi>);

/// The columns, indexed by raw bar.
#[derive(Debug, Clone)]
pub struct Columns {
    needs: Needs,
    macd: Running<Macd>,
    wilder: Running<Rsi>,
    pub(crate) histogram: Vec<f64>,
    pub(crate) rsi: Vec<f64>,
    pub(crate) volume: Vec<f64>,
    pub(crate) amount: Vec<f64>,
}

impl Columns {
    /// Returns the columns of no bar.
    #[must_use]
    pub fn new(needs: Needs) -> Self {
        Self {
            needs,
            macd: Running::NEW,
            wilder: Running::NEW,
            histogram: Vec::new(),
            rsi: Vec::new(),
            volume: Vec::new(),
            amount: Vec::new(),
        }
    }

    /// Reads the next bar: its close in quote units, its volume in base and its amount in quote units.
    pub fn push(&mut self, close: f64, volume: f64, amount: f64) {
        if self.needs.histogram {
            let macd = self.macd.advance(Macd::first(close), |macd| macd.next(close));
            self.histogram.push(macd.histogram());
        }
        if self.needs.rsi {
            let rsi = self.wilder.advance(Rsi::first(close), |rsi| rsi.next(close));
            self.rsi.push(rsi.value());
        }
        if self.needs.volume {
            self.volume.push(volume);
        }
        if self.needs.amount {
            self.amount.push(amount);
        }
    }

    /// Begins afresh with the next bar, whose number goes on. Returns how to take that back.
    pub(crate) fn restart(&mut self) -> Carried {
        let before = (self.macd, self.wilder);
        (self.macd, self.wilder) = (Running::NEW, Running::NEW);
        Carried(before.0, before.1)
    }

    /// Takes the last bar back, and the restart before it.
    pub(crate) fn undo_restart(&mut self, carried: Carried) {
        self.drop_last();
        (self.macd, self.wilder) = (carried.0, carried.1);
    }

    /// Takes the last bar back. Only one can be.
    pub(crate) fn take_bar_back(&mut self) {
        self.macd.take_back();
        self.wilder.take_back();
        self.drop_last();
    }

    fn drop_last(&mut self) {
        for column in [&mut self.histogram, &mut self.rsi, &mut self.volume, &mut self.amount] {
            column.pop();
        }
    }

    /// Reads a correction of the last bar. It may be corrected any number of times; with no bar it is read as one.
    pub fn replace(&mut self, close: f64, volume: f64, amount: f64) {
        self.take_bar_back();
        self.push(close, volume, amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrected_bar_leaves_no_trace() {
        let needs = Needs { histogram: true, rsi: true, volume: true, amount: true };
        let (mut corrected, mut plain) = (Columns::new(needs), Columns::new(needs));
        for (i, close) in [10.0, 11.0, 9.5, 9.75].into_iter().enumerate() {
            corrected.push(close + 3.0, 7.0, 70.0);
            corrected.replace(close - 3.0, 8.0, 80.0);
            corrected.replace(close, 1.0, 2.0);
            plain.push(close, 1.0, 2.0);
            assert_eq!(corrected.histogram[i], plain.histogram[i]);
            assert_eq!(corrected.rsi[i], plain.rsi[i]);
        }
        assert_eq!((corrected.volume, corrected.amount), (plain.volume, plain.amount));
    }

    #[test]
    fn a_column_not_needed_is_not_kept() {
        let mut columns = Columns::new(Needs::default());
        columns.push(1.0, 1.0, 1.0);
        assert!(columns.histogram.is_empty() && columns.rsi.is_empty());
        assert!(columns.volume.is_empty() && columns.amount.is_empty());
    }
}
