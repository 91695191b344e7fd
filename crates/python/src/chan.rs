//! `chan` for Python.

use ::chan::{Bar, ChanError, Engine, Event, Recording, Reset};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::chan_columns::Columns;
use crate::chan_events;
use crate::chan_inputs::Inputs;
use crate::chan_params::{read_params, read_settings, to_py};

/// How many bars `extend` reads at a time.
const BLOCK: usize = 256;

/// Chan structure of a growing series of bars.
#[pyclass(name = "ChanEngine", module = "chanflow_native")]
#[derive(Clone)]
pub struct PyChanEngine {
    kept: Kept,
    history: bool,
}

/// An engine, with its bars if it is to be written down.
#[derive(Clone)]
enum Kept {
    Engine(Box<Engine>),
    Recording(Box<Recording>),
}

impl Kept {
    fn push(&mut self, bar: Bar, market_ms: Option<i64>) -> Result<&[Event], ChanError> {
        match self {
            Self::Engine(engine) => engine.push_at(bar, market_ms.unwrap_or(bar.ts_ms)),
            Self::Recording(recording) => recording.push_at(bar, market_ms),
        }
    }

    fn replace(&mut self, bar: Bar, market_ms: Option<i64>) -> Result<&[Event], ChanError> {
        match self {
            Self::Engine(engine) => engine.replace_at(bar, market_ms.unwrap_or(bar.ts_ms)),
            Self::Recording(recording) => recording.replace_at(bar, market_ms),
        }
    }
}

#[pymethods]
impl PyChanEngine {
    #[new]
    #[pyo3(signature = (preset = "default", params = None, history = false, recorded = false))]
    fn new(
        preset: &str,
        params: Option<&Bound<'_, PyDict>>,
        history: bool,
        recorded: bool,
    ) -> PyResult<Self> {
        let kept = if recorded {
            let recording = Recording::new(preset, read_settings(params)?, history);
            Kept::Recording(Box::new(recording.map_err(to_py)?))
        } else {
            let params = read_params(preset, params)?;
            let engine = if history { Engine::with_history(params) } else { Engine::new(params) };
            Kept::Engine(Box::new(engine))
        };
        Ok(Self { kept, history })
    }

    /// The engine as bytes: its parameters and its bars.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        match &self.kept {
            Kept::Recording(recording) => Ok(PyBytes::new(py, &recording.snapshot())),
            Kept::Engine(_) => Err(PyValueError::new_err(
                "only an engine made with recorded=True keeps the bars a snapshot is made of",
            )),
        }
    }

    /// The engine a snapshot was taken of.
    #[staticmethod]
    fn restore(py: Python<'_>, snapshot: &[u8]) -> PyResult<Self> {
        let recording = py.detach(|| Recording::restore(snapshot)).map_err(to_py)?;
        let history = recording.has_history();
        Ok(Self { kept: Kept::Recording(Box::new(recording)), history })
    }

    /// Reads a bar and returns what it changed.
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = None, amount = None, market_ms = None))]
    #[allow(clippy::too_many_arguments, reason = "they are the fields of a bar")]
    fn push<'py>(
        &mut self,
        py: Python<'py>,
        ts_ms: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: Option<f64>,
        amount: Option<f64>,
        market_ms: Option<i64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.check_columns(volume.is_some(), amount.is_some())?;
        let (volume, amount) = (volume.unwrap_or(0.0), amount.unwrap_or(0.0));
        let bar = Bar { ts_ms, open, high, low, close, volume, amount };
        told(py, self.kept.push(bar, market_ms).map_err(to_py)?)
    }

    /// Reads a correction of the last bar and returns the differences from what was shown with the old version.
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = None, amount = None, market_ms = None))]
    #[allow(clippy::too_many_arguments, reason = "they are the fields of a bar")]
    fn replace<'py>(
        &mut self,
        py: Python<'py>,
        ts_ms: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: Option<f64>,
        amount: Option<f64>,
        market_ms: Option<i64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.check_columns(volume.is_some(), amount.is_some())?;
        let (volume, amount) = (volume.unwrap_or(0.0), amount.unwrap_or(0.0));
        let bar = Bar { ts_ms, open, high, low, close, volume, amount };
        told(py, self.kept.replace(bar, market_ms).map_err(to_py)?)
    }

    /// Reads whole columns of bars, without the GIL, and returns what they changed, in order. All bars are checked
    /// before the first is read: a malformed one leaves the engine unchanged.
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = None, amount = None, market_ms = None))]
    #[allow(clippy::too_many_arguments, reason = "they are the columns of a table")]
    fn extend<'py>(
        &mut self,
        py: Python<'py>,
        ts_ms: PyReadonlyArray1<'py, i64>,
        open: PyReadonlyArray1<'py, f64>,
        high: PyReadonlyArray1<'py, f64>,
        low: PyReadonlyArray1<'py, f64>,
        close: PyReadonlyArray1<'py, f64>,
        volume: Option<PyReadonlyArray1<'py, f64>>,
        amount: Option<PyReadonlyArray1<'py, f64>>,
        market_ms: Option<PyReadonlyArray1<'py, i64>>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.check_columns(volume.is_some(), amount.is_some())?;
        let inputs = Inputs::of(
            &ts_ms,
            [("open", &open), ("high", &high), ("low", &low), ("close", &close)],
            [("volume", volume.as_ref()), ("amount", amount.as_ref())],
            market_ms.as_ref(),
        )?;
        py.detach(|| self.engine().check_at(inputs.timed_bars())).map_err(to_py)?;
        let list = PyList::empty(py);
        let mut bars = inputs.timed_bars();
        let mut events = Vec::new();
        while bars.len() > 0 {
            // Events wait in Rust for a block of bars, not for all of them, before they become Python objects.
            let read = py.detach(|| {
                bars.by_ref().take(BLOCK).try_for_each(|(bar, market_ms)| {
                    events.extend_from_slice(self.kept.push(bar, inputs.clock(market_ms))?);
                    Ok(())
                })
            });
            chan_events::append(&list, &events)?;
            events.clear();
            read.map_err(to_py)?;
        }
        Ok(list)
    }

    /// An engine in the same state that goes its own way.
    fn clone(&self) -> Self {
        Clone::clone(self)
    }

    /// The strokes shown after the last bar, one array per column.
    fn strokes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.columns().strokes(py)
    }

    /// The segments shown after the last bar, one array per column.
    fn segments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.columns().segments(py)
    }

    /// The super-segments shown after the last bar, one array per column.
    fn super_segments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.columns().super_segments(py)
    }

    /// The centers of both levels shown after the last bar, one array per column.
    fn centers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.columns().centers(py)
    }

    /// The points of both levels shown after the last bar, one array per column; types at one place are joined.
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.columns().points(py)
    }

    /// The trend types of both levels, one array per column.
    fn trends<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.columns().trends(py)
    }

    /// Where a guard ended what could not go on.
    fn resets(&self) -> Vec<ResetRow> {
        let row = |r: Reset| (r.bar, r.ts_ms, r.reason.name(), r.from_bar, r.from_ts_ms, r.gap_ms);
        self.engine().resets().map(row).collect()
    }

    /// How many merged bars the raw bars make.
    #[getter]
    fn merged(&self) -> usize {
        self.engine().merged_count()
    }

    /// How many raw bars were read.
    #[getter]
    fn bars(&self) -> usize {
        self.engine().bar_count()
    }
}

impl PyChanEngine {
    fn engine(&self) -> &Engine {
        match &self.kept {
            Kept::Engine(engine) => engine,
            Kept::Recording(recording) => recording.engine(),
        }
    }

    fn columns(&self) -> Columns<'_> {
        Columns { engine: self.engine(), history: self.history }
    }

    fn check_columns(&self, has_volume: bool, has_amount: bool) -> PyResult<()> {
        self.engine().params().upper.check_columns(has_volume, has_amount).map_err(to_py)
    }
}

/// Bar, its time, the reason, since which bar, its time, and of a gap how long it was.
type ResetRow = (usize, i64, &'static str, usize, i64, Option<i64>);

/// Reads whole columns, without the GIL, and returns the engine.
#[pyfunction]
#[pyo3(signature = (
    ts_ms, open, high, low, close, volume = None, preset = "default", params = None, amount = None, history = false,
    market_ms = None
))]
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
    amount: Option<PyReadonlyArray1<'_, f64>>,
    history: bool,
    market_ms: Option<PyReadonlyArray1<'_, i64>>,
) -> PyResult<PyChanEngine> {
    let params = read_params(preset, params)?;
    params.upper.check_columns(volume.is_some(), amount.is_some()).map_err(to_py)?;
    let inputs = Inputs::of(
        &ts_ms,
        [("open", &open), ("high", &high), ("low", &low), ("close", &close)],
        [("volume", volume.as_ref()), ("amount", amount.as_ref())],
        market_ms.as_ref(),
    )?;
    let bars = inputs.timed_bars();
    let read = || {
        if !history {
            return Engine::batch_at(params, bars);
        }
        let mut engine = Engine::with_history(params);
        for (bar, market_ms) in bars {
            engine.push_at(bar, market_ms)?;
        }
        Ok(engine)
    };
    let engine = py.detach(read).map_err(to_py)?;
    Ok(PyChanEngine { kept: Kept::Engine(Box::new(engine)), history })
}

/// The events of one bar.
fn told<'py>(py: Python<'py>, events: &[Event]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    chan_events::append(&list, events)?;
    Ok(list)
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyChanEngine>()?;
    chan_events::register(module)?;
    module.add_function(wrap_pyfunction!(chan_analyze, module)?)?;
    Ok(())
}
