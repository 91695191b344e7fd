//! Ticks for Python: a synthetic market told level by level, and events of other feeds told likewise.

use ::simulator::flow::{Flow, Premium};
use ::simulator::levels::Leveller;
use ::simulator::market::MarketConfig;
use ::simulator::ticks::Tick;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::orderflow::PyEventBatch;
use crate::simulator::positive;

type Columns<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
);

fn columns<'py>(py: Python<'py>, ticks: &[Tick]) -> Columns<'py> {
    let ints = |of: fn(&Tick) -> i64| ticks.iter().map(of).collect::<Vec<_>>().into_pyarray(py);
    let kind = ticks.iter().map(|tick| tick.kind as u8).collect::<Vec<_>>().into_pyarray(py);
    (ints(|tick| tick.event_ns), kind, ints(|tick| tick.price), ints(|tick| tick.qty))
}

/// A synthetic market told level by level.
#[pyclass(name = "SyntheticFlow", module = "chanflow_native")]
pub struct PySyntheticFlow {
    flow: Flow,
}

#[pymethods]
impl PySyntheticFlow {
    #[new]
    #[pyo3(signature = (
        seed, start_ns, *, symbol, start_price, tick=1, step=1, typical_qty=1_000, pace=1, funding_interval_h=8
    ))]
    #[allow(clippy::too_many_arguments, reason = "the names are Python's")]
    fn new(
        seed: u64,
        start_ns: i64,
        symbol: &str,
        start_price: i64,
        tick: i64,
        step: i64,
        typical_qty: i64,
        pace: i64,
        funding_interval_h: i64,
    ) -> PyResult<Self> {
        for (name, value) in [
            ("start_price", start_price),
            ("tick", tick),
            ("step", step),
            ("typical_qty", typical_qty),
            ("pace", pace),
            ("funding_interval_h", funding_interval_h),
        ] {
            positive(name, value)?;
        }
        let symbol = symbol.to_owned();
        let config = MarketConfig {
            symbol,
            start_ns,
            start_price,
            tick,
            step,
            typical_qty,
            ..MarketConfig::default()
        };
        Ok(Self { flow: Flow::new(config, seed, pace, funding_interval_h) })
    }

    fn advance<'py>(&mut self, py: Python<'py>, until_ns: i64) -> Columns<'py> {
        let mut ticks = Vec::new();
        py.detach(|| self.flow.advance(until_ns, &mut ticks));
        columns(py, &ticks)
    }
}

/// Tells events level by level.
#[pyclass(name = "Leveller", module = "chanflow_native")]
#[derive(Default)]
pub struct PyLeveller {
    leveller: Leveller,
}

#[pymethods]
impl PyLeveller {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn take<'py>(&mut self, py: Python<'py>, batch: &PyEventBatch) -> Columns<'py> {
        let mut ticks = Vec::new();
        py.detach(|| self.leveller.take(&batch.batch, &mut ticks));
        columns(py, &ticks)
    }
}

/// The premium of a mark over its index and the funding rate that follows.
#[pyclass(name = "Premium", module = "chanflow_native")]
#[derive(Default)]
pub struct PyPremium {
    premium: Premium,
}

#[pymethods]
impl PyPremium {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn take(&mut self, mark: i64) -> PyResult<()> {
        positive("mark", mark)?;
        self.premium.take(mark);
        Ok(())
    }

    fn settle(&mut self) {
        self.premium.settle();
    }

    #[getter]
    fn index(&self) -> i64 {
        self.premium.index()
    }

    #[getter]
    fn rate_ppb(&self) -> i64 {
        self.premium.rate_ppb()
    }
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySyntheticFlow>()?;
    module.add_class::<PyLeveller>()?;
    module.add_class::<PyPremium>()
}
