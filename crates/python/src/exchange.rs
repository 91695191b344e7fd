//! `SimulatedExchange`: the venue with any number of accounts, for Python.

use ::simulator::account::{FeeTier, MarginMode};
use ::simulator::margin::{Bracket, MarginRules};
use ::simulator::mirror::Impact;
use ::simulator::order::{Change, NewOrder, Protection, SelfTrade, TriggerOn};
use ::simulator::ticks::Ticks;
use ::simulator::venue::{Uniqueness, Venue, VenueConfig};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::exchange_words::{
    EventTuple, LatencyWord, OrderTuple, event_tuple, kind, order_tuple, queue_model, tif,
};
use crate::orderflow::PyEventBatch;
use crate::simulator::{LevelTuple, RejectTuple, SIDES, displayed, one_of, positive, refusal};

/// A venue of one instrument with any number of accounts.
#[pyclass(name = "SimulatedExchange", module = "chanflow_native")]
pub struct PySimulatedExchange {
    pub(crate) venue: Venue,
}

#[pymethods]
impl PySimulatedExchange {
    #[new]
    #[pyo3(signature = (
        *, order_latency=LatencyWord::Constant(2_000_000), response_latency=LatencyWord::Constant(2_000_000), seed=0,
        queue="risk_adverse", impact="consume", price_decimals=2, qty_decimals=3, tick=1, step=1, min_qty=1,
        min_notional=500_000, trade_spread=1, unique_ids="while_live", idle_exits_stay=false, fees=Vec::new(),
        brackets=None, liquidation_fee_ppb=0
    ))]
    #[allow(clippy::too_many_arguments, reason = "the names are Python's")]
    fn new(
        order_latency: LatencyWord,
        response_latency: LatencyWord,
        seed: u64,
        queue: &str,
        impact: &str,
        price_decimals: u32,
        qty_decimals: u32,
        tick: i64,
        step: i64,
        min_qty: i64,
        min_notional: i64,
        trade_spread: i64,
        unique_ids: &str,
        idle_exits_stay: bool,
        fees: Vec<(i128, i64, i64)>,
        brackets: Option<Vec<(i128, i64, i64)>>,
        liquidation_fee_ppb: i64,
    ) -> PyResult<Self> {
        for (name, value) in [("tick", tick), ("step", step), ("trade_spread", trade_spread)] {
            positive(name, value)?;
        }
        for (name, value) in [("min_qty", min_qty), ("min_notional", min_notional)] {
            if value < 0 {
                return Err(PyValueError::new_err(format!("{name} is {value}, at least 0")));
            }
        }
        let fees = fees.into_iter().map(fee_tier).collect::<PyResult<Vec<_>>>()?;
        if !fees.is_sorted_by_key(|tier| tier.from_notional) {
            return Err(PyValueError::new_err("fees are not in order of their notional"));
        }
        let bracket = |(to_notional, max_leverage, maintenance_ppb)| Bracket {
            to_notional,
            max_leverage,
            maintenance_ppb,
        };
        let margin = brackets
            .map(|rows| {
                MarginRules::new(rows.into_iter().map(bracket).collect(), liquidation_fee_ppb)
            })
            .transpose()
            .map_err(PyValueError::new_err)?;
        let ids = [("ever", Uniqueness::Ever), ("while_live", Uniqueness::WhileLive)];
        let impacts = [("consume", Impact::Consume), ("none", Impact::None)];
        let config = VenueConfig {
            order_latency: order_latency.latency("order_latency")?,
            response_latency: response_latency.latency("response_latency")?,
            seed,
            queue: queue_model(queue, qty_decimals)?,
            impact: one_of("impact", impact, &impacts)?,
            price_decimals,
            qty_decimals,
            tick,
            step,
            min_qty,
            min_notional,
            trade_spread,
            unique_ids: one_of("unique_ids", unique_ids, &ids)?,
            idle_exits_stay,
            fees,
            margin,
        };
        Ok(Self { venue: Venue::new(config) })
    }

    #[pyo3(signature = (
        now_ns, account, client_id, side, kind, qty, *, price=None, trigger=None, callback_bps=None, activation=None,
        tif="gtc", until_ns=None, reduce_only=false, trigger_on="mark", self_trade="expire_maker", stop_trigger=None,
        take_profit_trigger=None
    ))]
    #[pyo3(name = "submit")]
    #[allow(clippy::too_many_arguments, reason = "the names are Python's")]
    fn submit(
        &mut self,
        now_ns: i64,
        account: u32,
        client_id: &str,
        side: &str,
        kind: &str,
        qty: i64,
        price: Option<i64>,
        trigger: Option<i64>,
        callback_bps: Option<i64>,
        activation: Option<i64>,
        tif: &str,
        until_ns: Option<i64>,
        reduce_only: bool,
        trigger_on: &str,
        self_trade: &str,
        stop_trigger: Option<i64>,
        take_profit_trigger: Option<i64>,
    ) -> PyResult<Option<RejectTuple>> {
        if stop_trigger.is_none() && take_profit_trigger.is_some() {
            return Err(PyValueError::new_err("take_profit_trigger needs stop_trigger"));
        }
        let side = one_of("side", side, &SIDES)?;
        let kind = self::kind(kind, price, trigger, callback_bps, activation)?;
        let watched = [("mark", TriggerOn::Mark), ("last", TriggerOn::Last)];
        let modes = [
            ("expire_maker", SelfTrade::ExpireMaker),
            ("expire_taker", SelfTrade::ExpireTaker),
            ("expire_both", SelfTrade::ExpireBoth),
        ];
        let order = NewOrder {
            tif: self::tif(tif, until_ns)?,
            reduce_only,
            trigger_on: one_of("trigger_on", trigger_on, &watched)?,
            self_trade: one_of("self_trade", self_trade, &modes)?,
            attached: stop_trigger
                .map(|stop_trigger| Protection { stop_trigger, take_profit_trigger }),
            ..NewOrder::new(account, client_id, side, kind, qty)
        };
        Ok(refusal(self.venue.submit(now_ns, order)))
    }

    fn cancel(&mut self, now_ns: i64, account: u32, client_id: &str) -> Option<RejectTuple> {
        refusal(self.venue.cancel_of(now_ns, account, client_id))
    }

    fn cancel_all(&mut self, now_ns: i64, account: u32) {
        self.venue.cancel_all(now_ns, account);
    }

    #[pyo3(signature = (now_ns, account, client_id, *, trigger=None, price=None, qty=None))]
    fn amend(
        &mut self,
        now_ns: i64,
        account: u32,
        client_id: &str,
        trigger: Option<i64>,
        price: Option<i64>,
        qty: Option<i64>,
    ) -> Option<RejectTuple> {
        refusal(self.venue.amend(now_ns, account, client_id, Change { trigger, price, qty }))
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
        Ok(py.detach(|| self.venue.on_events(&batch.batch).iter().map(event_tuple).collect()))
    }

    fn push_ticks(
        &mut self,
        py: Python<'_>,
        event_ns: PyReadonlyArray1<'_, i64>,
        kind: PyReadonlyArray1<'_, u8>,
        price: PyReadonlyArray1<'_, i64>,
        qty: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Vec<EventTuple>> {
        let columns = (event_ns.as_slice()?, kind.as_slice()?, price.as_slice()?, qty.as_slice()?);
        let (event_ns, kind, price, qty) = columns;
        let ticks = Ticks::new(event_ns, kind, price, qty).map_err(PyValueError::new_err)?;
        Ok(py.detach(|| self.venue.on_ticks(ticks).iter().map(event_tuple).collect()))
    }

    fn advance(&mut self, now_ns: i64) -> Vec<EventTuple> {
        self.venue.advance(now_ns).iter().map(event_tuple).collect()
    }

    fn set_mark(&mut self, now_ns: i64, price: i64) -> PyResult<Vec<EventTuple>> {
        positive("price", price)?;
        Ok(self.venue.set_mark(now_ns, price).iter().map(event_tuple).collect())
    }

    fn fund(&mut self, now_ns: i64, rate_ppb: i64) -> Vec<EventTuple> {
        self.venue.fund(now_ns, rate_ppb).iter().map(event_tuple).collect()
    }

    fn deposit(&mut self, account: u32, amount_nano: i128) {
        self.venue.deposit(account, amount_nano);
    }

    fn set_leverage(&mut self, account: u32, leverage: i64) -> Option<RejectTuple> {
        refusal(self.venue.set_leverage(account, leverage))
    }

    fn set_margin_mode(&mut self, account: u32, mode: &str) -> PyResult<Option<RejectTuple>> {
        let modes = [("cross", MarginMode::Cross), ("isolated", MarginMode::Isolated)];
        Ok(refusal(self.venue.set_margin_mode(account, one_of("mode", mode, &modes)?)))
    }

    fn add_isolated_margin(&mut self, account: u32, amount_nano: i128) -> Option<RejectTuple> {
        refusal(self.venue.add_isolated_margin(account, amount_nano))
    }

    fn adopt(
        &mut self,
        account: u32,
        position: i64,
        cost_nano: i128,
        isolated_nano: i128,
    ) -> Option<RejectTuple> {
        refusal(self.venue.adopt(account, position, cost_nano, isolated_nano))
    }

    fn set_elsewhere(&mut self, account: u32, equity_nano: i128, maintenance_nano: i128) {
        self.venue.set_elsewhere(account, equity_nano, maintenance_nano);
    }

    fn account<'py>(&self, py: Python<'py>, account: u32) -> PyResult<Bound<'py, PyDict>> {
        let books = self.venue.account(account);
        let mark2 = self.venue.mark2();
        let row = PyDict::new(py);
        row.set_item("wallet_nano", books.wallet_nano)?;
        row.set_item("position", books.position)?;
        row.set_item("cost_nano", books.cost_nano)?;
        row.set_item("unrealized_nano", mark2.map_or(0, |mark2| books.unrealized_nano(mark2)))?;
        row.set_item("deposits_nano", books.deposits_nano)?;
        row.set_item("realized_nano", books.realized_nano)?;
        row.set_item("fees_nano", books.fees_nano)?;
        row.set_item("funding_nano", books.funding_nano)?;
        row.set_item("seized_nano", books.seized_nano)?;
        row.set_item("isolated_nano", books.isolated_nano)?;
        row.set_item("maintenance_nano", self.venue.maintenance_nano(account))?;
        row.set_item("traded_notional", books.traded_notional)?;
        row.set_item("leverage", books.leverage)?;
        let mode = if books.mode == MarginMode::Cross { "cross" } else { "isolated" };
        row.set_item("margin_mode", mode)?;
        Ok(row)
    }

    fn accounts(&self) -> Vec<u32> {
        self.venue.account_ids().collect()
    }

    #[pyo3(signature = (account=None))]
    fn open_orders(&self, account: Option<u32>) -> Vec<OrderTuple> {
        let orders = self.venue.open_orders().iter();
        orders
            .filter(|live| account.is_none_or(|account| live.order.account == account))
            .map(order_tuple)
            .collect()
    }

    fn order(&self, account: u32, client_id: &str) -> Option<OrderTuple> {
        self.venue.order(account, client_id).map(order_tuple)
    }

    fn book(&self, levels: usize) -> (Vec<LevelTuple>, Vec<LevelTuple>) {
        displayed(&self.venue, levels)
    }

    fn imbalance(&self) -> (i128, i64) {
        self.venue.imbalance()
    }

    #[getter]
    fn insurance_nano(&self) -> i128 {
        self.venue.counterparts().insurance_nano
    }

    #[getter]
    fn mark2(&self) -> Option<i64> {
        self.venue.mark2()
    }

    #[getter]
    fn last_price(&self) -> Option<i64> {
        self.venue.last_price()
    }

    #[getter]
    fn next_wake_ns(&self) -> Option<i64> {
        self.venue.next_wake_ns()
    }

    #[getter]
    fn has_live_orders(&self) -> bool {
        self.venue.has_live_orders()
    }
}

fn fee_tier((from_notional, maker_ppb, taker_ppb): (i128, i64, i64)) -> PyResult<FeeTier> {
    const ONE: i64 = 1_000_000_000;
    for (name, value) in [("maker_ppb", maker_ppb), ("taker_ppb", taker_ppb)] {
        if !(-ONE..=ONE).contains(&value) {
            return Err(PyValueError::new_err(format!(
                "{name} is {value}, from {} to {ONE}",
                -ONE
            )));
        }
    }
    Ok(FeeTier { from_notional, maker_ppb, taker_ppb })
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySimulatedExchange>()
}
