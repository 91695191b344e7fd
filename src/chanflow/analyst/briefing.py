"""What the analyst is told: one moment, one symbol, one question."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chanflow.analyst.sections import Context, FlowView, Holding, Memory, OutsideText, Permission, Task
from chanflow.analyst.structure import LevelView, Role
from chanflow.domain.account import Position
from chanflow.domain.flow import FlowWindow
from chanflow.domain.instrument import Instrument
from chanflow.domain.signal import Signal


@dataclass(frozen=True, slots=True)
class Briefing:
    """The question and what may be known at `as_of_ns`.

    It is of management where `trigger_note` is set, else of entry. Prices in quote units. `valid_for_ns` is the
    freshness window of an answer, `max_hold_ns` how long a position may stand before it is looked at again,
    `reward_risk` how many times the risk a take-profit lies away.

    `levels` are the decision level, one up and one down, as far as there are any; `memory` None is a desk that has
    none. Nothing in a briefing may be known after `as_of_ns`: `point_in_time.without_future` sees to it.
    """

    decision_id: str
    as_of_ns: int
    symbol: str
    level: str
    instrument: Instrument
    bid: Decimal | None
    ask: Decimal | None
    flow: FlowWindow | None
    position: Position | None
    max_leverage: int
    valid_for_ns: int
    max_hold_ns: int
    reward_risk: Decimal = Decimal(2)
    signal: Signal | None = None
    trigger_kind: str | None = None
    trigger_note: str | None = None
    venue: str = ""
    strategy: str = "default"
    task: Task | None = None
    permission: Permission | None = None
    levels: tuple[LevelView, ...] = ()
    flow_view: FlowView | None = None
    context: Context | None = None
    holding: Holding | None = None
    memory: Memory | None = None
    outside: tuple[OutsideText, ...] = ()
    data_faults: tuple[str, ...] = ()
    """What is wrong with the symbol's data now, in words: a gap, a halt, a book that is not whole."""

    @property
    def management(self) -> bool:
        """Whether it is about a position that stands, not about a new one."""
        return self.trigger_note is not None

    def view(self, role: Role) -> LevelView | None:
        """Return the level that plays a role, None where the briefing has none."""
        return next((view for view in self.levels if view.role == role), None)
