"""Daily returns of an account, read from its journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from chanflow.domain.time import NS_PER_DAY, parse_rfc3339
from chanflow.review.bootstrap import Floats
from chanflow.review.journal import Record

ZERO = Decimal(0)


def daily_returns(records: Iterable[Record]) -> Floats:
    """Return the net return of each UTC day that was marked: equity at its end over that of the day before, less one.

    The first day counts from the capital. Money that was brought or taken is left out; a day without a mark has none.
    """
    ends: dict[int, Decimal] = {}
    moved: dict[int, Decimal] = defaultdict(lambda: ZERO)
    before: Decimal | None = None
    for record in records:
        if record.kind == "mark":
            ends[parse_rfc3339(record.at) // NS_PER_DAY] = Decimal(record.body["equity_quote"])
        elif record.kind == "ledger" and record.body["kind"] == "capital":
            before = Decimal(record.body["amount_quote"])
        elif record.kind == "ledger" and record.body["kind"] == "transfer":
            moved[parse_rfc3339(record.at) // NS_PER_DAY] += Decimal(record.body["amount_quote"])
    returns = []
    for day in sorted(ends):
        if before is not None and before > 0:
            returns.append(float((ends[day] - moved[day]) / before - 1))
        before = ends[day]
    return np.array(returns, dtype=np.float64)
