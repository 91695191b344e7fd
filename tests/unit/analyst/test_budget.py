from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.llm_ledger import LlmLedger
from chanflow.analyst.budget import NEAR_FRAC, Budget, Limit, Line, Scope, Used, Window, window_at
from chanflow.domain.alert import Alert
from chanflow.domain.errors import BudgetSpent, InvalidArgument, StorageBusy, StorageUnwritable
from chanflow.domain.question import Claim, Purse
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.clock import SeededRandomness, SimulatedClock, Uuid7Ids

ALWAYS = (0, (1 << 63) - 1)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


NOON = at("2026-11-21T12:00:00")
HOUR_USD = Limit("usd", "hour", Decimal(1), "budget.max_usd_per_hour")


def claim(
    usd: str = "0.1", *, tokens: int = 100, run: str = "q1", agent: str = "analyst", account: str = "paper"
) -> Claim:
    return Claim(run, agent, account, "deepseek/deepseek-chat", tokens, Decimal(usd))


class Desk:
    """A budget over a ledger in a file, at a time that the test sets."""

    def __init__(self, ledger: LlmLedger) -> None:
        self.ledger, self.alerts = ledger, list[Alert]()

    async def _take(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def budget(self, *limits: Limit, now_ns: int = NOON) -> Budget:
        clock = SimulatedClock(now_ns)
        ids = Uuid7Ids(clock, SeededRandomness(len(limits) + now_ns))
        return Budget(limits=limits, ledger=self.ledger, clock=clock, ids=ids, on_alert=self._take)

    async def all(self) -> Used:
        return (await self.ledger.used([Scope(*ALWAYS)]))[0]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        yield Desk(LlmLedger(database))


async def test_a_reservation_counts_in_full_until_it_is_settled(desk: Desk) -> None:
    purse: Purse = desk.budget(HOUR_USD)
    reservation = await purse.reserve(claim("0.6", tokens=5_000))
    assert await desk.all() == Used(1, 5_000, Decimal("0.6"))
    await purse.settle(reservation, tokens_in=900, tokens_out=30, cost_usd=Decimal("0.0012345"))
    assert await desk.all() == Used(1, 930, Decimal("0.0012345"))


async def test_the_last_cent_is_allowed_and_the_next_is_not(desk: Desk) -> None:
    budget = desk.budget(HOUR_USD)
    await budget.reserve(claim("0.999999999999"))
    await budget.reserve(claim("0.000000000001"))
    with pytest.raises(BudgetSpent) as told:
        await budget.reserve(claim("0.000000000001"))
    assert str(told.value) == (
        "a call may bring what the desk has used from 1 USD to 1.000000000001 USD, and budget.max_usd_per_hour allows "
        "1 USD per hour: wait until 2026-11-21T13:00Z, or raise it"
    )
    assert (await desk.all()).requests == 2


async def test_more_than_was_reserved_counts_too(desk: Desk) -> None:
    budget = desk.budget(HOUR_USD)
    await budget.settle(await budget.reserve(claim("0.1")), tokens_in=1, tokens_out=1, cost_usd=Decimal("1.5"))
    with pytest.raises(BudgetSpent, match=r"from 1\.5 USD to 1\.6 USD"):
        await budget.reserve(claim("0.1"))


@pytest.mark.parametrize(
    ("window", "last", "first"),
    [
        ("hour", "2026-11-21T12:59:59", "2026-11-21T13:00:00"),
        ("day", "2026-11-21T23:59:59", "2026-11-22T00:00:00"),
        ("month", "2026-11-30T23:59:59", "2026-12-01T00:00:00"),
        ("month", "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
    ],
)
async def test_a_window_ends_with_its_last_nanosecond(desk: Desk, window: Window, last: str, first: str) -> None:
    limit = Limit("usd", window, Decimal(1), "budget.x")
    before_ns, after_ns = at(last) + NS_PER_S - 1, at(first)
    assert before_ns + 1 == after_ns
    await desk.budget(limit, now_ns=before_ns).reserve(claim("1"))
    with pytest.raises(BudgetSpent):
        await desk.budget(limit, now_ns=before_ns).reserve(claim("0.01"))
    await desk.budget(limit, now_ns=after_ns).reserve(claim("1"))
    with pytest.raises(BudgetSpent):
        await desk.budget(limit, now_ns=after_ns).reserve(claim("0.01"))


@given(st.integers(0, 4_000_000_000 * NS_PER_S), st.sampled_from(["hour", "day", "month"]))
def test_windows_follow_each_other_without_a_gap(at_ns: int, window: Window) -> None:
    since_ns, until_ns = window_at(window, at_ns)
    assert since_ns <= at_ns < until_ns
    assert window_at(window, until_ns)[0] == until_ns
    assert window_at(window, until_ns - 1) == (since_ns, until_ns)


async def test_a_run_has_its_tokens_whatever_the_day(desk: Desk) -> None:
    limit = Limit("tokens", "run", Decimal(250), "agents.analyst.quota.max_tokens_per_run", agent="analyst")
    await desk.budget(limit, now_ns=at("2026-11-21T23:59:59")).reserve(claim(tokens=200))
    late = desk.budget(limit, now_ns=at("2026-11-22T00:00:01"))
    with pytest.raises(BudgetSpent, match=r"this run has used from 200 tokens to 300 tokens, .* 250 tokens per run$"):
        await late.reserve(claim())
    await late.reserve(claim(run="q2"))


async def test_an_agents_limit_counts_that_agent_only(desk: Desk) -> None:
    limit = Limit("requests", "hour", Decimal(1), "agents.analyst.quota.max_requests_per_hour", agent="analyst")
    budget = desk.budget(limit)
    await budget.reserve(claim(agent="chat"))
    await budget.reserve(claim())
    with pytest.raises(BudgetSpent, match="agent analyst has used from 1 requests to 2 requests"):
        await budget.reserve(claim())
    await budget.reserve(claim(agent="chat"))


async def test_an_accounts_limit_counts_every_account_apart(desk: Desk) -> None:
    budget = desk.budget(Limit("usd", "day", Decimal("0.1"), "budget.account", each_account=True))
    await budget.reserve(claim(account="anna"))
    await budget.reserve(claim(account="bert"))
    with pytest.raises(BudgetSpent, match="the desk for account anna has used"):
        await budget.reserve(claim(account="anna"))


async def test_one_refusing_limit_is_enough_and_nothing_is_written(desk: Desk) -> None:
    budget = desk.budget(HOUR_USD, Limit("requests", "day", Decimal(0), "budget.none"))
    with pytest.raises(BudgetSpent, match=r"budget\.none allows 0 requests"):
        await budget.reserve(claim())
    assert (await desk.all()).requests == 0


async def test_fifty_at_once_pass_no_limit(desk: Desk) -> None:
    budget = desk.budget(HOUR_USD)
    came = await asyncio.gather(*(budget.reserve(claim(run=f"q{n}")) for n in range(50)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in came) == 10
    assert all(isinstance(each, str | BudgetSpent) for each in came)
    assert (await desk.all()).usd == Decimal(1)


async def test_people_are_told_once_a_window_when_a_limit_is_near(desk: Desk) -> None:
    budget = desk.budget(HOUR_USD)
    await budget.reserve(claim("0.79"))
    assert desk.alerts == []
    await budget.reserve(claim("0.01"))
    await budget.reserve(claim("0.01"))
    (alert,) = desk.alerts
    assert (alert.severity, alert.title) == ("warning", "budget: the desk has used 80% of a limit")
    assert alert.body == (
        "0.8 USD of 1 USD in the hour until 2026-11-21T13:00Z, reservations counted in full; the limit is "
        "budget.max_usd_per_hour"
    )
    await desk.budget(HOUR_USD, now_ns=at("2026-11-21T13:00:00")).reserve(claim("0.9"))
    assert len({each.dedupe_key for each in desk.alerts}) == len(desk.alerts) == 2
    assert Decimal("0.8") == NEAR_FRAC


class NoLedger:
    """A ledger whose disk is gone."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    async def enter(
        self, line: Line, scopes: Sequence[Scope], judge: Callable[[Sequence[Used]], None]
    ) -> Sequence[Used]:
        raise self.fault

    async def settle(self, line_id: str, *, tokens_in: int, tokens_out: int, usd: Decimal) -> bool:
        raise self.fault

    async def used(self, scopes: Sequence[Scope]) -> Sequence[Used]:
        raise self.fault


@pytest.mark.parametrize("fault", [StorageUnwritable("the disk is full"), StorageBusy("the disk is full")])
async def test_without_a_ledger_no_call_is_made(desk: Desk, fault: Exception) -> None:
    budget = desk.budget()
    budget._ledger = NoLedger(fault)
    with pytest.raises(BudgetSpent, match="cannot be written down, so none is made: the disk is full"):
        await budget.reserve(claim("0"))
    await budget.settle("any", tokens_in=1, tokens_out=1, cost_usd=Decimal(0))
    assert [alert.body for alert in desk.alerts] == ["the disk is full; what was reserved for it counts as spent"]


async def test_a_full_disk_refuses_the_call(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        async with database.write() as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        budget, written = Desk(LlmLedger(database)).budget(), 0
        with pytest.raises(BudgetSpent, match=r"cannot be written down, so none is made: .*full"):  # noqa: PT012
            for written in range(500):  # noqa: B007
                await budget.reserve(claim("0", run="q" * 120))
        assert (await LlmLedger(database).used([Scope(*ALWAYS)]))[0].requests == written


@pytest.mark.parametrize(
    ("tokens_in", "tokens_out", "usd"), [(-1, 0, "0"), (0, -1, "0"), (10**9, 0, "0"), (0, 0, "-1"), (0, 0, "NaN")]
)
async def test_a_usage_that_cannot_be_leaves_the_reservation(
    desk: Desk, tokens_in: int, tokens_out: int, usd: str
) -> None:
    budget = desk.budget(HOUR_USD)
    reservation = await budget.reserve(claim("0.5"))
    await budget.settle(reservation, tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=Decimal(usd))
    assert (await desk.all()).usd == Decimal("0.5")
    assert "cannot be; what was reserved for it counts as spent" in desk.alerts[0].body


async def test_only_the_first_settlement_counts(desk: Desk) -> None:
    budget = desk.budget(HOUR_USD)
    reservation = await budget.reserve(claim("0.5"))
    for usd in ("0.2", "0.0"):
        await budget.settle(reservation, tokens_in=1, tokens_out=1, cost_usd=Decimal(usd))
    assert (await desk.all()).usd == Decimal("0.2")
    with pytest.raises(InvalidArgument, match="reservation 'made up' was never made"):
        await budget.settle("made up", tokens_in=0, tokens_out=0, cost_usd=Decimal(0))


@pytest.mark.parametrize(
    "wrong",
    [claim("-0.01"), claim("NaN"), claim("Infinity"), claim("100000.01"), claim(tokens=-1), claim(tokens=10**9),
     claim(run=""), claim(account="a\nb"), claim(agent="x" * 129)],
)  # fmt: skip
async def test_a_claim_that_cannot_be_is_refused(desk: Desk, wrong: Claim) -> None:
    with pytest.raises(BudgetSpent):
        await desk.budget().reserve(wrong)
    assert (await desk.all()).requests == 0


@given(st.lists(st.tuples(st.integers(0, 400_000_000_000), st.integers(0, 600_000_000_000) | st.none()), max_size=12))
def test_what_is_used_never_passes_a_limit_by_reservations(calls: list[tuple[int, int | None]]) -> None:
    """Settled within its reservation or not at all, no order of calls passes the limit."""

    class InMemory(NoLedger):
        lines: dict[str, Decimal]

        async def enter(
            self, line: Line, scopes: Sequence[Scope], judge: Callable[[Sequence[Used]], None]
        ) -> Sequence[Used]:
            used = [Used(len(self.lines), 0, sum(self.lines.values(), Decimal(0)))] * len(scopes)
            judge(used)
            self.lines[line.line_id] = line.claim.cost_usd
            return used

        async def settle(self, line_id: str, *, tokens_in: int, tokens_out: int, usd: Decimal) -> bool:
            self.lines[line_id] = usd
            return True

    async def nobody(_: Alert) -> None:
        return None

    async def play() -> None:
        ledger = InMemory(RuntimeError())
        ledger.lines = {}
        clock = SimulatedClock(NOON)
        budget = Budget(
            limits=[HOUR_USD], ledger=ledger, clock=clock, ids=Uuid7Ids(clock, SeededRandomness(1)), on_alert=nobody
        )
        for reserved, spent in calls:
            worst = Decimal(reserved).scaleb(-12)
            try:
                reservation = await budget.reserve(claim(str(worst)))
            except BudgetSpent:
                continue
            if spent is not None:
                usd = min(worst, Decimal(spent).scaleb(-12))
                await budget.settle(reservation, tokens_in=0, tokens_out=0, cost_usd=usd)
            assert sum(ledger.lines.values(), Decimal(0)) <= HOUR_USD.bound

    asyncio.run(play())
