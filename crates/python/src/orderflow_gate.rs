//! The quality gate for Python: columns in, masks out.

use std::collections::BTreeMap;

use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1};
use orderflow::Venue;
use orderflow::gate::{Amendment, CODES, GateColumns, GridRule, Latency, QualityGate, ROW_CODES};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping};

use crate::orderflow::{refused, set_fields};

/// Judges rows of the instruments of one venue.
#[pyclass(name = "QualityGate", module = "chanflow_native")]
pub struct PyQualityGate {
    gate: QualityGate,
}

/// A rule in any of its forms: decimals, tick and step, or nothing.
#[derive(FromPyObject)]
enum Rule {
    Decimals((u32, u32)),
    Steps((f64, f64)),
    Words((String, String)),
}

impl Rule {
    fn read(self, symbol: &str) -> PyResult<GridRule> {
        let number = |text: &str| {
            text.parse::<f64>().map_err(|_| {
                PyValueError::new_err(format!("symbol \"{symbol}\": \"{text}\" is no number"))
            })
        };
        Ok(match self {
            Self::Decimals((price, qty)) => GridRule::Decimals { price, qty },
            Self::Steps((tick, step)) => GridRule::Steps { tick, step },
            Self::Words((tick, step)) => {
                GridRule::Steps { tick: number(&tick)?, step: number(&step)? }
            }
        })
    }
}

type Column<'py, T> = Option<PyReadonlyArray1<'py, T>>;

/// Reads a column where there is one. Raises ValueError for another type or shape.
fn column<'py, T: Element>(
    columns: &Bound<'py, PyMapping>,
    name: &str,
    kind: &str,
) -> PyResult<Column<'py, T>> {
    if !columns.contains(name)? {
        return Ok(None);
    }
    let values = columns.get_item(name)?;
    values.extract().map(Some).map_err(|_: PyErr| {
        PyValueError::new_err(format!(
            "column {name} must be a numpy array of one dimension of {kind}"
        ))
    })
}

fn slice<'a, T: Element>(name: &str, column: &'a Column<'_, T>) -> PyResult<Option<&'a [T]>> {
    let gaps = |_| PyValueError::new_err(format!("column {name} must be contiguous"));
    column.as_ref().map(|values| values.as_slice().map_err(gaps)).transpose()
}

#[pymethods]
impl PyQualityGate {
    #[new]
    fn new(venue: &str, instruments: BTreeMap<String, Option<Rule>>) -> PyResult<Self> {
        let venue = Venue::of(venue).map_err(PyValueError::new_err)?;
        let rules = instruments.into_iter().map(|(symbol, rule)| {
            let rule = rule.map(|rule| rule.read(&symbol)).transpose()?;
            Ok((symbol, rule.unwrap_or_default()))
        });
        let rules = rules.collect::<PyResult<Vec<_>>>()?;
        Ok(Self { gate: QualityGate::new(venue, rules).map_err(refused)? })
    }

    #[staticmethod]
    fn codes() -> Vec<&'static str> {
        CODES.to_vec()
    }

    #[classattr]
    #[pyo3(name = "ROW_CODES")]
    fn row_codes() -> u32 {
        ROW_CODES
    }

    #[getter]
    fn symbols(&self) -> Vec<&str> {
        self.gate.names().iter().map(String::as_str).collect()
    }

    fn check<'py>(
        &mut self,
        py: Python<'py>,
        columns: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let columns = columns
            .cast::<PyMapping>()
            .map_err(|_| PyValueError::new_err("columns must be a mapping of names to arrays"))?;
        let Some(kind) = column::<u8>(columns, "kind", "uint8")? else {
            return Err(PyValueError::new_err("column kind is needed"));
        };
        macro_rules! read_columns {
            ($read:ident; $($name:ident: $type:ty),*) => {
                $(let $name = column::<$type>(columns, stringify!($name), stringify!($type))?;)*
                let $read = GateColumns {
                    kind: kind.as_slice().map_err(|_| PyValueError::new_err("column kind must be contiguous"))?,
                    $($name: slice(stringify!($name), &$name)?,)*
                };
            };
        }
        read_columns!(
            read;
            symbol: u16, socket: u8, ts_ms: i64, event_ms: i64, known_ns: i64, price: f64, qty: f64,
            side: u8, is_maker: i8, is_market: i8, bid: f64, ask: f64, bid_qty: f64, ask_qty: f64,
            seq_first: i64, seq_last: i64, seq_prev: i64
        );
        let gate = &mut self.gate;
        let mut masks = Vec::new();
        py.detach(|| gate.check(&read, &mut masks)).map_err(refused)?;
        Ok(masks.into_pyarray(py))
    }

    fn excess_ms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.gate.excess_ms())
    }

    fn take_amendments<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (mut confirmed, mut confirmed_by) = (Vec::new(), Vec::new());
        let (mut unjoined, mut not_market) = (Vec::new(), Vec::new());
        for amendment in self.gate.take_amendments() {
            match amendment {
                Amendment::Confirmed { row, by } => {
                    confirmed.push(row as i64);
                    confirmed_by.push(by as i64);
                }
                Amendment::Unjoined { first, last } => unjoined.push((first, last)),
                Amendment::NotMarket(row) => not_market.push(row as i64),
            }
        }
        let dict = PyDict::new(py);
        dict.set_item("confirmed", confirmed.into_pyarray(py))?;
        dict.set_item("confirmed_by", confirmed_by.into_pyarray(py))?;
        dict.set_item("unjoined", unjoined)?;
        dict.set_item("not_market", not_market.into_pyarray(py))?;
        Ok(dict)
    }

    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let (rows, not_market) = self.gate.rows();
        dict.set_item("rows", rows)?;
        dict.set_item("not_market", not_market)?;
        dict.set_item("amendments_lost", self.gate.amendments_lost())?;
        let counts = PyDict::new(py);
        for (name, count) in CODES.iter().zip(self.gate.counts()) {
            counts.set_item(name, count)?;
        }
        dict.set_item("counts", counts)?;
        let sockets = PyDict::new(py);
        for (socket, latency) in self.gate.sockets() {
            sockets.set_item(socket, socket_dict(py, latency)?)?;
        }
        dict.set_item("sockets", sockets)?;
        let days = PyList::empty(py);
        for (day, counts) in self.gate.days() {
            let one = PyDict::new(py);
            one.set_item("day", day)?;
            set_fields!(one, counts; rows duplicates quarantined seconds empty_seconds);
            days.append(one)?;
        }
        dict.set_item("days", days)?;
        Ok(dict)
    }
}

fn socket_dict<'py>(py: Python<'py>, latency: &Latency) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("offset_ms", latency.offset_ms())?;
    dict.set_item("max_excess_ms", latency.max_excess_ms())?;
    dict.set_item("clock_steps", latency.step_count())?;
    let steps = PyList::empty(py);
    for step in latency.steps() {
        let one = PyDict::new(py);
        set_fields!(one, step; at_ms from_ms to_ms);
        steps.append(one)?;
    }
    dict.set_item("steps", steps)?;
    let (minutes, slow_minutes) = latency.minutes();
    dict.set_item("minutes", minutes)?;
    dict.set_item("slow_minutes", slow_minutes)?;
    let slow = PyList::empty(py);
    for minute in latency.slow() {
        let one = PyDict::new(py);
        set_fields!(one, minute; from_ms p99_ms);
        slow.append(one)?;
    }
    dict.set_item("slow", slow)?;
    Ok(dict)
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyQualityGate>()
}
