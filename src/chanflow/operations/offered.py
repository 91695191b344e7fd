"""The operations a desk offers, in the order every door lists them."""

from __future__ import annotations

from functools import partial

from chanflow.operations.account import GET_POSITION
from chanflow.operations.alerts import ALERT_OPERATIONS
from chanflow.operations.analysis import ANALYZE_STRUCTURE
from chanflow.operations.audit import GET_AUDIT
from chanflow.operations.billing import BILLING_OPERATIONS
from chanflow.operations.catalogue import Catalogue, Policy
from chanflow.operations.decisions import REQUEST_ANALYSIS
from chanflow.operations.execute_trade import EXECUTE_TRADE
from chanflow.operations.features import COMPUTE_FEATURES
from chanflow.operations.feed import GET_HISTORICAL_SLICE, GET_LIVE_SNAPSHOT
from chanflow.operations.job_calls import JOB_OPERATIONS
from chanflow.operations.keys import KEY_OPERATIONS
from chanflow.operations.market import GET_KLINES
from chanflow.operations.market_status import GET_MARKET_STATUS
from chanflow.operations.operation import AnyOperation
from chanflow.operations.orders import GET_ORDERS
from chanflow.operations.people import PEOPLE_OPERATIONS
from chanflow.operations.performance import GET_PERFORMANCE
from chanflow.operations.points import QUERY_BUY_SELL_POINTS
from chanflow.operations.policy import Enforcer
from chanflow.operations.quota import GET_USER_QUOTA
from chanflow.operations.reasons import EXPLAIN_DECISION
from chanflow.operations.reports import GET_REPORT
from chanflow.operations.research import BACKTEST_STRATEGY, backtest_again
from chanflow.operations.risk import RISK_OPERATIONS
from chanflow.operations.services import Services
from chanflow.operations.signals import GET_SIGNALS
from chanflow.operations.socket_ticket import CREATE_SOCKET_TICKET
from chanflow.operations.tools import LIST_TOOLS
from chanflow.operations.toolsets import narrowed
from chanflow.operations.trading import CANCEL_ORDER, CLOSE_ALL

OPERATIONS: tuple[AnyOperation, ...] = (
    GET_KLINES,
    ANALYZE_STRUCTURE,
    QUERY_BUY_SELL_POINTS,
    *ALERT_OPERATIONS,
    BACKTEST_STRATEGY,
    *JOB_OPERATIONS,
    EXECUTE_TRADE,
    CANCEL_ORDER,
    GET_POSITION,
    GET_MARKET_STATUS,
    GET_PERFORMANCE,
    GET_REPORT,
    GET_LIVE_SNAPSHOT,
    GET_HISTORICAL_SLICE,
    GET_SIGNALS,
    COMPUTE_FEATURES,
    GET_ORDERS,
    EXPLAIN_DECISION,
    CLOSE_ALL,
    *RISK_OPERATIONS,
    REQUEST_ANALYSIS,
    GET_USER_QUOTA,
    LIST_TOOLS,
    *KEY_OPERATIONS,
    GET_AUDIT,
    *BILLING_OPERATIONS,
    *PEOPLE_OPERATIONS,
    CREATE_SOCKET_TICKET,
)


def build_catalogue(services: Services, policy: Policy | None = None) -> Catalogue:
    """Return the catalogue of `services`, under the policy of their books unless another is given.

    Raises ValueError when two operations share a name.
    """
    services.jobs.learn(BACKTEST_STRATEGY.name, partial(backtest_again, services))
    if policy is None and services.access is not None:
        policy = Enforcer(services.access, services.clock, services.ids).policy()
    return Catalogue(services, narrowed(OPERATIONS, services.toolsets), policy)
