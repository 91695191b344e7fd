"""What Binance USD-M answers in: one pure reader for each kind of body.

Each reader takes what `json.loads` gave and raises ValueError, naming what is missing, for anything else than the
documented shape. Money comes as text and stays exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.transport.allowance import Limit
from chanflow.adapters.transport.bodies import checked, money
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Side
from chanflow.domain.order import OrderState
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.ports import VenueBalance, VenueFunding, VenueOrderState, VenuePosition

STATES: Final[Mapping[str, OrderState]] = {
    "NEW": OrderState.ACCEPTED, "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED, "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED, "EXPIRED": OrderState.EXPIRED, "EXPIRED_IN_MATCH": OrderState.EXPIRED,
    "REJECTED": OrderState.REJECTED, "NEW_INSURANCE": OrderState.ACCEPTED, "NEW_ADL": OrderState.ACCEPTED,
}  # fmt: skip
"""A plain order's `status`, or `X` of its event."""

ALGO_STATES: Final[Mapping[str, OrderState]] = {
    "NEW": OrderState.ACCEPTED, "CANCELED": OrderState.CANCELED, "TRIGGERING": OrderState.TRIGGERED,
    "TRIGGERED": OrderState.TRIGGERED, "FINISHED": OrderState.TRIGGERED, "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
}  # fmt: skip
"""A conditional order's `algoStatus`. FINISHED says that its child has ended, and the child says how."""

_SIDES: Final[Mapping[str, Side]] = {"BUY": "buy", "SELL": "sell"}
_SPANS_S: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}
_LIMIT_NAMES: Final = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders"}
_LIVE_SYMBOL: Final = "TRADING"


@dataclass(frozen=True, slots=True)
class Trade:
    """One of our trades as `userTrades` tells it: `order_id` is the venue's, the fee in units of `fee_asset`."""

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    price: Decimal
    qty_base: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """A conditional order and, once it was triggered, the venue's id of the order that it became."""

    state: VenueOrderState
    child_order_id: str


def side_of(word: Any) -> Side:
    """Return buy or sell. Raises KeyError for any other word."""
    return _SIDES[word]


def order_state(row: Mapping[str, Any]) -> VenueOrderState:
    """Return a plain order from its REST row."""
    return checked("an order", lambda: _order_state(row))


def _order_state(row: Mapping[str, Any]) -> VenueOrderState:
    kind, trigger, price = (
        str(row.get("origType") or row["type"]),
        money(row.get("stopPrice", "0")),
        money(row["price"]),
    )
    return VenueOrderState(
        client_order_id=str(row["clientOrderId"]), symbol=str(row["symbol"]), side=side_of(row["side"]),
        state=STATES[row["status"]], qty_base=money(row["origQty"]), filled_base=money(row["executedQty"]),
        average_price=money(row.get("avgPrice", "0")), reduce_only=bool(row["reduceOnly"] or row.get("closePosition")),
        updated_ns=int(row["updateTime"]) * NS_PER_MS, is_stop=_protects(kind), trigger_price=trigger or None,
        limit_price=price or None,
    )  # fmt: skip


def conditional(row: Mapping[str, Any]) -> Conditional:
    """Return a conditional order from its REST row."""
    return checked("a conditional order", lambda: _conditional(row))


def _conditional(row: Mapping[str, Any]) -> Conditional:
    kind, price = str(row.get("orderType") or row["type"]), money(row.get("price", "0"))
    state = VenueOrderState(
        client_order_id=str(row["clientAlgoId"]), symbol=str(row["symbol"]), side=side_of(row["side"]),
        state=ALGO_STATES[row["algoStatus"]], qty_base=money(row["quantity"]),
        filled_base=money(row.get("actualQty") or "0"), average_price=money(row.get("actualPrice") or "0"),
        reduce_only=bool(row["reduceOnly"] or row.get("closePosition")),
        updated_ns=int(row["updateTime"]) * NS_PER_MS, is_stop=_protects(kind),
        trigger_price=money(row["triggerPrice"]) or None, limit_price=price or None,
    )  # fmt: skip
    child = str(row.get("actualOrderId") or "")
    return Conditional(state, "" if child == "0" else child)


def _protects(kind: str) -> bool:
    """Whether orders of this type are stops; a take-profit protects nothing."""
    return kind.startswith(("STOP", "TRAILING_STOP"))


def trade(row: Mapping[str, Any]) -> Trade:
    """Return one of our trades from its REST row."""
    return checked(
        "a trade",
        lambda: Trade(
            str(row["id"]), str(row["orderId"]), str(row["symbol"]), side_of(row["side"]), money(row["price"]),
            money(row["qty"]), money(row["commission"]), str(row["commissionAsset"]), bool(row["maker"]),
            int(row["time"]),
        ),
    )  # fmt: skip


def positions(rows: Sequence[Mapping[str, Any]]) -> tuple[VenuePosition, ...]:
    """Return what is held, one net figure a symbol, without flat ones."""
    return checked("positionRisk", lambda: tuple(_positions(rows)))


def _positions(rows: Sequence[Mapping[str, Any]]) -> Iterable[VenuePosition]:
    for row in rows:
        qty = money(row["positionAmt"])
        if qty:
            yield VenuePosition(str(row["symbol"]), qty, money(row["entryPrice"]), money(row["markPrice"]) or None)


def rows_of(body: Any) -> list[Mapping[str, Any]]:
    """Return the rows of an answer that is a list. Raises ValueError for any other."""
    if not isinstance(body, list):
        raise ValueError(f"the answer is a {type(body).__name__}, a list was expected")
    return body


def fees(body: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Return the account's maker and taker fee of a symbol, as shares."""
    return checked("commissionRate", lambda: (money(body["makerCommissionRate"]), money(body["takerCommissionRate"])))


def balances(rows: Sequence[Mapping[str, Any]]) -> tuple[VenueBalance, ...]:
    """Return the wallet of each asset, unrealised profit left out."""
    return checked("balance", lambda: tuple(VenueBalance(str(row["asset"]), money(row["balance"])) for row in rows))


def funding(row: Mapping[str, Any]) -> VenueFunding:
    """Return one funding payment from its `income` row."""
    return checked(
        "an income row",
        lambda: VenueFunding(
            str(row["symbol"]), str(row["tranId"]), int(row["time"]) * NS_PER_MS, money(row["income"])
        ),
    )


def limits(info: Mapping[str, Any]) -> tuple[Limit, ...]:
    """Return the limits that `exchangeInfo` states, as `weight` and `orders`; others are passed over."""
    rows = info.get("rateLimits", [])
    return checked(
        "rateLimits",
        lambda: tuple(
            Limit(_LIMIT_NAMES[row["rateLimitType"]], _SPANS_S[row["interval"]] * int(row["intervalNum"]), row["limit"])
            for row in rows
            if row["rateLimitType"] in _LIMIT_NAMES
        ),
    )


def used_counts(headers: Mapping[str, str]) -> tuple[tuple[str, int, int], ...]:
    """Return (limit's name, span in s, used) of each count that the headers of an answer tell."""
    found = []
    for name, text in headers.items():
        for start, limit in (("x-mbx-used-weight-", "weight"), ("x-mbx-order-count-", "orders")):
            span = _span_s(name.removeprefix(start)) if name.startswith(start) else 0
            if span and text.isdigit():
                found.append((limit, span, int(text)))
    return tuple(found)


def _span_s(letters: str) -> int:
    """Return the span of an interval like 10s or 1m in s, 0 for anything else."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    return int(letters[:-1]) * units[letters[-1]] if letters[:-1].isdigit() and letters[-1] in units else 0


def instrument(row: Mapping[str, Any], maker_fee: Decimal, taker_fee: Decimal) -> Instrument:
    """Return a symbol's rules from its `exchangeInfo` row and the account's fees."""
    return checked(f"exchangeInfo of {row.get('symbol')}", lambda: _instrument(row, maker_fee, taker_fee))


def _instrument(row: Mapping[str, Any], maker_fee: Decimal, taker_fee: Decimal) -> Instrument:
    filters = {rule["filterType"]: rule for rule in row["filters"]}
    lot = filters["LOT_SIZE"]
    return Instrument(
        symbol=str(row["symbol"]), base=str(row["baseAsset"]), quote=str(row["quoteAsset"]),
        tick=money(filters["PRICE_FILTER"]["tickSize"]), step=money(lot["stepSize"]), min_qty=money(lot["minQty"]),
        min_notional_quote=money(filters["MIN_NOTIONAL"]["notional"]) if "MIN_NOTIONAL" in filters else Decimal(0),
        maker_fee_frac=maker_fee, taker_fee_frac=taker_fee,
    )  # fmt: skip


def traded_symbols(info: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the `exchangeInfo` row of each symbol that trades now."""
    return checked(
        "exchangeInfo",
        lambda: {str(row["symbol"]): row for row in info["symbols"] if row.get("status", _LIVE_SYMBOL) == _LIVE_SYMBOL},
    )
