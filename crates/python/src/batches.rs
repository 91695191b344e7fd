//! Batches joined end to end, for a source that takes a stretch in pieces.

use orderflow::event::EventBatch;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::orderflow::PyEventBatch;

/// Returns the events of all batches in order, as one batch; the decimals are the last one's.
///
/// Raises ValueError for no batch, or when batches with events differ in decimals.
#[pyfunction]
fn join_batches(batches: Vec<PyRef<'_, PyEventBatch>>) -> PyResult<PyEventBatch> {
    let Some(last) = batches.last() else {
        return Err(PyValueError::new_err("there is no batch to join"));
    };
    let (price_decimals, qty_decimals) = (last.price_decimals, last.qty_decimals);
    let mut joined = EventBatch::default();
    for part in &batches {
        let same = (part.price_decimals, part.qty_decimals) == (price_decimals, qty_decimals);
        if !same && !part.batch.events.is_empty() {
            return Err(PyValueError::new_err(format!(
                "a batch has {} and {} decimals, the last one has {price_decimals} and {qty_decimals}",
                part.price_decimals, part.qty_decimals
            )));
        }
        append(&part.batch, &mut joined);
    }
    Ok(PyEventBatch { batch: joined, price_decimals, qty_decimals })
}

fn append(from: &EventBatch, to: &mut EventBatch) {
    to.events.reserve(from.events.len());
    to.levels.reserve(from.levels.len());
    for event in &from.events {
        to.append(event, from);
    }
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(join_batches, module)?)
}
