"""What the desk's trades came to, or those of a backtest: costs always in, and beside it who needed no desk."""

from __future__ import annotations

from typing import Any, Literal

import anyio.to_thread
from pydantic import FiniteFloat

from chanflow.domain.errors import NotFound
from chanflow.domain.job import Job
from chanflow.domain.time import NS_PER_MS, parse_rfc3339
from chanflow.market.markets import market_of
from chanflow.operations.backtest_work import CAPITAL_QUOTE, TRADES
from chanflow.operations.fields import time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.research import NAME as BACKTEST
from chanflow.operations.research import JobId
from chanflow.operations.services import Services
from chanflow.operations.trading import EVERY_PLAN
from chanflow.review.sharpe import A_SHARE_DAYS, CRYPTO_DAYS
from chanflow.review.track import Track, Trip
from chanflow.review.track_figures import Figures, GroupBy, figures

_DAYS = {"7d": 7, "30d": 30, "90d": 90, "all": None}
_LIVE_WITHIN_MS = 60_000
_PAGE = 10_000


class GetPerformance(Arguments):
    """Window, grouping, and a backtest's job_id in place of the desk's own trades."""

    window: Literal["7d", "30d", "90d", "all"] = "30d"
    mode: Literal["paper", "live"] | None = None
    group_by: GroupBy = "none"
    job_id: JobId | None = None


class Interval(Answer):
    """The 95 % interval of the expectancy; both null with fewer than two trades."""

    low: FiniteFloat | None
    high: FiniteFloat | None


class Group(Answer):
    """What the trades of one group came to, in quote."""

    name: str
    n: int
    gross: FiniteFloat
    costs: FiniteFloat
    net: FiniteFloat
    hit_rate: FiniteFloat | None
    expectancy: FiniteFloat | None


class Baseline(Answer):
    """Returns over the same window: of holding, costs paid, and of the rules alone, null where nobody ran them."""

    buy_hold: FiniteFloat | None
    no_llm: FiniteFloat | None


class Performance(Answer):
    """Closed trades of the window, in quote; null is not known, never zero. `expectancy` is the mean net of a trade.

    `return_frac` and `max_drawdown_frac` are of the equity, transfers left out; `sharpe` is a year's.
    """

    n: int
    gross: FiniteFloat | None
    costs: FiniteFloat | None
    net: FiniteFloat | None
    return_frac: FiniteFloat | None
    sharpe: FiniteFloat | None
    max_drawdown_frac: FiniteFloat | None
    hit_rate: FiniteFloat | None
    expectancy: FiniteFloat | None
    ci: Interval
    groups: list[Group]
    baseline: Baseline
    known_at: str
    stale_ms: int | None


async def get_performance(asked: Asked[GetPerformance]) -> Performance:
    """Return what trades came to. Raises Declined where no desk has run, and for a job that has no result."""
    args, services = asked.args, asked.services
    days = _DAYS[args.window]
    if args.job_id is not None:
        if args.mode is not None:
            raise Declined("invalid_argument", "mode does not go with job_id: a backtest has none", field="mode")
        return await _of_job(asked, days)
    if args.mode is not None and args.mode != services.account_mode:
        raise Declined("not_found", f"the account of this desk is {services.account_mode}", field="mode")

    def read() -> tuple[Figures, int]:
        return services.track.performance(days=days, group_by=args.group_by)

    try:
        found, known_ns = await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
    except NotFound as fault:
        sentence = "no desk has run yet, so there are no trades"
        raise Declined("not_found", sentence, suggestion="start one: chanflow demo") from fault
    age_ms = (services.clock.now_ns() - known_ns) // NS_PER_MS
    return _shown(found, known_ns, age_ms if age_ms > _LIVE_WITHIN_MS else None)


async def _of_job(asked: Asked[GetPerformance], days: int | None) -> Performance:
    args, services = asked.args, asked.services
    assert args.job_id is not None
    job = await anyio.to_thread.run_sync(services.jobs.find, asked.principal.account, args.job_id)
    if job is None or job.operation != BACKTEST:
        raise Declined("not_found", "there is no such job", field="job_id")
    if job.status != "succeeded":
        raise Declined("conflict", f"the job has no result: it is {job.status}", field="job_id")
    track = await anyio.to_thread.run_sync(_track, services, job)
    found = await anyio.to_thread.run_sync(lambda: figures(track, days=days, group_by=args.group_by))
    return _shown(found, track.known_ns, None)


def _track(services: Services, job: Job) -> Track:
    """Return the track of a backtest, as far as its rows were kept. Raises Declined where they were not."""
    trades, equity = _rows(services, job, "trades"), _rows(services, job, "equity")
    marks = [(int(at_ms) * NS_PER_MS, worth, held) for at_ms, worth, held in equity]
    trips = [
        Trip(
            parse_rfc3339(row["exit_time"]), row["symbol"], str(job.args["given"]["strategy"]), row["point_type"],
            row["gross"], row["fees"] + row["slippage"], row["net"], row["qty"] * row["entry_price"],
        )
        for row in (dict(zip(TRADES, each, strict=True)) for each in trades)
    ]  # fmt: skip
    symbols = job.args["given"]["symbols"]
    shares = all(market_of(symbol) == "cn" for symbol in symbols)
    return Track(
        seq=len(trips), known_ns=marks[-1][0] if marks else job.changed_ns, opened_ns=marks[0][0] if marks else 0,
        capital=CAPITAL_QUOTE, trips=sorted(trips, key=lambda trip: trip.closed_ns), marks=marks,
        days_per_year=A_SHARE_DAYS if shares else CRYPTO_DAYS,
    )  # fmt: skip


def _rows(services: Services, job: Job, table: str) -> list[list[Any]]:
    rows: list[list[Any]] = []
    while True:
        page = services.jobs.rows(job, table, len(rows), _PAGE)
        if page is None:
            raise Declined("conflict", "the job's rows are no longer kept; ask for the backtest again", field="job_id")
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return rows


def _shown(found: Figures, known_ns: int, stale_ms: int | None) -> Performance:
    sums, traded = found.sums, found.sums.n > 0
    low, high = (None, None) if found.bounds is None else (found.bounds.low, found.bounds.high)
    return Performance(
        n=sums.n, gross=sums.gross if traded else None, costs=sums.costs if traded else None,
        net=sums.net if traded else None, return_frac=found.return_frac, sharpe=found.sharpe,
        max_drawdown_frac=found.max_drawdown_frac, hit_rate=sums.hit_rate, expectancy=sums.expectancy,
        ci=Interval(low=low, high=high),
        groups=[
            Group(name=name, n=each.n, gross=each.gross, costs=each.costs, net=each.net, hit_rate=each.hit_rate,
                  expectancy=each.expectancy)
            for name, each in found.groups
        ],
        baseline=Baseline(buy_hold=found.buy_hold, no_llm=found.no_llm),
        known_at=time_of_ns(known_ns), stale_ms=stale_ms,
    )  # fmt: skip


def _digest(found: Performance) -> Digest:
    money = "none" if found.net is None else f"gross {found.gross:.2f}, costs {found.costs:.2f}, net {found.net:.2f}"
    rows = tuple((row.name, row.n, row.net, row.hit_rate) for row in found.groups[:5])
    return Digest(f"{found.n} trades: {money}", ("name", "n", "net", "hit_rate"), rows)


GET_PERFORMANCE = Operation(
    name="get_performance",
    title="Performance",
    doc_en="What closed trades (业绩) came to, net of costs, or those of a backtest's job_id.",
    doc_zh="已平仓交易的业绩，计入成本；给出 job_id 则为该回测。",
    scope="journal:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetPerformance,
    output=Performance,
    hints=Hints(read_only=True),
    timeout_s=60,
    path="/research/performance",
    handler=get_performance,
    digest=_digest,
)
