//! Events of a Chan engine as Python values.
//!
//! A bar brings about one event on average, and a reader looks at few fields of few of them. So an event keeps its
//! numbers as Rust has them and makes a Python object of a field when it is asked for.

use ::chan::{
    Event, EventKind, LevelCenter, LevelKind, LevelPoint, Object, PointType, Reset, Segment, Side,
    Stroke,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple, PyType};

/// Every word that a field may hold.
const WORDS: [&str; 16] = [
    "new",
    "revised",
    "confirmed",
    "void",
    "stroke",
    "segment",
    "buy",
    "sell",
    "1",
    "1p",
    "2",
    "2s",
    "3a",
    "3b",
    "gap",
    "long_stroke",
];

/// One of [`WORDS`].
#[derive(Clone, Copy, PartialEq)]
struct Word(&'static str);

impl<'py> IntoPyObject<'py> for Word {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(PyString::intern(py, self.0))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Word {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let given: String = value.extract()?;
        let word = WORDS.into_iter().find(|word| *word == given);
        word.map(Self).ok_or_else(|| {
            let allowed = WORDS.join(", ");
            PyValueError::new_err(format!("{given:?} is no word of an event: {allowed}"))
        })
    }
}

impl From<EventKind> for Word {
    fn from(kind: EventKind) -> Self {
        Self(kind.name())
    }
}

impl From<LevelKind> for Word {
    fn from(level: LevelKind) -> Self {
        Self(if level == LevelKind::Stroke { "stroke" } else { "segment" })
    }
}

impl From<PointType> for Word {
    fn from(kind: PointType) -> Self {
        Self(kind.name())
    }
}

impl From<Side> for Word {
    fn from(side: Side) -> Self {
        Self(if side == Side::Buy { "buy" } else { "sell" })
    }
}

/// A value with these fields in this order: frozen, compared and hashed by them, and good to match and to pickle.
macro_rules! value {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[pyclass(frozen, eq, get_all, module = "chanflow_native")]
        #[derive(Clone, PartialEq)]
        pub struct $name {
            $($field: $type,)*
        }

        #[pymethods]
        impl $name {
            #[new]
            #[allow(clippy::too_many_arguments, reason = "they are the fields")]
            fn new($($field: $type,)*) -> Self {
                Self { $($field,)* }
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($field).trim_start_matches("r#"),)*])
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                self.values(py)?.hash()
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let names = Self::__match_args__(py)?;
                let fields = names.iter().zip(self.values(py)?.iter());
                let shown = fields.map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
                Ok(format!("{}({})", stringify!($name), shown.collect::<PyResult<Vec<_>>>()?.join(", ")))
            }

            fn __reduce__<'py>(
                &self,
                py: Python<'py>,
            ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
                Ok((py.get_type::<Self>(), self.values(py)?))
            }
        }

        impl $name {
            fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                PyTuple::new(py, [$(self.$field.into_bound_py_any(py)?,)*])
            }
        }
    };
}

value! {
    /// One change of one stroke, known after raw bar `bar`; the stroke as it is now, or as it was if void.
    StrokeEvent {
        kind: Word,
        index: usize,
        start_bar: usize,
        end_bar: usize,
        start_ts_ms: i64,
        end_ts_ms: i64,
        start_price: f64,
        end_price: f64,
        direction: i8,
        bar: usize,
    }
}

value! {
    /// One change of one segment of strokes, or of one super-segment of segments (`level` `segment`).
    SegmentEvent {
        kind: Word,
        level: Word,
        index: usize,
        start_element: usize,
        end_element: usize,
        start_bar: usize,
        end_bar: usize,
        start_ts_ms: i64,
        end_ts_ms: i64,
        start_price: f64,
        end_price: f64,
        direction: i8,
        bar: usize,
    }
}

value! {
    /// One change of one center; `entry` and `exit` are None while there is none.
    CenterEvent {
        kind: Word,
        level: Word,
        start: usize,
        end: usize,
        entry: Option<usize>,
        exit: Option<usize>,
        low: f64,
        high: f64,
        peak_low: f64,
        peak_high: f64,
        start_ts_ms: i64,
        end_ts_ms: i64,
        grade: u8,
        bar: usize,
    }
}

value! {
    /// One change of one type of point; `point_bar` is where it lies, `bar` the bar after which it is known.
    PointEvent {
        kind: Word,
        level: Word,
        element: usize,
        r#type: Word,
        side: Word,
        point_bar: usize,
        ts_ms: i64,
        price: f64,
        divergence: Option<f64>,
        bar: usize,
    }
}

value! {
    /// A reset, known after raw bar `bar`: void once `replace` takes back what brought it.
    ResetEvent {
        kind: Word,
        ts_ms: i64,
        reason: Word,
        from_bar: usize,
        from_ts_ms: i64,
        gap_ms: Option<i64>,
        bar: usize,
    }
}

fn stroke(kind: Word, s: &Stroke, bar: usize) -> StrokeEvent {
    StrokeEvent {
        kind,
        index: s.index,
        start_bar: s.start_bar,
        end_bar: s.end_bar,
        start_ts_ms: s.start_ts_ms,
        end_ts_ms: s.end_ts_ms,
        start_price: s.start_price,
        end_price: s.end_price,
        direction: s.direction.sign(),
        bar,
    }
}

fn segment(kind: Word, s: &Segment, bar: usize) -> SegmentEvent {
    SegmentEvent {
        kind,
        level: s.level.into(),
        index: s.index,
        start_element: s.start_element,
        end_element: s.end_element,
        start_bar: s.start_bar,
        end_bar: s.end_bar,
        start_ts_ms: s.start_ts_ms,
        end_ts_ms: s.end_ts_ms,
        start_price: s.start_price,
        end_price: s.end_price,
        direction: s.direction.sign(),
        bar,
    }
}

fn center(kind: Word, c: &LevelCenter, bar: usize) -> CenterEvent {
    CenterEvent {
        kind,
        level: c.level.into(),
        start: c.center.start,
        end: c.center.end,
        entry: c.entry,
        exit: c.exit,
        low: c.center.low,
        high: c.center.high,
        peak_low: c.center.peak_low,
        peak_high: c.center.peak_high,
        start_ts_ms: c.start_ts_ms,
        end_ts_ms: c.end_ts_ms,
        grade: c.center.grade(),
        bar,
    }
}

fn point(kind: Word, p: &LevelPoint, bar: usize) -> PointEvent {
    PointEvent {
        kind,
        level: p.level.into(),
        element: p.element,
        r#type: p.kind.into(),
        side: p.side.into(),
        point_bar: p.bar,
        ts_ms: p.ts_ms,
        price: p.price,
        divergence: p.divergence,
        bar,
    }
}

fn reset(kind: Word, r: &Reset, bar: usize) -> ResetEvent {
    ResetEvent {
        kind,
        ts_ms: r.ts_ms,
        reason: Word(r.reason.name()),
        from_bar: r.from_bar,
        from_ts_ms: r.from_ts_ms,
        gap_ms: r.gap_ms,
        bar,
    }
}

/// Appends the events to a list, in order.
pub fn append(list: &Bound<'_, PyList>, events: &[Event]) -> PyResult<()> {
    let py = list.py();
    for event in events {
        let (kind, bar) = (event.kind.into(), event.bar);
        match &event.object {
            Object::Stroke(s) => list.append(Py::new(py, stroke(kind, s, bar))?)?,
            Object::Segment(s) => list.append(Py::new(py, segment(kind, s, bar))?)?,
            Object::Center(c) => list.append(Py::new(py, center(kind, c, bar))?)?,
            Object::Reset(r) => list.append(Py::new(py, reset(kind, r, bar))?)?,
            Object::Point(p) => list.append(Py::new(py, point(kind, p, bar))?)?,
        }
    }
    Ok(())
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<StrokeEvent>()?;
    module.add_class::<SegmentEvent>()?;
    module.add_class::<CenterEvent>()?;
    module.add_class::<ResetEvent>()?;
    module.add_class::<PointEvent>()
}
