//! `chanflow_native`: converts, calls, releases the GIL, and turns errors into exceptions. No rules live here.

use pyo3::prelude::*;

mod batches;
mod chan;
mod chan_columns;
mod chan_events;
mod chan_inputs;
mod chan_params;
mod lake;
mod orderflow;
mod scan;
mod simulator;

#[pymodule]
fn chanflow_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("__source_digest__", env!("CHANFLOW_SOURCE_DIGEST"))?;
    batches::register(module)?;
    chan::register(module)?;
    lake::register(module)?;
    orderflow::register(module)?;
    scan::register(module)?;
    simulator::register(module)?;
    Ok(())
}
