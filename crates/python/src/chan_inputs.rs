//! Columns of bars from Python, read where they lie.

use ::chan::Bar;
use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

type Floats<'py> = PyReadonlyArray1<'py, f64>;

/// Columns of one length.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    ts_ms: &'a [i64],
    /// Open, high, low, close.
    prices: [&'a [f64]; 4],
    /// Volume, amount.
    traded: [Option<&'a [f64]>; 2],
    /// The time of each bar by the market's clock.
    market_ms: Option<&'a [i64]>,
}

impl<'a> Inputs<'a> {
    /// The columns, if they are contiguous and of one length.
    pub fn of(
        ts_ms: &'a PyReadonlyArray1<'_, i64>,
        prices: [(&str, &'a Floats<'_>); 4],
        traded: [(&str, Option<&'a Floats<'_>>); 2],
        market_ms: Option<&'a PyReadonlyArray1<'_, i64>>,
    ) -> PyResult<Self> {
        let ts_ms = ts_ms.as_slice()?;
        let market_ms =
            market_ms.map(|times| same_length("market_ms", times, ts_ms)).transpose()?;
        let mut inputs = Self { ts_ms, prices: [&[]; 4], traded: [None; 2], market_ms };
        for (place, (name, column)) in inputs.prices.iter_mut().zip(prices) {
            *place = same_length(name, column, inputs.ts_ms)?;
        }
        for (place, (name, column)) in inputs.traded.iter_mut().zip(traded) {
            *place = column.map(|column| same_length(name, column, inputs.ts_ms)).transpose()?;
        }
        Ok(inputs)
    }

    /// The bars in order; volume and amount are 0 where there is no column.
    pub fn bars(self) -> impl ExactSizeIterator<Item = Bar> + 'a {
        let [volume, amount] = self.traded;
        (0..self.ts_ms.len()).map(move |at| {
            let [open, high, low, close] = self.prices.map(|column| column[at]);
            let of = |column: Option<&[f64]>| column.map_or(0.0, |column| column[at]);
            let (volume, amount) = (of(volume), of(amount));
            Bar { ts_ms: self.ts_ms[at], open, high, low, close, volume, amount }
        })
    }

    /// The bars in order, each with its time by the market's clock, or by its own where there is no such column.
    pub fn timed_bars(self) -> impl ExactSizeIterator<Item = (Bar, i64)> + 'a {
        let at = move |i: usize| self.market_ms.map_or(self.ts_ms[i], |times| times[i]);
        self.bars().enumerate().map(move |(i, bar)| (bar, at(i)))
    }

    /// A time of the market's clock, if it was given.
    pub fn clock(&self, market_ms: i64) -> Option<i64> {
        self.market_ms.map(|_| market_ms)
    }
}

fn same_length<'a, T: Element>(
    name: &str,
    column: &'a PyReadonlyArray1<'_, T>,
    ts_ms: &[i64],
) -> PyResult<&'a [T]> {
    let values = column.as_slice()?;
    if values.len() == ts_ms.len() {
        return Ok(values);
    }
    let (len, expected) = (values.len(), ts_ms.len());
    Err(PyValueError::new_err(format!("{name} has {len} values and ts_ms has {expected}")))
}
