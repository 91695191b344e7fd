from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from made_briefing import S, center, full, leg, level, managed, memory, other_level, point
from made_desk import NOW

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.point_in_time import without_future
from chanflow.analyst.sections import FlowDivergence, OutsideText, Reading
from chanflow.analyst.structure import PointFigures

LATER = NOW + 1


def flow_view(briefing: Briefing, **changes: object) -> Briefing:
    assert briefing.flow_view is not None
    return replace(briefing, flow_view=replace(briefing.flow_view, **changes))


def with_memory(name: str) -> Briefing:
    rows = getattr(memory(), name)
    changed = replace(rows, known_ns=LATER) if name == "summary" else (replace(rows[0], known_ns=LATER),)
    return full(memory=memory(**{name: changed}))


FUTURE: dict[str, tuple[Callable[[], Briefing], str]] = {
    "stroke": (lambda: full(levels=(level(strokes=(leg(7, known_ns=LATER),)),)), "structure"),
    "segment": (lambda: full(levels=(level(segments=(leg(7, known_ns=LATER),)),)), "structure"),
    "center": (lambda: full(levels=(level(centers=(center(7, known_ns=LATER),)),)), "structure"),
    "point": (lambda: full(levels=(level(points=(point("sell1", known_ns=LATER),)),)), "points"),
    "figures": (
        lambda: full(levels=(level(figures=(PointFigures("buy2", 9, 1.0, 0.7, 1.0, 0.0, 1, known_ns=LATER),)),)),
        "figures",
    ),
    "level": (lambda: full(levels=(level(), other_level("up", closed_ns=LATER))), "structure"),
    "reading": (lambda: flow_view(full(), readings=(Reading("ofi_z@x", LATER, "z_ofi", 9.0),)), "flow"),
    "divergence": (
        lambda: flow_view(full(), divergences=(FlowDivergence("cvd_div@x", LATER, "cvd", "bull", NOW - S),)), "flow",
    ),
    "window": (lambda: full(flow=replace(full().flow, ts_ms=NOW // 10**6 + 1)), "flow"),
    "funding": (
        lambda: full(context=replace(full().context, readings=(Reading("funding@x", LATER, "funding", 1.0),))),
        "context",
    ),
    "signal": (lambda: full(signal=replace(full().signal, known_ms=NOW // 10**6 + 1)), "signals"),
    "position": (lambda: managed(holding=replace(managed().holding, known_ns=LATER)), "position"),
    "decision": (lambda: with_memory("decisions"), "memory"),
    "case": (lambda: with_memory("similar"), "memory"),
    "lesson": (lambda: with_memory("lessons"), "lessons"),
    "summary": (lambda: with_memory("summary"), "lessons"),
    "news": (lambda: full(outside=(OutsideText("news:x", LATER, "wire", "up 40% tomorrow"),)), "news"),
}  # fmt: skip


@pytest.mark.parametrize("name", FUTURE)
def test_a_future_row_of_every_outlet_leaves_the_briefing_and_is_told(name: str) -> None:
    make, outlet = FUTURE[name]
    given = make()
    checked, faults = without_future(given)
    assert [(fault.outlet, fault.known_ns > NOW) for fault in faults] == [(outlet, True)]
    assert checked != given
    assert without_future(checked) == (checked, ())


@pytest.mark.parametrize("briefing", [full(), managed()])
def test_a_briefing_of_its_moment_stays_as_it_is(briefing: Briefing) -> None:
    assert without_future(briefing) == (briefing, ())


def test_what_became_known_at_the_very_moment_may_be_told() -> None:
    now = full(levels=(level(strokes=(leg(7, known_ns=NOW),), closed_ns=NOW),))
    assert without_future(now) == (now, ())
