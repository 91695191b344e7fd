"""The strategy mode: `active` or `quiet`, from the market's activity and a schedule, with hysteresis.

Verdicts fall on ticks of 10 s of event time, never per call, so the mode depends on what happened alone. A mode brings
its parameters whole: four sets, A_H, A_L, Q_H and Q_L, for the two modes and for volatility in the top third (H) of
the last 24 h or below it (L); sets are replaced, never changed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chanflow.domain.signal import StrategyMode
from chanflow.signals.activity import Activity, MarketTrigger
from chanflow.signals.schedule import Schedule

TICK_MS = 10_000
WINDOW_MS = 60_000
MIN_DWELL_MS = 60_000
"""A mode is kept at least so long, so that noise at a threshold cannot swap parameters more than once a minute."""
MAX_TICKS = 32
"""After a gap only so many ticks are caught up: whatever came before them is forgotten by then."""
VOLATILITY_MS = 86_400_000
MIN_VOLATILITY_SAMPLES = 360
"""An hour of ticks; before that, no volatility counts as high."""

Setting = Literal["auto", "active", "quiet"]
Combine = Literal["AND", "OR"]
SetName = Literal["A_H", "A_L", "Q_H", "Q_L"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a mode asks of a signal."""

    min_consistency: float
    buy_score: float
    strong_score: float
    cooldown_ms: int

    def __post_init__(self) -> None:
        if not 0 < self.buy_score <= self.strong_score:
            raise ValueError(f"strong_score is {self.strong_score}, allowed is from buy_score, {self.buy_score}")


ACTIVE = Parameters(0.12, 0.5, 1.0, 30_000)
QUIET = Parameters(0.15, 0.7, 1.4, 60_000)


@dataclass(frozen=True, slots=True)
class ModeConfig:
    """How the mode is found. `enter_ticks` active verdicts in a row enter `active`, `leave_ticks` others leave it."""

    setting: Setting = "auto"
    combine: Combine = "AND"
    trigger: MarketTrigger = field(default_factory=MarketTrigger)
    schedule: Schedule = field(default_factory=Schedule)
    enter_ticks: int = 2
    leave_ticks: int = 4
    sets: Mapping[SetName, Parameters] = field(
        default_factory=lambda: {"A_H": ACTIVE, "A_L": ACTIVE, "Q_H": QUIET, "Q_L": QUIET}
    )


class StrategyModeManager:
    """The mode of one symbol. It starts quiet; a setting other than `auto` fixes it."""

    def __init__(self, config: ModeConfig) -> None:
        self._config = config
        self._mode: StrategyMode = "active" if config.setting == "active" else "quiet"
        self._newest: tuple[int, Activity] | None = None
        self._tick_ms: int | None = None
        self._samples: deque[tuple[int, tuple[float, ...]]] = deque()
        self._streak = 0
        self._changed_ms: int | None = None
        self._volatility = _Terciles()
        self._transitions: Counter[tuple[str, str, str]] = Counter()
        self._time_in_mode_ms: Counter[str] = Counter()
        self._parameters = self._chosen()

    @property
    def mode(self) -> StrategyMode:
        """The mode now."""
        return self._mode

    @property
    def set_name(self) -> SetName:
        """The name of the parameter set now."""
        high = self._volatility.is_high
        if self._mode == "active":
            return "A_H" if high else "A_L"
        return "Q_H" if high else "Q_L"

    @property
    def parameters(self) -> Parameters:
        """The parameters now, one whole set."""
        return self._parameters

    def observe(self, ts_ms: int, activity: Activity) -> StrategyMode:
        """Note what a moment was like, and return the mode at it. Times never fall; an earlier one is passed over."""
        if self._newest is not None and ts_ms < self._newest[0]:
            return self._mode
        last = ts_ms // TICK_MS * TICK_MS
        if self._tick_ms is None:
            self._tick_ms = last - TICK_MS if ts_ms == last else last
        for tick in range(max(self._tick_ms + TICK_MS, last - (MAX_TICKS - 1) * TICK_MS), last + TICK_MS, TICK_MS):
            if tick == ts_ms:
                self._newest = (ts_ms, activity)
            self._evaluate(tick, since_ms=self._tick_ms)
            self._tick_ms = tick
        self._newest = (ts_ms, activity)
        return self._mode

    def metrics(self) -> dict[str, Any]:
        """Return mode and set, how often each transition happened and why, and the ms of event time in each mode."""
        return {
            "mode": self._mode,
            "set": self.set_name,
            "transitions_total": dict(self._transitions),
            "time_in_mode_ms": dict(self._time_in_mode_ms),
        }

    def _evaluate(self, tick_ms: int, *, since_ms: int) -> None:
        self._time_in_mode_ms[self._mode] += tick_ms - since_ms
        activity = self._fresh(tick_ms)
        figures = activity.figures
        if figures is not None:
            self._samples.append((tick_ms, figures))
        while self._samples and self._samples[0][0] <= tick_ms - WINDOW_MS:
            self._samples.popleft()
        self._volatility.add(tick_ms, activity.volatility_bps)
        market = figures is not None and self._config.trigger.is_active([each for _, each in self._samples])
        active, reason = self._verdict(tick_ms, market=market)
        if self._config.setting == "auto":
            self._weigh(tick_ms, active=active, reason="missing_input" if figures is None and not active else reason)
        self._parameters = self._chosen()

    def _fresh(self, tick_ms: int) -> Activity:
        """Return the newest activity at a tick; one older than the tick before is no longer known."""
        if self._newest is None or self._newest[0] <= tick_ms - TICK_MS:
            return Activity()
        return self._newest[1]

    def _verdict(self, tick_ms: int, *, market: bool) -> tuple[bool, str]:
        config = self._config
        if not config.schedule.enabled:
            return market, "market"
        scheduled = config.schedule.is_open(tick_ms)
        if config.combine == "AND":
            return market and scheduled, "market" if scheduled else "schedule"
        return market or scheduled, "market" if market else "schedule"

    def _weigh(self, tick_ms: int, *, active: bool, reason: str) -> None:
        if active == (self._mode == "active"):
            self._streak = 0
            return
        self._streak += 1
        needed = self._config.enter_ticks if active else self._config.leave_ticks
        rested = self._changed_ms is None or tick_ms - self._changed_ms >= MIN_DWELL_MS
        if self._streak < needed or not rested:
            return
        mode: StrategyMode = "active" if active else "quiet"
        self._transitions[self._mode, mode, reason] += 1
        self._mode, self._streak, self._changed_ms = mode, 0, tick_ms

    def _chosen(self) -> Parameters:
        return self._config.sets[self.set_name]

    def save(self) -> dict[str, Any]:
        """Return everything it remembers, as JSON knows it."""
        return {
            "mode": self._mode,
            "newest": None if self._newest is None else [self._newest[0], _listed(self._newest[1])],
            "tick_ms": self._tick_ms,
            "samples": [[at, list(figures)] for at, figures in self._samples],
            "streak": self._streak,
            "changed_ms": self._changed_ms,
            "volatility": self._volatility.save(),
            "transitions": [[*names, count] for names, count in sorted(self._transitions.items())],
            "time_in_mode_ms": dict(sorted(self._time_in_mode_ms.items())),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up what `save` gave. Raises KeyError, TypeError or ValueError for anything else."""
        self._mode = "active" if state["mode"] == "active" else "quiet"
        newest = state["newest"]
        self._newest = None if newest is None else (int(newest[0]), Activity(*newest[1]))
        self._tick_ms = state["tick_ms"]
        self._samples = deque((int(at), tuple(figures)) for at, figures in state["samples"])
        self._streak, self._changed_ms = int(state["streak"]), state["changed_ms"]
        self._volatility.load(state["volatility"])
        self._transitions = Counter({(a, b, why): int(count) for a, b, why, count in state["transitions"]})
        self._time_in_mode_ms = Counter(state["time_in_mode_ms"])
        self._parameters = self._chosen()


class _Terciles:
    """Whether the newest volatility lies in the top third of the last 24 h, itself left out of the comparison."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, float]] = deque()
        self._ordered: list[float] = []
        self.is_high = False

    def add(self, at_ms: int, value: float | None) -> None:
        while self._samples and self._samples[0][0] <= at_ms - VOLATILITY_MS:
            _, old = self._samples.popleft()
            del self._ordered[bisect_left(self._ordered, old)]
        if value is None:
            return
        if len(self._ordered) >= MIN_VOLATILITY_SAMPLES:
            self.is_high = bisect_left(self._ordered, value) * 3 >= len(self._ordered) * 2
        self._samples.append((at_ms, value))
        insort(self._ordered, value)

    def save(self) -> dict[str, Any]:
        return {"samples": [list(sample) for sample in self._samples], "is_high": self.is_high}

    def load(self, state: Mapping[str, Any]) -> None:
        self._samples = deque((int(at), float(value)) for at, value in state["samples"])
        self._ordered = sorted(value for _, value in self._samples)
        self.is_high = bool(state["is_high"])


def _listed(activity: Activity) -> list[float | None]:
    return [
        activity.trades_per_min,
        activity.quotes_per_s,
        activity.spread_bps,
        activity.volatility_bps,
        activity.volume_quote,
    ]
