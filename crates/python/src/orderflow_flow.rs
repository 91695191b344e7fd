//! Features and bars for Python.

use numpy::{Element, PyReadonlyArray1};
use orderflow::Scale;
use orderflow::arrays::{Amount, FlowRows, QuoteColumns, TradeColumns, flow_rows};
use orderflow::bars::{Bar, BarBuilder};
use orderflow::bins::{ExtraRow, FlowEngine, FlowRow};
use orderflow::event::Level;
use orderflow::flow_config::{FlowConfig, OfiSource, ZKind};
use orderflow::mlofi::MAX_LEVELS;
use orderflow::sync::{Gap, SyncState};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::orderflow::{PyEventBatch, refused, set_fields};
use crate::orderflow_columns::{add_extras, row_columns, row_dict};

/// Price and quantity.
type LevelTuple = (i64, i64);

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
        let extras = self.engine.take_extras();
        self.columns(py, &rows, &extras)
    }

    fn columns<'py>(
        &self,
        py: Python<'py>,
        rows: &[FlowRow],
        extras: &[ExtraRow],
    ) -> PyResult<Bound<'py, PyDict>> {
        let columns = row_columns(py, rows)?;
        let config = self.engine.config();
        if config.all_columns {
            add_extras(py, &columns, extras, config)?;
        }
        Ok(columns)
    }
}

/// Sets the fields that a dictionary names; `other` takes what is none of them.
macro_rules! set_named {
    ($target:expr, $name:expr, $value:expr, $other:expr; $($field:ident)*) => {
        match $name {
            $(stringify!($field) => $target.$field = $value.extract()?,)*
            other => $other(other, [$(stringify!($field)),*].join(", "))?,
        }
    };
}

fn set_fusion(config: &mut FlowConfig, fusion: &Bound<'_, PyDict>) -> PyResult<()> {
    let unknown = |name: &str, all: String| -> PyResult<()> {
        Err(PyValueError::new_err(format!("fusion has no setting \"{name}\": {all}")))
    };
    for (name, value) in fusion.iter() {
        let name: String = name.extract()?;
        set_named!(config.fusion, name.as_str(), value, unknown;
            w_ofi w_cvd clip strong_score strong_consistency enter_score enter_consistency
            boost_score boost_consistency exit_score flip_factor max_lag_ms max_spread_bps
            cooldown_ms min_consecutive);
    }
    Ok(())
}

fn set_weights(config: &mut FlowConfig, weights: &[f64]) -> PyResult<()> {
    let (given, most) = (weights.len(), config.level_weights.len());
    if given > most {
        return Err(PyValueError::new_err(format!("{given} level weights, the most is {most}")));
    }
    config.level_weights = [0.0; MAX_LEVELS];
    config.level_weights.iter_mut().zip(weights).for_each(|(slot, weight)| *slot = *weight);
    Ok(())
}

fn set_one(config: &mut FlowConfig, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match name {
        "z" => config.z = z_of(&value.extract::<String>()?)?,
        "ofi_source" => config.ofi_source = source_of(&value.extract::<String>()?)?,
        "level_weights" => {
            if let Some(weights) = value.extract::<Option<Vec<f64>>>()? {
                set_weights(config, &weights)?;
            }
        }
        "fusion" => {
            if !value.is_none() {
                set_fusion(config, value.cast::<PyDict>()?)?;
            }
        }
        _ => {
            let unknown = |name: &str, all: String| -> PyResult<()> {
                Err(PyTypeError::new_err(format!(
                    "unexpected setting \"{name}\": {all}, z, ofi_source, level_weights, fusion"
                )))
            };
            set_named!(config, name, value, unknown;
                watermark_ms keep_levels half_life_ms sockets late_after_ms all_columns levels
                cvd_window_ms pivot_bins tick vpin_bucket);
        }
    }
    Ok(())
}

fn source_of(name: &str) -> PyResult<OfiSource> {
    let all = [OfiSource::BookTicker, OfiSource::Depth, OfiSource::Bbo];
    all.into_iter().find(|source| source.name() == name).ok_or_else(|| {
        PyValueError::new_err(format!("ofi_source \"{name}\" is not book_ticker, depth or bbo"))
    })
}

fn z_of(name: &str) -> PyResult<ZKind> {
    match name {
        "robust" => Ok(ZKind::Robust),
        "ew" => Ok(ZKind::Ew),
        _ => Err(PyValueError::new_err(format!("z \"{name}\" is not robust or ew"))),
    }
}

fn column<'py, T: Element>(
    from: &Bound<'py, PyTuple>,
    at: usize,
) -> PyResult<PyReadonlyArray1<'py, T>> {
    from.get_item(at)?.extract()
}

/// Runs columns whose amounts are of one kind.
fn rows_of_arrays<T: Element + Amount + Sync>(
    py: Python<'_>,
    config: FlowConfig,
    quotes: &Bound<'_, PyTuple>,
    trades: &Bound<'_, PyTuple>,
) -> PyResult<FlowRows> {
    let (quote_ms, trade_ms) = (column::<i64>(quotes, 0)?, column::<i64>(trades, 0)?);
    let (bid, bid_qty) = (column::<T>(quotes, 1)?, column::<T>(quotes, 2)?);
    let (ask, ask_qty) = (column::<T>(quotes, 3)?, column::<T>(quotes, 4)?);
    let (price, qty) = (column::<T>(trades, 1)?, column::<T>(trades, 2)?);
    let is_maker = column::<i8>(trades, 3)?;
    let quotes = QuoteColumns {
        ts_ms: quote_ms.as_slice()?,
        bid: bid.as_slice()?,
        bid_qty: bid_qty.as_slice()?,
        ask: ask.as_slice()?,
        ask_qty: ask_qty.as_slice()?,
    };
    let trades = TradeColumns {
        ts_ms: trade_ms.as_slice()?,
        price: price.as_slice()?,
        qty: qty.as_slice()?,
        is_maker: is_maker.as_slice()?,
    };
    py.detach(|| flow_rows(config, &quotes, &trades)).map_err(refused)
}

#[pymethods]
impl PyFlowEngine {
    #[new]
    #[pyo3(signature = (
        price_decimals, qty_decimals, bin_ms=1_000, window_ms=300_000, warmup_ms=60_000, **settings
    ))]
    fn new(
        price_decimals: u32,
        qty_decimals: u32,
        bin_ms: i64,
        window_ms: i64,
        warmup_ms: i64,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let scale = Scale { price_decimals, qty_decimals };
        let mut config = FlowConfig { bin_ms, window_ms, warmup_ms, ..FlowConfig::new(scale) };
        for (name, value) in settings.into_iter().flatten() {
            set_one(&mut config, &name.extract::<String>()?, &value)?;
        }
        let engine = FlowEngine::new(config).map_err(refused)?;
        Ok(Self { engine, scale, last: None })
    }

    fn save<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.engine.save());
        PyBytes::new(py, &bytes)
    }

    fn load(&mut self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        let config = *self.engine.config();
        self.engine = py.detach(|| FlowEngine::restore(config, state)).map_err(refused)?;
        self.last = None;
        Ok(())
    }

    #[getter]
    fn open_from_ms(&self) -> Option<i64> {
        self.engine.open_from_ms()
    }

    fn spoil(&mut self, event_ms: i64) {
        self.engine.spoil(event_ms);
    }

    fn seen<'py>(
        &mut self,
        py: Python<'py>,
        market_socket: bool,
        event_ms: i64,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.rows(py, |engine, rows| engine.seen(market_socket, event_ms, rows))
    }

    fn run_arrays<'py>(
        &self,
        py: Python<'py>,
        quotes: &Bound<'py, PyTuple>,
        trades: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyDict>> {
        if (quotes.len(), trades.len()) != (5, 4) {
            return Err(PyValueError::new_err(format!(
                "quotes are ts_ms, bid, bid_qty, ask, ask_qty and trades are ts_ms, price, qty, is_maker: \
                 got {} and {} columns",
                quotes.len(),
                trades.len()
            )));
        }
        let config = *self.engine.config();
        let whole = quotes.get_item(1)?.extract::<PyReadonlyArray1<'_, i64>>().is_ok();
        let found = if whole {
            rows_of_arrays::<i64>(py, config, quotes, trades)?
        } else {
            rows_of_arrays::<f64>(py, config, quotes, trades)?
        };
        self.columns(py, &found.rows, &found.extras)
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

    fn book(&self, levels: usize) -> (Vec<LevelTuple>, Vec<LevelTuple>) {
        let book = self.engine.sync().book();
        let told = |level: Level| (level.price, level.qty);
        (book.bids().take(levels).map(told).collect(), book.asks().take(levels).map(told).collect())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.engine.stats();
        let sync = self.engine.sync();
        let (book_checks, book_matches) = self.engine.agreement();
        let (bid_levels, ask_levels) = sync.book().depth();
        let dict = PyDict::new(py);
        set_fields!(dict, stats; events quotes repeated_quotes trades repeated_trades ignored_trades);
        set_fields!(dict, stats; ignored_quotes trade_gaps late late_bins resets too_far);
        set_fields!(dict, stats; diffs snapshots syncs gaps crossed);
        dict.set_item("ofi_source", self.engine.config().ofi_source.name())?;
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
