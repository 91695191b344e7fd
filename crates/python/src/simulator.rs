//! `simulator` for Python.

use ::simulator::ladder::Side;
use ::simulator::latency::Latency;
use ::simulator::market::{MarketConfig, SyntheticMarket};
use ::simulator::mirror::Impact;
use ::simulator::order::{
    EventKind, Kind, LiveOrder, NewOrder, Protection, Stage, Tif, VenueEvent,
};
use ::simulator::reject::Reject;
use ::simulator::venue::{Venue, VenueConfig};
use orderflow::event::EventBatch;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::orderflow::PyEventBatch;

/// A refusal: code and message.
pub(crate) type RejectTuple = (i32, String);
/// A fill: trade id, price, quantity, whether it was the maker's.
type FillTuple = (i64, i64, i64, bool);
/// A venue event: venue time, known time, client id, kind, leaves, fill, refusal.
type EventTuple = (i64, i64, String, &'static str, i64, Option<FillTuple>, Option<RejectTuple>);
/// An open order: client id, side, kind, quantity, leaves, price, trigger, stage.
type OrderTuple =
    (String, &'static str, &'static str, i64, i64, Option<i64>, Option<i64>, &'static str);

/// A level of the book: price, quantity.
pub(crate) type LevelTuple = (i64, i64);

pub(crate) const SIDES: [(&str, Side); 2] = [("buy", Side::Buy), ("sell", Side::Sell)];

/// A seeded market that never ends.
#[pyclass(name = "SyntheticMarket", module = "chanflow_native")]
pub struct PySyntheticMarket {
    market: SyntheticMarket,
}

#[pymethods]
impl PySyntheticMarket {
    #[new]
    #[pyo3(signature = (
        seed, start_ns, *, symbol="SIMUSDT", start_price=10_000, tick=1, step=1, typical_qty=1_000, price_decimals=2, qty_decimals=3
    ))]
    #[allow(clippy::too_many_arguments, reason = "the names are Python's")]
    fn new(
        seed: u64,
        start_ns: i64,
        symbol: &str,
        start_price: i64,
        tick: i64,
        step: i64,
        typical_qty: i64,
        price_decimals: u32,
        qty_decimals: u32,
    ) -> PyResult<Self> {
        for (name, value) in [
            ("start_price", start_price),
            ("tick", tick),
            ("step", step),
            ("typical_qty", typical_qty),
        ] {
            positive(name, value)?;
        }
        let symbol = symbol.to_owned();
        let config = MarketConfig {
            symbol,
            start_ns,
            start_price,
            tick,
            step,
            typical_qty,
            price_decimals,
            qty_decimals,
        };
        Ok(Self { market: SyntheticMarket::new(config, seed) })
    }

    fn advance(&mut self, py: Python<'_>, until_ns: i64) -> PyEventBatch {
        let mut batch = EventBatch::default();
        py.detach(|| self.market.advance(until_ns, &mut batch));
        PyEventBatch {
            batch,
            price_decimals: self.price_decimals(),
            qty_decimals: self.qty_decimals(),
        }
    }

    #[getter]
    fn symbol(&self) -> &str {
        &self.market.config().symbol
    }

    #[getter]
    fn price_decimals(&self) -> u32 {
        self.market.config().price_decimals
    }

    #[getter]
    fn qty_decimals(&self) -> u32 {
        self.market.config().qty_decimals
    }
}

/// A venue of one symbol and one account.
#[pyclass(name = "SimulatedVenue", module = "chanflow_native")]
pub struct PySimulatedVenue {
    venue: Venue,
}

#[pymethods]
impl PySimulatedVenue {
    #[new]
    #[pyo3(signature = (
        *, order_latency_ns=2_000_000, response_latency_ns=2_000_000, impact="consume", price_decimals=2, qty_decimals=3,
        tick=1, step=1, min_qty=1, min_notional=500_000
    ))]
    #[allow(clippy::too_many_arguments, reason = "the names are Python's")]
    fn new(
        order_latency_ns: i64,
        response_latency_ns: i64,
        impact: &str,
        price_decimals: u32,
        qty_decimals: u32,
        tick: i64,
        step: i64,
        min_qty: i64,
        min_notional: i64,
    ) -> PyResult<Self> {
        positive("tick", tick)?;
        positive("step", step)?;
        for (name, value) in [
            ("order_latency_ns", order_latency_ns),
            ("response_latency_ns", response_latency_ns),
            ("min_qty", min_qty),
            ("min_notional", min_notional),
        ] {
            if value < 0 {
                return Err(PyValueError::new_err(format!("{name} is {value}, at least 0")));
            }
        }
        let impact =
            one_of("impact", impact, &[("consume", Impact::Consume), ("none", Impact::None)])?;
        let config = VenueConfig {
            order_latency: Latency::Constant(order_latency_ns),
            response_latency: Latency::Constant(response_latency_ns),
            impact,
            price_decimals,
            qty_decimals,
            tick,
            step,
            min_qty,
            min_notional,
            ..VenueConfig::default()
        };
        Ok(Self { venue: Venue::new(config) })
    }

    #[pyo3(signature = (
        now_ns, client_id, side, kind, qty, *, price=None, trigger=None, tif="gtc", reduce_only=false, stop_trigger=None,
        take_profit_trigger=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "the names are Python's")]
    fn submit(
        &mut self,
        now_ns: i64,
        client_id: &str,
        side: &str,
        kind: &str,
        qty: i64,
        price: Option<i64>,
        trigger: Option<i64>,
        tif: &str,
        reduce_only: bool,
        stop_trigger: Option<i64>,
        take_profit_trigger: Option<i64>,
    ) -> PyResult<Option<RejectTuple>> {
        if stop_trigger.is_none() && take_profit_trigger.is_some() {
            return Err(PyValueError::new_err("take_profit_trigger needs stop_trigger"));
        }
        let side = one_of("side", side, &SIDES)?;
        let kind = kind_of(kind, price, trigger)?;
        let order = NewOrder {
            tif: one_of("tif", tif, &[("gtc", Tif::Gtc), ("ioc", Tif::Ioc), ("gtx", Tif::Gtx)])?,
            // This view's stops and take-profits always close.
            reduce_only: reduce_only || kind.is_conditional(),
            attached: stop_trigger
                .map(|stop_trigger| Protection { stop_trigger, take_profit_trigger }),
            ..NewOrder::new(0, client_id, side, kind, qty)
        };
        Ok(refusal(self.venue.submit(now_ns, order)))
    }

    fn cancel(&mut self, now_ns: i64, client_id: &str) -> Option<RejectTuple> {
        refusal(self.venue.cancel(now_ns, client_id))
    }

    fn amend_trigger(&mut self, now_ns: i64, client_id: &str, trigger: i64) -> Option<RejectTuple> {
        refusal(self.venue.amend_trigger(now_ns, client_id, trigger))
    }

    fn push(&mut self, py: Python<'_>, batch: &PyEventBatch) -> PyResult<Vec<EventTuple>> {
        let own = (self.venue.config().price_decimals, self.venue.config().qty_decimals);
        let its = (batch.price_decimals, batch.qty_decimals);
        if its != own && !batch.batch.events.is_empty() {
            return Err(PyValueError::new_err(format!(
                "the batch has {} and {} decimals, the venue {} and {}",
                its.0, its.1, own.0, own.1
            )));
        }
        Ok(py
            .detach(|| self.venue.on_events(&batch.batch).iter().filter_map(event_tuple).collect()))
    }

    fn advance(&mut self, now_ns: i64) -> Vec<EventTuple> {
        self.venue.advance(now_ns).iter().filter_map(event_tuple).collect()
    }

    fn position(&self) -> i64 {
        self.venue.position()
    }

    fn open_orders(&self) -> Vec<OrderTuple> {
        self.venue.open_orders().iter().map(order_tuple).collect()
    }

    fn best(&self) -> (Option<i64>, Option<i64>) {
        let price = |side| self.venue.best(side).map(|level| level.price);
        (price(Side::Buy), price(Side::Sell))
    }

    fn book(&self, levels: usize) -> (Vec<LevelTuple>, Vec<LevelTuple>) {
        displayed(&self.venue, levels)
    }

    #[getter]
    fn next_wake_ns(&self) -> Option<i64> {
        self.venue.next_wake_ns()
    }

    #[getter]
    fn has_live_orders(&self) -> bool {
        self.venue.has_live_orders()
    }

    #[getter]
    fn price_decimals(&self) -> u32 {
        self.venue.config().price_decimals
    }

    #[getter]
    fn qty_decimals(&self) -> u32 {
        self.venue.config().qty_decimals
    }
}

/// Returns (price, quantity) of the displayed bids and asks, best first.
pub(crate) fn displayed(venue: &Venue, levels: usize) -> (Vec<LevelTuple>, Vec<LevelTuple>) {
    let side = |side| {
        let best_first = venue.book().levels(side).iter().rev().take(levels);
        best_first.map(|level| (level.price, level.qty)).collect()
    };
    (side(Side::Buy), side(Side::Sell))
}

pub(crate) fn positive(name: &str, value: i64) -> PyResult<()> {
    if value > 0 {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{name} is {value}, at least 1")))
}

pub(crate) fn one_of<T: Copy>(name: &str, word: &str, words: &[(&str, T)]) -> PyResult<T> {
    let found = words.iter().find(|(known, _)| *known == word).map(|&(_, value)| value);
    found.ok_or_else(|| {
        let allowed: Vec<&str> = words.iter().map(|&(known, _)| known).collect();
        PyValueError::new_err(format!("{name} is {word:?}, one of {allowed:?}"))
    })
}

fn kind_of(kind: &str, price: Option<i64>, trigger: Option<i64>) -> PyResult<Kind> {
    match (kind, price, trigger) {
        ("market", None, None) => Ok(Kind::Market),
        ("limit", Some(price), None) => Ok(Kind::Limit { price }),
        ("stop_market", None, Some(trigger)) => Ok(Kind::StopMarket { trigger }),
        ("take_profit_market", None, Some(trigger)) => Ok(Kind::TakeProfitMarket { trigger }),
        _ => Err(PyValueError::new_err(format!(
            "kind is {kind:?} with price {price:?} and trigger {trigger:?}: market takes neither, limit a price, stop_market and \
             take_profit_market a trigger"
        ))),
    }
}

pub(crate) fn refusal(outcome: Result<(), Reject>) -> Option<RejectTuple> {
    outcome.err().map(|reject| (reject.code.number(), reject.msg))
}

fn event_tuple(event: &VenueEvent) -> Option<EventTuple> {
    let refused = |reject: &Reject| Some((reject.code.number(), reject.msg.clone()));
    let (kind, fill, reject) = match &event.kind {
        EventKind::Accepted => ("accepted", None, None),
        EventKind::Fill { trade_id, price, qty, maker, .. } => {
            ("fill", Some((*trade_id, *price, *qty, *maker)), None)
        }
        EventKind::Triggered => ("triggered", None, None),
        EventKind::Amended => ("amended", None, None),
        EventKind::Canceled => ("canceled", None, None),
        EventKind::Expired => ("expired", None, None),
        EventKind::Rejected(reject) => ("rejected", None, refused(reject)),
        EventKind::CancelRejected(reject) => ("cancel_rejected", None, refused(reject)),
        EventKind::AmendRejected(reject) => ("amend_rejected", None, refused(reject)),
        // Only a venue with margin or funding says these, and this view has neither.
        EventKind::Funding { .. } | EventKind::Liquidated { .. } | EventKind::Insurance { .. } => {
            return None;
        }
    };
    let client_id = event.client_id.clone();
    Some((event.venue_ns, event.known_ns, client_id, kind, event.leaves_qty, fill, reject))
}

fn order_tuple(live: &LiveOrder) -> OrderTuple {
    let order = &live.order;
    let (kind, price) = (kind_name(order.kind), order.kind.limit());
    let side = if order.side == Side::Buy { "buy" } else { "sell" };
    let stage = stage_name(live.stage);
    (
        order.client_id.clone(),
        side,
        kind,
        order.qty,
        live.leaves,
        price,
        order.kind.trigger(),
        stage,
    )
}

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Market => "market",
        Kind::Limit { .. } => "limit",
        Kind::StopMarket { .. } => "stop_market",
        Kind::StopLimit { .. } => "stop_limit",
        Kind::TakeProfitMarket { .. } => "take_profit_market",
        Kind::TakeProfitLimit { .. } => "take_profit_limit",
        Kind::Trailing { .. } => "trailing",
    }
}

pub(crate) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Taking => "taking",
        Stage::Resting => "resting",
        Stage::Armed => "armed",
        Stage::Working => "working",
    }
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySyntheticMarket>()?;
    module.add_class::<PySimulatedVenue>()?;
    Ok(())
}
