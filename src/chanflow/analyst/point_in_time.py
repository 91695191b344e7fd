"""The briefing's guard in time: what was not known at its moment leaves it, and is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import Memory
from chanflow.analyst.structure import LevelView
from chanflow.domain.flow import FlowWindow
from chanflow.domain.point_in_time import Dated, FutureRow, known_by
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS

D = TypeVar("D", bound=Dated)


def without_future(briefing: Briefing) -> tuple[Briefing, tuple[FutureRow, ...]]:
    """Return the briefing without rows known after its `as_of_ns`, and each of those as a fault to be journaled.

    A whole level goes where its last bar closed later, since its trend rests on that bar.
    """
    guard = _Guard(briefing.as_of_ns)
    flow_view, context = briefing.flow_view, briefing.context
    if flow_view is not None:
        flow_view = replace(
            flow_view,
            readings=guard.rows(flow_view.readings, "flow"),
            divergences=guard.rows(flow_view.divergences, "flow"),
        )
    if context is not None:
        context = replace(context, readings=guard.rows(context.readings, "context"))
    checked = replace(
        briefing,
        flow=guard.flow(briefing),
        signal=guard.signal(briefing),
        levels=tuple(guard.level(view) for view in briefing.levels if guard.closed(view)),
        flow_view=flow_view,
        context=context,
        holding=guard.one(briefing.holding, "position"),
        memory=None if briefing.memory is None else guard.memory(briefing.memory),
        outside=guard.rows(briefing.outside, "news"),
    )
    return checked, tuple(guard.faults)


class _Guard:
    """Keeps the faults of one briefing."""

    def __init__(self, as_of_ns: int) -> None:
        self._as_of_ns = as_of_ns
        self.faults: list[FutureRow] = []

    def rows(self, rows: tuple[D, ...], outlet: str) -> tuple[D, ...]:
        known, future = known_by(rows, self._as_of_ns, outlet=outlet)
        self.faults += future
        return known

    def one(self, row: D | None, outlet: str) -> D | None:
        return None if row is None else next(iter(self.rows((row,), outlet)), None)

    def closed(self, view: LevelView) -> bool:
        return self._known("structure", f"level:{view.level}", view.closed_ns)

    def flow(self, briefing: Briefing) -> FlowWindow | None:
        flow = briefing.flow
        return flow if flow is None or self._known("flow", f"flow@{flow.ts_ms}", flow.ts_ms * NS_PER_MS) else None

    def signal(self, briefing: Briefing) -> Signal | None:
        signal = briefing.signal
        known = signal is None or self._known("signals", signal.signal_id, signal.known_ms * NS_PER_MS)
        return signal if known else None

    def level(self, view: LevelView) -> LevelView:
        return replace(
            view,
            strokes=self.rows(view.strokes, "structure"),
            segments=self.rows(view.segments, "structure"),
            centers=self.rows(view.centers, "structure"),
            points=self.rows(view.points, "points"),
            figures=self.rows(view.figures, "figures"),
        )

    def memory(self, memory: Memory) -> Memory:
        return replace(
            memory,
            decisions=self.rows(memory.decisions, "memory"),
            similar=self.rows(memory.similar, "memory"),
            lessons=self.rows(memory.lessons, "lessons"),
            summary=self.one(memory.summary, "lessons"),
        )

    def _known(self, outlet: str, ref: str, known_ns: int) -> bool:
        if known_ns <= self._as_of_ns:
            return True
        self.faults.append(FutureRow(outlet, ref, known_ns, self._as_of_ns))
        return False
