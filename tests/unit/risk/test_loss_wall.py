from __future__ import annotations

from typing import Any

import pytest
from made_desk import NOW, D

from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import MAX_SILENCE_NS, WallState, blocks, lift, watch

LIMITS = Limits()
NOON = NOW // NS_PER_DAY * NS_PER_DAY + NS_PER_DAY // 2
MIN_NS = 60 * NS_PER_S


class Clockwork:
    """A wall that is read every half minute."""

    def __init__(self, at_ns: int = NOON) -> None:
        self.now_ns, self.state, self.steps = at_ns, WallState(), []  # type: ignore[var-annotated]

    def read(self, loss: str, *, minutes: float = 0, flat: bool = False) -> str | None:
        """Read `loss` for so long; returns the last step's cause, None where there was none."""
        cause = None
        for _ in range(max(1, int(minutes * 2))):
            self.now_ns += 30 * NS_PER_S
            self.state, change = watch(self.state, D(loss), LIMITS, self.now_ns, flat=flat)
            if change is not None:
                cause = change.cause
                self.steps.append((self.now_ns, change))
        return cause


@pytest.mark.parametrize(("loss", "stands"), [("0.0299999", False), ("0.03", True), ("0.0300001", True)])
def test_it_rises_at_three_percent(loss: str, stands: bool) -> None:
    wall = Clockwork()
    wall.read(loss)
    assert wall.state.standing is stands
    assert blocks(wall.state, D(loss), LIMITS) is stands


def test_it_lifts_after_thirty_minutes_at_half_the_loss() -> None:
    wall = Clockwork()
    assert wall.read("0.03") == "loss"
    wall.read("0.0150001", minutes=60)
    assert wall.state.standing
    assert wall.read("0.015", minutes=30) is None
    assert wall.read("0.015") == "recovered"
    assert not blocks(wall.state, D("0.015"), LIMITS)


def test_a_twitch_upward_begins_the_count_anew() -> None:
    wall = Clockwork()
    wall.read("0.03")
    wall.read("0.01", minutes=29)
    wall.read("0.016")
    assert wall.read("0.01", minutes=30) is None
    assert wall.read("0.01") == "recovered"


def test_silence_breaks_the_count() -> None:
    wall = Clockwork()
    wall.read("0.03")
    wall.read("0.01", minutes=29)
    wall.now_ns += MAX_SILENCE_NS - 30 * NS_PER_S + 1
    assert wall.read("0.01", minutes=29) is None
    wall.now_ns += MAX_SILENCE_NS - 30 * NS_PER_S
    assert wall.read("0.01", minutes=1.5) == "recovered"


def test_a_clock_that_falls_breaks_the_count() -> None:
    wall = Clockwork()
    wall.read("0.03")
    wall.read("0.01", minutes=29)
    wall.now_ns -= 2 * MIN_NS
    assert wall.read("0.01", minutes=29) is None


def test_midnight_lifts_it_even_when_flat() -> None:
    wall = Clockwork(NOON + 10 * 60 * MIN_NS)
    wall.read("0.04", flat=True)
    assert "midnight UTC or an operator" in wall.steps[0][1].message
    wall.read("0.04", minutes=119)
    assert wall.state.standing
    assert wall.read("0", minutes=2) == "rollover"


def test_midnight_lifts_nothing_where_the_new_day_has_lost_as_much() -> None:
    wall = Clockwork(NOON + 10 * 60 * MIN_NS)
    wall.read("0.04")
    assert wall.read("0.03", minutes=130) is None
    assert wall.state.standing
    assert wall.read("0.0299") == "rollover"


def test_it_changes_once_in_thirty_minutes_but_refuses_at_once() -> None:
    wall = Clockwork(NOON + 11 * 60 * MIN_NS + 50 * MIN_NS)
    wall.read("0.03")
    assert wall.read("0", minutes=29) is None
    assert wall.read("0", minutes=1) == "rollover"
    assert wall.read("0.035", minutes=29.5) is None
    assert blocks(wall.state, D("0.035"), LIMITS)
    assert wall.read("0.035") == "loss"
    gaps = [b - a for (a, _), (b, _) in zip(wall.steps, wall.steps[1:], strict=False)]
    assert all(gap >= 30 * MIN_NS for gap in gaps)


def test_an_operators_lift_stands_until_the_loss_was_low_or_the_day_is_over() -> None:
    wall = Clockwork()
    wall.read("0.04")
    answer = lift(wall.state, who="Ada", note="a data error", now_ns=wall.now_ns)
    assert not isinstance(answer, Reason)
    wall.state, change = answer
    assert (change.cause, change.message) == ("operator", "lifted by Ada: a data error")
    assert not blocks(wall.state, D("0.04"), LIMITS)
    assert wall.read("0.04", minutes=60) is None
    wall.read("0.015")
    assert wall.read("0.03") == "loss"


def test_an_operators_lift_ends_with_the_day() -> None:
    wall = Clockwork(NOON + 11 * 60 * MIN_NS)
    wall.read("0.04")
    wall.state = lift(wall.state, who="Ada", note="n", now_ns=wall.now_ns)[0]  # type: ignore[index]
    assert wall.read("0.04", minutes=50) is None
    assert wall.read("0.04", minutes=20) == "loss"


@pytest.mark.parametrize(
    ("state", "who", "note", "code"),
    [(WallState(standing=True), "", "n", "note_missing"), (WallState(standing=True), "a", " ", "note_missing"),
     (WallState(), "a", "n", "wall_down")],
)  # fmt: skip
def test_a_lift_needs_a_wall_a_name_and_a_note(state: WallState, who: str, note: str, code: str) -> None:
    answer: Any = lift(state, who=who, note=note, now_ns=NOON)
    assert answer.code == code


@pytest.mark.parametrize(
    ("apart_s", "goes_on"), [("0", True), ("1E-9", True), ("60", True), ("60.000000001", False), ("-1E-9", False)]
)
def test_readings_a_minute_apart_speak_of_the_time_between_them(apart_s: str, goes_on: bool) -> None:
    since = NOON - 5 * MIN_NS
    before = WallState(standing=True, day=NOON // NS_PER_DAY, seen_ns=NOON, low_since_ns=since)
    now_ns = NOON + int(D(apart_s) * NS_PER_S)
    after, _ = watch(before, D(0), LIMITS, now_ns, flat=False)
    assert after.low_since_ns == (since if goes_on else now_ns)
