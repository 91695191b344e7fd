//! Features and bars for Python.

use numpy::IntoPyArray;
use orderflow::Scale;
use orderflow::bars::{Bar, BarBuilder};
use orderflow::bins::{FlowEngine, FlowRow};
use orderflow::flow_config::FlowConfig;
use orderflow::sync::{Gap, SyncState};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::orderflow::{PyEventBatch, refused, set_fields};

/// A bar as Python sees it.
type BarTuple = (i64, f64, f64, f64, f64, f64, f64, u64, f64);

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

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyFlowEngine>()?;
    module.add_class::<PyBarBuilder>()
}
