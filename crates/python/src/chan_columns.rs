//! The lists of a Chan engine as NumPy columns, whose memory stays Rust's: each `Vec` is handed over, not copied.

use ::chan::{
    Engine, LevelCenter, LevelKind, LevelPoint, Life, PointTypes, Segment, State, Stroke,
};
use numpy::{Element as Numeric, PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

const LEVELS: [LevelKind; 2] = [LevelKind::Stroke, LevelKind::Segment];

/// What an engine shows, column by column.
pub struct Columns<'a> {
    pub engine: &'a Engine,
    pub history: bool,
}

impl Columns<'_> {
    /// The strokes shown after the last bar, one array per column.
    pub fn strokes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut rows: Vec<(Stroke, Option<usize>)> =
            self.engine.strokes().map(|stroke| (stroke, None)).collect();
        for gone in self.engine.void_strokes() {
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
    pub fn segments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.spans(py, LevelKind::Stroke, ["start_stroke", "end_stroke"])
    }

    /// The super-segments shown after the last bar, one array per column.
    pub fn super_segments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.spans(py, LevelKind::Segment, ["start_segment", "end_segment"])
    }

    /// The centers of both levels shown after the last bar, one array per column.
    pub fn centers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut rows: Vec<LevelCenter> = Vec::new();
        for level in LEVELS {
            if self.history {
                rows.extend(self.engine.known_centers(level));
                rows.extend(self.engine.void_centers(level));
            } else {
                rows.extend(self.engine.level_centers(level));
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
    pub fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut rows: Vec<JoinedPoint> = Vec::new();
        for level in LEVELS {
            if self.history {
                join(&self.engine.known_points(level).collect::<Vec<_>>(), &mut rows);
                join(&self.engine.void_points(level).collect::<Vec<_>>(), &mut rows);
            } else {
                let points = self.engine.level_points(level);
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
    pub fn trends<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let of = |level| self.engine.trends(level).into_iter().map(move |trend| (level, trend));
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

    /// Columns of segments over elements, with the indices of their first and last one under these names.
    fn spans<'py>(
        &self,
        py: Python<'py>,
        level: LevelKind,
        [start, end]: [&str; 2],
    ) -> PyResult<Bound<'py, PyDict>> {
        let rows: Vec<Segment> = if self.history {
            self.engine.known_segments(level).chain(self.engine.void_segments(level)).collect()
        } else {
            self.engine.level_segments(level).collect()
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
        // Read-only, since every export of it looks at the same memory.
        let column = PyArray1::from_vec(self.py, values);
        column.readwrite().make_nonwriteable();
        self.columns.set_item(name, column)
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
