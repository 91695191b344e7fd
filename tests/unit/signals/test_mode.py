from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.signals.activity import Activity, MarketTrigger
from chanflow.signals.mode import ACTIVE, QUIET, ModeConfig, Parameters, StrategyModeManager
from chanflow.signals.schedule import Schedule

T0 = 1_767_571_200_000  # 2026-01-05T00:00:00Z, a Monday
TICK = 10_000
LIVELY = Activity(600.0, 150.0, 1.0, 6.0, 9e6)
DEAD = Activity(0.0, 0.0, 50.0, 0.0, 0.0)
OPEN, CLOSED = Schedule(enabled=True, windows=("00:00-24:00",)), Schedule(enabled=True, windows=("12:00-13:00",))
FIELDS = ("trades_per_min", "quotes_per_s", "spread_bps", "volatility_bps", "volume_quote")


def after(manager: StrategyModeManager, *activities: Activity, first: int = 0) -> list[str]:
    """Return the mode after each activity, one a tick."""
    return [manager.observe(T0 + (first + at) * TICK, activity) for at, activity in enumerate(activities)]


def test_it_starts_quiet_and_three_samples_make_the_first_verdict() -> None:
    assert after(StrategyModeManager(ModeConfig()), *[LIVELY] * 5) == ["quiet"] * 3 + ["active"] * 2


def test_four_inactive_verdicts_leave_it() -> None:
    manager = StrategyModeManager(ModeConfig())
    after(manager, *[LIVELY] * 12)
    assert after(manager, *[DEAD] * 5, first=12) == ["active"] * 3 + ["quiet"] * 2


def test_one_active_verdict_between_starts_the_count_again() -> None:
    manager = StrategyModeManager(ModeConfig())
    after(manager, *[LIVELY] * 12)
    assert set(after(manager, *([DEAD] * 2 + [LIVELY] * 6) * 3, first=12)) == {"active"}


@pytest.mark.parametrize("met", list(product([True, False], repeat=5)))
@pytest.mark.parametrize("setting", ["auto", "active", "quiet"])
@pytest.mark.parametrize(
    ("schedule", "combine"),
    [(Schedule(), "AND"), (Schedule(), "OR"), (OPEN, "AND"), (OPEN, "OR"), (CLOSED, "AND"), (CLOSED, "OR")],
    ids=["none-and", "none-or", "open-and", "open-or", "closed-and", "closed-or"],
)
def test_truth_table(met: tuple[bool, ...], setting: Any, schedule: Schedule, combine: Any) -> None:
    figures = {name: getattr(LIVELY if ok else DEAD, name) for name, ok in zip(FIELDS, met, strict=True)}
    manager = StrategyModeManager(ModeConfig(setting=setting, combine=combine, schedule=schedule))
    last = after(manager, *[Activity(**figures)] * 10)[-1]
    market, is_open = all(met), schedule is OPEN
    wanted = market
    if schedule.enabled:
        wanted = market and is_open if combine == "AND" else market or is_open
    if setting != "auto":
        wanted = setting == "active"
    assert last == ("active" if wanted else "quiet")


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_input_is_inactive(name: str) -> None:
    manager = StrategyModeManager(ModeConfig())
    assert set(after(manager, *[replace(LIVELY, **{name: None})] * 20)) == {"quiet"}


@pytest.mark.parametrize(("name", "edge", "step"), [
    ("trades_per_min", 30.0, -0.01), ("quotes_per_s", 40.0, -0.01), ("spread_bps", 5.0, 0.01),
    ("volatility_bps", 4.0, -0.01), ("volume_quote", 200_000.0, -1.0),
])  # fmt: skip
def test_each_threshold_is_met_at_its_edge(name: str, edge: float, step: float) -> None:
    at_edge, beyond = (replace(LIVELY, **{name: value}) for value in (edge, edge + step))
    assert after(StrategyModeManager(ModeConfig()), *[at_edge] * 6)[-1] == "active"
    assert after(StrategyModeManager(ModeConfig()), *[beyond] * 6)[-1] == "quiet"


def test_the_newest_sample_must_meet_half_strength() -> None:
    trigger = MarketTrigger()
    samples = [LIVELY.figures] * 5
    assert trigger.is_active([*samples, (15.0, 20.0, 10.0, 2.0, 100_000.0)])  # type: ignore[list-item]
    assert not trigger.is_active([*samples, (14.9, 20.0, 10.0, 2.0, 100_000.0)])  # type: ignore[list-item]


def test_one_wild_sample_does_not_carry_the_median() -> None:
    dull = (20.0, 150.0, 1.0, 6.0, 9e6)
    assert not MarketTrigger().is_active([dull, dull, (1e9, 150.0, 1.0, 6.0, 9e6)])


def test_ticks_are_of_event_time_however_many_rows_come() -> None:
    rare, often = StrategyModeManager(ModeConfig()), StrategyModeManager(ModeConfig())
    modes = after(rare, *[LIVELY] * 8)
    for at_ms in range(0, 8 * TICK, 250):
        mode = often.observe(T0 + at_ms, LIVELY)
        assert mode == modes[at_ms // TICK]


def test_a_gap_is_a_missing_input() -> None:
    manager = StrategyModeManager(ModeConfig())
    after(manager, *[LIVELY] * 10)
    assert manager.mode == "active"
    assert manager.observe(T0 + 16 * TICK, LIVELY) == "quiet"


def test_years_without_a_row_take_no_time() -> None:
    manager = StrategyModeManager(ModeConfig())
    manager.observe(T0, LIVELY)
    assert manager.observe(T0 + 10**12, LIVELY) == "quiet"


@given(st.lists(st.sampled_from([LIVELY, DEAD, Activity(30.0, 40.0, 5.0, 4.0, 200_000.0), Activity()]), max_size=120))
def test_whatever_the_noise_a_minute_has_at_most_one_transition(noise: list[Activity]) -> None:
    manager = StrategyModeManager(ModeConfig())
    modes = after(manager, *noise)
    changes = [at for at in range(1, len(modes)) if modes[at] != modes[at - 1]]
    assert all(later - earlier >= 6 for earlier, later in pairwise(changes))


def test_a_mode_brings_its_parameters_whole() -> None:
    other = Parameters(0.3, 0.9, 1.8, 5_000)
    manager = StrategyModeManager(ModeConfig(sets={"A_H": other, "A_L": ACTIVE, "Q_H": other, "Q_L": QUIET}))
    assert manager.parameters is QUIET
    after(manager, *[LIVELY] * 6)
    assert (manager.set_name, manager.parameters) == ("A_L", ACTIVE)


def test_volatility_in_the_top_third_of_a_day_is_high() -> None:
    manager = StrategyModeManager(ModeConfig())
    calm = [replace(LIVELY, volatility_bps=4.0 + at % 30 / 10) for at in range(400)]
    after(manager, *calm, replace(LIVELY, volatility_bps=6.8))
    assert manager.set_name == "A_H"
    after(manager, replace(LIVELY, volatility_bps=5.0), first=401)
    assert manager.set_name == "A_L"


def test_an_hour_of_samples_comes_before_the_first_high() -> None:
    manager = StrategyModeManager(ModeConfig())
    after(manager, *[LIVELY] * 200, replace(LIVELY, volatility_bps=60.0))
    assert manager.set_name == "A_L"


def test_metrics_tell_transitions_their_reasons_and_the_time_in_each_mode() -> None:
    manager = StrategyModeManager(ModeConfig())
    after(manager, *[LIVELY] * 10, *[DEAD] * 10)
    told = manager.metrics()
    assert told["transitions_total"] == {("quiet", "active", "market"): 1, ("active", "quiet", "market"): 1}
    assert sum(told["time_in_mode_ms"].values()) == 20 * TICK


def test_a_restart_from_a_saved_state_equals_an_unbroken_run() -> None:
    noise = [LIVELY, LIVELY, DEAD, LIVELY, Activity()] * 30
    whole, first = StrategyModeManager(ModeConfig()), StrategyModeManager(ModeConfig())
    modes = after(whole, *noise)
    after(first, *noise[:77])
    second = StrategyModeManager(ModeConfig())
    second.load(first.save())
    assert after(second, *noise[77:], first=77) == modes[77:]
    assert second.metrics() == whole.metrics()
    assert second.save() == whole.save()
