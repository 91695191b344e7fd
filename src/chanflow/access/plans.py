"""Plans: what each quota allows in its period, and how fast one may ask. -1 is unlimited, and still counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chanflow.domain.errors import InvalidArgument, SettingsInvalid

UNLIMITED = -1
_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan: `limits` by quota, and a bucket of `burst` requests that fills by `rate_per_s`.

    An account may have `sockets` open at once, with `socket_subscriptions` on each, and `jobs` under way.
    """

    name: str
    limits: Mapping[str, int]
    rate_per_s: int
    burst: int
    sockets: int = 1
    socket_subscriptions: int = 1
    jobs: int = 1


_FIGURES = ("rate_per_s", "burst", "sockets", "socket_subscriptions", "jobs")


def _plan(name: str, quotas: tuple[int, int, int, int], pace: tuple[int, int], more: tuple[int, int, int]) -> Plan:
    limits = dict(zip(("bsp_query", "alert_subscription", "api_call", "backtest"), quotas, strict=True))
    return Plan(name, limits, *pace, *more)


PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        _plan("free", (3, 5, 1_000, 0), (2, 10), (1, 5, 1)),
        _plan("pro", (UNLIMITED, 50, 10_000, 10), (10, 50), (5, 50, 2)),
        _plan("developer", (UNLIMITED, 100, 50_000, 100), (50, 200), (20, 100, 4)),
        _plan("enterprise", (UNLIMITED,) * 4, (200, 800), (200, 1_000, 16)),
    )
}
"""The plans, unless a desk's own file says otherwise."""


def plan_named(plans: Mapping[str, Plan], name: str) -> Plan:
    """Return a plan. Raises InvalidArgument for a name that is none."""
    if name not in plans:
        raise InvalidArgument(f"plan is {name!r}, allowed are {', '.join(plans)}", field="plan")
    return plans[name]


def overridden(tree: object, source: str) -> Mapping[str, Plan]:
    """Return the plans with what `tree` changes: `{plan: {quota: limit, rate_per_s: n, …}}`.

    Raises SettingsInvalid for an unknown plan or key, and for a figure outside its bounds.
    """
    changes = {} if tree is None else tree
    if not isinstance(changes, Mapping):
        raise SettingsInvalid(f"{source} is no mapping of plans: write `free:` and its keys below it")
    plans = dict(PLANS)
    for name, change in changes.items():
        if name not in plans:
            raise SettingsInvalid(f"{source} names a plan {name!r}, there are {', '.join(PLANS)}")
        if not isinstance(change, Mapping):
            raise SettingsInvalid(f"{source}: {name} has no keys below it")
        plans[name] = _changed(plans[name], change, source)
    return plans


def _changed(plan: Plan, change: Mapping[Any, Any], source: str) -> Plan:
    limits, figures = dict(plan.limits), {name: int(getattr(plan, name)) for name in _FIGURES}
    for key, value in change.items():
        place, least = (limits, UNLIMITED) if key in limits else (figures, 1)
        if key not in place:
            known = ", ".join((*limits, *figures))
            raise SettingsInvalid(f"{source}: {plan.name} has no key {key!r}, there are {known}")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise SettingsInvalid(f"{source}: {plan.name}.{key} is {value!r}, allowed are {least} to {_MOST}")
        place[key] = value
    changed: Any = figures
    return replace(plan, limits=limits, **changed)
