//! Words and tuples of `SimulatedExchange`: what Python says and hears.

use ::simulator::ladder::Side;
use ::simulator::latency::Latency;
use ::simulator::life::State;
use ::simulator::order::{EventKind, Kind, LiveOrder, Tif, VenueEvent};
use ::simulator::queue::QueueModel;
use ::simulator::reject::Reject;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::simulator::{RejectTuple, kind_name, stage_name};

/// A fill: trade id, price, quantity, maker, fee, realised profit.
type FillTuple = (i64, i64, i64, bool, i128, i128);
/// Money of an account's own event: price or rate, lots, amount.
type MoneyTuple = (i64, i64, i128);
/// Venue time, known time, account, client id, kind, leaves, fill, refusal, money.
pub type EventTuple = (
    i64,
    i64,
    u32,
    String,
    &'static str,
    i64,
    Option<FillTuple>,
    Option<RejectTuple>,
    Option<MoneyTuple>,
);
/// Account, number, client id, side, kind, quantity, leaves, price, trigger, state, stage, lots ahead.
pub type OrderTuple = (
    u32,
    u64,
    String,
    &'static str,
    &'static str,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    &'static str,
    &'static str,
    Option<i64>,
);

/// A latency: a constant, a table, or a median and a deviation.
#[derive(FromPyObject)]
pub enum LatencyWord {
    /// Always so long, ns.
    Constant(i64),
    /// Median in ns and deviation of the logarithm.
    LogNormal((i64, f64)),
    /// One of these, ns.
    Empirical(Vec<i64>),
}

impl LatencyWord {
    /// Returns the core's latency, with its values in bounds.
    pub fn latency(self, name: &str) -> PyResult<Latency> {
        let fits = |ns: i64| (0..=::simulator::latency::MAX_NS).contains(&ns);
        let wrong = |what: String| PyValueError::new_err(format!("{name} is {what}"));
        match self {
            Self::Constant(ns) if fits(ns) => Ok(Latency::Constant(ns)),
            Self::Constant(ns) => Err(wrong(format!("{ns} ns, from 0 to an hour"))),
            Self::LogNormal((median_ns, sigma))
                if fits(median_ns) && (0.0..=10.0).contains(&sigma) =>
            {
                Ok(Latency::LogNormal { median_ns, sigma })
            }
            Self::LogNormal((median_ns, sigma)) => Err(wrong(format!(
                "({median_ns}, {sigma}): a median from 0 to an hour in ns, a deviation from 0 to 10"
            ))),
            Self::Empirical(table) if !table.is_empty() && table.iter().all(|&ns| fits(ns)) => {
                Ok(Latency::Empirical(table))
            }
            Self::Empirical(_) => {
                Err(wrong("a table: at least one value, each from 0 to an hour in ns".to_owned()))
            }
        }
    }
}

/// Returns the queue model that a word names.
pub fn queue_model(word: &str, qty_decimals: u32) -> PyResult<QueueModel> {
    let power = word.strip_prefix("power ").and_then(|n| n.parse().ok());
    match (word, power) {
        ("risk_adverse", _) => Ok(QueueModel::RiskAdverse),
        ("log", _) => {
            let lots = (0..qty_decimals.min(18)).fold(1.0, |lots, _| lots * 10.0);
            Ok(QueueModel::Log { base_per_lot: 1.0 / lots })
        }
        (_, Some(n)) if (0.0..=100.0).contains(&n) => Ok(QueueModel::Power { n }),
        _ => Err(PyValueError::new_err(format!(
            "queue is {word:?}, one of 'risk_adverse', 'log', 'power n' with n from 0 to 100"
        ))),
    }
}

/// Returns the kind of an order; what does not belong to it is refused.
pub fn kind(
    word: &str,
    price: Option<i64>,
    trigger: Option<i64>,
    callback_bps: Option<i64>,
    activation: Option<i64>,
) -> PyResult<Kind> {
    let kind = match (word, price, trigger, callback_bps) {
        ("market", None, None, None) => Kind::Market,
        ("limit", Some(price), None, None) => Kind::Limit { price },
        ("stop_market", None, Some(trigger), None) => Kind::StopMarket { trigger },
        ("stop_limit", Some(price), Some(trigger), None) => Kind::StopLimit { trigger, price },
        ("take_profit_market", None, Some(trigger), None) => Kind::TakeProfitMarket { trigger },
        ("take_profit_limit", Some(price), Some(trigger), None) => {
            Kind::TakeProfitLimit { trigger, price }
        }
        ("trailing", None, None, Some(callback_bps)) => {
            return Ok(Kind::Trailing { callback_bps, activation });
        }
        _ => {
            return Err(PyValueError::new_err(format!(
                "kind is {word:?} with price {price:?}, trigger {trigger:?}, callback_bps {callback_bps:?}: limit takes a price, \
                 stop_market and take_profit_market a trigger, stop_limit and take_profit_limit both, trailing callback_bps"
            )));
        }
    };
    if activation.is_some() {
        return Err(PyValueError::new_err(format!("kind {word} has no activation")));
    }
    Ok(kind)
}

/// Returns how long an order waits.
pub fn tif(word: &str, until_ns: Option<i64>) -> PyResult<Tif> {
    match (word, until_ns) {
        ("gtc", None) => Ok(Tif::Gtc),
        ("ioc", None) => Ok(Tif::Ioc),
        ("fok", None) => Ok(Tif::Fok),
        ("gtx", None) => Ok(Tif::Gtx),
        ("gtd", Some(until_ns)) => Ok(Tif::Gtd { until_ns }),
        _ => Err(PyValueError::new_err(format!(
            "tif is {word:?} with until_ns {until_ns:?}: one of gtc, ioc, fok, gtx, or gtd with until_ns"
        ))),
    }
}

pub fn event_tuple(event: &VenueEvent) -> EventTuple {
    let refused = |reject: &Reject| Some((reject.code.number(), reject.msg.clone()));
    let (kind, fill, reject, money) = match &event.kind {
        EventKind::Accepted => ("accepted", None, None, None),
        EventKind::Fill { trade_id, price, qty, maker, fee_nano, realized_nano } => {
            let fill = (*trade_id, *price, *qty, *maker, *fee_nano, *realized_nano);
            ("fill", Some(fill), None, None)
        }
        EventKind::Triggered => ("triggered", None, None, None),
        EventKind::Amended => ("amended", None, None, None),
        EventKind::Canceled => ("canceled", None, None, None),
        EventKind::Expired => ("expired", None, None, None),
        EventKind::Rejected(reject) => ("rejected", None, refused(reject), None),
        EventKind::CancelRejected(reject) => ("cancel_rejected", None, refused(reject), None),
        EventKind::AmendRejected(reject) => ("amend_rejected", None, refused(reject), None),
        EventKind::Funding { rate_ppb, amount_nano } => {
            ("funding", None, None, Some((*rate_ppb, 0, *amount_nano)))
        }
        EventKind::Liquidated { price, qty, fee_nano } => {
            ("liquidated", None, None, Some((*price, *qty, *fee_nano)))
        }
        EventKind::Insurance { amount_nano } => {
            ("insurance", None, None, Some((0, 0, *amount_nano)))
        }
    };
    let (account, client_id) = (event.account, event.client_id.clone());
    let (venue_ns, known_ns, leaves) = (event.venue_ns, event.known_ns, event.leaves_qty);
    (venue_ns, known_ns, account, client_id, kind, leaves, fill, reject, money)
}

pub fn order_tuple(live: &LiveOrder) -> OrderTuple {
    let order = &live.order;
    let state = match live.state {
        State::New => "new",
        State::Accepted => "accepted",
        State::Triggered => "triggered",
        State::PartiallyFilled => "partially_filled",
        State::Filled => "filled",
        State::Canceled => "canceled",
        State::Expired => "expired",
        State::Rejected => "rejected",
    };
    (
        order.account,
        live.seq,
        order.client_id.clone(),
        if order.side == Side::Buy { "buy" } else { "sell" },
        kind_name(order.kind),
        order.qty,
        live.leaves,
        order.kind.limit(),
        order.kind.trigger(),
        state,
        stage_name(live.stage),
        live.place.ahead(),
    )
}
