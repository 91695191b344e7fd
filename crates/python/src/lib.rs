//! `chanflow_native`: converts, calls, releases the GIL, and turns errors into exceptions. No rules live here.

use pyo3::prelude::*;

mod batches;
mod chan;
mod chan_columns;
mod chan_events;
mod chan_inputs;
mod chan_params;
mod exchange;
mod exchange_words;
mod lake;
mod orderflow;
mod orderflow_columns;
mod orderflow_events;
mod orderflow_flow;
mod orderflow_gate;
mod orderflow_intake;
mod orderflow_rows;
mod orderflow_wire;
mod scan;
mod simulator;
mod simulator_flow;
mod simulator_runs;

#[pymodule]
fn chanflow_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("__source_digest__", env!("CHANFLOW_SOURCE_DIGEST"))?;
    batches::register(module)?;
    chan::register(module)?;
    exchange::register(module)?;
    lake::register(module)?;
    orderflow::register(module)?;
    orderflow_events::register(module)?;
    orderflow_flow::register(module)?;
    orderflow_gate::register(module)?;
    orderflow_intake::register(module)?;
    orderflow_rows::register(module)?;
    orderflow_wire::register(module)?;
    scan::register(module)?;
    simulator::register(module)?;
    simulator_flow::register(module)?;
    simulator_runs::register(module)?;
    Ok(())
}
