"""A watched position and a watch that sees everything, for tests to arm and to tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from made_desk import NOW, D

from chanflow.domain.market_data import LEVEL_MS, Touch
from chanflow.domain.trigger import PARAMS, Trigger
from chanflow.domain.trigger_bounds import BOUNDS, MAX_NS
from chanflow.monitor.armed import Watched
from chanflow.monitor.inputs import Inputs
from chanflow.monitor.watch import Fired, Watch

LONG = Watched("position-1", "SIMUSDT", "long", D(100), D(98), NOW)
SHORT = replace(LONG, side="short", stop_price=D(102))
SECOND = 10**9
ALL = Inputs(frozenset(PARAMS), tuple(LEVEL_MS), tuple(LEVEL_MS), BOUNDS["divergence"]["channel"].choices)

EVERY_KIND: list[tuple[str, dict[str, Any]]] = [
    ("price_cross", {"price": "61250.5", "direction": "up"}),
    ("price_move", {"frac": 0.02, "window_s": 300}),
    ("mark_distance_to_stop", {"r": 0.25}),
    ("profit_giveback", {"peak_r": 1.0, "giveback_frac": 0.4}),
    ("structure_event", {"level": "5m", "event": "point_confirmed", "type": "sell1"}),
    ("structure_event", {"level": "5m", "event": "stroke_confirmed", "type": None}),
    ("divergence", {"channel": "cvd", "kind": "bear"}),
    ("flow", {"field": "fusion_score", "op": "<", "value": -0.5, "bars": 3}),
    ("spread", {"op": ">", "value": 4.0}),
    ("volatility", {"ratio": 2.5}),
    ("funding", {"op": ">", "value": 0.0005}),
    ("time_at", {"at_ns": 1_800_000_000_000_000_001}),
    ("position_age", {"seconds": 3_600}),
    ("candle_close", {"level": "30m"}),
    ("order_state", {"client_order_id": "cf-1-e", "state": "filled"}),
    ("data_stale", {"max_age_ms": 10_000}),
    ("protective_missing", {}),
    ("drawdown", {"frac": 0.05}),
]
"""Params of every kind, as messages spell them."""


def trigger(kind: Any, *params: Any, name: str = "t1", expires_ns: int = MAX_NS, priority: int = 1) -> Trigger:
    """Return a trigger of a kind, its params in the order of writing."""
    return Trigger(name, kind, PARAMS[kind](*params), expires_ns, "why", priority)  # type: ignore[index, arg-type]


def watching(*triggers: Trigger, position: Watched = LONG, price: Any = None) -> Watch:
    """Return a watch that has armed the triggers of one position."""
    watch = Watch(ALL)
    refused = watch.register(position, triggers, price=None if price is None else D(price), now_ns=NOW)
    assert not refused
    return watch


def traded(*prices: float) -> Touch:
    """Return a stretch in which these prices traded, the last one last."""
    return Touch(NOW, min(prices), max(prices), prices[-1], None, None)


def quoted(bid: float, ask: float) -> Touch:
    """Return a stretch without trades."""
    return Touch(NOW, None, None, None, bid, ask)


def names(fired: list[Fired]) -> list[str]:
    """Return which triggers fired, in order."""
    return [each.trigger_id for each in fired]


def marks(watch: Watch, *prices: float) -> list[str | None]:
    """Return what each of these marks had the first trigger say, None where it kept silent."""
    told = [watch.on_touch("SIMUSDT", quoted(p, p), now_ns=NOW) for p in prices]
    return [each[0].observed if each else None for each in told]
