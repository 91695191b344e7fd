"""`flow` · field, op, value, bars: a figure of order flow is beyond a value for so many bins in a row.

`fusion_score`, `z_ofi`, `z_cvd`; all of the last `bars` bins must be strictly beyond, also those from before the
trigger was armed. A bin without the figure (warm-up, unsound book) begins the row anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from chanflow.domain.trigger import FlowHolds
from chanflow.domain.trigger_bounds import BOUNDS
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.extremes import Extremes
from chanflow.monitor.levels import Levels

_LONGEST = int(BOUNDS["flow"]["bars"].high)
_FORGET_EVERY = 64


class _Row:
    """One figure in one direction: the row of bins that have it, and the triggers by how many bins they ask.

    Figures of `<` are kept negated, so that all ask for more than a value.
    """

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self._bins = 0
        self._began = 0
        self._lowest: Extremes[float] = Extremes()
        self._by_bars: dict[int, Levels[float]] = {}

    def arm(self, armed: Armed, params: FlowHolds) -> None:
        self._by_bars.setdefault(params.bars, Levels()).add(self.sign * params.value, armed)

    def drop(self, armed: Armed, params: FlowHolds) -> None:
        if (levels := self._by_bars.get(params.bars)) is not None:
            levels.drop(self.sign * params.value, armed)

    def told(self, figure: float | None) -> list[Hit]:
        self._bins += 1
        if figure is None:
            self._began = self._bins
            self._lowest.clear()
            return []
        self._lowest.add(self._bins, self.sign * figure)
        if not self._bins % _FORGET_EVERY:
            self._lowest.forget_before(self._bins - _LONGEST)
        if not self._by_bars:
            return []
        found: list[Armed] = []
        for bars, levels in list(self._by_bars.items()):
            least = self._lowest.lowest_since(self._bins - bars + 1)
            if self._bins - self._began >= bars and least is not None:
                found += levels.take_below(least)
            if not levels:
                del self._by_bars[bars]
        return [Hit(armed, f"{figure:.6g}") for armed in found]


class Flows:
    """The flow triggers of one symbol, by figure and direction."""

    def __init__(self) -> None:
        self._rows = {(name, op): _Row(sign) for name in BOUNDS["flow"]["field"].choices for op, sign in _SIGNS}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        params = _params(armed)
        self._rows[params.field, params.op].arm(armed, params)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        params = _params(armed)
        self._rows[params.field, params.op].drop(armed, params)

    def told(self, figures: Mapping[str, float | None]) -> list[Hit]:
        """Return what one bin fires, its figures by name."""
        return [hit for (name, _), row in self._rows.items() for hit in row.told(figures[name])]


_SIGNS = ((">", 1), ("<", -1))


def _params(armed: Armed) -> FlowHolds:
    assert isinstance(armed.params, FlowHolds)
    return armed.params
