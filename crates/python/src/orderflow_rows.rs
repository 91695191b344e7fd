//! Unified rows for Python, as columns.

use numpy::IntoPyArray;
use orderflow::Scale;
use orderflow::rows::RowCollector;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::orderflow::PyEventBatch;

/// Unified rows for the lake.
#[pyclass(name = "RowCollector", module = "chanflow_native")]
pub struct PyRowCollector {
    rows: RowCollector,
    scale: Scale,
}

#[pymethods]
impl PyRowCollector {
    #[new]
    fn new(price_decimals: u32, qty_decimals: u32) -> Self {
        let scale = Scale { price_decimals, qty_decimals };
        Self { rows: RowCollector::new(scale), scale }
    }

    fn push(&mut self, py: Python<'_>, batch: &PyEventBatch) -> PyResult<()> {
        batch.check(self.scale)?;
        py.detach(|| self.rows.push(&batch.batch));
        Ok(())
    }

    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.rows.take();
        let dict = PyDict::new(py);
        macro_rules! set_columns {
            ($($column:ident)*) => {
                $(dict.set_item(stringify!($column), rows.$column.into_pyarray(py))?;)*
            };
        }
        set_columns!(ts_ms kind price qty side is_maker bid ask bid_qty ask_qty);
        set_columns!(spread_bps event_ms known_ns seq_first seq_last seq_prev);
        Ok(dict)
    }

    #[getter]
    fn pending(&self) -> usize {
        self.rows.pending()
    }
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyRowCollector>()
}
