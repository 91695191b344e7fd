//! `chan` for Python.

use ::chan::{
    Bar, ChanError, Direction, Element, Engine, Event, LevelCenter, LevelKind, LevelPoint, Life,
    Object, Params, PointTypes, Recording, Segment, SegmentSpan, State, Stroke,
};
use numpy::{Element as Numeric, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString};

const LEVELS: [LevelKind; 2] = [LevelKind::Stroke, LevelKind::Segment];

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
    fn push(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        match self {
            Self::Engine(engine) => engine.push(bar),
            Self::Recording(recording) => recording.push(bar),
        }
    }

    fn replace(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        match self {
            Self::Engine(engine) => engine.replace(bar),
            Self::Recording(recording) => recording.replace(bar),
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
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = None, amount = None))]
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
    ) -> PyResult<Bound<'py, PyList>> {
        self.check_columns(volume.is_some(), amount.is_some())?;
        let (volume, amount) = (volume.unwrap_or(0.0), amount.unwrap_or(0.0));
        let bar = Bar { ts_ms, open, high, low, close, volume, amount };
        events(py, self.kept.push(bar).map_err(to_py)?)
    }

    /// Reads a correction of the last bar and returns the differences from what was shown with the old version.
    #[pyo3(signature = (ts_ms, open, high, low, close, volume = None, amount = None))]
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
    ) -> PyResult<Bound<'py, PyList>> {
        self.check_columns(volume.is_some(), amount.is_some())?;
        let (volume, amount) = (volume.unwrap_or(0.0), amount.unwrap_or(0.0));
        let bar = Bar { ts_ms, open, high, low, close, volume, amount };
        events(py, self.kept.replace(bar).map_err(to_py)?)
    }

    /// An engine in the same state that goes its own way.
    fn clone(&self) -> Self {
        Clone::clone(self)
    }

    /// The strokes shown after the last bar, one array per column.
    fn strokes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut rows: Vec<(Stroke, Option<usize>)> =
            self.engine().strokes().map(|stroke| (stroke, None)).collect();
        for gone in self.engine().records().void_strokes() {
            rows.push((Stroke { state: State::Void, ..gone.stroke }, gone.life.void_bar));
        }
        let table = Table { py, rows: &rows, columns: PyDict::new(py) };
        table.add("start_bar", |(s, _)| to_i64(s.start_bar))?;
        table.add("end_bar", |(s, _)| to_i64(s.end_bar))?;
        table.add("start_ts_ms", |(s, _)| s.start_ts_ms)?;
        table.add("end_ts_ms", |(s, _)| s.end_ts_ms)?;
        table.add("start_price", |(s, _)| s.start_price)?;
        table.add("end_price", |(s, _)| s.end_price)?;
        table.add("direction", |(s, _)| s.direction.sign())?;
        table.add("state", |(s, _)| s.state.code())?;
        table.add("first_seen_bar", |(s, _)| to_i64(s.first_seen_bar))?;
        table.add("confirmed_bar", |(s, _)| optional(s.confirmed_bar))?;
        if self.history {
            table.add("void_bar", |(_, void_bar)| optional(*void_bar))?;
        }
        Ok(table.columns)
    }

    /// The segments shown after the last bar, one array per column.
    fn segments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let spans = (self.engine().segments(), self.engine().stroke_elements());
        self.spans(py, LevelKind::Stroke, spans, ["start_stroke", "end_stroke"])
    }

    /// The super-segments shown after the last bar, one array per column.
    fn super_segments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let spans = (self.engine().super_segments(), self.engine().segment_elements());
        self.spans(py, LevelKind::Segment, spans, ["start_segment", "end_segment"])
    }

    /// The centers of both levels shown after the last bar, one array per column.
    fn centers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut rows: Vec<LevelCenter> = Vec::new();
        for level in LEVELS {
            if self.history {
                rows.extend(self.engine().records().centers(level));
                rows.extend(self.engine().records().void_centers(level));
            } else {
                rows.extend(self.engine().level_centers(level));
            }
        }
        let table = Table { py, rows: &rows, columns: PyDict::new(py) };
        table.add("level", |c| c.level.code())?;
        table.add("start_stroke", |c| to_i32(c.center.start))?;
        table.add("end_stroke", |c| to_i32(c.center.end))?;
        table.add("entry_stroke", |c| c.entry.map_or(-1, to_i32))?;
        table.add("exit_stroke", |c| c.exit.map_or(-1, to_i32))?;
        table.add("low", |c| c.center.low)?;
        table.add("high", |c| c.center.high)?;
        table.add("peak_low", |c| c.center.peak_low)?;
        table.add("peak_high", |c| c.center.peak_high)?;
        table.add("start_ts_ms", |c| c.start_ts_ms)?;
        table.add("end_ts_ms", |c| c.end_ts_ms)?;
        table.add("grade", |c| c.center.grade())?;
        self.add_life(&table, |c| &c.life)?;
        Ok(table.columns)
    }

    /// The points of both levels shown after the last bar, one array per column; types at one place are joined.
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut rows: Vec<JoinedPoint> = Vec::new();
        for level in LEVELS {
            if self.history {
                let records = self.engine().records();
                join(records.points(level), &mut rows);
                join(records.void_points(level), &mut rows);
            } else {
                let points = self.engine().level_points(level);
                join(&points.collect::<Vec<_>>(), &mut rows);
            }
        }
        let table = Table { py, rows: &rows, columns: PyDict::new(py) };
        table.add("level", |p| p.point.level.code())?;
        table.add("element", |p| to_i32(p.point.element))?;
        table.add("bar", |p| to_i64(p.point.bar))?;
        table.add("ts_ms", |p| p.point.ts_ms)?;
        table.add("price", |p| p.point.price)?;
        table.add("side", |p| p.point.side.sign())?;
        table.add("types", |p| p.types.bits())?;
        self.add_life(&table, |p| &p.point.life)?;
        table.add("confirmed_types", |p| p.confirmed.bits())?;
        table.add("divergence", |p| p.point.divergence.unwrap_or(f64::NAN))?;
        Ok(table.columns)
    }

    /// The trend types of both levels, one array per column.
    fn trends<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let of = |level| self.engine().trends(level).into_iter().map(move |trend| (level, trend));
        let rows: Vec<_> = LEVELS.into_iter().flat_map(of).collect();
        let table = Table { py, rows: &rows, columns: PyDict::new(py) };
        table.add("level", |(level, _)| level.code())?;
        table.add("kind", |(_, t)| u8::from(t.kind == ::chan::TrendKind::Trend))?;
        table.add("direction", |(_, t)| t.direction.sign())?;
        table.add("first_center", |(_, t)| to_i32(t.first_center))?;
        table.add("last_center", |(_, t)| to_i32(t.last_center))?;
        table.add("start_element", |(_, t)| to_i32(t.start_element))?;
        table.add("end_element", |(_, t)| to_i32(t.end_element))?;
        Ok(table.columns)
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

    fn check_columns(&self, has_volume: bool, has_amount: bool) -> PyResult<()> {
        self.engine().params().upper.check_columns(has_volume, has_amount).map_err(to_py)
    }

    /// Columns of segments over elements, with the indices of their first and last one under these names.
    fn spans<'py>(
        &self,
        py: Python<'py>,
        level: LevelKind,
        (spans, elements): (&[SegmentSpan], &[Element]),
        [start, end]: [&str; 2],
    ) -> PyResult<Bound<'py, PyDict>> {
        let rows: Vec<Segment> = if self.history {
            let records = self.engine().records();
            records.segments(level).iter().chain(records.void_segments(level)).copied().collect()
        } else {
            let rows = spans.iter().enumerate();
            rows.filter_map(|(at, span)| Segment::of(level, at, span, elements)).collect()
        };
        let table = Table { py, rows: &rows, columns: PyDict::new(py) };
        table.add("start_bar", |s| to_i64(s.start_bar))?;
        table.add("end_bar", |s| to_i64(s.end_bar))?;
        table.add("start_ts_ms", |s| s.start_ts_ms)?;
        table.add("end_ts_ms", |s| s.end_ts_ms)?;
        table.add("start_price", |s| s.start_price)?;
        table.add("end_price", |s| s.end_price)?;
        table.add("direction", |s| s.direction.sign())?;
        self.add_life(&table, |s| &s.life)?;
        table.add(start, |s| to_i32(s.start_element))?;
        table.add(end, |s| to_i32(s.end_element))?;
        Ok(table.columns)
    }

    /// Adds the state, and with history since when each object is known.
    fn add_life<T>(&self, table: &Table<'_, '_, T>, life: fn(&T) -> &Life) -> PyResult<()> {
        table.add("state", |row| life(row).state.code())?;
        if self.history {
            table.add("first_seen_bar", |row| to_i64(life(row).first_seen_bar))?;
            table.add("confirmed_bar", |row| optional(life(row).confirmed_bar))?;
            table.add("void_bar", |row| optional(life(row).void_bar))?;
        }
        Ok(())
    }
}

/// Rows on their way to columns.
struct Table<'a, 'py, T> {
    py: Python<'py>,
    rows: &'a [T],
    columns: Bound<'py, PyDict>,
}

impl<T> Table<'_, '_, T> {
    fn add<V: Numeric>(&self, name: &str, value: impl Fn(&T) -> V) -> PyResult<()> {
        let values: Vec<V> = self.rows.iter().map(value).collect();
        self.columns.set_item(name, PyArray1::from_vec(self.py, values))
    }
}

/// The types of point at one place that share their fate.
struct JoinedPoint {
    point: LevelPoint,
    types: PointTypes,
    confirmed: PointTypes,
}

/// Joins types that stand side by side at one place, if they came, were confirmed and went with the same bars.
fn join(points: &[LevelPoint], rows: &mut Vec<JoinedPoint>) {
    let start = rows.len();
    for point in points {
        let is_confirmed = point.life.state == State::Confirmed;
        let none = PointTypes::NONE;
        let confirmed = if is_confirmed { none.with(point.kind) } else { none };
        let together = |last: &&mut JoinedPoint| {
            // Types that were seen or confirmed at other times keep their own dates; without history none has any.
            let dates = |life: &Life| (life.first_seen_bar, life.confirmed_bar, life.void_bar);
            let place = |p: &LevelPoint| (p.element, p.bar, p.side, dates(&p.life));
            place(&last.point) == place(point)
        };
        let known = rows.get_mut(start..).and_then(<[_]>::last_mut);
        let Some(last) = known.filter(together) else {
            let types = none.with(point.kind);
            rows.push(JoinedPoint { point: *point, types, confirmed });
            continue;
        };
        last.types = last.types.with(point.kind);
        if is_confirmed {
            last.confirmed = last.confirmed.with(point.kind);
        }
        // It is confirmed with the last of its types.
        if point.life.state == State::Provisional {
            last.point.life.state = State::Provisional;
        }
        last.point.divergence = last.point.divergence.or(point.divergence);
    }
}

/// Reads whole columns, without the GIL, and returns the engine.
#[pyfunction]
#[pyo3(signature = (
    ts_ms, open, high, low, close, volume = None, preset = "default", params = None, amount = None, history = false
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
) -> PyResult<PyChanEngine> {
    let params = read_params(preset, params)?;
    params.upper.check_columns(volume.is_some(), amount.is_some()).map_err(to_py)?;
    let ts_ms = ts_ms.as_slice()?;
    let (open, high) = (price(&open, "open", ts_ms)?, price(&high, "high", ts_ms)?);
    let (low, close) = (price(&low, "low", ts_ms)?, price(&close, "close", ts_ms)?);
    let volume = volume.as_ref().map(|column| price(column, "volume", ts_ms)).transpose()?;
    let amount = amount.as_ref().map(|column| price(column, "amount", ts_ms)).transpose()?;
    let bar = |i: usize| Bar {
        ts_ms: ts_ms[i],
        open: open[i],
        high: high[i],
        low: low[i],
        close: close[i],
        volume: volume.map_or(0.0, |volume| volume[i]),
        amount: amount.map_or(0.0, |amount| amount[i]),
    };
    let bars = (0..ts_ms.len()).map(bar);
    let read = || {
        if !history {
            return Engine::batch(params, bars);
        }
        let mut engine = Engine::with_history(params);
        for bar in bars {
            engine.push(bar)?;
        }
        Ok(engine)
    };
    let engine = py.detach(read).map_err(to_py)?;
    Ok(PyChanEngine { kept: Kept::Engine(Box::new(engine)), history })
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyChanEngine>()?;
    module.add_function(wrap_pyfunction!(chan_analyze, module)?)?;
    Ok(())
}

pub(crate) fn read_params(preset: &str, params: Option<&Bound<'_, PyDict>>) -> PyResult<Params> {
    Params::with(preset, &read_settings(params)?).map_err(to_py)
}

/// Keys and values as they are written on a command line.
fn read_settings(params: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<(String, String)>> {
    let Some(params) = params else { return Ok(Vec::new()) };
    let setting = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let Ok(key) = key.cast::<PyString>() else {
            return Err(PyTypeError::new_err("params: a key must be a str"));
        };
        let value = match value.cast::<PyBool>() {
            Ok(truth) => truth.is_true().to_string(),
            Err(_) if value.is_none() => "none".to_owned(),
            Err(_) => value.str()?.to_string(),
        };
        Ok((key.to_cow()?.into_owned(), value))
    };
    params.iter().map(setting).collect()
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

/// Tuples that begin with what the event is about and what happened, and end with the bar after which it did.
fn events<'py>(py: Python<'py>, events: &[Event]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for event in events {
        let (kind, bar) = (event.kind.name(), event.bar);
        match &event.object {
            Object::Stroke(s) => list.append((
                "stroke",
                kind,
                s.index,
                s.start_bar,
                s.end_bar,
                s.start_ts_ms,
                s.end_ts_ms,
                s.start_price,
                s.end_price,
                s.direction.sign(),
                bar,
            ))?,
            Object::Segment(s) => list.append((
                if s.level == LevelKind::Stroke { "segment" } else { "super_segment" },
                kind,
                (s.index, s.start_element, s.end_element),
                (s.start_bar, s.end_bar, s.start_ts_ms, s.end_ts_ms),
                (s.start_price, s.end_price, sign(s.direction)),
                bar,
            ))?,
            Object::Center(c) => list.append((
                "center",
                kind,
                (c.level.code(), c.center.start, c.center.end, c.entry, c.exit),
                (c.center.low, c.center.high, c.center.peak_low, c.center.peak_high),
                (c.start_ts_ms, c.end_ts_ms, c.center.grade()),
                bar,
            ))?,
            Object::Point(p) => list.append((
                "point",
                kind,
                (p.level.code(), p.element, p.kind.name(), p.side.sign()),
                (p.bar, p.ts_ms, p.price, p.divergence),
                bar,
            ))?,
        }
    }
    Ok(list)
}

fn sign(direction: Direction) -> i8 {
    direction.sign()
}

/// A bar index as Python arrays hold it; no series is long enough to miss.
fn to_i64(bar: usize) -> i64 {
    i64::try_from(bar).unwrap_or(i64::MAX)
}

fn optional(bar: Option<usize>) -> i64 {
    bar.map_or(-1, to_i64)
}

/// An index of a stroke or segment as Python arrays hold it.
fn to_i32(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

pub(crate) fn to_py(error: ChanError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
