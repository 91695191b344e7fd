"""What models may cost. Before each call its worst case is written down against every limit; no line, no call.

Limits count requests, tokens or dollars in a run, or in the hour, day or month of the calendar (UTC), for one agent,
each account, or all together. A line counts in the window of the moment it was reserved, with what was reserved until
it is settled, and with what was used from then on; so one that is never settled counts as spent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from chanflow.domain.alert import Alert, compose
from chanflow.domain.canonical import decimal_text
from chanflow.domain.errors import BudgetSpent, ChanflowError, InvalidArgument
from chanflow.domain.question import Claim
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, Clock, Ids

Measure = Literal["requests", "tokens", "usd"]
Window = Literal["run", "hour", "day", "month"]

NEAR_FRAC = Decimal("0.8")
"""From this share of a limit on, people are told."""

MAX_CLAIM_USD = Decimal(100_000)
MAX_CLAIM_TOKENS = 100_000_000
MAX_NAME = 128

_WORDS = {"requests": "requests", "tokens": "tokens", "usd": "USD"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `bound` of a measure in each window; `setting` is where a person changes it.

    With `agent` it counts that agent only; with `each_account`, every account apart.
    """

    measure: Measure
    window: Window
    bound: Decimal
    setting: str
    agent: str | None = None
    each_account: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines are counted together: those of `[since_ns, until_ns)`, and of what is named."""

    since_ns: int
    until_ns: int
    run: str | None = None
    agent: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What lines come to, reservations counted in full."""

    requests: int
    tokens: int
    usd: Decimal

    def of(self, measure: Measure) -> Decimal:
        """Return one of the three."""
        return {"requests": Decimal(self.requests), "tokens": Decimal(self.tokens), "usd": self.usd}[measure]


@dataclass(frozen=True, slots=True)
class Line:
    """A call about to be made, as the ledger keeps it."""

    line_id: str
    at_ns: int
    claim: Claim


class Ledger(Protocol):
    """Keeps lines; what it has confirmed survives the process."""

    async def enter(
        self, line: Line, scopes: Sequence[Scope], judge: Callable[[Sequence[Used]], None]
    ) -> Sequence[Used]:
        """Count each scope, let `judge` see the counts, write the line, and return them, all in one transaction.

        What `judge` raises is raised, and nothing is written. Raises StorageUnwritable, StorageBusy.
        """
        ...

    async def settle(self, line_id: str, *, tokens_in: int, tokens_out: int, usd: Decimal) -> bool:
        """Put what was used in place of what was reserved, once. False for a line that is not there.

        Raises StorageUnwritable, StorageBusy.
        """
        ...

    async def used(self, scopes: Sequence[Scope]) -> Sequence[Used]:
        """Return what each scope comes to. Raises StorageUnwritable."""
        ...


class Budget:
    """The purse of a desk: implements `domain.question.Purse` over a ledger that all its processes share."""

    def __init__(
        self, *, limits: Sequence[Limit], ledger: Ledger, clock: Clock, ids: Ids,
        on_alert: Callable[[Alert], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._limits, self._ledger, self._clock, self._ids = tuple(limits), ledger, clock, ids
        self._on_alert = on_alert
        self._told: dict[tuple[Limit, str | None], int] = {}
        """The window in which each limit was last told to be near, by its beginning."""

    async def reserve(self, claim: Claim) -> str:
        """Return the reservation's id; its line is durable. Raises BudgetSpent."""
        _require_sane(claim)
        line = Line(str(self._ids.uuid7()), self._clock.now_ns(), claim)
        limits = [limit for limit in self._limits if limit.agent in (None, claim.agent)]
        scopes = [scope_of(limit, claim, line.at_ns) for limit in limits]

        def judge(used: Sequence[Used]) -> None:
            for limit, scope, before in zip(limits, scopes, used, strict=True):
                if before.of(limit.measure) + _asked(claim, limit.measure) > limit.bound:
                    raise BudgetSpent(_refusal(limit, scope, before, claim))

        try:
            used = await self._ledger.enter(line, scopes, judge)
        except BudgetSpent:
            raise
        except ChanflowError as fault:
            raise BudgetSpent(f"what a call may cost cannot be written down, so none is made: {fault}") from fault
        for limit, scope, before in zip(limits, scopes, used, strict=True):
            await self._tell(limit, scope, before.of(limit.measure) + _asked(claim, limit.measure), line.at_ns)
        return line.line_id

    async def settle(self, reservation: str, *, tokens_in: int, tokens_out: int, cost_usd: Decimal) -> None:
        """Replace a reservation by what was used, the first time it is told.

        Where that cannot be, or cannot be written, the reservation stays and counts as spent, and people are told.
        Raises InvalidArgument for a reservation that was never made.
        """
        if not (0 <= tokens_in <= MAX_CLAIM_TOKENS and 0 <= tokens_out <= MAX_CLAIM_TOKENS) or not (
            cost_usd.is_finite() and 0 <= cost_usd <= MAX_CLAIM_USD
        ):
            await self._unsettled(f"{tokens_in} tokens in, {tokens_out} out and {cost_usd} USD cannot be")
            return
        try:
            there = await self._ledger.settle(reservation, tokens_in=tokens_in, tokens_out=tokens_out, usd=cost_usd)
        except ChanflowError as fault:
            await self._unsettled(str(fault))
            return
        if not there:
            raise InvalidArgument(f"reservation {reservation[:40]!r} was never made", field="reservation")

    async def _unsettled(self, why: str) -> None:
        await self._on_alert(
            compose(
                severity="warning",
                title="budget: a model's call was not settled",
                body=f"{why}; what was reserved for it counts as spent",
                dedupe_key="budget:unsettled",
                at_ns=self._clock.now_ns(),
                source="budget",
            )
        )

    async def _tell(self, limit: Limit, scope: Scope, after: Decimal, at_ns: int) -> None:
        if limit.window == "run" or after < limit.bound * NEAR_FRAC:
            return
        key = (limit, scope.account)
        if self._told.get(key) == scope.since_ns:
            return
        self._told[key] = scope.since_ns
        whose = _whose(scope)
        await self._on_alert(
            compose(
                severity="warning",
                title=f"budget: {whose} has used {after / limit.bound:.0%} of a limit",
                body=f"{_amount(after, limit)} of {_amount(limit.bound, limit)} in the {limit.window} until "
                f"{_moment(scope.until_ns)}, reservations counted in full; the limit is {limit.setting}",
                dedupe_key=f"budget:{limit.setting}:{scope.account or ''}:{scope.since_ns}",
                at_ns=at_ns,
                source="budget",
            )
        )


def scope_of(limit: Limit, claim: Claim, at_ns: int) -> Scope:
    """Return which lines a limit counts together with a claim made at `at_ns`."""
    since_ns, until_ns = window_at(limit.window, at_ns)
    return Scope(
        since_ns, until_ns,
        run=claim.question_id if limit.window == "run" else None,
        agent=limit.agent,
        account=claim.account if limit.each_account else None,
    )  # fmt: skip


def window_at(window: Window, at_ns: int) -> tuple[int, int]:
    """Return the beginning of the window that a moment lies in, and of the next one, Unix ns; a run has all time."""
    if window == "run":
        return 0, (1 << 63) - 1
    if window == "month":
        day = _EPOCH + timedelta(days=at_ns // NS_PER_DAY)
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
        return (first - _EPOCH).days * NS_PER_DAY, (following - _EPOCH).days * NS_PER_DAY
    length_ns = NS_PER_DAY if window == "day" else 3_600 * NS_PER_S
    since_ns = at_ns // length_ns * length_ns
    return since_ns, since_ns + length_ns


def _asked(claim: Claim, measure: Measure) -> Decimal:
    return {"requests": Decimal(1), "tokens": Decimal(claim.tokens), "usd": claim.cost_usd}[measure]


def _require_sane(claim: Claim) -> None:
    if not (0 <= claim.tokens <= MAX_CLAIM_TOKENS and claim.cost_usd.is_finite() and claim.cost_usd >= 0):
        raise BudgetSpent(f"a call may cost {claim.tokens} tokens and {claim.cost_usd} USD, and that cannot be")
    if claim.cost_usd > MAX_CLAIM_USD:
        raise BudgetSpent(f"a call may cost {claim.cost_usd} USD, at most {MAX_CLAIM_USD} can be written down")
    for name in (claim.question_id, claim.agent, claim.account, claim.model):
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise BudgetSpent(f"a call is named {name[:40]!r}: 1 to {MAX_NAME} visible characters can be written down")


def _refusal(limit: Limit, scope: Scope, before: Used, claim: Claim) -> str:
    told = (
        f"a call may bring what {_whose(scope)} has used from {_amount(before.of(limit.measure), limit)} to "
        f"{_amount(before.of(limit.measure) + _asked(claim, limit.measure), limit)}, and {limit.setting} allows "
        f"{_amount(limit.bound, limit)} per {limit.window}"
    )
    return told if limit.window == "run" else f"{told}: wait until {_moment(scope.until_ns)}, or raise it"


def _whose(scope: Scope) -> str:
    if scope.run is not None:
        return "this run"
    whose = f"agent {scope.agent}" if scope.agent is not None else "the desk"
    return whose if scope.account is None else f"{whose} for account {scope.account}"


def _amount(value: Decimal, limit: Limit) -> str:
    return f"{decimal_text(value)} {_WORDS[limit.measure]}"


def _moment(at_ns: int) -> str:
    return f"{_EPOCH + timedelta(seconds=at_ns // NS_PER_S):%Y-%m-%dT%H:%MZ}"
