//! Recorded frames for Python: the parser and the check of a whole recording.

use orderflow::preflight::{Preflight, Report};
use orderflow::wire::WireParser;
use orderflow::{Scale, Venue};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::orderflow::{PyEventBatch, refused, set_fields};

/// A streaming parser of recorded frames.
#[pyclass(name = "WireParser", module = "chanflow_native")]
pub struct PyWireParser {
    parser: WireParser,
}

#[pymethods]
impl PyWireParser {
    #[new]
    #[pyo3(signature = (symbol=None, venue=None, *, skip_others=false))]
    fn new(symbol: Option<&str>, venue: Option<&str>, skip_others: bool) -> PyResult<Self> {
        let mut parser = WireParser::new(symbol);
        if skip_others {
            needs_symbol(symbol)?;
            parser.skip_others();
        }
        if let Some(venue) = venue {
            parser.expect_venue(Venue::of(venue).map_err(PyValueError::new_err)?);
        }
        Ok(Self { parser })
    }

    fn feed(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        py.detach(|| self.parser.feed(data)).map_err(refused)
    }

    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.parser.finish()).map_err(refused)
    }

    #[pyo3(signature = (until_ns=None))]
    fn take(&mut self, py: Python<'_>, until_ns: Option<i64>) -> PyEventBatch {
        let batch = py.detach(|| self.parser.take(until_ns));
        let scale = self.parser.scale().unwrap_or(Scale { price_decimals: 0, qty_decimals: 0 });
        PyEventBatch {
            batch,
            price_decimals: scale.price_decimals,
            qty_decimals: scale.qty_decimals,
        }
    }

    #[getter]
    fn symbol(&self) -> Option<String> {
        self.parser.symbol()
    }

    #[getter]
    fn venue(&self) -> Option<&'static str> {
        self.parser.venue().map(Venue::name)
    }

    #[getter]
    fn price_decimals(&self) -> Option<u32> {
        self.parser.scale().map(|scale| scale.price_decimals)
    }

    #[getter]
    fn qty_decimals(&self) -> Option<u32> {
        self.parser.scale().map(|scale| scale.qty_decimals)
    }

    #[getter]
    fn next_event_ns(&self) -> Option<i64> {
        self.parser.next_event_ns()
    }

    #[getter]
    fn lines(&self) -> u64 {
        self.parser.lines()
    }
}

/// A check of a whole recording.
#[pyclass(name = "Preflight", module = "chanflow_native")]
pub struct PyPreflight {
    check: Option<Preflight>,
}

#[pymethods]
impl PyPreflight {
    #[new]
    #[pyo3(signature = (symbol=None, *, skip_others=false))]
    fn new(symbol: Option<&str>, skip_others: bool) -> PyResult<Self> {
        let mut check = Preflight::new(symbol);
        if skip_others {
            needs_symbol(symbol)?;
            check.skip_others();
        }
        Ok(Self { check: Some(check) })
    }

    fn feed(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let check = self.check.as_mut().ok_or_else(finished)?;
        py.detach(|| check.feed(data)).map_err(refused)
    }

    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let check = self.check.take().ok_or_else(finished)?;
        let report = py.detach(|| check.finish()).map_err(refused)?;
        report_dict(py, &report)
    }
}

fn needs_symbol(symbol: Option<&str>) -> PyResult<()> {
    match symbol {
        Some(_) => Ok(()),
        None => Err(PyValueError::new_err("without a symbol there are no others to skip")),
    }
}

fn finished() -> PyErr {
    PyValueError::new_err("the preflight is finished: make another")
}

fn report_dict<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let names = ["depth", "snapshot", "book_ticker", "trade", "agg_trade", "unused", "remark"];
    let frames = PyDict::new(py);
    for (name, count) in names.iter().zip(report.frames) {
        frames.set_item(name, count)?;
    }
    let mut gaps = Vec::new();
    for gap in &report.breaks {
        let dict = PyDict::new(py);
        dict.set_item("line", gap.line)?;
        dict.set_item("kind", names[gap.kind as usize])?;
        dict.set_item("from_id", gap.from_id)?;
        dict.set_item("to_id", gap.to_id)?;
        gaps.push(dict);
    }
    let dict = PyDict::new(py);
    set_fields!(dict, report; symbol lines);
    set_fields!(dict, report.scale; price_decimals qty_decimals);
    dict.set_item("venue", report.venue.map(Venue::name))?;
    dict.set_item("frames", frames)?;
    dict.set_item("depth_gaps", report.depth_breaks)?;
    dict.set_item("trade_gaps", report.trade_breaks)?;
    dict.set_item("gaps", gaps)?;
    dict.set_item("book", report.book.name())?;
    set_fields!(dict, report; repeats syncs synced_line lost_lines first_event_ms last_event_ms);
    Ok(dict)
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyWireParser>()?;
    module.add_class::<PyPreflight>()
}
