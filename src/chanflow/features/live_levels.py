"""Several levels of one symbol as their bars close (多级别联立), and what the bars that still form would show.

Each level has its own engine, which reads closed bars only. A preview (预演) is made on a copy of it, so that a bar
which still forms leaves no trace there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.features import chan
from chanflow.features.levels import LevelBars, Levels, unsettled

COLUMNS = tuple(field.name for field in fields(LevelBars) if field.name not in ("level", "forming"))
_ROOM = 64


class LiveLevels:
    """The levels of one symbol, finest first, taking closed bars one at a time or many at once.

    After any number of pushes `now` equals `levels.analyze` of all bars pushed so far, and `preview` equals it with
    each forming bar at the end of its level.
    """

    def __init__(
        self, names: Sequence[str], *, preset: str = "default", params: Mapping[str, chan.Setting] | None = None
    ) -> None:
        """Raise ValueError when no or equal names are given, and for settings that `chan.Engine` does not take."""
        if not names or len(set(names)) < len(names):
            raise ValueError(f"levels are {list(names)}: give at least one, each once, finest first")
        self.names = tuple(names)
        self._levels = {name: _LiveLevel(name, preset, params) for name in self.names}
        self._now: Levels | None = None

    def push(self, bars: LevelBars) -> None:
        """Read the next closed bars of a level.

        Raises ValueError for a level that is none of these, a bar that still forms or opens before the last one ends,
        volume on some bars only, and a malformed bar; nothing is then read.
        """
        level = self._level(bars.level)
        if bars.forming:
            raise ValueError(f"the last {bars.level} bar still forms: give it to preview()")
        if len(bars):
            self._now = None
            level.push(bars)

    def now(self) -> Levels:
        """Return the levels that the closed bars show, the same object until the next bar."""
        if self._now is None:
            self._now = self._joined({})
        return self._now

    def preview(self, forming: Sequence[LevelBars]) -> Levels:
        """Return the levels as they would be if each bar of `forming` closed as it stands.

        `forming` has one bar of each level that has one. What rests on it is provisional: confirmed is what closed
        bars confirmed, and a point that only a forming bar shows has no time since when it is known. Raises ValueError
        for a bar that is not marked as forming or does not follow the closed ones, and for two bars of one level.
        """
        wrong = next((bars for bars in forming if not bars.forming or len(bars) != 1), None)
        if wrong is not None:
            raise ValueError(f"{len(wrong)} bars of {wrong.level} to preview: give one, marked as forming")
        last = {bars.level: bars for bars in forming}
        if len(last) < len(forming):
            raise ValueError(f"{len(forming)} bars of {len(last)} levels to preview: give one a level")
        for name in last:
            self._level(name)
        return self._joined(last)

    def _level(self, name: str) -> _LiveLevel:
        if name not in self._levels:
            raise ValueError(f"no level {name!r}: there are {list(self.names)}")
        return self._levels[name]

    def _joined(self, forming: Mapping[str, LevelBars]) -> Levels:
        bars, structures = [], {}
        for name, level in self._levels.items():
            last = forming.get(name)
            structures[name] = level.structure() if last is None else level.preview(last)
            bars.append(level.bars(last))
        return Levels(bars, self._structure_of, structures)

    def _structure_of(self, bars: LevelBars) -> chan.Structure:
        """Return what fewer bars than all show: `Levels.at` asks for it."""
        return self._levels[bars.level].analyzed(bars)


class _LiveLevel:
    """One level: its closed bars in columns with room to grow, their engine, and a copy that is one bar ahead."""

    def __init__(self, name: str, preset: str, params: Mapping[str, chan.Setting] | None) -> None:
        self._name = name
        self._settings: dict[str, Any] = {"preset": preset, "params": params, "history": True}
        self._engine = chan.Engine(**self._settings)
        self._ahead: tuple[int, chan.Engine] | None = None
        self._columns: dict[str, NDArray[Any]] = {}
        self._size = 0

    def push(self, bars: LevelBars) -> None:
        self._check_follows(bars)
        if self._size == 0:
            self._engine = self.engine_after(bars)
        else:
            self._engine.extend(bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
        self._append(bars)

    def structure(self) -> chan.Structure:
        return self._engine.structure()

    def preview(self, last: LevelBars) -> chan.Structure:
        self._check_follows(last)
        (row,) = _rows(last)
        if self._ahead is None or self._ahead[0] != self._size:
            ahead = self._engine.clone()
            ahead.push(*row)
            self._ahead = (self._size, ahead)
        else:
            ahead = self._ahead[1]
            ahead.replace(*row)
        return unsettled(ahead.structure(), self._size)

    def bars(self, last: LevelBars | None) -> LevelBars:
        """Return the closed bars, followed by the forming one if there is one."""
        if not self._size:
            return last or LevelBars(self._name, *(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 4)
        closed = {name: column[: self._size] for name, column in self._columns.items()}
        if last is not None:
            closed = {name: np.append(column, getattr(last, name)) for name, column in closed.items()}
        return LevelBars(self._name, **closed, forming=last is not None)

    def analyzed(self, bars: LevelBars) -> chan.Structure:
        return self.engine_after(bars).structure()

    def engine_after(self, bars: LevelBars) -> chan.Engine:
        return chan.Engine.after(
            bars.open, bars.high, bars.low, bars.close, bars.open_ms, volume=bars.volume, **self._settings
        )

    def _check_follows(self, bars: LevelBars) -> None:
        if not self._size:
            return
        if (bars.volume is None) == ("volume" in self._columns):
            raise ValueError(f"{self._name} bars have volume, or have none: give all alike")
        end_ms = int(self._columns["close_ms"][self._size - 1])
        if bars.open_ms[0] < end_ms:
            raise ValueError(f"{self._name} bar opens at {int(bars.open_ms[0])} ms, the last one ends at {end_ms} ms")

    def _append(self, bars: LevelBars) -> None:
        end = self._size + len(bars)
        for name in COLUMNS:
            added = getattr(bars, name)
            if added is None:
                continue
            column = self._columns.get(name)
            if column is None or end > column.size:
                grown = np.empty(max(2 * end, _ROOM), dtype=np.int64 if name.endswith("_ms") else np.float64)
                grown[: self._size] = () if column is None else column[: self._size]
                self._columns[name] = column = grown
            column[self._size : end] = added
        self._size = end


def _rows(bars: LevelBars) -> zip[tuple[Any, ...]]:
    """Return each bar as the engine takes it."""
    columns = [bars.open_ms, bars.open, bars.high, bars.low, bars.close]
    return zip(*(column.tolist() for column in columns + ([] if bars.volume is None else [bars.volume])), strict=True)
