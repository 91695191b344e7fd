//! Whole histories at once: bars with targets, feeds with scripts, the times at which a feed is known.

use ::simulator::bars::{BarColumns, BarRules, BarRun, Targets, run};
use ::simulator::ladder::Side;
use ::simulator::latency::known_ns;
use ::simulator::order::{Kind, NewOrder, Tif};
use ::simulator::ticks::{Ask, Ticks, play};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::exchange::PySimulatedExchange;
use crate::exchange_words::{EventTuple, LatencyWord, event_tuple};

type Ints<'py> = PyReadonlyArray1<'py, i64>;

/// Plays bars with the positions wanted at their closes, without the GIL.
#[pyfunction]
#[pyo3(signature = (
    open, high, low, close, position, *, volume=None, day=None, funding_ppb=None, stop=None, target=None, deposit_nano=0,
    with_equity=false, market="plain", **rules
))]
#[allow(clippy::too_many_arguments, reason = "the names are Python's")]
fn run_bars<'py>(
    py: Python<'py>,
    open: Ints<'py>,
    high: Ints<'py>,
    low: Ints<'py>,
    close: Ints<'py>,
    position: Ints<'py>,
    volume: Option<Ints<'py>>,
    day: Option<Ints<'py>>,
    funding_ppb: Option<Ints<'py>>,
    stop: Option<Ints<'py>>,
    target: Option<Ints<'py>>,
    deposit_nano: i128,
    with_equity: bool,
    market: &str,
    rules: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let rules = bar_rules(market, rules.as_ref())?;
    fn slice<'a>(column: &'a Option<Ints<'_>>) -> PyResult<Option<&'a [i64]>> {
        column.as_ref().map(|column| Ok(column.as_slice()?)).transpose()
    }
    let columns = BarColumns {
        prices: [open.as_slice()?, high.as_slice()?, low.as_slice()?, close.as_slice()?],
        volume: slice(&volume)?,
        day: slice(&day)?,
        funding_ppb: slice(&funding_ppb)?,
    };
    let targets =
        Targets { position: position.as_slice()?, stop: slice(&stop)?, target: slice(&target)? };
    let done = py
        .detach(|| run(rules, columns, targets, deposit_nano, with_equity))
        .map_err(PyValueError::new_err)?;
    outcome(py, done)
}

fn outcome(py: Python<'_>, done: BarRun) -> PyResult<Bound<'_, PyDict>> {
    let BarRun { venue, equity_nano } = done;
    let (books, fills) = (venue.account(), venue.fills());
    let row = PyDict::new(py);
    for (name, value) in [
        ("wallet_nano", books.wallet_nano),
        ("cost_nano", books.cost_nano),
        ("realized_nano", books.realized_nano),
        ("fees_nano", books.fees_nano),
        ("funding_nano", books.funding_nano),
    ] {
        row.set_item(name, value)?;
    }
    row.set_item("position", books.position)?;
    row.set_item("orders", venue.orders())?;
    let [filled, canceled, expired, rejected] = venue.ended();
    row.set_item("ended", (filled, canceled, expired, rejected))?;
    let ints = |of: fn(&::simulator::bars::BarFill) -> i64| -> Bound<'_, PyArray1<i64>> {
        fills.iter().map(of).collect::<Vec<_>>().into_pyarray(py)
    };
    row.set_item("fill_bar", ints(|fill| i64::from(fill.bar)))?;
    row.set_item("fill_order", ints(|fill| i64::from(fill.order)))?;
    row.set_item("fill_price", ints(|fill| fill.price))?;
    row.set_item("fill_qty", ints(|fill| fill.qty * fill.side.sign()))?;
    row.set_item("fill_cause", ints(|fill| fill.cause as i64))?;
    let floats = |of: fn(&::simulator::bars::BarFill) -> i128| -> Bound<'_, PyArray1<f64>> {
        fills.iter().map(|fill| of(fill) as f64).collect::<Vec<_>>().into_pyarray(py)
    };
    row.set_item("fill_fee_nano", floats(|fill| fill.fee_nano))?;
    row.set_item("fill_realized_nano", floats(|fill| fill.realized_nano))?;
    row.set_item("equity_nano", equity_nano.into_pyarray(py))?;
    Ok(row)
}

fn bar_rules(market: &str, given: Option<&Bound<'_, PyDict>>) -> PyResult<BarRules> {
    let mut rules = match market {
        "plain" => BarRules::default(),
        "a_share" => BarRules::a_share(),
        _ => {
            let msg = format!("market is {market:?}, one of [\"plain\", \"a_share\"]");
            return Err(PyValueError::new_err(msg));
        }
    };
    let Some(given) = given else { return Ok(rules) };
    for (name, value) in given {
        let name: String = name.extract()?;
        match name.as_str() {
            "maker_ppb" => rules.maker_ppb = value.extract()?,
            "taker_ppb" => rules.taker_ppb = value.extract()?,
            "min_fee_nano" => rules.min_fee_nano = value.extract()?,
            "stamp_duty_ppb" => rules.stamp_duty_ppb = value.extract()?,
            "slippage" => rules.slippage = value.extract()?,
            "volume_cap_ppb" => rules.volume_cap_ppb = value.extract()?,
            "lot" => rules.lot = value.extract()?,
            "allow_short" => rules.allow_short = value.extract()?,
            "sells_next_day" => rules.sells_next_day = value.extract()?,
            "price_limit_ppb" => rules.price_limit_ppb = value.extract()?,
            "tick" => rules.tick = value.extract()?,
            _ => return Err(PyValueError::new_err(format!("there is no rule {name:?}"))),
        }
    }
    Ok(rules)
}

/// Plays a feed with a script of limit orders and cancels, without the GIL.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "columns of Python")]
fn run_ticks(
    py: Python<'_>,
    exchange: &mut PySimulatedExchange,
    event_ns: Ints<'_>,
    kind: PyReadonlyArray1<'_, u8>,
    price: Ints<'_>,
    qty: Ints<'_>,
    ask_ns: Ints<'_>,
    ask_order: Ints<'_>,
    ask_price: Ints<'_>,
    ask_qty: Ints<'_>,
) -> PyResult<Vec<EventTuple>> {
    let ticks =
        Ticks::new(event_ns.as_slice()?, kind.as_slice()?, price.as_slice()?, qty.as_slice()?)
            .map_err(PyValueError::new_err)?;
    let (times, orders) = (ask_ns.as_slice()?, ask_order.as_slice()?);
    let (prices, lots) = (ask_price.as_slice()?, ask_qty.as_slice()?);
    if [orders.len(), prices.len(), lots.len()] != [times.len(); 3] {
        return Err(PyValueError::new_err("the columns of the script differ in length"));
    }
    if !times.is_sorted() {
        return Err(PyValueError::new_err("ask_ns falls"));
    }
    let script: Vec<(i64, Ask)> = times
        .iter()
        .zip(orders)
        .zip(prices.iter().zip(lots))
        .map(|((&at_ns, &order), (&price, &lots))| (at_ns, ask(order, price, lots)))
        .collect();
    let venue = &mut exchange.venue;
    let said = py.detach(|| play(venue, ticks, &script));
    Ok(said.iter().map(event_tuple).collect())
}

/// A row of a script: 0 lots cancel the order, negative ones sell; price 0 is at market.
fn ask(order: i64, price: i64, lots: i64) -> Ask {
    let name = order.to_string();
    if lots == 0 {
        return Ask::Cancel(0, name);
    }
    let side = if lots > 0 { Side::Buy } else { Side::Sell };
    let kind = if price == 0 { Kind::Market } else { Kind::Limit { price } };
    let lots = lots.saturating_abs();
    Ask::Submit(NewOrder { tif: Tif::Gtc, ..NewOrder::new(0, &name, side, kind, lots) })
}

/// Returns when each event of a feed is known behind a latency.
#[pyfunction]
fn feed_known_ns<'py>(
    py: Python<'py>,
    event_ns: Ints<'py>,
    latency: LatencyWord,
    seed: u64,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let latency = latency.latency("latency")?;
    let events = event_ns.as_slice()?;
    Ok(py.detach(|| known_ns(events, &latency, seed)).into_pyarray(py))
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(run_bars, module)?)?;
    module.add_function(wrap_pyfunction!(run_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(feed_known_ns, module)?)
}
