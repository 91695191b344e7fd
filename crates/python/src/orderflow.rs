//! `orderflow` for Python.

use orderflow::event::EventBatch;
use pyo3::prelude::*;

/// Parsed or generated events of one symbol, opaque to Python.
#[pyclass(name = "EventBatch", module = "chanflow_native", frozen)]
pub struct PyEventBatch {
    /// The events and their levels.
    pub batch: EventBatch,
    /// p: prices are integers of 10^-p.
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    pub qty_decimals: u32,
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyEventBatch>()?;
    Ok(())
}
