"""What OKX tells over its private sockets, as the port's events.

A row of the `orders` channel is one step of one order: at most one fill, the order's state after it, and whether an
amendment took. A triggered stop's child names the stop (`algoClOrdId`), and is told of under the stop's id.

Source: OKX API documentation v5, "Order channel", "Algo orders channel", "Balance and position channel".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.transport.bodies import checked, load, money
from chanflow.adapters.venues.okx.error_codes import ACTIONS
from chanflow.adapters.venues.okx.rest_words import algo_name, order_name, side_of
from chanflow.adapters.venues.okx.sizes import Contracts
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.ports import Action, VenueEvent, VenueEventKind

PRIVATE: Final = (("orders", "SWAP"), ("balance_and_position", ""), ("liquidation-warning", "SWAP"))
BUSINESS: Final = (("orders-algo", "SWAP"),)
"""Channels of the two private sockets, each with its instrument type."""

_LIQUIDATIONS: Final = ("full_liquidation", "partial_liquidation", "adl", "delivery", "twap")
_ALGO_KINDS: Final[Mapping[str, VenueEventKind]] = {
    "live": "accepted", "canceled": "canceled", "order_failed": "rejected", "effective": "triggered",
    "partially_effective": "triggered", "order_placed": "triggered",
}  # fmt: skip
_EXPIRED_SOURCES: Final = ("13", "14")
"""`cancelSource` of a FOK order and of what is left of an IOC one: the venue let it go, nobody cancelled it."""
_ACCOUNT_EVENTS: Final = ("funding_fee", "liquidation", "claw_back", "adl", "adjust_margin", "delivered", "transferred",
                          "adjust")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """What one frame came to. `useless`: why the connection is of no use any more. `login` and `subscribed` confirm."""

    events: tuple[VenueEvent, ...] = ()
    useless: str | None = None
    login: bool = False
    subscribed: str = ""
    names: tuple[tuple[str, str, str], ...] = ()


class Reader:
    """Reads the frames of one socket, in the order in which they come."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self._sequence: dict[str, int] = {}
        self._algos: dict[str, str] = {}

    def fresh(self) -> None:
        """Learn that a new connection begins its counts anew."""
        self._sequence.clear()

    def take(self, frame: bytes, recv_ns: int) -> Heard:
        """Return what a frame comes to. Raises ValueError for one that is no JSON or not as documented."""
        if frame == b"pong":
            return Heard()
        message = load(frame)
        if not isinstance(message, dict):
            raise ValueError("a frame is no object")
        if "event" in message:
            return _control(message)
        return checked("a push", lambda: self._push(message, recv_ns))

    def _push(self, message: Mapping[str, Any], recv_ns: int) -> Heard:
        channel, rows = str(message["arg"]["channel"]), message["data"]
        gap = self._missed(channel, message, recv_ns)
        readers: Mapping[str, Callable[[Mapping[str, Any], int], Heard]] = {
            "orders": self._order, "orders-algo": self._algo, "balance_and_position": _account,
            "liquidation-warning": _warning,
        }  # fmt: skip
        reader = readers.get(channel)
        heard = [] if reader is None else [reader(row, recv_ns) for row in rows]
        events = tuple(event for one in heard for event in one.events)
        return Heard((*gap, *events), names=tuple(name for one in heard for name in one.names))

    def _missed(self, channel: str, message: Mapping[str, Any], recv_ns: int) -> tuple[VenueEvent, ...]:
        """Return a gap where a push does not follow the one before; channels without numbers have none."""
        if "prevSeqId" not in message or "seqId" not in message:
            return ()
        before, behind = self._sequence.get(channel), int(message["prevSeqId"])
        self._sequence[channel] = int(message["seqId"])
        if before is None or behind in (-1, before):
            return ()
        why = f"{channel} went from {before} to a push that follows {behind}"
        return (VenueEvent("gap", "", recv_ns, recv_ns, Decimal(0), detail=why),)

    # ── orders ────────────────────────────────────────────────────────────────

    def _order(self, row: Mapping[str, Any], recv_ns: int) -> Heard:
        symbol = str(row["instId"])
        client_id = self._name(row)
        qty, filled = (self._contracts.base(symbol, money(row[name])) for name in ("sz", "accFillSz"))
        event = VenueEvent("accepted", client_id, int(row["uTime"]) * NS_PER_MS, recv_ns, max(Decimal(0), qty - filled))
        names = ((symbol, str(row["ordId"]), client_id),)
        if row.get("category") in _LIQUIDATIONS:
            return Heard((self._liquidation(event, row),), names=names)
        steps = [*self._amended(event, row, qty), *self._filled(event, row)]
        return Heard(tuple(steps or self._state(event, row)), names=names)

    def _name(self, row: Mapping[str, Any]) -> str:
        linked = str((row.get("linkedAlgoOrd") or {}).get("algoId") or row.get("algoId") or "")
        return self._algos.get(linked) or order_name(row)

    def _amended(self, event: VenueEvent, row: Mapping[str, Any], qty: Decimal) -> list[VenueEvent]:
        result = str(row.get("amendResult") or "")
        if result == "0":
            return [replace(event, kind="amended", qty_base=qty)]
        if result == "-1":
            code = int(row.get("code") or 0)
            action = ACTIONS.get(code, Action.REFUSED)
            return [replace(event, kind="amend_rejected", detail=str(row.get("msg", "")), action=action)]
        return []

    def _filled(self, event: VenueEvent, row: Mapping[str, Any]) -> list[VenueEvent]:
        if (
            not row.get("tradeId")
            or not money(row.get("fillSz") or "0")
            or row["state"] not in ("filled", "partially_filled")
        ):
            return []
        fill = self._figures(event, row)
        return [replace(fill, kind="fill")]

    def _figures(self, event: VenueEvent, row: Mapping[str, Any]) -> VenueEvent:
        fee, asset = _fee(row)
        return replace(
            event, trade_id=str(row.get("tradeId") or ""), price=money(row.get("fillPx") or "0"),
            qty_base=self._contracts.base(str(row["instId"]), money(row.get("fillSz") or "0")), fee_quote=fee,
            fee_asset=asset, maker=row.get("execType") == "M",
            event_ns=int(row.get("fillTime") or row["uTime"]) * NS_PER_MS,
        )  # fmt: skip

    def _state(self, event: VenueEvent, row: Mapping[str, Any]) -> list[VenueEvent]:
        match row["state"]:
            case "live":
                return [replace(event, kind="linked")] if row.get("algoClOrdId") or row.get("algoId") else [event]
            case "canceled" if str(row.get("cancelSource") or "") in _EXPIRED_SOURCES:
                return [replace(event, kind="expired")]
            case "canceled" | "mmp_canceled":
                return [replace(event, kind="canceled", detail=str(row.get("cancelSourceReason") or ""))]
            case "filled" | "partially_filled":
                return []
        raise ValueError(f"an order's state is {row['state']!r}, none that is documented")

    def _liquidation(self, event: VenueEvent, row: Mapping[str, Any]) -> VenueEvent:
        told = replace(self._figures(event, row), kind="liquidation")
        side, what = side_of(row["side"]), f"{row['category']}, {row['state']}"
        detail = f"{row['instId']}: the venue has ordered {side} {event.leaves_base + told.qty_base} ({what})"
        return replace(told, detail=f"{detail}, {told.qty_base} at {told.price}")

    def _algo(self, row: Mapping[str, Any], recv_ns: int) -> Heard:
        client_id, status, symbol = algo_name(row), str(row["state"]), str(row["instId"])
        if status not in _ALGO_KINDS and status not in ("filled", "pause"):
            raise ValueError(f"a conditional order's state is {status!r}, none that is documented")
        self._algos[str(row["algoId"])] = client_id
        qty = self._contracts.base(symbol, money(row["sz"]))
        told = VenueEvent(
            "accepted", client_id, int(row.get("uTime") or row["cTime"]) * NS_PER_MS, recv_ns, qty, qty_base=qty,
            detail=f"code {row['failCode']}" if row.get("failCode") not in (None, "", "0") else "",
        )  # fmt: skip
        if row.get("amendResult") == "0":
            told = replace(told, kind="amended")
        elif status in _ALGO_KINDS:
            told = replace(told, kind=_ALGO_KINDS[status])
        child = str(row.get("ordId") or "")
        events = [told] if status in _ALGO_KINDS else []
        if child and child != "0":
            events.append(replace(told, kind="linked", detail=f"became order {child}"))
        return Heard(tuple(events), names=((symbol, child, client_id),) if child else ())


def _fee(row: Mapping[str, Any]) -> tuple[Decimal, str]:
    """Return what one fill cost, and in what. Some rows tell the order's whole fee only: good for a sole fill."""
    if row.get("fillFee"):
        return -money(row["fillFee"]), str(row["fillFeeCcy"])
    if row.get("fee") and money(row["accFillSz"]) != money(row["fillSz"]):
        raise ValueError("a fill tells no fee of its own")
    return -money(row.get("fee") or "0"), str(row.get("feeCcy") or "")


# ── the account and the connection ────────────────────────────────────────────


def _account(row: Mapping[str, Any], recv_ns: int) -> Heard:
    if row["eventType"] not in _ACCOUNT_EVENTS:
        return Heard()
    moved = [f"{one['ccy']} {one['cashBal']}" for one in row.get("balData", ())]
    return Heard((_note(int(row["pTime"]), recv_ns, f"{row['eventType']}: {', '.join(moved) or 'no balance'}"),))


def _warning(row: Mapping[str, Any], recv_ns: int) -> Heard:
    words = f"liquidation warning: {row['instId']} {row['pos']}, margin ratio {row['mgnRatio']}"
    return Heard((_note(int(row["pTime"]), recv_ns, words),))


def _note(at_ms: int, recv_ns: int, detail: str) -> VenueEvent:
    return VenueEvent("account", "", at_ms * NS_PER_MS, recv_ns, Decimal(0), detail=detail)


def _control(message: Mapping[str, Any]) -> Heard:
    match message["event"]:
        case "login" if str(message.get("code", "0")) == "0":
            return Heard(login=True)
        case "subscribe":
            return Heard(subscribed=str((message.get("arg") or {}).get("channel", "")))
        case "login" | "error":
            return Heard(useless=f"OKX refused with {message.get('code')}: {str(message.get('msg', ''))[:200]}")
        case "notice":
            return Heard(useless=f"OKX will end the connection: {str(message.get('msg', ''))[:200]}")
    return Heard()
