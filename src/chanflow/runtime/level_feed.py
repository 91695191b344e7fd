"""The levels of one symbol from its bars of one interval: resampled on the market's calendar, analysed and linked.

`levels_of` reads whole columns, `LevelFeed` takes bars as they close. Columns are those of `market.resample_on`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.features import levels
from chanflow.features.chan import Setting
from chanflow.features.levels import LevelBars, Levels
from chanflow.features.live_levels import LiveLevels
from chanflow.market.calendar import Calendar
from chanflow.market.resample import CalendarResampler, resample_on

Columns = Mapping[str, NDArray[Any]]


def levels_of(
    columns: Columns,
    calendar: Calendar,
    base: str,
    names: Sequence[str],
    *,
    preset: str = "default",
    params: Mapping[str, Setting] | None = None,
    history: bool = True,
    known_to_ms: int | None = None,
) -> Levels:
    """Return the levels `names`, finest first, of the closed bars that the `base` bars in `columns` make.

    Bars that ended by `known_to_ms` are closed even if no later one is in `columns`; `history` is that of
    `levels.analyze`. Raises ValueError as `resample_on` and `levels.analyze` do.
    """
    made = [_level_bars(name, resample_on(columns, calendar, base, name, known_to_ms=known_to_ms)) for name in names]
    return levels.analyze(made, preset=preset, params=params, history=history)


class LevelFeed:
    """The incremental twin of `levels_of`: takes bars of one interval in time order, one at a time or many at once."""

    def __init__(
        self,
        calendar: Calendar,
        base: str,
        names: Sequence[str],
        *,
        preset: str = "default",
        params: Mapping[str, Setting] | None = None,
    ) -> None:
        """Raise ValueError as `LiveLevels` does."""
        self._live = LiveLevels(names, preset=preset, params=params)
        self._bars = CalendarResampler(calendar, base, names)

    def push(self, columns: Columns, *, known_to_ms: int | None = None) -> tuple[str, ...]:
        """Read the next bars; returns the levels on which a bar closed, finest first.

        Bars that ended by `known_to_ms` are closed even if no later one was read. Raises ValueError as
        `CalendarResampler.push` does, and for a malformed bar; nothing has changed then.
        """
        _check_bars(columns)
        closed = self._bars.push(columns, known_to_ms=known_to_ms)
        for name, made in closed.items():
            self._live.push(_level_bars(name, made))
        return tuple(closed)

    def now(self) -> Levels:
        """Return the levels that the closed bars show."""
        return self._live.now()

    def preview(self) -> Levels:
        """Return the levels as they would be if every bar that forms closed as it stands; see `LiveLevels.preview`."""
        forming = ((name, self._bars.forming(name)) for name in self._live.names)
        return self._live.preview([_level_bars(name, bar, forming=True) for name, bar in forming if bar is not None])


def _check_bars(columns: Columns) -> None:
    """Refuse before anything is read what an engine would refuse after a part of it was."""
    first, high, low, close = (np.asarray(columns[of], dtype=np.float64) for of in ("open", "high", "low", "close"))
    good = np.isfinite(first) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
    good &= (low <= np.minimum(first, close)) & (np.maximum(first, close) <= high)
    if "volume" in columns:
        good &= np.isfinite(np.asarray(columns["volume"], dtype=np.float64))
    if not good.all():
        at = int(np.argmin(good))
        raise ValueError(
            f"the bar at {int(columns['ts_ms'][at])} ms has open {first[at]}, high {high[at]}, low {low[at]}, close "
            f"{close[at]}: give finite numbers with low <= open, close <= high"
        )


def _level_bars(name: str, columns: Columns, *, forming: bool = False) -> LevelBars:
    volume = np.asarray(columns["volume"], dtype=np.float64) if "volume" in columns else None
    first, high, low, close = (np.asarray(columns[of], dtype=np.float64) for of in ("open", "high", "low", "close"))
    return LevelBars(
        name, columns["ts_ms"], columns["close_ms"], first, high, low, close, volume=volume, forming=forming
    )
