from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.time import NS_PER_S
from chanflow.runtime.alert_sources import RefusalBurst, alert_from, alert_of, alert_of_refusal


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("force_close", "critical"), ("halt", "critical"), ("venue_liquidation", "critical"), ("demotion", "warning"),
        ("safety_trigger", "warning"), ("cancel_openings", "info"), ("new_kind", "warning"),
    ],
)  # fmt: skip
def test_each_kind_of_risk_event_has_its_severity(kind: str, severity: str) -> None:
    assert alert_of({"kind": kind, "cause": "drawdown"}, at_ns=5).severity == severity


def test_a_risk_event_tells_cause_and_figures() -> None:
    told = alert_of({"kind": "demotion", "cause": "day loss is 0.05", "figures": {"ladder": "L0"}}, at_ns=5)
    assert (told.title, told.body, told.dedupe_key, told.at_ns) == (
        "the desk falls on the ladder: day loss is 0.05", "ladder: L0", "risk:demotion::day loss is 0.05", 5,
    )  # fmt: skip


def test_an_action_of_the_guardian_keeps_its_own_severity_and_key() -> None:
    action = {
        "kind": "alert", "key": "alert:drawdown:80", "cause": "drawdown", "severity": "warning", "symbol": "",
        "message": "drawdown uses 81.0 % of its limit",
    }  # fmt: skip
    told = alert_of(action, at_ns=5)
    assert (told.severity, told.title, told.dedupe_key) == (
        "warning", "drawdown uses 81.0 % of its limit", "risk:alert:drawdown:80",
    )  # fmt: skip


def test_a_refusal_names_its_reasons_and_the_same_ones_have_the_same_key() -> None:
    reasons = [{"code": "leverage", "message": "leverage would be 6, limit is 5"}, {"code": "age", "message": "old"}]
    told = alert_of_refusal({"symbol": "BTCUSDT", "reasons": reasons}, at_ns=5)
    again = alert_of_refusal({"symbol": "BTCUSDT", "reasons": reasons[::-1]}, at_ns=6)
    assert (told.severity, told.title) == ("info", "BTCUSDT refused: leverage, age")
    assert told.body == "leverage would be 6, limit is 5\nold"
    assert told.dedupe_key == again.dedupe_key


def test_refusals_spread_out_are_no_burst() -> None:
    burst = RefusalBurst(3, 10)
    assert [burst.take(n * 5 * NS_PER_S) for n in range(9)] == [None] * 9


def test_a_burst_is_told_when_full_and_counted_anew() -> None:
    burst = RefusalBurst(3, 10)
    assert [burst.take(n) is not None for n in range(7)] == [False, False, True, False, False, True, False]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["kind", "cause", "message", "symbol", "severity", "key", "figures", "reasons", "title", "body", "at_ns", "source"]
)


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_nothing_that_travels_makes_telling_fail(payload: dict[str, Any]) -> None:
    assert alert_of(payload, at_ns=1).title
    assert alert_of_refusal(payload, at_ns=1).title
    assert alert_from(payload, at_ns=1).title
