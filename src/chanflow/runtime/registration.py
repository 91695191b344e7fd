"""What the monitor is asked to watch: an opened position, and the triggers it gets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chanflow.domain.account import Position
from chanflow.domain.journal import Journal
from chanflow.domain.order import ApprovedOrder
from chanflow.domain.trigger import Trigger
from chanflow.domain.trigger_bounds import TriggerKind
from chanflow.monitor.always import always
from chanflow.monitor.armed import Watched
from chanflow.monitor.inputs import Inputs
from chanflow.monitor.watch import Fired, Watch
from chanflow.runtime.codec import decode

MARKET_KINDS: frozenset[TriggerKind] = frozenset(
    {"price_cross", "price_move", "mark_distance_to_stop", "profit_giveback", "time_at", "position_age", "order_state",
     "protective_missing", "drawdown"}
)  # fmt: skip
"""What can be watched wherever there are prices, orders and an account."""


def registration(
    approved: ApprovedOrder, position_id: str, *, price: Decimal | None, standing: Position | None, now_ns: int,
    max_hold_ns: int, inputs: Inputs,
) -> Mapping[str, Any]:  # fmt: skip
    """Return the body of `register_triggers` for what an approval opens; `price` is where the market stands.

    The risk counts from the limit price, or from where the market stands. The age counts from now on, or of a position
    that is `standing` already from its own beginning.
    """
    terms = approved.terms
    opened_ns = now_ns if standing is None else standing.opened_ns
    return {
        "position_id": position_id, "symbol": terms.symbol, "side": "long" if terms.side == "buy" else "short",
        "entry": terms.limit_price or price, "size": terms.qty_base, "stop": terms.stop_price, "opened_ns": opened_ns,
        "decision_id": approved.decision_id,
        "triggers": (*approved.triggers, *always(position_id, inputs, max_hold_ns=max_hold_ns)),
    }  # fmt: skip


def rearming(
    approved: ApprovedOrder, known: Watched | None, *, standing: Position | None, max_hold_ns: int, inputs: Inputs
) -> Mapping[str, Any] | None:
    """Return the body of `register_triggers` for what an approval manages; its risk is that of its beginning.

    None where the approval names no triggers, which leaves those that stand, or where the position is gone.
    """
    if known is None or standing is None or not approved.triggers:
        return None
    return {
        "position_id": known.position_id, "symbol": known.symbol, "side": known.side, "entry": known.entry_price,
        "size": abs(standing.qty_base), "stop": known.stop_price, "opened_ns": known.opened_ns,
        "decision_id": approved.decision_id,
        "triggers": (*approved.triggers, *always(known.position_id, inputs, max_hold_ns=max_hold_ns)),
    }  # fmt: skip


def register(
    watch: Watch, body: Mapping[str, Any], *, price: Decimal | None, now_ns: int, journal: Journal | None = None
) -> None:
    """Arm what a `register_triggers` body asks for; what cannot be watched is written down in `journal`."""
    position = Watched(
        str(body["position_id"]), str(body["symbol"]), body["side"], decode(Decimal, body["entry"]),
        None if body["stop"] is None else decode(Decimal, body["stop"]), int(body["opened_ns"]),
    )  # fmt: skip
    refused = watch.register(
        position, decode(tuple[Trigger, ...], body["triggers"]), price=price, now_ns=now_ns
    )  # fmt: skip
    if refused and journal is not None:
        journal.append("triggers_refused", {"position_id": position.position_id, "refused": refused})


def safety_event(fired: Fired) -> dict[str, Any]:
    """Return the body of the risk event of a safety trigger."""
    return {
        "kind": "safety_trigger", "cause": fired.kind, "symbol": fired.symbol, "key": f"trigger:{fired.trigger_id}",
        "message": f"{fired.note}: saw {fired.observed}, waited for {fired.bound or fired.kind}",
    }  # fmt: skip
