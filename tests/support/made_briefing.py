"""A full briefing for tests to spoil one thing: three levels, flow, memory, a headline. Its moment is `NOW`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from made_desk import NOW, D, position
from made_setup import briefing, flow

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import (
    Context,
    FlowDivergence,
    FlowView,
    Holding,
    LessonLine,
    Memory,
    OutsideText,
    PastDecision,
    Permission,
    Reading,
    SimilarCase,
    SimilarFigures,
    SummaryLine,
    Task,
)
from chanflow.analyst.structure import CenterRow, LegRow, LevelView, PointFigures, PointRow
from chanflow.domain.evidence import moment_ref

S = 10**9
FLOW_AT = NOW - 5 * S


def leg(number: int = 4, **changes: Any) -> LegRow:
    """Return a confirmed stroke of the decision level that ended at 99."""
    base = LegRow(f"stroke#{number}", NOW - 20 * S, "down", NOW - 90 * S, 103.0, NOW - 30 * S, 99.0, "confirmed")
    return replace(base, **changes)


def center(number: int = 1, **changes: Any) -> CenterRow:
    """Return a confirmed center from 96 to 98 with peaks 95 and 103."""
    base = CenterRow(
        f"center#{number}", NOW - 40 * S, 96.0, 98.0, 95.0, 103.0, NOW - 300 * S, NOW - 90 * S, "confirmed"
    )
    return replace(base, **changes)


def point(name: str = "buy2", **changes: Any) -> PointRow:
    """Return a confirmed point of the decision level at 99."""
    base = PointRow(
        f"point:{name}@5s#4", NOW - 20 * S, "buy" if name.startswith("buy") else "sell", name.lstrip("buysel"),
        NOW - 30 * S, 99.0, "confirmed", confirmed_ns=NOW - 20 * S,
    )  # fmt: skip
    return replace(base, **changes)


def level(role: str = "decision", **changes: Any) -> LevelView:
    name = {"decision": "5s", "up": "1m", "down": "1s"}[role]
    base = LevelView(
        name, role, NOW - 5 * S, "up", strokes=(leg(),), centers=(center(),), points=(point(),),
        figures=(PointFigures("buy2", 40, 0.55, 0.4, 0.7, 0.1, 3),),
    )  # fmt: skip
    return replace(base, **changes)


def other_level(role: str, **changes: Any) -> LevelView:
    """Return a level beside the decision level: one stroke, one center, no point."""
    name = {"up": "1m", "down": "1s"}[role]
    base = level(
        role, strokes=(leg(ref=f"stroke@{name}#2"),), centers=(center(ref=f"center@{name}#1"),), points=(), figures=()
    )
    return replace(base, **changes)


def memory(**changes: Any) -> Memory:
    base = Memory(
        decisions=(
            PastDecision("case#d0", NOW - 600 * S, NOW - 600 * S, "SIMUSDT", "5s", "open_long", "buy2_flow", 0.75,
                         "success", 1.5),
        ),
        similar=(
            SimilarCase("case#d7", NOW - 900 * S, NOW - 2_000 * S, "SIMUSDT", "5s", "open_long", "buy2_flow", "trend",
                        0.83, "failure", -1.0),
        ),
        figures=SimilarFigures(7, 0.12, 0.57, 0.25, 0.84),
        lessons=(LessonLine("lesson#51", NOW - 5_000 * S, "buy2 in a range loses", NOW + 5_000 * S, 31, -0.4),),
        summary=SummaryLine("summary#week-46", NOW - 9_000 * S, "week 46", "two of five setups paid"),
    )  # fmt: skip
    return replace(base, **changes)


def full(**changes: Any) -> Briefing:
    """Return an entry briefing with every section."""
    base = briefing(
        flow=flow(ts_ms=FLOW_AT // 1_000_000),
        task=Task("signal", ("point:buy2@5s#4 was confirmed",), NOW + 60 * S, "schedule"),
        permission=Permission("paper", "L3", True, D("0.15"), 3, D("0.70"), 1, 4, D("0.045"), D("0.09")),
        levels=(level(), other_level("up"), other_level("down")),
        flow_view=FlowView(
            True,
            (Reading(moment_ref("ofi_z", FLOW_AT), FLOW_AT, "z_ofi", 1.25),),
            (FlowDivergence(moment_ref("cvd_div", NOW - 15 * S), NOW - 15 * S, "cvd", "bear", NOW - 40 * S),),
            120.0,
        ),
        context=Context("trend", "middle", "up", "London", (Reading(moment_ref("funding", NOW - 60 * S), NOW - 60 * S,
                                                                    "funding", 0.0001, "per 8 h"),)),
        memory=memory(),
        outside=(OutsideText("news:ab12", NOW - 100 * S, "wire", "Exchange lists SIM futures"),),
        venue="simulated",
    )  # fmt: skip
    return replace(base, **changes)


def managed(**changes: Any) -> Briefing:
    """Return a management briefing: a long of 10 from 100, stop 98, whose profit trigger has fired."""
    base = full(
        signal=None, position=position(), trigger_kind="price_cross", trigger_note="1R reached",
        holding=Holding("position#position-1", NOW, D(2), D("1.05"), D("1.1"), "102.1", "102", (), ("time_at",)),
    )  # fmt: skip
    return replace(base, **changes)


def draft(**changes: Any) -> dict[str, Any]:
    """Return a good answer of a model to `full()`: a long from 100 with its stop at 98.90."""
    base: dict[str, Any] = {
        "action": "open_long", "symbol": "SIMUSDT", "level": "5s", "side": "buy", "size_quote": "1500", "leverage": 2,
        "strategy_details": {
            "setup": "buy2_flow",
            "entry": {"type": "limit", "price": "100.05", "valid_until": "2026-01-05T00:00:08Z"},
            "stop_loss": {"price": "98.90"},
            "take_profit": [{"price": "102.2", "fraction": 0.6}, {"price": "103", "fraction": 0.4}],
            "invalidation": "back below the point",
        },
        "confidence": 0.66,
        "reasoning": "A confirmed second buy with flow behind it.",
        "reasoning_short": "second buy, flow agrees",
        "evidence": [{"ref": "point:buy2@5s#4", "claim": "second_buy_confirmed", "direction": "for"}],
        "counter_evidence": [{"ref": "cvd_div@2026-01-04T23:59:45Z", "claim": "flow_weakens", "direction": "against"}],
        "monitoring_triggers": [
            {"kind": "price_cross", "params": {"price": "101.15", "direction": "up"},
             "expires_at": "2026-01-05T01:00:00Z", "note": "one R", "priority": 1},
        ],
    }  # fmt: skip
    return {**base, **changes}


def care(**changes: Any) -> dict[str, Any]:
    """Return a good answer of a model to `managed()`: the stop of the long goes up to 99.50."""
    base: dict[str, Any] = {
        "action": "adjust", "symbol": "SIMUSDT", "level": "5s", "changes": {"stop_price": "99.5"},
        "reasoning": "One R is reached.", "reasoning_short": "stop up",
        "evidence": [{"ref": "position#position-1", "claim": "profit_reached", "direction": "for"}],
    }  # fmt: skip
    return {**base, **changes}


def strategy(**changes: Any) -> dict[str, Any]:
    """Return the strategy of `draft()` with parts changed."""
    return {**draft()["strategy_details"], **changes}


def short_of_time(seconds: int) -> Briefing:
    """Return `full()` with an answer due in so many seconds."""
    return full(task=Task("signal", (), NOW + seconds * S))
