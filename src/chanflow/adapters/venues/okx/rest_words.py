"""What OKX answers in: one pure reader for each kind of row. Each raises ValueError for what is not as documented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.transport.bodies import checked, money
from chanflow.adapters.venues.okx.names import from_venue
from chanflow.adapters.venues.okx.sizes import Contract, Contracts
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Side
from chanflow.domain.order import OrderState
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.ports import VenueBalance, VenueFunding, VenueOrderState, VenuePosition

STATES: Final[Mapping[str, OrderState]] = {
    "live": OrderState.ACCEPTED, "partially_filled": OrderState.PARTIALLY_FILLED, "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED, "mmp_canceled": OrderState.CANCELED,
}  # fmt: skip
ALGO_STATES: Final[Mapping[str, OrderState]] = {
    "live": OrderState.ACCEPTED, "pause": OrderState.ACCEPTED, "partially_effective": OrderState.TRIGGERED,
    "effective": OrderState.TRIGGERED, "order_placed": OrderState.TRIGGERED, "filled": OrderState.TRIGGERED,
    "canceled": OrderState.CANCELED, "order_failed": OrderState.REJECTED,
}  # fmt: skip
_SIDES: Final[Mapping[str, Side]] = {"buy": "buy", "sell": "sell"}
_TRIGGERS: Final = ("slTriggerPx", "triggerPx", "tpTriggerPx")


@dataclass(frozen=True, slots=True)
class Conditional:
    """A conditional order and, once it was triggered, the venue's id of the order that it became."""

    state: VenueOrderState
    child_order_id: str


@dataclass(frozen=True, slots=True)
class Trade:
    """One of our trades; `fee` is positive where it was paid, in units of `fee_asset`."""

    trade_id: str
    bill_id: str
    order_id: str
    client_id: str
    symbol: str
    side: Side
    price: Decimal
    qty_base: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ms: int


def rows_of(body: Any) -> list[Mapping[str, Any]]:
    """Return the rows of an answer. Raises ValueError where it has none."""
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise ValueError("the answer has no list of data")
    return rows


def first_of(body: Any) -> Mapping[str, Any]:
    """Return the one row of an answer. Raises ValueError where there is none."""
    rows = rows_of(body)
    if not rows:
        raise ValueError("the answer has no row")
    return rows[0]


def side_of(word: Any) -> Side:
    """Return buy or sell. Raises KeyError for any other word."""
    return _SIDES[word]


def is_true(word: Any) -> bool:
    """Whether a flag is set; OKX writes flags as text."""
    return word in (True, "true")


def order_name(row: Mapping[str, Any]) -> str:
    """Return the client id that an order belongs to: the conditional order's it came from, its own, or the venue's."""
    return from_venue(str(row.get("algoClOrdId") or row.get("clOrdId") or f"order-{row['ordId']}"))


def algo_name(row: Mapping[str, Any]) -> str:
    """Return the client id of a conditional order, or one made of the venue's."""
    return from_venue(str(row.get("algoClOrdId") or f"algo-{row['algoId']}"))


def order_state(row: Mapping[str, Any], contracts: Contracts) -> VenueOrderState:
    """Return a plain order from its row."""
    return checked("an order", lambda: _order_state(row, contracts))


def _order_state(row: Mapping[str, Any], contracts: Contracts) -> VenueOrderState:
    symbol = str(row["instId"])
    return VenueOrderState(
        client_order_id=order_name(row), symbol=symbol, side=side_of(row["side"]), state=STATES[row["state"]],
        qty_base=contracts.base(symbol, money(row["sz"])), filled_base=contracts.base(symbol, money(row["accFillSz"])),
        average_price=money(row.get("avgPx") or "0"), reduce_only=is_true(row.get("reduceOnly")),
        updated_ns=int(row["uTime"]) * NS_PER_MS, limit_price=money(row.get("px") or "0") or None,
    )  # fmt: skip


def conditional(row: Mapping[str, Any], contracts: Contracts) -> Conditional:
    """Return a conditional order from its row; one with a stop price protects."""
    return checked("a conditional order", lambda: _conditional(row, contracts))


def _conditional(row: Mapping[str, Any], contracts: Contracts) -> Conditional:
    symbol = str(row["instId"])
    triggers = [money(row[name]) for name in _TRIGGERS if row.get(name)]
    is_stop = bool(row.get("slTriggerPx")) or (row["ordType"] == "trigger" and is_true(row.get("reduceOnly")))
    state = VenueOrderState(
        client_order_id=algo_name(row), symbol=symbol, side=side_of(row["side"]), state=ALGO_STATES[row["state"]],
        qty_base=contracts.base(symbol, money(row["sz"])), filled_base=Decimal(0), average_price=Decimal(0),
        reduce_only=is_true(row.get("reduceOnly")), updated_ns=int(row.get("uTime") or row["cTime"]) * NS_PER_MS,
        is_stop=is_stop, trigger_price=triggers[0] if triggers else None,
    )  # fmt: skip
    return Conditional(state, str(row.get("ordId") or ""))


def trade(row: Mapping[str, Any], contracts: Contracts) -> Trade:
    """Return one of our trades from its row."""
    return checked("a trade", lambda: _trade(row, contracts))


def _trade(row: Mapping[str, Any], contracts: Contracts) -> Trade:
    symbol = str(row["instId"])
    return Trade(
        str(row["tradeId"]), str(row["billId"]), str(row["ordId"]), from_venue(str(row.get("clOrdId") or "")), symbol,
        side_of(row["side"]), money(row["fillPx"]), contracts.base(symbol, money(row["fillSz"])),
        -money(row.get("fee") or "0"), str(row["feeCcy"]), row["execType"] == "M",
        int(row.get("fillTime") or row["ts"]),
    )  # fmt: skip


def positions(rows: Sequence[Mapping[str, Any]], contracts: Contracts) -> tuple[VenuePosition, ...]:
    """Return what is held in instruments that are known, net of both sides, without flat ones."""
    return checked("positions", lambda: _positions(rows, contracts))


def _positions(rows: Sequence[Mapping[str, Any]], contracts: Contracts) -> tuple[VenuePosition, ...]:
    found = []
    for row in rows:
        qty = contracts.base(str(row["instId"]), money(row["pos"]))
        signed = -abs(qty) if row.get("posSide") == "short" else qty
        if signed:
            price, mark = money(row.get("avgPx") or "0"), money(row.get("markPx") or "0")
            found.append(VenuePosition(str(row["instId"]), signed, price or None, mark or None))
    return tuple(found)


def balances(row: Mapping[str, Any]) -> tuple[VenueBalance, ...]:
    """Return the wallet of each asset, unrealised profit left out."""
    return checked(
        "balance", lambda: tuple(VenueBalance(str(one["ccy"]), money(one["cashBal"])) for one in row["details"])
    )


def funding(row: Mapping[str, Any]) -> VenueFunding:
    """Return one funding payment from its bill."""
    return checked(
        "a bill",
        lambda: VenueFunding(str(row["instId"]), str(row["billId"]), int(row["ts"]) * NS_PER_MS, money(row["balChg"])),
    )


def fees(row: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Return the account's maker and taker fee of USDT-margined swaps, as shares; OKX writes paid as negative."""
    return checked(
        "trade-fee", lambda: (-money(row.get("makerU") or row["maker"]), -money(row.get("takerU") or row["taker"]))
    )


def contract(row: Mapping[str, Any], maker_fee: Decimal, taker_fee: Decimal) -> Contract:
    """Return a linear swap's rules from its row and the account's fees. Raises ValueError for other instruments."""
    return checked(f"the instrument {row.get('instId')}", lambda: _contract(row, maker_fee, taker_fee))


def _contract(row: Mapping[str, Any], maker_fee: Decimal, taker_fee: Decimal) -> Contract:
    if row["ctType"] != "linear" or row["instType"] != "SWAP":
        raise ValueError(f"{row['instId']} is a {row['ctType'] or 'spot'} {row['instType']}, a linear SWAP is needed")
    each = money(row["ctVal"]) * money(row.get("ctMult") or "1")
    rules = Instrument(
        symbol=str(row["instId"]), base=str(row["ctValCcy"]), quote=str(row["settleCcy"]), tick=money(row["tickSz"]),
        step=money(row["lotSz"]) * each, min_qty=money(row["minSz"]) * each, min_notional_quote=Decimal(0),
        maker_fee_frac=maker_fee, taker_fee_frac=taker_fee,
    )  # fmt: skip
    return Contract(rules, each, money(row["lotSz"]))
