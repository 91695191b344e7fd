"""What can be subscribed to: who may, which kind of stream it is, and what of the desk's journal it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Channel = Literal[
    "buy_sell_points", "alerts", "klines", "structure", "signals", "decisions", "approvals", "orders", "positions",
    "risk", "jobs", "health",
]  # fmt: skip
Stream = Literal["alerts", "desk", "state"]
"""Where it comes from: the log of alerts, the desk's journal, or a state of which only the newest counts."""
Filtered = Literal["points", "alert", "series", "symbols", "job", "nothing"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a channel asks of a caller. `counted`: its symbols count into the quota `alert_subscription`."""

    scope: str
    stream: Stream
    filtered: Filtered
    counted: bool = False


TERMS: Mapping[Channel, Terms] = {
    "buy_sell_points": Terms("analysis:read", "alerts", "points", counted=True),
    "alerts": Terms("account:read", "alerts", "alert"),
    "klines": Terms("market:read", "state", "series", counted=True),
    "structure": Terms("analysis:read", "state", "series", counted=True),
    "signals": Terms("analysis:read", "desk", "symbols"),
    "decisions": Terms("journal:read", "desk", "symbols"),
    "approvals": Terms("journal:read", "desk", "symbols"),
    "orders": Terms("account:read", "desk", "symbols"),
    "positions": Terms("account:read", "desk", "symbols"),
    "risk": Terms("account:read", "desk", "symbols"),
    "jobs": Terms("research:run", "state", "job"),
    "health": Terms("market:read", "state", "nothing"),
}

_KINDS: Mapping[Channel, tuple[str, ...]] = {
    "signals": ("signal", "signal_refused", "signal_expired", "signal_done"),
    "decisions": (
        "analysis_request", "trade_proposal", "approved_order", "refusal", "decision_skipped", "proposal_lapsed",
        "analyst",
    ),
    "approvals": ("approval_wanted", "approval_ended", "approval_lapsed"),
    "orders": ("order_event", "fill", "external_fill"),
    "positions": (
        "account", "trade_closed", "register_triggers", "re_analysis_trigger", "triggers_disarmed", "triggers_refused",
    ),
    "risk": ("risk_event", "halt", "ladder", "loss_wall", "mode", "guardian"),
}  # fmt: skip

CHANNEL_OF: Mapping[str, Channel] = {kind: channel for channel, kinds in _KINDS.items() for kind in kinds}
"""The channel of each kind of journal record that has one."""


def method_of(channel: Channel) -> str:
    """Return the method under which a channel's events are pushed."""
    return "buy_sell_points/alert" if channel == "buy_sell_points" else f"{channel}/event"


assert set(TERMS) == set(get_args(Channel))
