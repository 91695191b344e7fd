"""The policy in force: its steps in order, and what each leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from made_access import START_NS, HandClock

from chanflow.access.audit import AuditRow
from chanflow.access.books import AccessBooks
from chanflow.access.plans import PLANS
from chanflow.access.principals import Principal
from chanflow.access.quota import Charge, Spent, Taken
from chanflow.access.rate_limit import RateLimit
from chanflow.access.scopes import scopes_of
from chanflow.domain.errors import StorageBusy, StorageUnwritable, VenueBusy
from chanflow.domain.time import NS_PER_MS, parse_rfc3339
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.market import GET_KLINES
from chanflow.operations.operation import Hints
from chanflow.operations.outcome import Done, Failed, Outcome, QuotaBody
from chanflow.operations.policy import Enforcer
from chanflow.runtime.clock import SeededRandomness, Uuid7Ids

ANN = Principal("key", "key:a", "user-ann", "free", ("trader",), scopes_of(["trader"]), ip="127.0.0.1")
GOOD = {"symbol": "BTCUSDT", "level": "1m", "limit": 1}


@dataclass
class Steps:
    """Counters, audit and limits in memory, which write down when they were asked."""

    clock: HandClock = field(default_factory=HandClock)
    seen: list[str] = field(default_factory=list)
    used: dict[tuple[str, str, str], int] = field(default_factory=dict)
    fault: Exception | None = None

    async def charge(self, charge: Charge) -> Taken | Spent:
        self.seen.append("charge")
        for demand in charge.demands:
            key = (charge.account, demand.quota, demand.period_key)
            if not demand.fits(self.used.get(key, 0)):
                return Spent(demand, self.used.get(key, 0))
            self.used[key] = self.used.get(key, 0) + demand.cost
        return Taken({d.quota: self.used[charge.account, d.quota, d.period_key] for d in charge.demands})

    async def refund(self, charge_id: str, at_ns: int) -> None:
        del charge_id, at_ns
        self.seen.append("refund")
        if self.fault is not None:
            raise self.fault

    async def append(self, row: AuditRow, user_id: str | None = None) -> None:
        if self.fault is not None:
            raise self.fault
        self.post(row)

    def post(self, row: AuditRow, user_id: str | None = None) -> None:
        self.seen.append(f"audit {row.outcome}")

    async def rows(self, *, before: int | None, limit: int) -> Sequence[Any]:
        raise AssertionError

    def take(self, key: str, *, rate_per_s: int, burst: int) -> Any:
        self.seen.append("rate")
        return RateLimit(self.clock.monotonic_ns).take(key, rate_per_s=rate_per_s, burst=burst)


def _catalogue(desk: Any, steps: Steps, **changed: Any) -> Catalogue:
    services = desk.memory_services()
    nothing: Any = None
    books = AccessBooks(PLANS, nothing, nothing, nothing, steps, steps, steps, nullcontext, nothing, nothing)  # type: ignore[arg-type]
    policy = Enforcer(books, steps.clock, Uuid7Ids(steps.clock, SeededRandomness(1))).policy()

    async def handler(asked: Any) -> Any:
        steps.seen.append("route")
        return await GET_KLINES.handler(asked)

    return Catalogue(services, [replace(GET_KLINES, **{"handler": handler, **changed})], policy)


async def _ask(catalogue: Catalogue, principal: Principal = ANN, **args: Any) -> Outcome:
    return await catalogue.execute(principal, "get_klines", args, door="rest", request_id="r-1")


async def test_a_call_passes_its_steps_in_their_order(desk: Any) -> None:
    steps = Steps()
    outcome = await _ask(_catalogue(desk, steps), **GOOD)
    assert steps.seen == ["rate", "charge", "audit started", "route", "audit done"]
    assert isinstance(outcome, Done)
    assert outcome.usage.charged == {"api_call": 1}


@pytest.mark.parametrize(
    ("principal", "args", "code", "seen"),
    [
        (replace(ANN, expires_ns=START_NS), GOOD, "unauthenticated", []),
        (replace(ANN, scopes=frozenset()), {}, "insufficient_scope", ["rate", "audit refused"]),
        (ANN, {"symbol": "BTCUSDT", "limit": 0}, "invalid_argument", ["rate", "audit refused"]),
    ],
)
async def test_a_call_that_may_not_be_made_costs_nothing(
    desk: Any, principal: Principal, args: dict[str, Any], code: str, seen: list[str]
) -> None:
    steps = Steps()
    outcome = await _ask(_catalogue(desk, steps), principal, **args)
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, steps.seen, steps.used) == (code, seen, {})


async def test_many_bars_cost_many_calls(desk: Any) -> None:
    steps = Steps()
    await _ask(_catalogue(desk, steps), **{**GOOD, "limit": 1_001})
    assert list(steps.used.values()) == [2]


async def test_the_last_millisecond_of_a_day_and_the_first_of_the_next_are_two_periods(desk: Any) -> None:
    steps = Steps()
    catalogue = _catalogue(desk, steps)
    midnight_ns = parse_rfc3339("2026-12-01T00:00:00Z")
    steps.clock.at_ns = midnight_ns - NS_PER_MS
    steps.used["user-ann", "api_call", "2026-11-30"] = 1_000
    over = await _ask(catalogue, **GOOD)
    assert isinstance(over, Failed)
    assert isinstance(over.error, QuotaBody)
    assert (over.error.retryable, over.error.retry_after_ms) == (True, 1)
    assert over.error.resets_at == "2026-12-01T00:00:00.000000000Z"
    steps.clock.at_ns = midnight_ns
    assert isinstance(await _ask(catalogue, **GOOD), Done)
    assert steps.used == {("user-ann", "api_call", "2026-11-30"): 1_000, ("user-ann", "api_call", "2026-12-01"): 1}


@pytest.mark.parametrize(
    ("fault", "given_back"),
    [(VenueBusy("x"), True), (StorageUnwritable("x"), True), (RuntimeError("x"), True), (TimeoutError(), False)],
)
async def test_what_the_desk_failed_is_given_back(desk: Any, fault: Exception, given_back: bool) -> None:
    steps = Steps()

    async def handler(_: Any) -> Any:
        raise fault

    await _ask(_catalogue(desk, steps, handler=handler), **GOOD)
    assert ("refund" in steps.seen) is given_back
    assert steps.seen[-1] == "audit failed"


async def test_without_an_audit_nothing_is_changed_and_the_charge_is_given_back(desk: Any) -> None:
    steps = Steps(fault=StorageBusy("held"))
    outcome = await _ask(_catalogue(desk, steps, hints=Hints(read_only=False)), **GOOD)
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.status) == ("journal_unwritable", 503)
    assert "route" not in steps.seen
