//! `simulator` for Python.

use pyo3::prelude::*;

/// Adds this room's names to the module.
pub fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
