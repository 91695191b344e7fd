"""Decisions that are asked for by the clock, in the desk's own time."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_model import ModelDesk, ScriptedMind

from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.agent_settings import ScheduleEntry
from chanflow.runtime.analysis_schedule import AnalysisSchedule

START_NS = 1_767_571_200 * NS_PER_S
"""2026-01-05T00:00:00Z."""


def schedule(on: str, *, level: str = "5m", symbol: str = "SIMUSDT") -> AnalysisSchedule:
    entry = ScheduleEntry(symbols=(symbol,), level=level, on=on)  # type: ignore[arg-type]
    return AnalysisSchedule((entry,), symbol="SIMUSDT", level="5m", start_ns=START_NS)


def came(made: AnalysisSchedule, *seconds: float) -> list[bool]:
    return [made.due(START_NS + int(s * NS_PER_S)) for s in seconds]


def test_each_close_of_a_bar_asks_once() -> None:
    assert came(schedule("candle_close"), 1, 299, 300.25, 301, 599, 600) == [False, False, True, False, False, True]


def test_a_cron_line_asks_at_its_minutes() -> None:
    assert came(schedule("*/10 0 * * *"), 60, 600, 601, 1_200, 3_600) == [False, True, False, True, True]


def test_what_was_slept_through_counts_once() -> None:
    assert came(schedule("candle_close"), 3_000, 3_001) == [True, False]


def test_other_symbols_are_not_asked_about() -> None:
    assert came(schedule("candle_close", symbol="OTHER"), 300, 600) == [False, False]


def test_another_level_than_the_desk_s_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="at 30m, and this desk decides at 5m"):
        schedule("candle_close", level="30m")


def test_a_desk_asks_at_each_close_and_an_unchanged_market_costs_nothing(tmp_path: Path) -> None:
    told = 'analyst.schedule=[{"symbols": "SIMUSDT", "level": "5s", "on": "candle_close"}]'
    desk = ModelDesk(tmp_path, ScriptedMind(lambda _: {"action": "hold"}, latency_ms=10), overrides=(told,))
    desk.duration_s = 120
    desk.run()
    requests = desk.records("analysis_request")
    assert len(requests) >= 20
    assert {r.body["reason"] for r in requests} == {"schedule"}
    assert 1 <= len(desk.mind.asked) <= 3
    assert sum(p["reasoning"].startswith("unchanged") for p in desk.proposals()) >= 17
    assert desk.replayed().records == len(desk.records())
