"""The permission ladder: how far the desk may act alone. A pure state machine; who keeps the state journals it first.

| level | max position | max leverage | min confidence | opening trades a day | up when (all) | down when |
|---|---|---|---|---|---|---|
| L0 protected (保护) | 0 | 1 | 1.00 | 0, closing only | a person reviews | - |
| L1 novice (新手) | 10 % | 2 | 0.80 | 1 | 7 d, 5 trades, win rate 7 d 50 %, drawdown < 8 % | - |
| L2 growing (成长) | 12 % | 2 | 0.75 | 2 | 30 d, 10, 30 d 50 %, Sharpe 1.0, < 8 % | 3 straight losses |
| L3 steady (稳定) | 15 % | 3 | 0.70 | 4 | 30 d, 20, 60 %, 1.5, < 8 %, consistency 0.7 | win rate 7 d < 45 % |
| L4 skilled (熟练) | 20 % | 4 | 0.65 | 6 | 30 d, 50, 70 %, 2.0, < 5 %, 20 green days | win rate 30 d < 55 % |
| L5 expert (专家) | 25 % | 5 | 0.60 | no cap | - | win rate 30 d < 65 % |

Position is notional over equity on one asset. Every promotion also needs an expectancy above 0 over the same window,
and that the level above would not send it back at once. From anywhere to L0: drawdown or day loss at its limit, a
forced close, five straight losses, a table that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, get_args

from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_DAY
from chanflow.risk.limits import Limits

Level = Literal["L0", "L1", "L2", "L3", "L4", "L5"]
Book = Literal["paper", "live"]
LEVELS: tuple[Level, ...] = get_args(Level)

HALF_SIZE_BAND = Decimal("0.05")
"""A confidence this little below the minimum is let through at half size."""

EXTRA_TRADE_CONFIDENCE = Decimal("0.85")
"""What one trade over the daily count needs."""

PROTECT_AFTER_LOSSES = 5


@dataclass(frozen=True, slots=True)
class Rung:
    """What one level allows."""

    level: Level
    max_position_frac: Decimal
    max_leverage: int
    min_confidence: Decimal
    opening_trades_per_day: int | None


LADDER: dict[Level, Rung] = {
    rung.level: rung
    for rung in (
        Rung("L0", Decimal(0), 1, Decimal("1.00"), 0),
        Rung("L1", Decimal("0.10"), 2, Decimal("0.80"), 1),
        Rung("L2", Decimal("0.12"), 2, Decimal("0.75"), 2),
        Rung("L3", Decimal("0.15"), 3, Decimal("0.70"), 4),
        Rung("L4", Decimal("0.20"), 4, Decimal("0.65"), 6),
        Rung("L5", Decimal("0.25"), 5, Decimal("0.60"), None),
    )
}


@dataclass(frozen=True, slots=True)
class Window:
    """Closed trades over some days, net of fees and funding. Rates are None where nothing was won or lost."""

    trades: int = 0
    win_rate: Decimal | None = None
    expectancy_quote: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ladder is judged by. `sharpe` and `consistency` are None where there are too few days."""

    drawdown_frac: Decimal
    day_loss_frac: Decimal
    straight_losses: int = 0
    week: Window = Window()
    month: Window = Window()
    sharpe: Decimal | None = None
    consistency: Decimal | None = None
    green_days: int = 0
    forced_close: bool = False
    table_readable: bool = True


@dataclass(frozen=True, slots=True)
class Climb:
    """What a level asks of those who would leave it upward."""

    days: int
    trades: int
    week: bool
    win_rate: Decimal
    max_drawdown_frac: Decimal
    sharpe: Decimal | None = None
    consistency: Decimal | None = None
    green_days: int = 0


CLIMBS: dict[Level, Climb] = {
    "L1": Climb(7, 5, True, Decimal("0.50"), Decimal("0.08")),
    "L2": Climb(30, 10, False, Decimal("0.50"), Decimal("0.08"), Decimal("1.0")),
    "L3": Climb(30, 20, False, Decimal("0.60"), Decimal("0.08"), Decimal("1.5"), Decimal("0.7")),
    "L4": Climb(30, 50, False, Decimal("0.70"), Decimal("0.05"), Decimal("2.0"), None, 20),
}

LOSSES_DOWN: dict[Level, int] = {"L2": 3}
WEEK_FLOOR: dict[Level, Decimal] = {"L3": Decimal("0.45")}
MONTH_FLOOR: dict[Level, Decimal] = {"L4": Decimal("0.55"), "L5": Decimal("0.65")}
MIN_WEEK_TRADES, MIN_MONTH_TRADES = 5, 10
"""Fewer say nothing: a win-rate demotion does not fire."""


@dataclass(frozen=True, slots=True)
class LadderState:
    """Where one book stands. `rose_day` is the UTC day, counted from the epoch, of the last step up."""

    book: Book
    level: Level
    since_ns: int
    streaks_since_ns: int
    """Losing and green streaks count from here: a person's review begins them anew."""
    record_since_ns: int
    """Trades and days of the record count from here: a change of analyst begins it anew."""
    rose_day: int | None = None
    review: str | None = None
    """Who reviewed last, and the note."""
    analyst_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A step of the ladder, journaled before it takes effect."""

    book: Book
    before: Level
    after: Level
    cause: str
    message: str
    at_ns: int


def start(book: Book, now_ns: int, *, paper_start: Level = "L3") -> LadderState:
    """Return the state of a book that begins: live at L1 whatever paper reached, paper at most at L3."""
    level: Level = "L1" if book == "live" else min(paper_start, "L3")
    return LadderState(book, level, now_ns, now_ns, now_ns)


def protect(state: LadderState, evidence: Evidence, limits: Limits, now_ns: int) -> Change | None:
    """Return the fall to L0 where a cause of it stands, None otherwise or where L0 is reached already."""
    if state.level == "L0":
        return None
    cause = _l0_cause(evidence, limits)
    return None if cause is None else _change(state, "L0", *cause, now_ns)


def evaluate(state: LadderState, evidence: Evidence, limits: Limits, now_ns: int) -> Change | None:
    """Return the step to take, None for none: L0 causes first, then one level down, then one level up."""
    if state.level == "L0":
        return None
    return (
        protect(state, evidence, limits, now_ns)
        or _down(state, evidence, now_ns)
        or _up(state, evidence, now_ns)
    )  # fmt: skip


def apply(state: LadderState, change: Change) -> LadderState:
    """Return the state after a step: the time in level begins anew."""
    rose = change.after > change.before
    return replace(
        state, level=change.after, since_ns=change.at_ns,
        rose_day=change.at_ns // NS_PER_DAY if rose else state.rose_day,
    )  # fmt: skip


def review(
    state: LadderState, evidence: Evidence, limits: Limits, *, who: str, note: str, now_ns: int
) -> tuple[LadderState, Change] | Reason:
    """Let a person lead the desk from L0 to L1. Returns the new state and its change, or why that cannot be.

    Streaks begin anew. Refused away from L0, without a note, and while drawdown or day loss still stands at its limit.
    """
    if state.level != "L0":
        return Reason("review_not_needed", f"the ladder stands at {state.level}: a review leads out of L0 alone")
    if not who.strip() or not note.strip():
        return Reason("note_missing", "a review needs a name and a note")
    if state.rose_day == now_ns // NS_PER_DAY:
        return Reason("rose_today", "the ladder rises by one level a day at most, and it rose today")
    lasting = _l0_cause(replace(evidence, straight_losses=0, forced_close=False), limits)
    if lasting is not None:
        return Reason(lasting[0], f"{lasting[1]}: L0 would be back at once")
    change = _change(state, "L1", "review", f"reviewed by {who}: {note}", now_ns)
    return replace(apply(state, change), streaks_since_ns=now_ns, review=f"{who}: {note}"), change


def lower(state: LadderState, level: Level, *, who: str, now_ns: int) -> tuple[LadderState, Change] | Reason:
    """Let an operator lower the level. Returns the new state and its change, or why that cannot be."""
    if level >= state.level:
        return Reason("not_lower", f"{level} is not below {state.level}: an operator may only lower the level")
    change = _change(state, level, "operator", f"lowered by {who}", now_ns)
    return apply(state, change), change


def analyst_changed(state: LadderState, analyst_hash: str, now_ns: int) -> tuple[LadderState, Change | None]:
    """Take note of the analyst at work. One that is new begins a record of its own, at L1 at most."""
    if analyst_hash == state.analyst_hash:
        return state, None
    first = state.analyst_hash is None
    noted = replace(state, analyst_hash=analyst_hash)
    if first:
        return noted, None
    noted = replace(noted, record_since_ns=now_ns, since_ns=now_ns)
    if state.level <= "L1":
        return noted, None
    change = _change(state, "L1", "analyst_changed", f"the analyst is now {analyst_hash[:12]}", now_ns)
    return apply(noted, change), change


def _change(state: LadderState, level: Level, cause: str, message: str, now_ns: int) -> Change:
    return Change(state.book, state.level, level, cause, message, now_ns)


def _l0_cause(e: Evidence, limits: Limits) -> tuple[str, str] | None:
    if not e.table_readable:
        return "unreadable", "the ladder's state cannot be read"
    if e.drawdown_frac >= limits.max_drawdown_frac:
        return "drawdown", f"drawdown is {e.drawdown_frac:.4f}, the limit is {limits.max_drawdown_frac}"
    if e.day_loss_frac >= limits.max_day_loss_frac:
        return "day_loss", f"day loss is {e.day_loss_frac:.4f}, the limit is {limits.max_day_loss_frac}"
    if e.forced_close:
        return "forced_close", "a position was closed by force"
    if e.straight_losses >= PROTECT_AFTER_LOSSES:
        return "straight_losses", f"{e.straight_losses} trades in a row lost, {PROTECT_AFTER_LOSSES} lead to L0"
    return None


def demotion_of(level: Level, e: Evidence) -> str | None:
    """Return why a desk at `level` is to be sent one level down, or None."""
    losses = LOSSES_DOWN.get(level)
    if losses is not None and e.straight_losses >= losses:
        return f"{e.straight_losses} trades in a row lost, {losses} lead down from {level}"
    for floors, window, least, days in (
        (WEEK_FLOOR, e.week, MIN_WEEK_TRADES, 7), (MONTH_FLOOR, e.month, MIN_MONTH_TRADES, 30),
    ):  # fmt: skip
        floor = floors.get(level)
        rate = window.win_rate
        if floor is not None and rate is not None and window.trades >= least and rate < floor:
            return f"win rate over {days} days is {rate:.4f}, {level} needs {floor}"
    return None


def _down(state: LadderState, e: Evidence, now_ns: int) -> Change | None:
    why = demotion_of(state.level, e)
    return None if why is None else _change(state, LEVELS[LEVELS.index(state.level) - 1], "demotion", why, now_ns)


def missing(state: LadderState, e: Evidence, now_ns: int) -> tuple[str, ...]:
    """Return what a promotion still lacks, each with value and bound; empty where nothing does, or at L0 and L5."""
    climb = CLIMBS.get(state.level)
    return () if climb is None else tuple(text for ok, text in _steps(state, climb, e, now_ns) if not ok)


def _up(state: LadderState, e: Evidence, now_ns: int) -> Change | None:
    climb = CLIMBS.get(state.level)
    if climb is None or not all(ok for ok, _ in _steps(state, climb, e, now_ns)):
        return None
    above = LEVELS[LEVELS.index(state.level) + 1]
    return _change(state, above, "promotion", f"every condition of {above} is met", now_ns)


def _steps(state: LadderState, climb: Climb, e: Evidence, now_ns: int) -> Iterator[tuple[bool, str]]:
    """Yield each condition of a promotion: whether it is met, and in words."""
    above = LEVELS[LEVELS.index(state.level) + 1]
    window, days = (e.week, 7) if climb.week else (e.month, 30)
    here_ns = now_ns - state.since_ns
    yield state.rose_day != now_ns // NS_PER_DAY, "it rose today, one level a day is the most"
    yield here_ns >= climb.days * NS_PER_DAY, f"{here_ns // NS_PER_DAY} days here, {climb.days} are needed"
    yield window.trades >= climb.trades, f"{window.trades} trades in {days} days, {climb.trades} are needed"
    yield _least(window.win_rate, climb.win_rate), f"win rate {window.win_rate}, {climb.win_rate} is needed"
    gains = window.expectancy_quote is not None and window.expectancy_quote > 0
    yield gains, f"expectancy {window.expectancy_quote}, above 0 is needed"
    deep = climb.max_drawdown_frac
    yield e.drawdown_frac < deep, f"drawdown {e.drawdown_frac:.4f}, below {deep} is needed"
    yield climb.sharpe is None or _least(e.sharpe, climb.sharpe), f"Sharpe {e.sharpe}, {climb.sharpe} is needed"
    steady = climb.consistency is None or _least(e.consistency, climb.consistency)
    yield steady, f"consistency {e.consistency}, {climb.consistency} is needed"
    yield e.green_days >= climb.green_days, f"{e.green_days} straight green days, {climb.green_days} are needed"
    yield demotion_of(above, e) is None, f"{above} would send it back at once"


def _least(value: Decimal | None, bound: Decimal) -> bool:
    return value is not None and value >= bound
