"""Periods and what fits in them."""

from __future__ import annotations

import pytest

from chanflow.access.plans import PLANS
from chanflow.access.quota import Demand, Period, demands, period_key, resets_ns
from chanflow.domain.time import parse_rfc3339, rfc3339


@pytest.mark.parametrize(
    ("period", "before", "after", "resets"),
    [
        ("day", "2026-11-30", "2026-12-01", "2026-12-01T00:00:00.000000000Z"),
        ("month", "2026-11", "2026-12", "2026-12-01T00:00:00.000000000Z"),
        ("permanent", "permanent", "permanent", None),
    ],
)
def test_a_period_ends_with_its_last_nanosecond(period: Period, before: str, after: str, resets: str | None) -> None:
    last = parse_rfc3339("2026-11-30T23:59:59.999999999Z")
    assert (period_key(period, last), period_key(period, last + 1)) == (before, after)
    ends = resets_ns(period, last)
    assert (None if ends is None else rfc3339(ends)) == resets
    assert ends is None or ends == last + 1


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-12-31T23:59:59Z", "2027-01-01"),
        ("2028-02-01T00:00:00Z", "2028-03-01"),
        ("2026-01-31T12:00:00Z", "2026-02-01"),
    ],
)
def test_a_month_ends_where_the_next_begins(at: str, ends: str) -> None:
    found = resets_ns("month", parse_rfc3339(at))
    assert found is not None
    assert rfc3339(found) == f"{ends}T00:00:00.000000000Z"


def test_a_cost_fits_up_to_the_limit_and_always_without_one() -> None:
    assert Demand("bsp_query", 1, 3, "2026-11").fits(2)
    assert not Demand("bsp_query", 1, 3, "2026-11").fits(3)
    assert not Demand("backtest", 1, 0, "2026-11").fits(0)
    assert Demand("bsp_query", 1, -1, "2026-11").fits(10**9)


def test_what_costs_nothing_demands_nothing() -> None:
    at = parse_rfc3339("2026-11-20T01:02:03Z")
    asked = demands({"backtest": 0, "api_call": 2}, PLANS["free"], at)
    assert asked == (Demand("api_call", 2, 1_000, "2026-11-20"),)
