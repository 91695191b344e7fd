"""The policy of a desk that asks for keys: what stands between its callers and the work."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Literal

from chanflow.access.audit import AuditRow
from chanflow.access.books import AccessBooks
from chanflow.access.plans import UNLIMITED, plan_named
from chanflow.access.quota import PERIODS, Charge, Spent, demands, resets_ns
from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import ChanflowError, JournalUnwritable
from chanflow.domain.time import NS_PER_MS, Clock, Ids, rfc3339
from chanflow.operations.call import Call
from chanflow.operations.catalogue import Policy
from chanflow.operations.outcome import CODES, Failed, Outcome, QuotaBody, QuotaUse, Usage, failure

_log = logging.getLogger(__name__)

UPGRADE_URL = "/billing/upgrade"
_SOON_MS = 60_000
_UNRECORDED = ("rate_limited", "unauthenticated")
"""Refused before anything touches the database; a flood of them must not fill it."""


class Enforcer:
    """The steps of a policy, over the books of access."""

    def __init__(self, books: AccessBooks, clock: Clock, ids: Ids) -> None:
        self._books, self._clock, self._ids = books, clock, ids

    def policy(self) -> Policy:
        """Return the steps in their slots."""
        return Policy(self.authenticate, self.limit_rate, self.charge, self.audit, self.meter)

    async def authenticate(self, call: Call) -> Failed | None:
        """Refuse a principal whose time is over; doors have seen to the rest."""
        call.course.began_ns = self._clock.monotonic_ns()
        ends_ns = call.principal.expires_ns
        return failure("unauthenticated", call.request_id) if ends_ns and ends_ns <= self._clock.now_ns() else None

    async def limit_rate(self, call: Call) -> Failed | None:
        """Draw from the bucket of the account and the kind of work."""
        plan = plan_named(self._books.plans, call.principal.plan)
        key = f"{call.principal.account} {call.rate_class}"
        pace = self._books.limits.take(key, rate_per_s=plan.rate_per_s, burst=plan.burst)
        call.course.pace = pace
        if pace.passed:
            return None
        sentence = f"the plan {plan.name} allows {plan.rate_per_s} requests a second and {plan.burst} at once"
        return failure("rate_limited", call.request_id, sentence, retry_after_ms=pace.retry_after_ms)

    async def charge(self, call: Call) -> Failed | None:
        """Take what the call costs, all of it or nothing, before the work."""
        assert call.operation is not None
        assert call.args is not None
        now_ns = self._clock.now_ns()
        plan = plan_named(self._books.plans, call.principal.plan)
        asked = demands(call.operation.costs(call.args), plan, now_ns)
        if not asked:
            return None
        charge = Charge(call.course.charge_name or str(self._ids.uuid7()), call.principal.account, now_ns, asked)
        taken = await self._books.counters.charge(charge)
        if isinstance(taken, Spent):
            return Failed(_over_quota(taken, call, now_ns))
        call.course.charge_id = charge.charge_id
        call.course.usage = Usage(
            charged={demand.quota: demand.cost for demand in asked},
            quotas={demand.quota: QuotaUse(taken.used[demand.quota], demand.limit) for demand in asked},
        )
        return None

    async def audit(self, call: Call) -> Failed | None:
        """Write that the call begins; what changes something waits until that is safe."""
        assert call.operation is not None
        row = self._row(call, "started", None, None)
        if call.operation.hints.read_only:
            self._books.audit.post(row, call.principal.user_id)
            return None
        try:
            await self._books.audit.append(row, call.principal.user_id)
        except ChanflowError as fault:
            raise JournalUnwritable(f"the audit cannot be written: {fault}") from fault
        return None

    async def meter(self, call: Call, outcome: Outcome) -> Outcome:
        """Write how the call ended, give back what our own failure cost, and put the usage on the answer."""
        course = call.course
        if isinstance(outcome, Failed):
            code = outcome.error.code
            if code in _UNRECORDED:
                return outcome
            if course.charge_id is not None and _ours(code):
                await self._refund(call, course.charge_id)
            # Nothing was asked of the desk before it was charged or was free.
            ended: Literal["failed", "refused"] = "failed" if course.routed else "refused"
            self._post(call, ended, code)
            return outcome
        self._post(call, "done", None)
        return replace(outcome, usage=replace(course.usage, pace=course.pace))

    async def _refund(self, call: Call, charge_id: str) -> None:
        """Give a charge back; where that fails, the caller still hears why the call did."""
        try:
            await self._books.counters.refund(charge_id, self._clock.now_ns())
        except ChanflowError:
            _log.exception("request %s: charge %s was not given back", call.request_id, charge_id)

    def _post(self, call: Call, outcome: Literal["done", "failed", "refused"], code: str | None) -> None:
        self._books.audit.post(self._row(call, outcome, code, self._latency_ms(call)), call.principal.user_id)

    def _latency_ms(self, call: Call) -> int:
        return (self._clock.monotonic_ns() - call.course.began_ns) // NS_PER_MS

    def _row(
        self, call: Call, outcome: Literal["started", "done", "failed", "refused"], code: str | None,
        latency_ms: int | None,
    ) -> AuditRow:  # fmt: skip
        # An unknown name is the caller's own text, so it is not kept.
        name = "unknown" if call.operation is None else call.operation.name
        if call.course.args_sha256 is None:
            call.course.args_sha256 = _args_sha256(call)
        return AuditRow(
            self._clock.now_ns(), call.request_id, call.principal.id, call.principal.ip, call.door, name,
            call.course.args_sha256, outcome, code, latency_ms,
        )  # fmt: skip


def _args_sha256(call: Call) -> str:
    """Return the hash of the arguments as they came; of what has no canonical form, that of its kind of fault.

    Private ones, such as a password or a code, are few enough to be guessed from a hash: nothing is kept of them, nor
    of any argument that such a call does not know.
    """
    raw, operation = dict(call.raw), call.operation
    if operation is not None and operation.private:
        raw = {
            name: raw[name] for name in operation.input.model_fields if name in raw and name not in operation.private
        }
    try:
        return sha256_of(raw)
    except (TypeError, ValueError, RecursionError):
        return sha256_of("arguments without a canonical form")


def _ours(code: str) -> bool:
    """Return whether a failure is the desk's own: broken, or worth trying again. Work that took too long was done."""
    return CODES[code].status >= 500 and code != "timeout"


def _over_quota(spent: Spent, call: Call, now_ns: int) -> QuotaBody:
    assert call.operation is not None
    demand, period = spent.demand, PERIODS[spent.demand.quota]
    ends_ns = resets_ns(period, now_ns)
    wait_ms = None if ends_ns is None else -(-(ends_ns - now_ns) // NS_PER_MS)
    soon = wait_ms is not None and wait_ms < _SOON_MS and demand.limit not in (0, UNLIMITED)
    return QuotaBody(
        code="quota_exceeded",
        message=f"{demand.quota}: {spent.used} of {demand.limit} are used, and the call costs {demand.cost}",
        retryable=soon, retry_after_ms=wait_ms if soon else None, field=None,
        suggestion="wait for resets_at, or take a larger plan", request_id=call.request_id, error="quota_exceeded",
        tool=call.operation.name, quota=demand.quota, used=spent.used, limit=demand.limit, period=period,
        upgrade_url=UPGRADE_URL, resets_at=None if ends_ns is None else rfc3339(ends_ns),
    )  # fmt: skip
