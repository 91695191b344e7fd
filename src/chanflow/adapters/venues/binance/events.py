"""What Binance USD-M tells over the user stream, as the port's events.

`Reader` takes frames one by one. It keeps only what links frames to one another: which order of the venue's is the
child of which conditional order of ours, and the orders of others that may yet turn out to be such children. The child
of a triggered stop is told of under the stop's own client id, so the stop's life goes on through it.

Source: Binance USD-M futures documentation, "User Data Streams".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.transport.bodies import checked, load, money
from chanflow.adapters.venues.binance.error_codes import ACTIONS
from chanflow.adapters.venues.binance.rest_words import side_of
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.ports import Action, VenueEvent, VenueEventKind

LIQUIDATION_PREFIXES: Final = ("autoclose-", "adl_autoclose", "settlement_autoclose-", "delivery_autoclose-")
"""Client ids of orders that the venue makes for us: liquidation, deleveraging, settlement and delivery."""

_ORDER_KINDS: Final[Mapping[str, VenueEventKind]] = {
    "NEW": "accepted", "TRADE": "fill", "CANCELED": "canceled", "EXPIRED": "expired", "REJECTED": "rejected",
    "AMENDMENT": "amended", "TRADE_PREVENTION": "expired",
}  # fmt: skip
_ALGO_KINDS: Final[Mapping[str, VenueEventKind]] = {
    "NEW": "accepted", "CANCELED": "canceled", "TRIGGERING": "triggered", "TRIGGERED": "triggered",
    "REJECTED": "rejected", "EXPIRED": "expired",
}  # fmt: skip
_SILENT: Final = frozenset({"TRADE_LITE", "STRATEGY_UPDATE", "GRID_UPDATE"})
"""TRADE_LITE comes early and without the fee; the others tell of the venue's own robots."""
_REMEMBERED: Final = 4_096
"""How many links and foreign orders are kept; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one frame came to. With `key_gone` the listen key is no good any more. `leverage` is what was set.

    `names` are (symbol, order id, client id) of the orders that the frame told of.
    """

    events: tuple[VenueEvent, ...] = ()
    key_gone: bool = False
    names: tuple[tuple[str, str, str], ...] = ()
    leverage: Mapping[str, int] = field(default_factory=dict)


class Reader:
    """Reads the frames of one user stream, in the order in which they come."""

    def __init__(self) -> None:
        self._conditional_of: OrderedDict[str, str] = OrderedDict()
        self._conditionals: OrderedDict[str, None] = OrderedDict()
        self._foreign: OrderedDict[str, list[VenueEvent]] = OrderedDict()

    def expect(self, client_id: str) -> None:
        """Learn that an id is a conditional order's."""
        _keep(self._conditionals, client_id, None)

    def link(self, child_order_id: str, client_id: str) -> None:
        """Learn that the venue's order is the child of a conditional order."""
        _keep(self._conditional_of, child_order_id, client_id)

    def take(self, frame: bytes, recv_ns: int) -> Heard:
        """Return what a frame comes to; nothing for one that is not ours to hear.

        Raises ValueError for one that is no JSON or not as documented.
        """
        message = load(frame)
        data = message.get("data", message) if isinstance(message, dict) else None
        if not isinstance(data, dict):
            raise ValueError("a frame of the user stream is no object")
        kind = data.get("e")
        if not isinstance(kind, str) or kind in _SILENT:
            return Heard()
        reader = self._readers().get(kind)
        return Heard() if reader is None else checked(kind, lambda: reader(data, recv_ns))

    def _readers(self) -> Mapping[str, Callable[[Mapping[str, Any], int], Heard]]:
        return {
            "ORDER_TRADE_UPDATE": self._order, "ALGO_UPDATE": self._algo, "ACCOUNT_UPDATE": _account,
            "ACCOUNT_CONFIG_UPDATE": _config, "MARGIN_CALL": _margin_call,
            "CONDITIONAL_ORDER_TRIGGER_REJECT": self._trigger_reject,
            "listenKeyExpired": lambda data, recv_ns: Heard(key_gone=True),  # noqa: ARG005 - nothing more is told
        }  # fmt: skip

    # ── orders ────────────────────────────────────────────────────────────────

    def _order(self, data: Mapping[str, Any], recv_ns: int) -> Heard:
        row = data["o"]
        order_id, told_as = str(row["i"]), str(row["c"])
        client_id = self._conditional_of.get(order_id, told_as)
        names = ((str(row["s"]), order_id, client_id),)
        if row["x"] == "CALCULATED" or told_as.startswith(LIQUIDATION_PREFIXES):
            return Heard((_liquidation(row, int(data["T"]), recv_ns),), names=names)
        kind = _ORDER_KINDS.get(row["x"])
        if kind is None:
            raise ValueError(f"execution type is {row['x']!r}, none that is documented")
        if kind == "accepted" and client_id in self._conditionals:
            kind = "linked"
        event = replace(_order_event(kind, row, int(data["T"]), recv_ns), client_order_id=client_id)
        if client_id == told_as and client_id not in self._conditionals:
            self._remember(order_id, event)
        return Heard((event,), names=names)

    def _remember(self, order_id: str, event: VenueEvent) -> None:
        """Keep what was told under another's name until a link says that it was the child of one of ours."""
        _keep(self._foreign, order_id, [*self._foreign.get(order_id, ()), event])

    def _algo(self, data: Mapping[str, Any], recv_ns: int) -> Heard:
        row = data["o"]
        client_id, status, child = str(row["caid"]), row["X"], str(row.get("ai") or "")
        self.expect(client_id)
        qty = money(row["q"])
        leaves = qty - money(row.get("aq") or "0")
        told = VenueEvent(
            "accepted", client_id, int(data["T"]) * NS_PER_MS, recv_ns, leaves, qty_base=qty,
            detail=str(row.get("rm", "")) if status in ("REJECTED", "EXPIRED") else "",
        )  # fmt: skip
        events = [replace(told, kind=_ALGO_KINDS[status])] if status in _ALGO_KINDS else []
        if status not in _ALGO_KINDS and status != "FINISHED":
            raise ValueError(f"algo status is {status!r}, none that is documented")
        names: tuple[tuple[str, str, str], ...] = ()
        if child and child != "0":
            names = ((str(row["s"]), child, client_id),)
            if child not in self._conditional_of:
                self.link(child, client_id)
                events.append(replace(told, kind="linked", detail=f"became order {child}"))
                missed = self._foreign.pop(child, [])
                events += [replace(one, client_order_id=client_id) for one in missed if one.kind != "accepted"]
        return Heard(tuple(events), names=names)

    def _trigger_reject(self, data: Mapping[str, Any], recv_ns: int) -> Heard:
        row = data["or"]
        client_id = self._conditional_of.get(str(row["i"]), "")
        event = VenueEvent(
            "rejected" if client_id else "account", client_id, int(data["T"]) * NS_PER_MS, recv_ns, Decimal(0),
            detail=f"a conditional order on {row['s']} was refused when it was triggered: {row['r']}",
            action=Action.REPLAN,
        )  # fmt: skip
        return Heard((event,))


def _order_event(kind: VenueEventKind, row: Mapping[str, Any], at_ms: int, recv_ns: int) -> VenueEvent:
    """Return an order's event. Its fee is in units of the fee's own asset until the venue has put a price on it."""
    qty, filled = money(row["q"]), money(row["z"])
    event = VenueEvent(kind, str(row["c"]), at_ms * NS_PER_MS, recv_ns, max(Decimal(0), qty - filled))
    if kind == "amended":
        return replace(event, qty_base=qty)
    if kind == "rejected":
        code = int(row["r"]) if str(row.get("r", "")).lstrip("-").isdigit() else 0
        return replace(event, detail=str(row.get("r", "")), action=ACTIONS.get(code, Action.REFUSED))
    return _filled(event, row) if kind == "fill" else event


def _filled(event: VenueEvent, row: Mapping[str, Any]) -> VenueEvent:
    return replace(
        event, trade_id=str(row["t"]), price=money(row["L"]), qty_base=money(row["l"]),
        fee_quote=money(row.get("n", "0")), fee_asset=str(row.get("N") or ""), maker=bool(row["m"]),
    )  # fmt: skip


def _liquidation(row: Mapping[str, Any], at_ms: int, recv_ns: int) -> VenueEvent:
    """Return word of an order that the venue made for us; its fills are had by asking."""
    qty, side, status = money(row["q"]), side_of(row["S"]), row["X"]
    event = _filled(_order_event("liquidation", row, at_ms, recv_ns), row)
    done = f", {event.qty_base} at {event.price}" if event.qty_base else ""
    return replace(event, detail=f"{row['s']}: the venue has ordered {side} {qty} ({row['c']}, {status}){done}")


# ── the account ───────────────────────────────────────────────────────────────


def _account(data: Mapping[str, Any], recv_ns: int) -> Heard:
    """Return word of what changed but for orders: those are told by their own events."""
    row = data["a"]
    if row["m"] == "ORDER":
        return Heard()
    moved = [f"{one['a']} {money(one['bc'])}" for one in row["B"]]
    return Heard((_note(data, recv_ns, f"{row['m']}: {', '.join(moved) or 'no balance moved'}"),))


def _config(data: Mapping[str, Any], recv_ns: int) -> Heard:
    if "ac" in data:
        symbol, leverage = str(data["ac"]["s"]), int(data["ac"]["l"])
        return Heard((_note(data, recv_ns, f"leverage of {symbol} is {leverage}"),), leverage={symbol: leverage})
    many = bool(data["ai"]["j"])
    return Heard((_note(data, recv_ns, f"multi-assets margin is {'on' if many else 'off'}"),))


def _margin_call(data: Mapping[str, Any], recv_ns: int) -> Heard:
    close: Sequence[Mapping[str, Any]] = data["p"]
    words = [f"{p['s']} {money(p['pa'])} needs {money(p['mm'])}" for p in close]
    return Heard((_note(data, recv_ns, f"MARGIN_CALL: {', '.join(words)}"),))


def _note(data: Mapping[str, Any], recv_ns: int, detail: str) -> VenueEvent:
    at_ms = int(data.get("T") or data["E"])
    return VenueEvent("account", "", at_ms * NS_PER_MS, recv_ns, Decimal(0), detail=detail)


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)
