"""One UTC day of a run that lasted longer."""

from __future__ import annotations

from collections.abc import Iterable

from chanflow.review.daily import Day, take
from chanflow.review.journal import Record


def fold_of_date(records: Iterable[Record], date: str) -> Day | None:
    """Return one UTC day (YYYY-MM-DD) of what a journal's records tell of, None where none is of it.

    Capital is then the equity that the day began with, and the day is finished once a later one, or the end, is told.
    """
    before, day = Day(), None
    for record in records:
        at = record.at[: len(date)]
        if at < date:
            take(before, record)
            continue
        if at > date:
            if day is not None:
                day.finished = True
            break
        if day is None:
            day = Day(
                head=before.head, intents=before.intents, reduces=before.reduces, moved_triggers=before.moved_triggers,
                marks=before.marks[-1:], capital_quote=before.equity_quote, equity_quote=before.equity_quote,
            )  # fmt: skip
        take(day, record)
    return day
