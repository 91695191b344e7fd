"""When a desk may be active by the clock on the wall: weekdays, holidays and windows of one time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 1_440

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows such as `09:30-16:00`, open on `weekdays` that are no `holidays` (YYYY-MM-DD) of `timezone`.

    A window whose end is not after its start reaches past midnight, and belongs to the day on which it starts. A
    schedule that is not enabled says nothing. Raises ValueError, naming the value, for one that cannot be read, and for
    one that is enabled without a window: it would keep the desk from ever being active.
    """

    enabled: bool = False
    timezone: str = "UTC"
    weekdays: tuple[str, ...] = WEEKDAYS
    holidays: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    _zone: tzinfo = field(init=False, repr=False, compare=False)
    _spans: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    _days_off: frozenset[date] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.enabled and not self.windows:
            raise ValueError("the schedule is enabled and has no window: give one, such as 09:30-16:00, or disable it")
        for weekday in self.weekdays:
            if weekday not in WEEKDAYS:
                raise ValueError(f"weekday is {weekday!r}, known are {', '.join(WEEKDAYS)}")
        if self.enabled and not self.weekdays:
            raise ValueError(f"the schedule is enabled and has no weekday, known are {', '.join(WEEKDAYS)}")
        object.__setattr__(self, "_zone", _zone(self.timezone))
        object.__setattr__(self, "_spans", tuple(_span(window) for window in self.windows))
        object.__setattr__(self, "_days_off", frozenset(_date(day) for day in self.holidays))

    def is_open(self, at_ms: int) -> bool:
        """Return whether a window is open at a Unix time in ms."""
        local = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(self._zone)
        minute, today = local.hour * 60 + local.minute, local.date()
        for start, end in self._spans:
            if self._opens(today) and start <= minute < end:
                return True
            if end > DAY_MINUTES and self._opens(today - timedelta(days=1)) and minute < end - DAY_MINUTES:
                return True
        return False

    def _opens(self, day: date) -> bool:
        return WEEKDAYS[day.weekday()] in self.weekdays and day not in self._days_off


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as fault:
        raise ValueError(f"timezone is {name!r}: give a name such as UTC or Asia/Shanghai") from fault


def _span(window: str) -> tuple[int, int]:
    """Return the minutes of the day between which a window is open; the end counts on past midnight."""
    match = _WINDOW.fullmatch(window)
    if match is None:
        raise ValueError(f"window is {window!r}: write HH:MM-HH:MM, such as 09:30-16:00 or 22:00-02:00")
    hour, minute, end_hour, end_minute = (int(part) for part in match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if start == end or end > DAY_MINUTES:
        raise ValueError(f"window is {window!r}: a whole day is 00:00-24:00, and none ends later")
    return start, end if end > start else end + DAY_MINUTES


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise ValueError(f"holiday is {text!r}: write YYYY-MM-DD") from fault
