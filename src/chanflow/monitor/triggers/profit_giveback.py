"""`profit_giveback` · peak_r, giveback_frac: after a peak of peak_r times the risk or more, that share of it is gone.

The peak is the best mark since the trigger was armed. A position without a stop has no risk to measure by, so the
trigger is refused there.

Marks of short positions are kept negated, so that all look like long ones. Those that have not reached their peak wait
sorted by the mark they must reach. Those that have are in groups of the same peak, newest last, with ever lower peaks:
a new high swallows the groups below it. In a group, those of one share fire in order of their entries: the share is
gone where mark <= entry·share + peak·(1 - share).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from chanflow.domain.trigger import ProfitGiveback
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


@dataclass(slots=True)
class _Group:
    peak: Decimal
    by_share: dict[Decimal, Levels[Decimal]] = field(default_factory=dict)


class _Side:
    """The givebacks of one side of one symbol."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._waiting: Levels[Decimal] = Levels()
        self._groups: list[_Group] = []

    def arm(self, armed: Armed) -> None:
        self._waiting.add(self._goal(armed), armed)

    def drop(self, armed: Armed) -> None:
        self._waiting.drop(self._goal(armed), armed)
        for group in self._groups:
            if (levels := group.by_share.get(_share(armed))) is not None:
                levels.drop(self._entry(armed), armed)
        self._tidy()

    def marked(self, mark: Decimal, *, fire: bool) -> list[Hit]:
        x = mark * self._sign
        self._rise(x)
        if not fire:
            return []
        hits = [hit for group in self._groups for hit in self._fallen(group, x)]
        if hits:
            self._tidy()
        return hits

    def _rise(self, x: Decimal) -> None:
        """Let a mark be the peak of all whose peak it passes, and of those that reach theirs with it."""
        reached = self._waiting.take_up_to(x)
        if not reached and not (self._groups and self._groups[-1].peak < x):
            return
        top = _Group(x)
        while self._groups and self._groups[-1].peak <= x:
            top = _merged(self._groups.pop(), top, x)
        for armed in reached:
            top.by_share.setdefault(_share(armed), Levels()).add(self._entry(armed), armed)
        if top.by_share:
            self._groups.append(top)

    def _fallen(self, group: _Group, x: Decimal) -> list[Hit]:
        found = []
        for share, levels in group.by_share.items():
            while (entry := levels.last()) is not None and x <= entry * share + group.peak * (1 - share):
                found += levels.take_from(entry)
        return [Hit(armed, self._said(armed, group.peak, x)) for armed in found]

    def _said(self, armed: Armed, peak: Decimal, x: Decimal) -> str:
        entry, risk = self._entry(armed), armed.position.risk
        assert risk is not None
        return f"{(peak - entry) / risk:.4f}R to {(x - entry) / risk:.4f}R"

    def _entry(self, armed: Armed) -> Decimal:
        return armed.position.entry_price * self._sign

    def _goal(self, armed: Armed) -> Decimal:
        assert armed.position.risk is not None
        return self._entry(armed) + Decimal(repr(_params(armed).peak_r)) * armed.position.risk

    def _tidy(self) -> None:
        for group in self._groups:
            group.by_share = {share: levels for share, levels in group.by_share.items() if levels}
        self._groups = [group for group in self._groups if group.by_share]


class Givebacks:
    """The givebacks of one symbol."""

    def __init__(self) -> None:
        self._sides = {"long": _Side(1), "short": _Side(-1)}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait for its peak."""
        self._sides[armed.position.side].arm(armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._sides[armed.position.side].drop(armed)

    def marked(self, mark: Decimal, *, fire: bool = True) -> list[Hit]:
        """Return what a mark fires; without `fire` it only counts as a peak."""
        return [hit for side in self._sides.values() for hit in side.marked(mark, fire=fire)]


def _merged(one: _Group, other: _Group, peak: Decimal) -> _Group:
    """Return both groups in one, the smaller share's triggers moved to the larger."""
    for share, levels in other.by_share.items():
        mine = one.by_share.get(share)
        if mine is None:
            one.by_share[share] = levels
            continue
        small, large = sorted((mine, levels), key=len)
        for entry, armed in small.all():
            large.add(entry, armed)
        one.by_share[share] = large
    one.peak = peak
    return one


def _share(armed: Armed) -> Decimal:
    return Decimal(repr(_params(armed).giveback_frac))


def _params(armed: Armed) -> ProfitGiveback:
    assert isinstance(armed.params, ProfitGiveback)
    return armed.params
