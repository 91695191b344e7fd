//! `orderflow` for Python: what its rooms share. `orderflow_wire`, `orderflow_flow` and `orderflow_rows` hold the classes.

use orderflow::Scale;
use orderflow::error::Error;
use orderflow::event::{Body, EventBatch};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Sets dictionary items named like the fields they come from.
macro_rules! set_fields {
    ($dict:expr, $from:expr; $($field:ident)*) => {
        $($dict.set_item(stringify!($field), &$from.$field)?;)*
    };
}
pub(crate) use set_fields;

/// Turns an error of the core into ValueError.
pub fn refused(error: Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Parsed or generated events of one symbol, opaque to Python.
#[pyclass(name = "EventBatch", module = "chanflow_native", frozen)]
pub struct PyEventBatch {
    /// The events and their levels.
    pub batch: EventBatch,
    /// p: prices are integers of 10^-p.
    #[pyo3(get)]
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    #[pyo3(get)]
    pub qty_decimals: u32,
}

impl PyEventBatch {
    fn price(&self, price: i64) -> f64 {
        price as f64 / 10_f64.powi(self.price_decimals as i32)
    }

    fn trade_prices(&self) -> impl DoubleEndedIterator<Item = i64> + '_ {
        self.batch.events.iter().filter_map(|event| match event.body {
            Body::Trade { price, is_market: true, .. } => Some(price),
            _ => None,
        })
    }

    fn last_quote(&self) -> Option<(i64, i64)> {
        self.batch.events.iter().rev().find_map(|event| match event.body {
            Body::Quote { bid, ask, .. } => Some((bid.price, ask.price)),
            _ => None,
        })
    }

    /// Refuses a batch whose integers mean something else than the receiver's.
    pub fn check(&self, scale: Scale) -> PyResult<()> {
        let own = Scale { price_decimals: self.price_decimals, qty_decimals: self.qty_decimals };
        if self.batch.events.is_empty() || own == scale {
            return Ok(());
        }
        Err(PyValueError::new_err(format!(
            "the batch has {} and {} decimals, expected {} and {}",
            own.price_decimals, own.qty_decimals, scale.price_decimals, scale.qty_decimals
        )))
    }
}

#[pymethods]
impl PyEventBatch {
    fn __len__(&self) -> usize {
        self.batch.events.len()
    }

    #[getter]
    fn first_event_ns(&self) -> Option<i64> {
        self.batch.events.first().map(|event| event.event_ns)
    }

    #[getter]
    fn last_event_ns(&self) -> Option<i64> {
        self.batch.events.iter().map(|event| event.event_ns).max()
    }

    #[getter]
    fn last_known_ns(&self) -> Option<i64> {
        self.batch.events.iter().map(|event| event.known_ns).max()
    }

    #[getter]
    fn trade_low(&self) -> Option<f64> {
        self.trade_prices().min().map(|price| self.price(price))
    }

    #[getter]
    fn trade_high(&self) -> Option<f64> {
        self.trade_prices().max().map(|price| self.price(price))
    }

    #[getter]
    fn last_price(&self) -> Option<f64> {
        self.trade_prices().next_back().map(|price| self.price(price))
    }

    #[getter]
    fn bid(&self) -> Option<f64> {
        self.last_quote().map(|(bid, _)| self.price(bid))
    }

    #[getter]
    fn ask(&self) -> Option<f64> {
        self.last_quote().map(|(_, ask)| self.price(ask))
    }
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyEventBatch>()
}
