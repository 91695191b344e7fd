"""Two runs of one market side by side: an analyst, and the rules in its place, with the difference and its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from chanflow.domain.time import NS_PER_DAY, parse_rfc3339
from chanflow.review.bootstrap import Bounds, Floats, interval
from chanflow.review.decisions import decisions_of
from chanflow.review.journal import Record
from chanflow.review.scorecard import Tally, tally

Period = Literal["day", "hour"]
LEAST_PERIODS = 10
"""Of fewer common periods nothing is concluded; a run of fewer days is compared by the hour."""
_SPAN_NS = {"day": NS_PER_DAY, "hour": NS_PER_DAY // 24}


@dataclass(frozen=True, slots=True)
class Difference:
    """What the first run earned more than the second, net, in quote, over the `n` periods that both were marked in.

    `bounds` is that sum's 95 % interval, the periods of both being drawn together; None where there are too few.
    """

    period: Period
    n: int
    net_quote: float
    bounds: Bounds | None


@dataclass(frozen=True, slots=True)
class Beside:
    """An analyst's run and its baseline's."""

    run: Tally
    rules: Tally
    difference: Difference


def beside(run: Sequence[Record], rules: Sequence[Record], *, seed: int) -> Beside:
    """Return a run beside the same market under the rules; both journals are of one account and one market."""
    return Beside(
        tally("this run", decisions_of(run), seed), tally("rules", decisions_of(rules), seed),
        difference(run, rules, seed=seed),
    )  # fmt: skip


def difference(run: Sequence[Record], rules: Sequence[Record], *, seed: int) -> Difference:
    """Return what one run earned more than another, paired by the UTC day, or by the hour where there are few days."""
    period: Period = "day"
    pairs = _paired(run, rules, period)
    if len(pairs) < LEAST_PERIODS:
        period = "hour"
        pairs = _paired(run, rules, period)
    total = float((pairs[:, 0] - pairs[:, 1]).sum())
    bounds = interval(pairs, _sums, seed=seed) if len(pairs) >= LEAST_PERIODS else None
    return Difference(period, len(pairs), total, bounds)


def _paired(run: Iterable[Record], rules: Iterable[Record], period: Period) -> Floats:
    """Return how the equity of both changed in each common period, a row each."""
    first, second = _changes(run, _SPAN_NS[period]), _changes(rules, _SPAN_NS[period])
    rows = [(first[at], second[at]) for at in sorted(first.keys() & second.keys())]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _changes(records: Iterable[Record], span_ns: int) -> dict[int, float]:
    ends: dict[int, Decimal] = {}
    before = Decimal(0)
    for record in records:
        if record.kind == "ledger" and record.body["kind"] == "capital":
            before = Decimal(record.body["amount_quote"])
        elif record.kind == "mark":
            ends[parse_rfc3339(record.at) // span_ns] = Decimal(record.body["equity_quote"])
    changes = {}
    for at in sorted(ends):
        changes[at] = float(ends[at] - before)
        before = ends[at]
    return changes


def _sums(rows: Floats) -> Floats:
    sums: Floats = (rows[..., 0] - rows[..., 1]).sum(axis=1)
    return sums
