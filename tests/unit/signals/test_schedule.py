from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chanflow.signals.schedule import Schedule

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


def at(text: str) -> int:
    """Return the Unix ms of a UTC time; 2026-01-05 is a Monday."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-05T09:29:59.999", False),
        ("2026-01-05T09:30:00", True),
        ("2026-01-05T15:59:59.999", True),
        ("2026-01-05T16:00:00", False),
        ("2026-01-04T12:00:00", False),
        ("2026-01-06T12:00:00", False),
    ],
)
def test_a_window_is_open_on_its_weekdays_but_not_on_holidays(moment: str, is_open: bool) -> None:
    schedule = Schedule(enabled=True, weekdays=WORKDAYS, holidays=("2026-01-06",), windows=("09:30-16:00",))
    assert schedule.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-09T21:59:00", False),
        ("2026-01-09T22:00:00", True),
        ("2026-01-10T01:59:00", True),
        ("2026-01-10T02:00:00", False),
        ("2026-01-10T22:00:00", False),
        ("2026-01-05T01:00:00", False),
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_starts_on(moment: str, is_open: bool) -> None:
    schedule = Schedule(enabled=True, weekdays=WORKDAYS, windows=("22:00-02:00",))
    assert schedule.is_open(at(moment)) is is_open


def test_windows_are_in_the_time_of_their_zone() -> None:
    schedule = Schedule(enabled=True, timezone="Asia/Shanghai", windows=("09:30-11:30",))
    assert schedule.is_open(at("2026-01-05T01:30:00"))
    assert not schedule.is_open(at("2026-01-05T09:30:00"))


def test_a_whole_day_is_a_window() -> None:
    schedule = Schedule(enabled=True, windows=("00:00-24:00",))
    assert schedule.is_open(at("2026-01-05T00:00:00"))
    assert schedule.is_open(at("2026-01-05T23:59:59"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"windows": ()}, "enabled and has no window"),
        ({"weekdays": ()}, "enabled and has no weekday"),
        ({"weekdays": ("moon",)}, "weekday is 'moon'"),
        ({"timezone": "Mars/Olympus"}, "timezone is 'Mars/Olympus'"),
        ({"timezone": "../../etc/passwd"}, "timezone is"),
        ({"windows": ("9:30-16:00",)}, "window is '9:30-16:00'"),
        ({"windows": ("09:30-24:30",)}, "window is '09:30-24:30'"),
        ({"windows": ("09:30-09:30",)}, "window is '09:30-09:30'"),
        ({"holidays": ("tomorrow",)}, "holiday is 'tomorrow'"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Schedule(**{"enabled": True, "windows": ("09:30-16:00",), **fields})


def test_without_being_enabled_it_needs_no_window() -> None:
    assert Schedule().windows == ()
