"""The record that the ladder is judged by: closed trades and daily returns, and the figures made of them.

A trade is a closed position, net of fees and funding; one that moved less than 1 bp of its notional is neither win nor
loss, and neither breaks nor lengthens a streak. The Sharpe ratio is mean / deviation of daily equity returns times
the root of 365, from 20 days on. Consistency is 1 minus the deviation of the daily win rates. Deviations are of a
sample (n - 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Any, Literal

from chanflow.domain.time import NS_PER_DAY
from chanflow.risk.ladder import LEVELS, Evidence, LadderState, Window

NEUTRAL_FRAC = Decimal("0.0001")
MIN_SHARPE_DAYS = 20
MONTH_DAYS, WEEK_DAYS = 30, 7
_DIGITS = Context(prec=28)
_ROOT_365 = _DIGITS.sqrt(Decimal(365))
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One position from flat to flat."""

    closed_ns: int
    net_quote: Decimal
    notional_quote: Decimal

    @property
    def outcome(self) -> Literal["win", "loss", "neutral"]:
        """Win, loss, or neither."""
        if abs(self.net_quote) < NEUTRAL_FRAC * self.notional_quote or self.net_quote == 0:
            return "neutral"
        return "win" if self.net_quote > 0 else "loss"


@dataclass(frozen=True, slots=True)
class DayReturn:
    """Equity at the end of a UTC day over its start, less one, transfers taken out. `day` counts from the epoch."""

    day: int
    return_frac: Decimal


@dataclass(frozen=True, slots=True)
class Record:
    """Trades in order of closing, days in order; what lies further back than the windows may have been dropped."""

    trades: tuple[ClosedTrade, ...] = ()
    days: tuple[DayReturn, ...] = ()

    def with_trade(self, trade: ClosedTrade) -> Record:
        """Return the record with one more trade; trades older than 30 days are dropped, but for the losing streak."""
        since_ns = trade.closed_ns - MONTH_DAYS * NS_PER_DAY
        keep = max(0, len(self.trades) - 10)
        kept = tuple(t for at, t in enumerate(self.trades) if t.closed_ns > since_ns or at >= keep)
        return replace(self, trades=(*kept, trade))

    def with_day(self, day: DayReturn) -> Record:
        """Return the record with one more day; at most 30 are kept."""
        return replace(self, days=(*self.days, day)[-MONTH_DAYS:])


def evidence_of(
    record: Record, state: LadderState, *, drawdown_frac: Decimal, day_loss_frac: Decimal, now_ns: int,
    forced_close: bool = False,
) -> Evidence:  # fmt: skip
    """Return the figures of `record` at `now_ns`, as far as they count for `state`."""
    first_day = -(-state.record_since_ns // NS_PER_DAY)
    trades = [t for t in record.trades if state.record_since_ns <= t.closed_ns <= now_ns]
    days = [d for d in record.days if d.day >= first_day and d.day > now_ns // NS_PER_DAY - MONTH_DAYS - 1]
    month = [t for t in trades if t.closed_ns > now_ns - MONTH_DAYS * NS_PER_DAY]
    return Evidence(
        drawdown_frac=drawdown_frac,
        day_loss_frac=day_loss_frac,
        straight_losses=_straight_losses(t for t in record.trades if t.closed_ns >= state.streaks_since_ns),
        week=_window(t for t in month if t.closed_ns > now_ns - WEEK_DAYS * NS_PER_DAY),
        month=_window(month),
        sharpe=sharpe([d.return_frac for d in days]),
        consistency=consistency(month),
        green_days=_green_days(days, -(-state.streaks_since_ns // NS_PER_DAY)),
        forced_close=forced_close,
    )


def _window(trades: Iterable[ClosedTrade]) -> Window:
    found = list(trades)
    if not found:
        return Window()
    wins, losses = _counts(found)
    return Window(
        trades=len(found),
        win_rate=_DIGITS.divide(Decimal(wins), Decimal(wins + losses)) if wins + losses else None,
        expectancy_quote=_DIGITS.divide(sum((t.net_quote for t in found), ZERO), Decimal(len(found))),
    )


def _counts(trades: Iterable[ClosedTrade]) -> tuple[int, int]:
    outcomes = [t.outcome for t in trades]
    return outcomes.count("win"), outcomes.count("loss")


def _straight_losses(trades: Iterable[ClosedTrade]) -> int:
    streak = 0
    for trade in trades:
        outcome = trade.outcome
        streak = streak + 1 if outcome == "loss" else 0 if outcome == "win" else streak
    return streak


def _green_days(days: list[DayReturn], since_day: int) -> int:
    """Return how many of the last days, one after the other without a gap, ended higher than they began."""
    streak, last = 0, None
    for each in days:
        follows = last is None or each.day == last + 1
        counts = each.return_frac > 0 and each.day >= since_day
        streak = (streak if follows else 0) + 1 if counts else 0
        last = each.day
    return streak


def _deviation(values: list[Decimal]) -> Decimal:
    mean = _DIGITS.divide(sum(values, ZERO), Decimal(len(values)))
    squares = sum(((v - mean) ** 2 for v in values), ZERO)
    return _DIGITS.sqrt(_DIGITS.divide(squares, Decimal(len(values) - 1)))


def sharpe(returns: list[Decimal]) -> Decimal | None:
    """Return the annual Sharpe ratio of daily returns; None for fewer than 20 days or where nothing varied."""
    if len(returns) < MIN_SHARPE_DAYS:
        return None
    deviation = _deviation(returns)
    if deviation == 0:
        return None
    mean = _DIGITS.divide(sum(returns, ZERO), Decimal(len(returns)))
    return _DIGITS.multiply(_DIGITS.divide(mean, deviation), _ROOT_365)


def consistency(trades: Iterable[ClosedTrade]) -> Decimal | None:
    """Return 1 minus the deviation of the daily win rates; None for fewer than two days with a win or a loss."""
    days: dict[int, list[ClosedTrade]] = {}
    for trade in trades:
        days.setdefault(trade.closed_ns // NS_PER_DAY, []).append(trade)
    rates = []
    for day in sorted(days):
        wins, losses = _counts(days[day])
        if wins + losses:
            rates.append(_DIGITS.divide(Decimal(wins), Decimal(wins + losses)))
    return None if len(rates) < 2 else ONE - _deviation(rates)


# ── kept and read back ────────────────────────────────────────────────────────


def read_ladder(kept: Mapping[str, Any], *, book: Literal["paper", "live"], now_ns: int) -> tuple[LadderState, bool]:
    """Return the ladder's state from its journaled form, and whether it could be read: one that cannot be is L0."""
    try:
        level, rose, hashed, seen = kept["level"], kept["rose_day"], kept["analyst_hash"], kept["review"]
        since, streaks, record = kept["since_ns"], kept["streaks_since_ns"], kept["record_since_ns"]
        sound = (
            level in LEVELS
            and kept["book"] == book
            and all(type(stamp) is int and 0 <= stamp <= now_ns for stamp in (since, streaks, record))
            and (rose is None or type(rose) is int)
            and all(text is None or isinstance(text, str) for text in (hashed, seen))
        )
        if sound:
            return LadderState(book, level, since, streaks, record, rose, seen, hashed), True
    except (KeyError, TypeError, AttributeError):
        pass
    return LadderState(book, "L0", now_ns, now_ns, now_ns), False
