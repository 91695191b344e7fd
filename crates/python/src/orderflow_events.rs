//! Events in and out of Python: as tuples, as columns, and from unified rows.

use numpy::{IntoPyArray, PyReadonlyArray1, PyReadonlyArrayDyn};
use orderflow::Scale;
use orderflow::event::{Body, Event, EventBatch, Level, LevelRange};
use orderflow::row_events::{RowCarry, RowView, TopView, row_events};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::orderflow::{PyEventBatch, refused};

const NS_PER_MS: i64 = 1_000_000;
/// Prices, quantities and ids of events from Python stay below this.
const MAX_VALUE: i64 = 1 << 60;

type Pairs = Vec<(i64, i64)>;

/// Returns the events as tuples: kind, event_ms, known_ns, then the kind's own fields.
#[pyfunction]
fn batch_events<'py>(py: Python<'py>, batch: &PyEventBatch) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    let pairs = |range: LevelRange| -> Pairs {
        batch.batch.levels(range).iter().map(|level| (level.price, level.qty)).collect()
    };
    let tuple = |event: &Event| {
        let (at, known) = (event.event_ns.div_euclid(NS_PER_MS), event.known_ns);
        match event.body {
            Body::Quote { update_id, bid, ask } => {
                ("quote", at, known, update_id, bid.price, bid.qty, ask.price, ask.qty)
                    .into_pyobject(py)
            }
            Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
                ("trade", at, known, trade_id, price, qty, buyer_is_maker, is_market)
                    .into_pyobject(py)
            }
            Body::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                let (bids, asks) = (pairs(bids), pairs(asks));
                ("depth", at, known, first_id, final_id, prev_final_id, bids, asks)
                    .into_pyobject(py)
            }
            Body::Snapshot { last_id, bids, asks } => {
                ("snapshot", at, known, last_id, pairs(bids), pairs(asks)).into_pyobject(py)
            }
            Body::Book { id, bids, asks } => {
                ("book", at, known, id, pairs(bids), pairs(asks)).into_pyobject(py)
            }
            Body::Reset => ("reset", at, known).into_pyobject(py),
        }
    };
    batch.batch.events.iter().map(tuple).collect()
}

/// Returns a batch of events given as `batch_events` gives them.
///
/// Raises ValueError for a kind that is none, missing fields, or a number of 2^60 or more.
#[pyfunction]
fn batch_of_events(
    events: Vec<Bound<'_, PyTuple>>,
    price_decimals: u32,
    qty_decimals: u32,
) -> PyResult<PyEventBatch> {
    let mut batch = EventBatch::default();
    for (at, event) in events.iter().enumerate() {
        let event = read_event(event, &mut batch)
            .map_err(|error| PyValueError::new_err(format!("event {at}: {error}")))?;
        batch.events.push(event);
    }
    Ok(PyEventBatch { batch, price_decimals, qty_decimals })
}

fn bounded(value: i64) -> PyResult<i64> {
    if value.abs() < MAX_VALUE {
        return Ok(value);
    }
    Err(PyValueError::new_err(format!("{value} is not below 2^60")))
}

fn read_event(event: &Bound<'_, PyTuple>, batch: &mut EventBatch) -> PyResult<Event> {
    let number = |at: usize| bounded(event.get_item(at)?.extract()?);
    let flag = |at: usize| event.get_item(at)?.extract::<bool>();
    let mut levels = |at: usize| -> PyResult<LevelRange> {
        let pairs: Pairs = event.get_item(at)?.extract()?;
        let level =
            |(price, qty): (i64, i64)| Ok(Level { price: bounded(price)?, qty: bounded(qty)? });
        let levels: PyResult<Vec<Level>> = pairs.into_iter().map(level).collect();
        Ok(batch.add_levels(levels?))
    };
    let kind: String = event.get_item(0)?.extract()?;
    let body = match kind.as_str() {
        "quote" => Body::Quote {
            update_id: number(3)?,
            bid: Level { price: number(4)?, qty: number(5)? },
            ask: Level { price: number(6)?, qty: number(7)? },
        },
        "trade" => Body::Trade {
            trade_id: number(3)?,
            price: number(4)?,
            qty: number(5)?,
            buyer_is_maker: flag(6)?,
            is_market: flag(7)?,
        },
        "depth" => Body::Depth {
            first_id: number(3)?,
            final_id: number(4)?,
            prev_final_id: number(5)?,
            bids: levels(6)?,
            asks: levels(7)?,
        },
        "snapshot" => Body::Snapshot { last_id: number(3)?, bids: levels(4)?, asks: levels(5)? },
        "book" => Body::Book { id: number(3)?, bids: levels(4)?, asks: levels(5)? },
        "reset" => Body::Reset,
        other => {
            return Err(PyValueError::new_err(format!(
                "kind \"{other}\" is not quote, trade, depth, snapshot, book or reset"
            )));
        }
    };
    let event_ms = number(1)?;
    let event_ns = event_ms
        .checked_mul(NS_PER_MS)
        .ok_or_else(|| PyValueError::new_err(format!("event_ms {event_ms} is beyond all times")))?;
    let known_ns = event.get_item(2)?.extract()?;
    Ok(Event { event_ns, emitted_ms: event_ms, known_ns, body })
}

/// Returns the quotes (ts_ms, bid, bid_qty, ask, ask_qty) and the market trades (ts_ms, price, qty, is_maker) as columns of
/// integers, as `FlowEngine.run_arrays` takes them.
#[pyfunction]
fn batch_columns<'py>(
    py: Python<'py>,
    batch: &PyEventBatch,
) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyTuple>)> {
    let mut quotes: [Vec<i64>; 5] = Default::default();
    let mut trades: [Vec<i64>; 3] = Default::default();
    let mut makers: Vec<i8> = Vec::new();
    for event in &batch.batch.events {
        let at = event.event_ns.div_euclid(NS_PER_MS);
        match event.body {
            Body::Quote { bid, ask, .. } => {
                let row = [at, bid.price, bid.qty, ask.price, ask.qty];
                quotes.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
            Body::Trade { price, qty, buyer_is_maker, is_market: true, .. } => {
                trades
                    .iter_mut()
                    .zip([at, price, qty])
                    .for_each(|(column, value)| column.push(value));
                makers.push(i8::from(buyer_is_maker));
            }
            _ => {}
        }
    }
    let quotes = PyTuple::new(py, quotes.map(|column| column.into_pyarray(py)))?;
    let [ts_ms, price, qty] = trades.map(|column| column.into_pyarray(py));
    Ok((quotes, (ts_ms, price, qty, makers.into_pyarray(py)).into_pyobject(py)?))
}

/// Turns unified rows of one symbol into events, batch after batch.
#[pyclass(name = "RowEvents", module = "chanflow_native")]
pub struct PyRowEvents {
    scale: Scale,
    carry: RowCarry,
}

#[pymethods]
impl PyRowEvents {
    #[new]
    fn new(price_decimals: u32, qty_decimals: u32) -> Self {
        Self { scale: Scale { price_decimals, qty_decimals }, carry: RowCarry::default() }
    }

    #[pyo3(signature = (rows, books=None))]
    fn take(
        &mut self,
        py: Python<'_>,
        rows: &Bound<'_, PyDict>,
        books: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyEventBatch> {
        // A batch that is refused leaves what came before it as it was.
        let mut carry = self.carry.clone();
        macro_rules! columns {
            ($from:expr; $($name:ident: $kind:ty),* $(,)?) => {
                $(let $name: PyReadonlyArray1<'_, $kind> = item($from, stringify!($name))?.extract()?;)*
            };
        }
        columns!(rows; ts_ms: i64, kind: u8, price: f64, qty: f64, is_maker: i8, bid: f64, ask: f64);
        columns!(rows; bid_qty: f64, ask_qty: f64, seq_first: i64, seq_last: i64, known_ns: i64);
        let counts = rows.get_item("is_market")?;
        let counts: Option<PyReadonlyArray1<'_, i8>> =
            counts.map(|item| item.extract()).transpose()?;
        let view = RowView {
            ts_ms: ts_ms.as_slice()?,
            kind: kind.as_slice()?,
            price: price.as_slice()?,
            qty: qty.as_slice()?,
            is_maker: is_maker.as_slice()?,
            bid: bid.as_slice()?,
            ask: ask.as_slice()?,
            bid_qty: bid_qty.as_slice()?,
            ask_qty: ask_qty.as_slice()?,
            seq_last: seq_last.as_slice()?,
            seq_first: seq_first.as_slice()?,
            is_market: counts.as_ref().map_or(Ok(&[][..]), |counts| counts.as_slice())?,
            known_ns: known_ns.as_slice()?,
        };
        let scale = self.scale;
        let own = rows.get_item("books")?.map(|books| books.cast_into::<PyDict>()).transpose()?;
        let batch = if let Some(books) = books.or(own.as_ref()) {
            columns!(books; row: i64);
            macro_rules! flat {
                ($($name:ident)*) => {
                    $(let $name: PyReadonlyArrayDyn<'_, f64> = item(books, stringify!($name))?.extract()?;)*
                };
            }
            flat!(bid_price bid_qty ask_price ask_qty);
            let tops = TopView {
                row: row.as_slice()?,
                bid_price: bid_price.as_slice()?,
                bid_qty: bid_qty.as_slice()?,
                ask_price: ask_price.as_slice()?,
                ask_qty: ask_qty.as_slice()?,
            };
            py.detach(|| row_events(&view, &tops, scale, &mut carry)).map_err(refused)?
        } else {
            py.detach(|| row_events(&view, &TopView::default(), scale, &mut carry))
                .map_err(refused)?
        };
        self.carry = carry;
        let Scale { price_decimals, qty_decimals } = self.scale;
        Ok(PyEventBatch { batch, price_decimals, qty_decimals })
    }

    fn save<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.carry.save())
    }

    fn load(&mut self, state: &[u8]) -> PyResult<()> {
        self.carry = RowCarry::restore(state).map_err(refused)?;
        Ok(())
    }
}

fn item<'py>(from: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    from.get_item(name)?
        .ok_or_else(|| PyValueError::new_err(format!("the rows have no column {name}")))
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(batch_events, module)?)?;
    module.add_function(wrap_pyfunction!(batch_of_events, module)?)?;
    module.add_function(wrap_pyfunction!(batch_columns, module)?)?;
    module.add_class::<PyRowEvents>()
}
