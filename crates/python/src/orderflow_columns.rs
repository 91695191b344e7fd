//! Feature rows as columns for Python.

use numpy::IntoPyArray;
use orderflow::bins::{ExtraRow, FlowRow};
use orderflow::divergence::{CHANNELS, Divergence};
use orderflow::flow_config::FlowConfig;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::orderflow::set_fields;

/// Returns the rows as columns; absent floats are NaN.
pub fn row_columns<'py>(py: Python<'py>, rows: &[FlowRow]) -> PyResult<Bound<'py, PyDict>> {
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
    let late: Vec<bool> = rows.iter().map(|row| row.late).collect();
    dict.set_item("late", late.into_pyarray(py))?;
    Ok(dict)
}

/// Returns a row as scalars, None where absent.
pub fn row_dict<'py>(py: Python<'py>, row: &FlowRow) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    set_fields!(dict, row; ts_ms mid ofi cvd tfi z_ofi z_cvd fusion);
    dict.set_item("signal", row.signal.name())?;
    set_fields!(dict, row; book_ok bid ask spread_bps consistency);
    dict.set_item("reasons", PyTuple::new(py, row.reasons.names().collect::<Vec<_>>())?)?;
    set_fields!(dict, row; buy_qty sell_qty trades quotes last_price late);
    Ok(dict)
}

/// Adds the columns beyond the fixed ones.
pub fn add_extras(
    py: Python<'_>,
    dict: &Bound<'_, PyDict>,
    rows: &[ExtraRow],
    config: &FlowConfig,
) -> PyResult<()> {
    let float = |name: &str, of: &dyn Fn(&ExtraRow) -> f64| {
        dict.set_item(name, rows.iter().map(of).collect::<Vec<_>>().into_pyarray(py))
    };
    let maybe = |name: &str, of: fn(&ExtraRow) -> Option<f64>| {
        float(name, &|row| of(row).unwrap_or(f64::NAN))
    };
    maybe("queue_imbalance", |row| row.queue_imbalance)?;
    maybe("weighted_mid", |row| row.weighted_mid)?;
    maybe("micro_price", |row| row.micro_price)?;
    maybe("kyle_lambda", |row| row.kyle_lambda)?;
    maybe("kyle_t", |row| row.kyle_t)?;
    maybe("vpin", |row| row.vpin)?;
    float("cvd_day", &|row| row.cvd_day)?;
    float("cvd_rolling", &|row| row.cvd_rolling)?;
    maybe("buy_ratio", |row| row.buy_ratio)?;
    float("tfi_quote", &|row| row.tfi_quote)?;
    maybe("lag_sec", |row| row.lag_sec)?;
    for level in 0..config.levels {
        let of = |row: &ExtraRow| row.mlofi.get(level).copied().unwrap_or(f64::NAN);
        float(&format!("mlofi_{}", level + 1), &of)?;
    }
    maybe("ofi_weighted", |row| row.ofi_weighted)?;
    maybe("ofi_integrated", |row| row.ofi_integrated)?;
    let reason = |row: &ExtraRow| match (row.ofi_integrated, row.mlofi.is_empty()) {
        (Some(_), _) => None,
        (None, true) => Some("book_not_ok"),
        (None, false) => Some("gate"),
    };
    dict.set_item("ofi_integrated_reason", rows.iter().map(reason).collect::<Vec<_>>())?;
    maybe("depth_bid", |row| row.depth_bid)?;
    maybe("depth_ask", |row| row.depth_ask)?;
    maybe("sigma_bps", |row| row.sigma_bps)?;
    maybe("trades_per_min", |row| row.trades_per_min)?;
    maybe("quotes_per_s", |row| row.quotes_per_s)?;
    maybe("volume_quote", |row| row.volume_quote)?;
    maybe("move_5m_bps", |row| row.move_5m_bps)?;
    let conflict: Vec<bool> = rows.iter().map(|row| row.ofi_cvd_conflict).collect();
    dict.set_item("ofi_cvd_conflict", conflict.into_pyarray(py))?;
    let mut divergences = Vec::with_capacity(rows.len());
    for row in rows {
        let all: PyResult<Vec<_>> =
            row.divergences.iter().map(|event| divergence_dict(py, event)).collect();
        divergences.push(PyTuple::new(py, all?)?);
    }
    dict.set_item("divergences", divergences)?;
    Ok(())
}

fn divergence_dict<'py>(py: Python<'py>, event: &Divergence) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("type", event.kind.name())?;
    dict.set_item("channel", CHANNELS.get(event.channel).copied().unwrap_or_default())?;
    dict.set_item("score", event.score)?;
    dict.set_item("grade", event.grade())?;
    dict.set_item("pivot_ts", event.pivot_ts)?;
    dict.set_item("detected_ts", event.detected_ts)?;
    Ok(dict)
}
