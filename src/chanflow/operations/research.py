"""Research: what trading the points of symbols would have come to, on bars, costs on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, Self
from uuid import NAMESPACE_OID, UUID, uuid5

import anyio
import anyio.to_thread
from pydantic import BeforeValidator, ConfigDict, Field, FiniteFloat, StringConstraints, WithJsonSchema, model_validator

from chanflow.access.plans import PLANS, plan_named
from chanflow.domain.canonical import sha256_of
from chanflow.domain.job import Job
from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.backtest_work import Bars, backtest_work
from chanflow.operations.bars import bars_known
from chanflow.operations.fields import Level, Symbol, TimeNs, time_of_ns, whole
from chanflow.operations.job_effort import Work
from chanflow.operations.jobs import NewJob
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined, compact_json
from chanflow.operations.principal import Principal
from chanflow.operations.services import Services

NAME = "backtest_strategy"
POINTS = ("buy1", "buy2", "buy3", "sell1", "sell2", "sell3")
DEFAULT_ENTRY = "buy2,buy3,sell2,sell3"

Param = Annotated[str, StringConstraints(max_length=80)] | bool | int | FiniteFloat
Params = Annotated[dict[str, Param], Field(max_length=20), WithJsonSchema({"type": "object", "maxProperties": 20})]
"""Values by name; which there are is said by whoever is asked for another."""
JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]


class BacktestStrategy(Arguments):
    """Which symbols, level and span; or the job_id of a backtest asked for before.

    `chan_confluence` enters at confirmed points. Params: entry (types by comma), reward_risk, max_hold_bars.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["symbols"]}, {"required": ["job_id"]}]})

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=100)] | None = None
    level: Level = "30m"
    strategy: Literal["chan_confluence"] = "chan_confluence"
    params: Params = Field(default={})
    start: TimeNs | None = None
    end: TimeNs | None = None
    taker_bps: Annotated[FiniteFloat, Field(ge=0, le=50)] = 5.0
    wait_s: Annotated[int, Field(ge=0, le=20), BeforeValidator(whole)] = 10
    job_id: JobId | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.symbols is None and self.job_id is None:
            raise ValueError("symbols or job_id must be given")
        return self


class Bounds(Answer):
    """The 95 % interval of the hit rate; both null without a trade."""

    low: FiniteFloat | None
    high: FiniteFloat | None


class SymbolResult(Answer):
    """What one symbol came to, in quote."""

    symbol: str
    bars: int
    trades: int
    net: FiniteFloat
    hit_rate: FiniteFloat | None


class BacktestResult(Answer):
    """Money in quote, shares as fractions. `sharpe` is of daily returns a year, null with `sharpe_reason`.

    `trials` counts how many backtests were recorded on this desk, this one included: the more, the less one is worth.
    `skipped` are symbols without bars of the level. There is no gate in it, and the symbols are today's.
    """

    trades: int
    gross: FiniteFloat
    costs: FiniteFloat
    net: FiniteFloat
    return_frac: FiniteFloat
    max_drawdown_frac: FiniteFloat
    sharpe: FiniteFloat | None
    sharpe_reason: str
    hit_rate: FiniteFloat | None
    ci: Bounds
    trials: int
    start: str | None
    end: str | None
    by_symbol: list[SymbolResult]
    skipped: list[str]


class Backtested(Answer):
    """How the job stands; `result` is null until it has succeeded, `problem` says why it failed."""

    job_id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: FiniteFloat
    result: BacktestResult | None
    problem: str | None
    resource: str


async def backtest_strategy(asked: Asked[BacktestStrategy]) -> Backtested:
    """Return the backtest's result, or how its job stands after `wait_s`."""
    args, services, account = asked.args, asked.services, asked.principal.account
    if args.job_id is None:
        entry, figures = _rules(args)
        series = await _read(services, args, None)
        trial = _trial(args, series)
        new = _new_job(args, series, trial, asked.principal, services)
        work = partial(backtest_work, services, str(trial), series, entry, figures)
        job_id = (await anyio.to_thread.run_sync(services.jobs.start, new, work)).job_id
    else:
        job_id = args.job_id
    found = await services.jobs.wait(account, job_id, float(args.wait_s))
    if found is None or found.operation != NAME:
        raise Declined("not_found", "there is no such job", field="job_id")
    return await anyio.to_thread.run_sync(_shown, services, found)


def _trial(args: BacktestStrategy, series: Bars) -> UUID:
    """Return the name of what is tried: the same for the same question of the same bars, whoever asks."""
    return uuid5(
        NAMESPACE_OID,
        compact_json([args.model_dump(mode="json", exclude={"wait_s", "job_id"}), _version(series)]),
    )  # fmt: skip


def _version(series: Bars) -> list[Any]:
    """Return what tells these bars from others."""
    return [(symbol, len(found), found[-1].ts_ms, sum(bar.close for bar in found)) for symbol, found in series if found]


def _new_job(
    args: BacktestStrategy, series: Bars, trial: UUID, principal: Principal, services: Services
) -> NewJob:  # fmt: skip
    """Return the job of a question. It holds until when the bars were known, so that another process reads the same."""
    given = args.model_dump(mode="json", exclude={"wait_s", "job_id"})
    given |= {name: None if (at := given[name]) is None else time_of_ns(at) for name in ("start", "end")}
    until_ms = max((bars[-1].close_ms for _, bars in series if bars), default=None)
    plans = PLANS if services.access is None else services.access.plans
    return NewJob(
        job_id=str(uuid5(trial, principal.account)), account=principal.account, operation=NAME,
        args_hash=sha256_of(given), at_once=plan_named(plans, principal.plan).jobs,
        args={"given": given, "until_ms": until_ms, "version": sha256_of(_version(series)), "trial": str(trial)},
    )  # fmt: skip


def backtest_again(services: Services, kept: Mapping[str, Any]) -> Work:
    """Return the work of a job from what was written down of it. Raises Declined where its bars are others now."""
    args = BacktestStrategy.model_validate(kept["given"])
    entry, figures = _rules(args)
    series = anyio.run(_read, services, args, kept["until_ms"])
    if sha256_of(_version(series)) != kept["version"]:
        raise Declined("conflict", "the bars have changed since the backtest was asked for; ask again")
    return partial(backtest_work, services, kept["trial"], series, entry, figures)


def _shown(services: Services, job: Job) -> Backtested:
    kept = services.jobs.result(job)
    result = None
    if kept is not None:
        result = BacktestResult.model_validate({name: kept.get(name) for name in BacktestResult.model_fields})
    return Backtested(
        job_id=job.job_id, status=job.status, progress=job.progress, result=result, problem=job.error,
        resource=f"job://{job.job_id}",
    )  # fmt: skip


def _rules(args: BacktestStrategy) -> tuple[frozenset[str], dict[str, Any]]:
    """Return the types that are entered, and the rules' figures. Raises Declined naming a parameter."""
    known = {"entry": DEFAULT_ENTRY, "reward_risk": 2.0, "max_hold_bars": 96}
    for name in args.params:
        if name not in known:
            raise Declined("invalid_argument", f"the strategy has no such parameter; it has {', '.join(known)}",
                           field="params")  # fmt: skip
    given: dict[str, Any] = {**known, **args.params}
    entry = frozenset(str(given["entry"]).split(","))
    if not entry <= set(POINTS):
        raise Declined("invalid_argument", f"entry takes {', '.join(POINTS)}, divided by commas", field="params")
    reward, hold = given["reward_risk"], given["max_hold_bars"]
    if isinstance(reward, bool) or not isinstance(reward, int | float) or not 0.1 <= reward <= 100:
        raise Declined("invalid_argument", "reward_risk must be a number from 0.1 to 100", field="params")
    if isinstance(hold, bool) or not isinstance(hold, int) or not 1 <= hold <= 100_000:
        raise Declined("invalid_argument", "max_hold_bars must be a whole number from 1 to 100000", field="params")
    if args.start is not None and args.end is not None and args.start >= args.end:
        raise Declined("invalid_argument", "start must lie before end", field="start")
    return entry, {"reward_risk": float(reward), "max_hold_bars": hold, "taker_bps": args.taker_bps}


async def _read(
    services: Services, args: BacktestStrategy, until_ms: int | None
) -> list[tuple[str, list[Bar]]]:  # fmt: skip
    """Return the bars of each symbol in the span, as known at `until_ms`; none for one without bars of the level."""
    start_ms = None if args.start is None else args.start // NS_PER_MS
    end_ms = until_ms if args.end is None else args.end // NS_PER_MS
    series = []
    symbols = dict.fromkeys(args.symbols or ())
    for symbol in symbols:
        try:
            bars = await bars_known(services.klines, symbol, args.level, as_of_ms=end_ms, limit=services.structure_bars)
        except Declined as fault:
            if len(symbols) == 1 or fault.code != "not_found":
                raise
            bars = []
        series.append((symbol, [bar for bar in bars if start_ms is None or bar.ts_ms >= start_ms]))
    return series


def _digest(found: Backtested) -> Digest:
    result = found.result
    if result is None:
        return Digest(f"backtest {found.job_id}: {found.status}, {found.progress:.0%}", ("job_id", "status"), ())
    line = (
        f"{result.trades} trades, gross {result.gross:.2f}, costs {result.costs:.2f}, net {result.net:.2f} "
        f"({result.return_frac:+.2%}), {result.trials} trials recorded"
    )
    rows = tuple((row.symbol, row.bars, row.trades, row.net, row.hit_rate) for row in result.by_symbol[:5])
    return Digest(line, ("symbol", "bars", "trades", "net", "hit_rate"), rows)


BACKTEST_STRATEGY = Operation(
    name=NAME,
    title="Backtest",
    doc_en="Backtest points (回测) on bars with costs, hit rate and interval. Long ones give a job_id to poll.",
    doc_zh="在 K 线上回测买卖点，计入成本，给出胜率与区间；耗时的返回 job_id。",
    scope="research:run",
    plans=frozenset({"pro", "developer", "enterprise"}),
    charges={"backtest": 1, "api_call": 1},
    costs_of=lambda args: {"backtest": 0 if args.job_id is not None else 1, "api_call": 1},
    rate_class="heavy",
    input=BacktestStrategy,
    output=Backtested,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=60,
    path="/research/backtest",
    handler=backtest_strategy,
    digest=_digest,
)
