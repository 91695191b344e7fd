//! The intake for Python: frames in, columns out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use numpy::{IntoPyArray, PyArrayMethods};
use orderflow::intake::{Intake, IntakeConfig, LiveView};
use orderflow::intake_rows::{BookColumns, DeadLetter, GapRecord, IntakeRows, TOP_LEVELS};
use orderflow::sync::{BufferCaps, SyncState};
use orderflow::{Instrument, Scale, Venue};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::orderflow::{PyEventBatch, refused, set_fields};

/// Everything a venue's frames become.
///
/// Behind a lock: one thread may feed while another asks for the newest values.
#[pyclass(name = "Intake", module = "chanflow_native", frozen)]
pub struct PyIntake {
    intake: Mutex<Intake>,
    symbols: Vec<String>,
}

/// Sets dictionary items to arrays made of the vectors of the same names.
macro_rules! set_columns {
    ($py:expr, $dict:expr, $from:expr; $($column:ident)*) => {
        $($dict.set_item(stringify!($column), $from.$column.into_pyarray($py))?;)*
    };
}

#[pymethods]
impl PyIntake {
    #[new]
    #[pyo3(signature = (
        venue, instruments, *, keep_levels=Some(1_000), book_layer=false, max_buffered=20_000, max_buffer_ms=30_000
    ))]
    fn new(
        venue: &str,
        instruments: BTreeMap<String, (u32, u32)>,
        keep_levels: Option<usize>,
        book_layer: bool,
        max_buffered: usize,
        max_buffer_ms: i64,
    ) -> PyResult<Self> {
        let venue = Venue::of(venue).map_err(PyValueError::new_err)?;
        let instruments = instruments
            .into_iter()
            .map(|(symbol, (price_decimals, qty_decimals))| Instrument {
                symbol,
                scale: Scale { price_decimals, qty_decimals },
            })
            .collect();
        let caps = BufferCaps { events: max_buffered, span_ms: max_buffer_ms };
        let config =
            IntakeConfig { keep_levels, book_layer, caps, ..IntakeConfig::new(venue, instruments) };
        let intake = Intake::new(config).map_err(refused)?;
        let symbols = intake.instruments().iter().map(|found| found.symbol.clone()).collect();
        Ok(Self { intake: Mutex::new(intake), symbols })
    }

    #[pyo3(signature = (lines, socket=0))]
    fn feed(&self, py: Python<'_>, lines: &[u8], socket: u32) {
        self.with(py, |intake| intake.feed(lines, socket));
    }

    fn close(&self, py: Python<'_>, socket: u32) {
        self.with(py, |intake| intake.close(socket));
    }

    #[pyo3(signature = (symbol=None))]
    fn reset(&self, py: Python<'_>, symbol: Option<&str>) -> PyResult<()> {
        self.with(py, |intake| intake.reset(symbol)).map_err(refused)
    }

    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.symbols.clone()
    }

    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let taken = self.with(py, Intake::take);
        let dict = PyDict::new(py);
        dict.set_item("symbols", &self.symbols)?;
        dict.set_item("rows", rows_dict(py, taken.rows)?)?;
        dict.set_item("dead", dead_list(py, &taken.dead)?)?;
        dict.set_item("gaps", self.gap_list(py, &taken.gaps)?)?;
        dict.set_item("book", book_dict(py, taken.book)?)?;
        Ok(dict)
    }

    fn wanted(&self, py: Python<'_>) -> Vec<(String, i64)> {
        let owned = |(symbol, since): (&str, i64)| (symbol.to_owned(), since);
        self.with(py, |intake| intake.wanted().into_iter().map(owned).collect())
    }

    fn events(&self, py: Python<'_>, symbol: &str) -> PyResult<PyEventBatch> {
        let (batch, instrument) = self.with(py, |intake| intake.events(symbol)).map_err(refused)?;
        let Scale { price_decimals, qty_decimals } = instrument.scale;
        Ok(PyEventBatch { batch, price_decimals, qty_decimals })
    }

    #[pyo3(signature = (symbol, levels=5))]
    fn live<'py>(
        &self,
        py: Python<'py>,
        symbol: &str,
        levels: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let view = self.with(py, |intake| intake.live(symbol, levels)).map_err(refused)?;
        live_dict(py, &view)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.with(py, |intake| intake.stats());
        let dict = PyDict::new(py);
        set_fields!(dict, stats.counts; frames bytes remarks dead repeats waited unused rows syncs gaps);
        set_fields!(dict, stats; lag_p50_ms lag_p99_ms clock_ns);
        let offsets = PyDict::new(py);
        for (socket, offset_ms) in stats.offsets_ms {
            offsets.set_item(socket, offset_ms)?;
        }
        dict.set_item("offsets_ms", offsets)?;
        let symbols = PyDict::new(py);
        for symbol in &stats.symbols {
            let one = PyDict::new(py);
            one.set_item("state", state_name(symbol.state))?;
            set_fields!(one, symbol; unsynced_ns syncs gaps applied);
            symbols.set_item(&symbol.symbol, one)?;
        }
        dict.set_item("symbols", symbols)?;
        Ok(dict)
    }
}

impl PyIntake {
    /// Works on the intake without the GIL.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Intake) -> T + Send) -> T {
        py.detach(|| work(&mut self.intake.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn gap_list<'py>(&self, py: Python<'py>, gaps: &[GapRecord]) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for record in gaps {
            let dict = PyDict::new(py);
            dict.set_item("symbol", self.symbols.get(record.symbol))?;
            set_fields!(dict, record.gap; from_u to_u from_ms to_ms);
            dict.set_item("reason", record.reason.name())?;
            list.append(dict)?;
        }
        Ok(list)
    }
}

fn state_name(state: SyncState) -> &'static str {
    match state {
        SyncState::Buffering => "buffering",
        SyncState::SnapshotWait => "snapshot_wait",
        SyncState::Synced => "synced",
    }
}

fn rows_dict<'py>(py: Python<'py>, rows: IntakeRows) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let columns = rows.columns;
    set_columns!(py, dict, columns; ts_ms kind price qty side is_maker bid ask bid_qty ask_qty);
    set_columns!(py, dict, columns; spread_bps event_ms known_ns seq_first seq_last seq_prev);
    set_columns!(py, dict, rows; symbol socket is_market closed);
    let books = PyDict::new(py);
    set_columns!(py, books, rows.books; row);
    for (name, levels) in [
        ("bid_price", rows.books.bid_price),
        ("bid_qty", rows.books.bid_qty),
        ("ask_price", rows.books.ask_price),
        ("ask_qty", rows.books.ask_qty),
    ] {
        let count = levels.len() / TOP_LEVELS;
        books.set_item(name, levels.into_pyarray(py).reshape([count, TOP_LEVELS])?)?;
    }
    dict.set_item("books", books)?;
    let klines = PyDict::new(py);
    set_columns!(py, klines, rows.klines; row open_ms open high low close volume amount trades);
    klines.set_item("interval", rows.klines.interval)?;
    dict.set_item("klines", klines)?;
    let marks = PyDict::new(py);
    set_columns!(py, marks, rows.marks; row index_price funding_frac next_funding_ms);
    dict.set_item("marks", marks)?;
    Ok(dict)
}

fn book_dict<'py>(py: Python<'py>, book: BookColumns) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    set_columns!(py, dict, book; symbol ts_ms known_ns seq_first seq_last seq_prev side price qty);
    set_columns!(py, dict, book; is_snapshot);
    Ok(dict)
}

fn dead_list<'py>(py: Python<'py>, dead: &[DeadLetter]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for letter in dead {
        list.append((letter.known_ns, PyBytes::new(py, &letter.frame), &letter.what))?;
    }
    Ok(list)
}

fn live_dict<'py>(py: Python<'py>, view: &LiveView) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let number = |value: f64| if value.is_nan() { None } else { Some(value) };
    let quote = view.live.quote.map(|quote| {
        let one = PyDict::new(py);
        let [(bid, bid_qty), (ask, ask_qty)] = quote.value;
        one.set_item("bid", bid)?;
        one.set_item("ask", ask)?;
        one.set_item("bid_qty", bid_qty)?;
        one.set_item("ask_qty", ask_qty)?;
        set_fields!(one, quote; event_ms known_ns);
        Ok::<_, PyErr>(one)
    });
    dict.set_item("quote", quote.transpose()?)?;
    let trade = view.live.trade.map(|trade| {
        let one = PyDict::new(py);
        set_fields!(one, trade.value; price qty);
        one.set_item("side", if trade.value.buyer_is_maker { "sell" } else { "buy" })?;
        set_fields!(one, trade; event_ms known_ns);
        Ok::<_, PyErr>(one)
    });
    dict.set_item("trade", trade.transpose()?)?;
    let mark = view.live.mark.map(|mark| {
        let one = PyDict::new(py);
        set_fields!(one, mark.value; price);
        one.set_item("index_price", number(mark.value.index_price))?;
        one.set_item("funding_frac", number(mark.value.funding_frac))?;
        let next = Some(mark.value.next_funding_ms).filter(|ms| *ms > 0);
        one.set_item("next_funding_ms", next)?;
        set_fields!(one, mark; event_ms known_ns);
        Ok::<_, PyErr>(one)
    });
    dict.set_item("mark", mark.transpose()?)?;
    let book = PyDict::new(py);
    book.set_item("state", state_name(view.state))?;
    let [bids, asks] = &view.top;
    book.set_item("bids", bids)?;
    book.set_item("asks", asks)?;
    book.set_item("event_ms", view.live.book.map(|book| book.event_ms))?;
    book.set_item("known_ns", view.live.book.map(|book| book.known_ns))?;
    dict.set_item("book", book)?;
    Ok(dict)
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyIntake>()
}
