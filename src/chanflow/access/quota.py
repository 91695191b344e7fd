"""Quotas: their periods, and whether a cost still fits. A new period has a new key, so nothing is ever reset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from chanflow.access.plans import UNLIMITED, Plan
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, utc_date

Period = Literal["day", "month", "permanent"]

PERIODS: Mapping[str, Period] = {
    "bsp_query": "month",
    "alert_subscription": "permanent",
    "api_call": "day",
    "backtest": "month",
}
"""What each quota counts by. `permanent` counts what exists now."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Demand:
    """One quota's part of a charge: the cost, and what may be used in the period called `period_key`."""

    quota: str
    cost: int
    limit: int
    period_key: str

    def fits(self, used: int) -> bool:
        """Return whether the cost may be added to what is used."""
        return self.limit == UNLIMITED or used + self.cost <= self.limit


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call costs its account: all of it is taken, or none."""

    charge_id: str
    account: str
    at_ns: int
    demands: tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A charge that stands; `used` is what each quota came to with it."""

    used: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Spent:
    """A charge that did not fit, and so took nothing: the first quota that lacks it, and what is used of that."""

    demand: Demand
    used: int


def period_key(period: Period, at_ns: int) -> str:
    """Return the name of the UTC period a moment lies in: `2026-11`, `2026-11-20` or `permanent`."""
    if period == "permanent":
        return period
    day = utc_date(at_ns)
    return day if period == "day" else day[:7]


def resets_ns(period: Period, at_ns: int) -> int | None:
    """Return when the period of a moment ends and the next begins, in Unix ns; None for one that never ends."""
    if period == "permanent":
        return None
    if period == "day":
        return (at_ns // NS_PER_DAY + 1) * NS_PER_DAY
    first = (_EPOCH + timedelta(seconds=at_ns // NS_PER_S)).replace(day=1, hour=0, minute=0, second=0)
    ends = (first + _LONGEST_MONTH).replace(day=1)
    return (ends - _EPOCH) // timedelta(seconds=1) * NS_PER_S


def demands(costs: Mapping[str, int], plan: Plan, at_ns: int) -> tuple[Demand, ...]:
    """Return what a call with these costs asks of a plan at a moment, in the order of the costs."""
    return tuple(
        Demand(quota, cost, plan.limits[quota], period_key(PERIODS[quota], at_ns))
        for quota, cost in costs.items()
        if cost
    )
