//! Events of a Chan engine as Python tuples.

use ::chan::{Event, LevelKind, Object};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Tuples that begin with what the event is about and what happened, and end with the bar after which it did.
pub fn events<'py>(py: Python<'py>, events: &[Event]) -> PyResult<Bound<'py, PyList>> {
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
                (s.start_price, s.end_price, s.direction.sign()),
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
