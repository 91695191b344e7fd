"""The work of a backtest: symbols one after the other, what they came to together, and the rows of every trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chanflow.backtest.points import BarSeries, Entry, PointRules, PointRun, PointTrade, run_points
from chanflow.domain.interval import wilson
from chanflow.domain.job_result import Table, Worked
from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS
from chanflow.market.markets import market_of
from chanflow.operations.fields import time_of_ms
from chanflow.operations.job_effort import Effort
from chanflow.operations.points import point_type
from chanflow.operations.services import Services
from chanflow.operations.structure import Structure
from chanflow.review.sharpe import A_SHARE_DAYS, CRYPTO_DAYS, sharpe

CAPITAL_QUOTE = 100_000.0
"""What a backtest starts with, shared alike among its symbols."""
SLIPPAGE_BPS = 1.0
SEED = 42
SHOWN_SYMBOLS = 20
_BPS = 10_000.0

TRADES: Mapping[str, Any] = {
    "symbol": "text", "side": "text", "point_type": "text", "entry_time": "text", "exit_time": "text",
    "entry_price": "number", "exit_price": "number", "qty": "number", "gross": "number", "fees": "number",
    "slippage": "number", "net": "number", "exit": "text",
}  # fmt: skip
BY_SYMBOL: Mapping[str, Any] = {
    "symbol": "text", "bars": "whole", "trades": "whole", "gross": "number", "costs": "number", "net": "number",
    "hit_rate": "number",
}  # fmt: skip
EQUITY: Mapping[str, Any] = {"time_ms": "whole", "equity": "number", "held": "number"}
"""The equity at each close, and what one unit of quote, shared alike among the symbols and held, was worth then."""

Bars = Sequence[tuple[str, list[Bar]]]


@dataclass(frozen=True, slots=True)
class Course:
    """One symbol's run: its bars, what was traded, and the type of the point at each bar that was acted on."""

    symbol: str
    bars: Sequence[Bar]
    run: PointRun
    types: Mapping[int, str]


def backtest_work(
    services: Services, trial: str, series: Bars, entry: frozenset[str], figures: Mapping[str, Any], effort: Effort
) -> Worked:
    """Return what trading the points of `entry` types came to, and count the trial. Raises Cancelled."""
    courses: list[Course] = []
    traded = [(symbol, bars) for symbol, bars in series if len(bars) > 1]
    for number, (symbol, bars) in enumerate(traded):
        effort.reach(number / len(traded))
        shares = market_of(symbol) == "cn"
        rules = PointRules(
            CAPITAL_QUOTE / len(traded), slippage_bps=SLIPPAGE_BPS, market="a_share" if shares else "plain", **figures
        )
        entries, types = _entries(services, bars, entry)
        courses.append(Course(symbol, bars, run_points(_columns(bars), entries, rules), types))
    effort.reach(1.0)
    result = _result(courses, [symbol for symbol, bars in series if len(bars) <= 1])
    tables = {
        "trades": Table(TRADES, [row for course in courses for row in _trade_rows(course)]),
        "by_symbol": Table(BY_SYMBOL, [_symbol_row(course) for course in sorted(courses, key=_worth)]),
        "equity": Table(EQUITY, _equity_rows(courses)),
    }
    return Worked({**result, "trials": services.trials.count(trial)}, tables)


def _equity_rows(courses: Sequence[Course]) -> list[tuple[int, float, float]]:
    at, equity = _equity(courses)
    held = np.zeros(len(at))
    for course in courses:
        own = np.array([bar.close_ms for bar in course.bars], dtype=np.int64)
        closes = np.array([bar.close for bar in course.bars])
        place = np.maximum(np.searchsorted(own, at, side="right") - 1, 0)
        held += closes[place] / closes[0] / len(courses)
    return list(zip(at.tolist(), equity.tolist(), held.tolist(), strict=True))


def _trade_rows(course: Course) -> list[list[Any]]:
    return [
        [
            course.symbol, "long" if trade.long else "short", course.types[trade.bar], time_of_ms(trade.entry_ms),
            time_of_ms(trade.exit_ms), trade.entry_price, trade.exit_price, trade.qty_base, trade.gross_quote,
            trade.fees_quote, trade.slippage_quote, trade.net_quote, trade.exit_cause,
        ]
        for trade in course.run.trades
    ]  # fmt: skip


def _symbol_row(course: Course) -> list[Any]:
    trades = course.run.trades
    hits, judged = _hits(trades)
    net = sum(trade.net_quote for trade in trades)
    costs = sum(trade.fees_quote + trade.slippage_quote for trade in trades)
    return [course.symbol, len(course.bars), len(trades), net + costs, costs, net, hits / judged if judged else None]


def _entries(
    services: Services, bars: Sequence[Bar], entry: frozenset[str]
) -> tuple[list[Entry], Mapping[int, str]]:  # fmt: skip
    """Return the points to act on, each at the bar that confirmed it, and their types by bar.

    A later point of one bar is passed over.
    """
    at = {bar.close_ms: number for number, bar in enumerate(bars)}
    found: dict[int, Entry] = {}
    types: dict[int, str] = {}
    for point in Structure(services.chan_columns(bars), bars).points:
        if point.confirmed_ms is not None and point_type(point) in entry:
            bar = at[point.confirmed_ms]
            found.setdefault(bar, Entry(bar, point.side == "buy", point.price))
            types.setdefault(bar, point_type(point))
    return [found[bar] for bar in sorted(found)], types


def _columns(bars: Sequence[Bar]) -> BarSeries:
    def column(name: str) -> Any:
        return np.array([getattr(bar, name) for bar in bars])

    return BarSeries(
        column("ts_ms").astype(np.int64), column("open"), column("high"), column("low"), column("close"),
        column("volume"),
    )  # fmt: skip


def _result(courses: Sequence[Course], skipped: Sequence[str]) -> dict[str, Any]:
    trades = [trade for course in courses for trade in course.run.trades]
    equity_ms, equity = _equity(courses)
    peaks = np.maximum.accumulate(np.concatenate(([CAPITAL_QUOTE], equity)))[1:]
    days = equity_ms // (NS_PER_DAY // NS_PER_MS)
    ends = equity[np.flatnonzero(np.append(np.diff(days) != 0, True))] if len(equity) else equity
    returns = np.diff(np.concatenate(([CAPITAL_QUOTE], ends))) / np.concatenate(([CAPITAL_QUOTE], ends[:-1]))
    shares = bool(courses) and all(market_of(course.symbol) == "cn" for course in courses)
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
        "by_symbol": [_of_symbol(course) for course in sorted(courses, key=_worth)[:SHOWN_SYMBOLS]],
        "skipped": list(skipped),
    }  # fmt: skip


def _worth(course: Course) -> tuple[float, str]:
    return -abs(float(course.run.earned_quote[-1])), course.symbol


def _of_symbol(course: Course) -> dict[str, Any]:
    row = dict(zip(BY_SYMBOL, _symbol_row(course), strict=True))
    return {name: row[name] for name in ("symbol", "bars", "trades", "net", "hit_rate")}


def _hits(trades: Sequence[PointTrade]) -> tuple[int, int]:
    """Return how many trades reached their target, of those that met target or stop."""
    judged = [trade for trade in trades if trade.exit_cause in ("target", "stop")]
    return sum(trade.hit for trade in judged), len(judged)


def _equity(courses: Sequence[Course]) -> tuple[Any, Any]:
    """Return the closes at which anything was marked, in Unix ms, and the equity of all symbols together then."""
    closes = [np.array([bar.close_ms for bar in course.bars], dtype=np.int64) for course in courses]
    if not closes:
        return np.array([], dtype=np.int64), np.array([], dtype=np.float64)
    at = np.unique(np.concatenate(closes))
    total = np.full(len(at), CAPITAL_QUOTE)
    for own, course in zip(closes, courses, strict=True):
        place = np.searchsorted(own, at, side="right") - 1
        total += np.where(place >= 0, course.run.earned_quote[np.maximum(place, 0)], 0.0)
    return at, total
