//! `chanflow_native`: converts, calls, releases the GIL, and turns errors into exceptions. No rules live here.

use pyo3::prelude::*;

mod chan;
mod orderflow;
mod simulator;

#[pymodule]
fn chanflow_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    chan::register(module)?;
    orderflow::register(module)?;
    simulator::register(module)?;
    Ok(())
}
