"""Research: what trading the points of symbols would have come to, on bars, costs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, Self
from uuid import NAMESPACE_OID, uuid5

import anyio.to_thread
import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, FiniteFloat, StringConstraints, WithJsonSchema, model_validator

from chanflow.backtest.points import BarSeries, Entry, PointRules, PointRun, PointTrade, run_points
from chanflow.domain.interval import wilson
from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS
from chanflow.market.markets import market_of
from chanflow.operations.bars import bars_known
from chanflow.operations.fields import Level, Symbol, TimeNs, time_of_ms, whole
from chanflow.operations.jobs import Effort, Job
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined, compact_json
from chanflow.operations.points import point_type
from chanflow.operations.services import Services
from chanflow.operations.structure import Structure
from chanflow.review.sharpe import A_SHARE_DAYS, CRYPTO_DAYS, sharpe

CAPITAL_QUOTE = 100_000.0
"""What a backtest starts with, shared alike among its symbols."""
SLIPPAGE_BPS = 1.0
SEED = 42
POINTS = ("buy1", "buy2", "buy3", "sell1", "sell2", "sell3")
DEFAULT_ENTRY = "buy2,buy3,sell2,sell3"
SHOWN_SYMBOLS = 20

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


async def backtest_strategy(asked: Asked[BacktestStrategy]) -> Backtested:
    """Return the backtest's result, or how its job stands after `wait_s`."""
    args, jobs = asked.args, asked.services.jobs
    if args.job_id is None:
        entry, rules = _rules(args)
        series = await _read(asked.services, args)
        job_id = _name(args, series)
        jobs.start(job_id, partial(_work, asked.services, job_id, series, entry, rules))
    else:
        job_id = args.job_id
    found = await anyio.to_thread.run_sync(jobs.wait, job_id, float(args.wait_s), abandon_on_cancel=True)
    if found is None:
        raise Declined("not_found", "there is no such job", field="job_id")
    return _shown(found)


def _name(args: BacktestStrategy, series: Sequence[tuple[str, list[Bar]]]) -> str:
    """Return the job's id: the same for the same question of the same bars."""
    bars = [(symbol, len(found), found[-1].ts_ms, sum(bar.close for bar in found)) for symbol, found in series if found]
    return str(uuid5(NAMESPACE_OID, compact_json([args.model_dump(mode="json", exclude={"wait_s", "job_id"}), bars])))


def _shown(job: Job) -> Backtested:
    result = None if job.result is None else BacktestResult.model_validate(job.result)
    return Backtested(
        job_id=job.job_id, status=job.status, progress=job.progress, result=result, problem=job.problem or None
    )


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


async def _read(services: Services, args: BacktestStrategy) -> list[tuple[str, list[Bar]]]:
    """Return the bars of each symbol in the span; none for a symbol without bars of the level."""
    start_ms = None if args.start is None else args.start // NS_PER_MS
    end_ms = None if args.end is None else args.end // NS_PER_MS
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


def _work(
    services: Services, job_id: str, series: Sequence[tuple[str, list[Bar]]], entry: frozenset[str],
    figures: Mapping[str, Any], effort: Effort,
) -> Mapping[str, Any]:  # fmt: skip
    runs: list[tuple[str, Sequence[Bar], PointRun]] = []
    traded = [(symbol, bars) for symbol, bars in series if len(bars) > 1]
    for number, (symbol, bars) in enumerate(traded):
        effort.reach(number / len(traded))
        shares = market_of(symbol) == "cn"
        rules = PointRules(
            CAPITAL_QUOTE / len(traded), slippage_bps=SLIPPAGE_BPS, market="a_share" if shares else "plain", **figures
        )
        runs.append((symbol, bars, run_points(_columns(bars), _entries(services, bars, entry), rules)))
    result = _result(runs, [symbol for symbol, bars in series if len(bars) <= 1])
    return {**result, "trials": services.trials.count(job_id)}


def _entries(services: Services, bars: Sequence[Bar], entry: frozenset[str]) -> list[Entry]:
    """Return the points to act on, each at the bar that confirmed it; a later point of one bar is passed over."""
    at = {bar.close_ms: number for number, bar in enumerate(bars)}
    found: dict[int, Entry] = {}
    for point in Structure(services.chan_columns(bars), bars).points:
        if point.confirmed_ms is not None and point_type(point) in entry:
            bar = at[point.confirmed_ms]
            found.setdefault(bar, Entry(bar, point.side == "buy", point.price))
    return [found[bar] for bar in sorted(found)]


def _columns(bars: Sequence[Bar]) -> BarSeries:
    def column(name: str) -> Any:
        return np.array([getattr(bar, name) for bar in bars])

    return BarSeries(
        column("ts_ms").astype(np.int64), column("open"), column("high"), column("low"), column("close"),
        column("volume"),
    )  # fmt: skip


def _result(runs: Sequence[tuple[str, Sequence[Bar], PointRun]], skipped: Sequence[str]) -> dict[str, Any]:
    trades = [trade for _, _, run in runs for trade in run.trades]
    equity_ms, equity = _equity(runs)
    peaks = np.maximum.accumulate(np.concatenate(([CAPITAL_QUOTE], equity)))[1:]
    days = equity_ms // (NS_PER_DAY // NS_PER_MS)
    ends = equity[np.flatnonzero(np.append(np.diff(days) != 0, True))] if len(equity) else equity
    returns = np.diff(np.concatenate(([CAPITAL_QUOTE], ends))) / np.concatenate(([CAPITAL_QUOTE], ends[:-1]))
    shares = bool(runs) and all(market_of(symbol) == "cn" for symbol, _, _ in runs)
    ratio = sharpe(returns, days_per_year=A_SHARE_DAYS if shares else CRYPTO_DAYS, seed=SEED)
    hits, judged = _hits(trades)
    bounds = wilson(hits, judged) if judged else None
    net = sum(trade.net_quote for trade in trades)
    costs = sum(trade.fees_quote + trade.slippage_quote for trade in trades)
    return {
        "trades": len(trades), "gross": net + costs, "costs": costs, "net": net, "return_frac": net / CAPITAL_QUOTE,
        "max_drawdown_frac": float(np.max(1.0 - equity / peaks, initial=0.0)),
        "sharpe": ratio.value, "sharpe_reason": ratio.reason,
        "hit_rate": hits / judged if judged else None,
        "ci": {"low": bounds.low if bounds else None, "high": bounds.high if bounds else None},
        "start": time_of_ms(int(equity_ms[0])) if len(equity_ms) else None,
        "end": time_of_ms(int(equity_ms[-1])) if len(equity_ms) else None,
        "by_symbol": [_of_symbol(*run) for run in sorted(runs, key=_worth)[:SHOWN_SYMBOLS]],
        "skipped": list(skipped),
    }  # fmt: skip


def _worth(run: tuple[str, Sequence[Bar], PointRun]) -> tuple[float, str]:
    return -abs(float(run[2].earned_quote[-1])), run[0]


def _of_symbol(symbol: str, bars: Sequence[Bar], run: PointRun) -> dict[str, Any]:
    hits, judged = _hits(run.trades)
    return {
        "symbol": symbol, "bars": len(bars), "trades": len(run.trades), "net": sum(t.net_quote for t in run.trades),
        "hit_rate": hits / judged if judged else None,
    }  # fmt: skip


def _hits(trades: Sequence[PointTrade]) -> tuple[int, int]:
    """Return how many trades reached their target, of those that met target or stop."""
    judged = [trade for trade in trades if trade.exit_cause in ("target", "stop")]
    return sum(trade.hit for trade in judged), len(judged)


def _equity(runs: Sequence[tuple[str, Sequence[Bar], PointRun]]) -> tuple[Any, Any]:
    """Return the closes at which anything was marked, in Unix ms, and the equity of all symbols together then."""
    closes = [np.array([bar.close_ms for bar in bars], dtype=np.int64) for _, bars, _ in runs]
    if not closes:
        return np.array([], dtype=np.int64), np.array([], dtype=np.float64)
    at = np.unique(np.concatenate(closes))
    total = np.full(len(at), CAPITAL_QUOTE)
    for own, (_, _, run) in zip(closes, runs, strict=True):
        place = np.searchsorted(own, at, side="right") - 1
        total += np.where(place >= 0, run.earned_quote[np.maximum(place, 0)], 0.0)
    return at, total


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
    name="backtest_strategy",
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
