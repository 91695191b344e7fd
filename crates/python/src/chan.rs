//! `chan` for Python.

use ::chan::{Bar, ChanError, Engine, Params, Stroke, StrokeEvent};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

/// (kind, index, start_bar, end_bar, start_ts_ms, end_ts_ms, start_price, end_price, direction, bar)
type EventTuple = (&'static str, usize, usize, usize, i64, i64, f64, f64, i8, usize);

/// Chan structure of a growing series of bars.
#[pyclass(name = "ChanEngine", module = "chanflow_native")]
pub struct PyChanEngine {
    engine: Engine,
}

#[pymethods]
impl PyChanEngine {
    #[new]
    #[pyo3(signature = (preset = "default", params = None))]
    fn new(preset: &str, params: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self { engine: Engine::new(read_params(preset, params)?) })
    }

    /// Reads a bar and returns what it changed.
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = 0.0))]
    fn push(
        &mut self,
        ts_ms: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: f64,
    ) -> PyResult<Vec<EventTuple>> {
        let bar = Bar { ts_ms, open, high, low, close, volume };
        Ok(tuples(self.engine.push(bar).map_err(to_py)?))
    }

    /// Reads a correction of the last bar and returns the differences from what was shown with the old version.
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = 0.0))]
    fn replace(
        &mut self,
        ts_ms: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: f64,
    ) -> PyResult<Vec<EventTuple>> {
        let bar = Bar { ts_ms, open, high, low, close, volume };
        Ok(tuples(self.engine.replace(bar).map_err(to_py)?))
    }

    /// The strokes shown after the last bar, one array per column.
    fn strokes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        let shown = &self.engine;
        columns.set_item("start_bar", column(py, shown, |s| to_i64(s.start_bar)))?;
        columns.set_item("end_bar", column(py, shown, |s| to_i64(s.end_bar)))?;
        columns.set_item("start_ts_ms", column(py, shown, |s| s.start_ts_ms))?;
        columns.set_item("end_ts_ms", column(py, shown, |s| s.end_ts_ms))?;
        columns.set_item("start_price", column(py, shown, |s| s.start_price))?;
        columns.set_item("end_price", column(py, shown, |s| s.end_price))?;
        columns.set_item("direction", column(py, shown, |s| s.direction.sign()))?;
        columns.set_item("state", column(py, shown, |s| s.state.code()))?;
        columns.set_item("first_seen_bar", column(py, shown, |s| to_i64(s.first_seen_bar)))?;
        let confirmed = column(py, shown, |s| s.confirmed_bar.map_or(-1, to_i64));
        columns.set_item("confirmed_bar", confirmed)?;
        Ok(columns)
    }

    /// How many merged bars the raw bars make.
    #[getter]
    fn merged(&self) -> usize {
        self.engine.merged_count()
    }

    /// How many raw bars were read.
    #[getter]
    fn bars(&self) -> usize {
        self.engine.bar_count()
    }
}

/// Reads whole columns, without the GIL, and returns the engine.
#[pyfunction]
#[pyo3(signature = (ts_ms, open, high, low, close, volume = None, preset = "default", params = None))]
#[allow(clippy::too_many_arguments, reason = "they are the columns of a table")]
fn chan_analyze(
    py: Python<'_>,
    ts_ms: PyReadonlyArray1<'_, i64>,
    open: PyReadonlyArray1<'_, f64>,
    high: PyReadonlyArray1<'_, f64>,
    low: PyReadonlyArray1<'_, f64>,
    close: PyReadonlyArray1<'_, f64>,
    volume: Option<PyReadonlyArray1<'_, f64>>,
    preset: &str,
    params: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyChanEngine> {
    let params = read_params(preset, params)?;
    let ts_ms = ts_ms.as_slice()?;
    let (open, high) = (price(&open, "open", ts_ms)?, price(&high, "high", ts_ms)?);
    let (low, close) = (price(&low, "low", ts_ms)?, price(&close, "close", ts_ms)?);
    let volume = volume.as_ref().map(|column| price(column, "volume", ts_ms)).transpose()?;
    let bar = |i: usize| {
        let (ts_ms, open, high, low, close) = (ts_ms[i], open[i], high[i], low[i], close[i]);
        Bar { ts_ms, open, high, low, close, volume: volume.map_or(0.0, |volume| volume[i]) }
    };
    let engine = py.detach(|| Engine::batch(params, (0..ts_ms.len()).map(bar))).map_err(to_py)?;
    Ok(PyChanEngine { engine })
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyChanEngine>()?;
    module.add_function(wrap_pyfunction!(chan_analyze, module)?)?;
    Ok(())
}

fn read_params(preset: &str, params: Option<&Bound<'_, PyDict>>) -> PyResult<Params> {
    let mut read = Params::preset(preset).map_err(to_py)?;
    let Some(params) = params else { return Ok(read) };
    for (key, value) in params.iter() {
        let Ok(key) = key.cast::<PyString>() else {
            return Err(PyTypeError::new_err("params: a key must be a str"));
        };
        let value = match value.cast::<PyBool>() {
            Ok(truth) => truth.is_true().to_string(),
            Err(_) => value.str()?.to_string(),
        };
        read.set(&key.to_cow()?, &value).map_err(to_py)?;
    }
    Ok(read)
}

fn price<'a>(
    column: &'a PyReadonlyArray1<'_, f64>,
    name: &str,
    ts_ms: &[i64],
) -> PyResult<&'a [f64]> {
    let values = column.as_slice()?;
    if values.len() == ts_ms.len() {
        return Ok(values);
    }
    let (len, expected) = (values.len(), ts_ms.len());
    Err(PyValueError::new_err(format!("{name} has {len} values and ts_ms has {expected}")))
}

fn column<'py, T: numpy::Element>(
    py: Python<'py>,
    engine: &Engine,
    value: impl Fn(&Stroke) -> T,
) -> Bound<'py, PyArray1<T>> {
    let values: Vec<T> = engine.strokes().map(|stroke| value(&stroke)).collect();
    PyArray1::from_vec(py, values)
}

fn tuples(events: &[StrokeEvent]) -> Vec<EventTuple> {
    let tuple = |event: &StrokeEvent| {
        let s = &event.stroke;
        (
            event.kind.name(),
            s.index,
            s.start_bar,
            s.end_bar,
            s.start_ts_ms,
            s.end_ts_ms,
            s.start_price,
            s.end_price,
            s.direction.sign(),
            event.bar,
        )
    };
    events.iter().map(tuple).collect()
}

/// A bar index as Python arrays hold it; no series is long enough to miss.
fn to_i64(bar: usize) -> i64 {
    i64::try_from(bar).unwrap_or(i64::MAX)
}

fn to_py(error: ChanError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
