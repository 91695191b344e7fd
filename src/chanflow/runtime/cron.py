"""Times of a schedule, in five fields as cron has them: minute, hour, day of month, month, day of week; UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chanflow.domain.time import NS_PER_S

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_PART = re.compile(r"(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_DAYS = 366 * 8
"""A day that exists comes within so many; the longest wait is for a 29 February across a century."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule. Where day of month and weekday are both named, either is enough, as in cron; weekday 0 is Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @staticmethod
    def parse(text: str) -> Cron:
        """Return the schedule. Raises ValueError, naming the field and its bounds, or for one that never comes."""
        fields = text.split()
        if len(fields) != len(_FIELDS):
            raise ValueError(f'is {text[:60]!r}: candle_close, or five fields of cron like "0 */4 * * *" are needed')
        minutes, hours, days, months, weekdays = (_field(p, *b) for p, b in zip(fields, _FIELDS, strict=True))
        either_day = "*" not in (fields[2][0], fields[4][0])
        cron = Cron(minutes, hours, days, months, weekdays, either_day)
        if cron._next_day(_EPOCH) is None:
            raise ValueError(f"is {text[:60]!r}: there is no such day")
        return cron

    def next_ns(self, after_ns: int) -> int:
        """Return the first moment of the schedule after a moment, Unix ns."""
        moment = _EPOCH + timedelta(minutes=after_ns // (60 * NS_PER_S) + 1)
        if self._on(moment):
            for minute in range(moment.hour * 60 + moment.minute, 24 * 60):
                if minute // 60 in self.hours and minute % 60 in self.minutes:
                    return _ns(moment.replace(hour=minute // 60, minute=minute % 60))
        day = self._next_day(moment)
        assert day is not None  # parse refused one that never comes
        return _ns(day.replace(hour=min(self.hours), minute=min(self.minutes)))

    def _next_day(self, after: datetime) -> datetime | None:
        first = after.replace(hour=0, minute=0)
        return next((d for n in range(1, _MOST_DAYS) if self._on(d := first + timedelta(days=n))), None)

    def _on(self, day: datetime) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and ((in_month or in_week) if self.either_day else (in_month and in_week))


def _field(text: str, name: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"has the {name} {text[:20]!r}: numbers, a-b, * and /n are known")
        star, first, last, step = match.groups()
        begin = least if star else int(first)
        end = most if star or (step and last is None) else int(last or first)
        if not least <= begin <= end <= most or (step is not None and int(step) < 1):
            raise ValueError(f"has the {name} {text[:20]!r}, allowed is {least} to {most}")
        found |= {*range(begin, end + 1, int(step or 1))}
    return frozenset(found)


def _ns(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds()) * NS_PER_S
