"""What the gate found in one file: a value, JSON and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, utc_date

ROWS_LISTED = 100
"""How many row numbers of a code are listed."""

EMPTY_SECONDS_MAX_FRAC = 0.001
DUPLICATES_MAX_FRAC = 0.005
QUARANTINED_MAX_FRAC = 0.001


@dataclass(frozen=True, slots=True)
class RowList:
    """How many rows, and the numbers of the first of them, from 1."""

    count: int
    first: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DayBudget:
    """What a UTC day had of faults, as fractions; `over` names those beyond their budget."""

    date: str
    rows: int
    empty_seconds_frac: float
    duplicates_frac: float
    quarantined_frac: float
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SocketClock:
    """The clock of one socket: its offset and the largest delay beyond it in ms, its steps, and its slow minutes."""

    socket: int
    offset_ms: int | None
    max_excess_ms: int
    clock_steps: int
    slow_minutes: int
    minutes: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the gate found in one file."""

    name: str
    venue: str
    symbols: tuple[str, ...]
    rows: int
    bad_rows: int
    """Rows with any code."""
    codes: Mapping[str, RowList]
    """Only the codes that were found, in the order of the gate."""
    not_market: RowList
    """Trades that are none of the market's: not judged."""
    notes: tuple[str, ...]
    days: tuple[DayBudget, ...]
    sockets: tuple[SocketClock, ...]

    @property
    def ok(self) -> bool:
        """Whether no row has a code."""
        return self.bad_rows == 0

    def document(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return {
            "file": self.name,
            "venue": self.venue,
            "symbols": list(self.symbols),
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "ok": self.ok,
            "codes": {code: _listed(found) for code, found in self.codes.items()},
            "not_market": _listed(self.not_market),
            "notes": list(self.notes),
            "days": [
                {
                    "date": day.date,
                    "rows": day.rows,
                    "empty_seconds_frac": day.empty_seconds_frac,
                    "duplicates_frac": day.duplicates_frac,
                    "quarantined_frac": day.quarantined_frac,
                    "over": list(day.over),
                }
                for day in self.days
            ],
            "sockets": [
                {
                    "socket": clock.socket,
                    "offset_ms": clock.offset_ms,
                    "max_excess_ms": clock.max_excess_ms,
                    "clock_steps": clock.clock_steps,
                    "slow_minutes": clock.slow_minutes,
                    "minutes": clock.minutes,
                }
                for clock in self.sockets
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield it as a table for a person."""
        yield f"{self.name}: {self.venue} {', '.join(self.symbols)}, {self.rows:,} rows, {self.bad_rows:,} with a code"
        for code, found in self.codes.items():
            yield f"  {code:<14}{found.count:>10,}  {_places(found)}"
        if self.not_market.count:
            yield f"  {'(not market)':<14}{self.not_market.count:>10,}  {_places(self.not_market)}"
        for note in self.notes:
            yield f"  {note}"
        for clock in self.sockets:
            slow = f", {clock.slow_minutes} of {clock.minutes} minutes slow" if clock.slow_minutes else ""
            yield (
                f"  clock {clock.socket}: offset {clock.offset_ms} ms, largest excess {clock.max_excess_ms} ms, "
                f"{clock.clock_steps} steps{slow}"
            )
        for day in self.days:
            over = f" over budget: {', '.join(day.over)}" if day.over else ""
            yield (
                f"  {day.date}: {day.rows:,} rows, empty seconds {day.empty_seconds_frac:.3%}, duplicates "
                f"{day.duplicates_frac:.3%}, quarantined {day.quarantined_frac:.3%}{over}"
            )


def day_budgets(days: Sequence[Mapping[str, int]]) -> tuple[DayBudget, ...]:
    """Return the budgets of the days of a native report."""
    return tuple(_budget(day) for day in days)


def _budget(day: Mapping[str, int]) -> DayBudget:
    empty = day["empty_seconds"] / max(day["seconds"], 1)
    duplicates = day["duplicates"] / max(day["rows"], 1)
    quarantined = day["quarantined"] / max(day["rows"], 1)
    budgets = (
        ("empty seconds", empty, EMPTY_SECONDS_MAX_FRAC),
        ("duplicates", duplicates, DUPLICATES_MAX_FRAC),
        ("quarantined", quarantined, QUARANTINED_MAX_FRAC),
    )
    return DayBudget(
        date=utc_date(day["day"] * MS_PER_DAY * NS_PER_MS) if 0 <= day["day"] < 2_932_897 else f"day {day['day']}",
        rows=day["rows"],
        empty_seconds_frac=empty,
        duplicates_frac=duplicates,
        quarantined_frac=quarantined,
        over=tuple(name for name, found, limit in budgets if found >= limit),
    )


def _listed(found: RowList) -> dict[str, Any]:
    return {"count": found.count, "rows": list(found.first)}


def _places(found: RowList) -> str:
    more = " …" if found.count > len(found.first) else ""
    return f"rows {', '.join(map(str, found.first))}{more}"
