//! `orderflow` for Python.

use numpy::IntoPyArray;
use orderflow::Scale;
use orderflow::bars::{Bar, BarBuilder};
use orderflow::bins::{FlowEngine, FlowRow};
use orderflow::error::Error;
use orderflow::event::{Body, EventBatch};
use orderflow::flow_config::FlowConfig;
use orderflow::preflight::{Preflight, Report};
use orderflow::rows::RowCollector;
use orderflow::sync::{Gap, SyncState};
use orderflow::wire::WireParser;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// A bar as Python sees it.
type BarTuple = (i64, f64, f64, f64, f64, f64, f64, u64, f64);

/// Sets dictionary items named like the fields they come from.
macro_rules! set_fields {
    ($dict:expr, $from:expr; $($field:ident)*) => {
        $($dict.set_item(stringify!($field), &$from.$field)?;)*
    };
}

fn refused(error: Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Parsed or generated events of one symbol, opaque to Python.
#[pyclass(name = "EventBatch", module = "chanflow_native", frozen)]
pub struct PyEventBatch {
    /// The events and their levels.
    pub batch: EventBatch,
    /// p: prices are integers of 10^-p.
    #[pyo3(get)]
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    #[pyo3(get)]
    pub qty_decimals: u32,
}

impl PyEventBatch {
    fn price(&self, price: i64) -> f64 {
        price as f64 / 10_f64.powi(self.price_decimals as i32)
    }

    fn trade_prices(&self) -> impl DoubleEndedIterator<Item = i64> + '_ {
        self.batch.events.iter().filter_map(|event| match event.body {
            Body::Trade { price, is_market: true, .. } => Some(price),
            _ => None,
        })
    }

    fn last_quote(&self) -> Option<(i64, i64)> {
        self.batch.events.iter().rev().find_map(|event| match event.body {
            Body::Quote { bid, ask, .. } => Some((bid.price, ask.price)),
            _ => None,
        })
    }

    /// Refuses a batch whose integers mean something else than the receiver's.
    fn check(&self, scale: Scale) -> PyResult<()> {
        let own = Scale { price_decimals: self.price_decimals, qty_decimals: self.qty_decimals };
        if self.batch.events.is_empty() || own == scale {
            return Ok(());
        }
        Err(PyValueError::new_err(format!(
            "the batch has {} and {} decimals, expected {} and {}",
            own.price_decimals, own.qty_decimals, scale.price_decimals, scale.qty_decimals
        )))
    }
}

#[pymethods]
impl PyEventBatch {
    fn __len__(&self) -> usize {
        self.batch.events.len()
    }

    #[getter]
    fn first_event_ns(&self) -> Option<i64> {
        self.batch.events.first().map(|event| event.event_ns)
    }

    #[getter]
    fn last_event_ns(&self) -> Option<i64> {
        self.batch.events.iter().map(|event| event.event_ns).max()
    }

    #[getter]
    fn last_known_ns(&self) -> Option<i64> {
        self.batch.events.iter().map(|event| event.known_ns).max()
    }

    #[getter]
    fn trade_low(&self) -> Option<f64> {
        self.trade_prices().min().map(|price| self.price(price))
    }

    #[getter]
    fn trade_high(&self) -> Option<f64> {
        self.trade_prices().max().map(|price| self.price(price))
    }

    #[getter]
    fn last_price(&self) -> Option<f64> {
        self.trade_prices().next_back().map(|price| self.price(price))
    }

    #[getter]
    fn bid(&self) -> Option<f64> {
        self.last_quote().map(|(bid, _)| self.price(bid))
    }

    #[getter]
    fn ask(&self) -> Option<f64> {
        self.last_quote().map(|(_, ask)| self.price(ask))
    }
}

/// A streaming parser of recorded frames.
#[pyclass(name = "WireParser", module = "chanflow_native")]
pub struct PyWireParser {
    parser: WireParser,
}

#[pymethods]
impl PyWireParser {
    #[new]
    #[pyo3(signature = (symbol=None))]
    fn new(symbol: Option<&str>) -> Self {
        Self { parser: WireParser::new(symbol) }
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
    #[pyo3(signature = (symbol=None))]
    fn new(symbol: Option<&str>) -> Self {
        Self { check: Some(Preflight::new(symbol)) }
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
    dict.set_item("frames", frames)?;
    dict.set_item("depth_gaps", report.depth_breaks)?;
    dict.set_item("trade_gaps", report.trade_breaks)?;
    dict.set_item("gaps", gaps)?;
    dict.set_item("book", report.book.name())?;
    set_fields!(dict, report; repeats syncs synced_line lost_lines first_event_ms last_event_ms);
    Ok(dict)
}

/// Features of one symbol, bin by bin.
#[pyclass(name = "FlowEngine", module = "chanflow_native")]
pub struct PyFlowEngine {
    engine: FlowEngine,
    scale: Scale,
    last: Option<FlowRow>,
}

impl PyFlowEngine {
    fn rows<'py>(
        &mut self,
        py: Python<'py>,
        close: impl FnOnce(&mut FlowEngine, &mut Vec<FlowRow>) + Send,
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut rows = Vec::new();
        py.detach(|| close(&mut self.engine, &mut rows));
        self.last = rows.last().copied().or(self.last);
        row_columns(py, &rows)
    }
}

#[pymethods]
impl PyFlowEngine {
    #[new]
    #[pyo3(signature = (
        price_decimals, qty_decimals, bin_ms=1_000, window_ms=300_000, warmup_ms=60_000, *,
        watermark_ms=250, keep_levels=Some(1_000)
    ))]
    fn new(
        price_decimals: u32,
        qty_decimals: u32,
        bin_ms: i64,
        window_ms: i64,
        warmup_ms: i64,
        watermark_ms: i64,
        keep_levels: Option<usize>,
    ) -> PyResult<Self> {
        let scale = Scale { price_decimals, qty_decimals };
        let config = FlowConfig {
            bin_ms,
            window_ms,
            warmup_ms,
            watermark_ms,
            keep_levels,
            ..FlowConfig::new(scale)
        };
        let engine = FlowEngine::new(config).map_err(refused)?;
        Ok(Self { engine, scale, last: None })
    }

    fn push<'py>(&mut self, py: Python<'py>, batch: &PyEventBatch) -> PyResult<Bound<'py, PyDict>> {
        batch.check(self.scale)?;
        self.rows(py, |engine, rows| engine.push(&batch.batch, rows))
    }

    fn advance<'py>(&mut self, py: Python<'py>, clock_ms: i64) -> PyResult<Bound<'py, PyDict>> {
        self.rows(py, |engine, rows| engine.advance(clock_ms, rows))
    }

    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.rows(py, FlowEngine::finish)
    }

    fn last<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.last.as_ref().map(|row| row_dict(py, row)).transpose()
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.engine.stats();
        let sync = self.engine.sync();
        let (book_checks, book_matches) = self.engine.agreement();
        let (bid_levels, ask_levels) = sync.book().depth();
        let dict = PyDict::new(py);
        set_fields!(dict, stats; events quotes repeated_quotes trades repeated_trades ignored_trades);
        set_fields!(dict, stats; trade_gaps late diffs snapshots syncs gaps crossed);
        dict.set_item("applied", sync.applied())?;
        dict.set_item("dropped", sync.dropped())?;
        dict.set_item("repeated_diffs", sync.repeated())?;
        dict.set_item("book_checks", book_checks)?;
        dict.set_item("book_matches", book_matches)?;
        dict.set_item("bid_levels", bid_levels)?;
        dict.set_item("ask_levels", ask_levels)?;
        dict.set_item("synced", sync.state() == SyncState::Synced)?;
        let gaps: PyResult<Vec<_>> = stats.gap_list.iter().map(|gap| gap_dict(py, gap)).collect();
        dict.set_item("gap_list", gaps?)?;
        Ok(dict)
    }
}

fn gap_dict<'py>(py: Python<'py>, gap: &Gap) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    set_fields!(dict, gap; from_u to_u from_ms to_ms);
    Ok(dict)
}

fn row_columns<'py>(py: Python<'py>, rows: &[FlowRow]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let float = |name: &str, of: fn(&FlowRow) -> f64| {
        dict.set_item(name, rows.iter().map(of).collect::<Vec<_>>().into_pyarray(py))
    };
    let maybe = |name: &str, of: fn(&FlowRow) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().map(|row| of(row).unwrap_or(f64::NAN)).collect();
        dict.set_item(name, values.into_pyarray(py))
    };
    let whole = |name: &str, of: fn(&FlowRow) -> i64| {
        dict.set_item(name, rows.iter().map(of).collect::<Vec<_>>().into_pyarray(py))
    };
    whole("ts_ms", |row| row.ts_ms)?;
    maybe("mid", |row| row.mid)?;
    float("ofi", |row| row.ofi)?;
    float("cvd", |row| row.cvd)?;
    float("tfi", |row| row.tfi)?;
    maybe("z_ofi", |row| row.z_ofi)?;
    maybe("z_cvd", |row| row.z_cvd)?;
    maybe("fusion", |row| row.fusion)?;
    dict.set_item("signal", rows.iter().map(|row| row.signal.name()).collect::<Vec<_>>())?;
    let book_ok: Vec<i8> = rows.iter().map(|row| row.book_ok.map_or(-1, i8::from)).collect();
    dict.set_item("book_ok", book_ok.into_pyarray(py))?;
    maybe("bid", |row| row.bid)?;
    maybe("ask", |row| row.ask)?;
    maybe("spread_bps", |row| row.spread_bps)?;
    maybe("consistency", |row| row.consistency)?;
    let reasons: PyResult<Vec<_>> =
        rows.iter().map(|row| PyTuple::new(py, row.reasons.names().collect::<Vec<_>>())).collect();
    dict.set_item("reasons", reasons?)?;
    float("buy_qty", |row| row.buy_qty)?;
    float("sell_qty", |row| row.sell_qty)?;
    whole("trades", |row| row.trades as i64)?;
    whole("quotes", |row| row.quotes as i64)?;
    maybe("last_price", |row| row.last_price)?;
    Ok(dict)
}

fn row_dict<'py>(py: Python<'py>, row: &FlowRow) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    set_fields!(dict, row; ts_ms mid ofi cvd tfi z_ofi z_cvd fusion);
    dict.set_item("signal", row.signal.name())?;
    set_fields!(dict, row; book_ok bid ask spread_bps consistency);
    dict.set_item("reasons", PyTuple::new(py, row.reasons.names().collect::<Vec<_>>())?)?;
    set_fields!(dict, row; buy_qty sell_qty trades quotes last_price);
    Ok(dict)
}

/// Bars from trades.
#[pyclass(name = "BarBuilder", module = "chanflow_native")]
pub struct PyBarBuilder {
    builder: BarBuilder,
    scale: Scale,
}

#[pymethods]
impl PyBarBuilder {
    #[new]
    #[pyo3(signature = (interval_ms, price_decimals, qty_decimals, *, watermark_ms=250))]
    fn new(
        interval_ms: i64,
        price_decimals: u32,
        qty_decimals: u32,
        watermark_ms: i64,
    ) -> PyResult<Self> {
        let scale = Scale { price_decimals, qty_decimals };
        let builder = BarBuilder::new(interval_ms, watermark_ms, scale).map_err(refused)?;
        Ok(Self { builder, scale })
    }

    fn push(&mut self, py: Python<'_>, batch: &PyEventBatch) -> PyResult<Vec<BarTuple>> {
        batch.check(self.scale)?;
        let mut bars = Vec::new();
        py.detach(|| self.builder.push(&batch.batch, &mut bars));
        Ok(bars.iter().map(bar_tuple).collect())
    }

    fn advance(&mut self, clock_ms: i64) -> Vec<BarTuple> {
        let mut bars = Vec::new();
        self.builder.advance(clock_ms, &mut bars);
        bars.iter().map(bar_tuple).collect()
    }

    fn forming(&self) -> Option<BarTuple> {
        self.builder.forming().as_ref().map(bar_tuple)
    }

    #[getter]
    fn late(&self) -> u64 {
        self.builder.late()
    }
}

fn bar_tuple(bar: &Bar) -> BarTuple {
    let Bar { ts_ms, open, high, low, close, volume, amount, trades, buy_qty } = *bar;
    (ts_ms, open, high, low, close, volume, amount, trades, buy_qty)
}

/// Unified rows for the lake.
#[pyclass(name = "RowCollector", module = "chanflow_native")]
pub struct PyRowCollector {
    rows: RowCollector,
    scale: Scale,
}

#[pymethods]
impl PyRowCollector {
    #[new]
    fn new(price_decimals: u32, qty_decimals: u32) -> Self {
        let scale = Scale { price_decimals, qty_decimals };
        Self { rows: RowCollector::new(scale), scale }
    }

    fn push(&mut self, py: Python<'_>, batch: &PyEventBatch) -> PyResult<()> {
        batch.check(self.scale)?;
        py.detach(|| self.rows.push(&batch.batch));
        Ok(())
    }

    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.rows.take();
        let dict = PyDict::new(py);
        macro_rules! set_columns {
            ($($column:ident)*) => {
                $(dict.set_item(stringify!($column), rows.$column.into_pyarray(py))?;)*
            };
        }
        set_columns!(ts_ms kind price qty side is_maker bid ask bid_qty ask_qty);
        set_columns!(spread_bps event_ms known_ns seq_first seq_last seq_prev);
        Ok(dict)
    }

    #[getter]
    fn pending(&self) -> usize {
        self.rows.pending()
    }
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyEventBatch>()?;
    module.add_class::<PyWireParser>()?;
    module.add_class::<PyPreflight>()?;
    module.add_class::<PyFlowEngine>()?;
    module.add_class::<PyBarBuilder>()?;
    module.add_class::<PyRowCollector>()?;
    Ok(())
}
