from __future__ import annotations

from typing import Any

import pytest
from made_setup import NOW_MS, bar, flow, stroke

from chanflow.domain.flow import FlowWindow
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Confirmed, Point
from chanflow.signals.confluence import Confluence
from chanflow.signals.flow_wait import FlowRule


def point(**changes: Any) -> Point:
    base = {"of": "stroke", "element": 88, "type": "2", "side": "buy", "bar": 20, "ts_ms": NOW_MS, "price": 99.0}
    return Point(**{**base, **changes})


def watcher(patience: int = 1) -> Confluence:
    rule = FlowRule(min_consistency=0.3, min_score=0.2, patience_bars=patience, expiry_ms=60_000)
    return Confluence(rule, symbol="SIMUSDT", level="30m", run_id="run", config_hash="c" * 64)


def see(rule: Confluence, *points: Point, of: FlowWindow | None = None, close: float = 100.0) -> list[Signal]:
    confirmed = Confirmed(points=points)
    return rule.on_bar(bar(close), confirmed, of or flow(), known_ms=NOW_MS + 5_250, trend="up")


def test_a_point_with_flow_in_its_direction_confirms() -> None:
    (one,) = see(watcher(), point())
    assert (one.decision_code, one.side_hint, one.setup) == ("OK", "buy", "buy2_flow")
    assert one.refs == ("point:buy2@30m#88", f"flow@{NOW_MS + 5_000}")
    assert (one.level, one.invalidation_price, one.trend_agrees) == ("30m", "99.0", True)


def test_a_selling_point_wants_flow_down() -> None:
    top = point(side="sell", price=101.0)
    assert [each.decision_code for each in see(watcher(), top)] == ["AGAINST_FLOW"]
    (one,) = see(watcher(), top, of=flow(ofi=-12.0, tfi=-8.0, score=-0.5))
    assert (one.side_hint, one.trend_agrees) == ("sell", False)


def test_flow_must_come_within_the_window() -> None:
    rule, against = watcher(patience=2), flow(ofi=-1.0)
    assert see(rule, point(), of=against) == []
    assert [each.decision_code for each in see(rule, of=against)] == ["AGAINST_FLOW"]
    assert see(rule) == []


def test_strokes_alone_arm_nothing() -> None:
    rule = watcher()
    assert rule.on_bar(bar(), Confirmed(strokes=(stroke(),)), flow(), known_ms=NOW_MS, trend=None) == []


def test_types_that_lie_on_one_end_are_one_setup() -> None:
    (one,) = see(watcher(), point(type="1"), point(type="2s"))
    assert one.refs[:2] == ("point:buy1@30m#88", "point:buy2s@30m#88")


def test_a_newer_point_replaces_the_older() -> None:
    old, new = see(watcher(), point(bar=10, element=80), point())
    assert (old.decision_code, new.decision_code) == ("REPLACED", "OK")
    assert old.signal_id != new.signal_id


@pytest.mark.parametrize("close", [98.9, 99.0])
def test_a_price_beyond_the_point_voids_it(close: float) -> None:
    assert [each.decision_code for each in see(watcher(), point(), close=close)] == ["INVALIDATED"]


def test_a_point_of_a_segment_says_so() -> None:
    (one,) = see(watcher(), point(of="segment"))
    assert one.refs[0] == "point:buy2-seg@30m#88"
