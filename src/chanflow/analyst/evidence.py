"""What may be cited in one run: the ids that a briefing shows and those that tools gave, and until when they count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chanflow.analyst.briefing import Briefing
from chanflow.domain.evidence import is_provisional, kind_of, short_time, without_revision
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.opinion import Evidence
from chanflow.domain.question import ToolCall
from chanflow.domain.time import NS_PER_MS, NS_PER_S, parse_rfc3339

READINGS = ("flow", "ofi_z", "cvd_z", "fusion", "spread", "ofi_div", "cvd_div", "fusion_div", "price", "snapshot")
"""Kinds that tell of the moment, as order flow does: they count for some bars only."""
FUNDING_LIFE_NS = 9 * 3_600 * NS_PER_S
"""Funding is settled every eight hours at most; one hour is for its arrival."""
NEWS_LIFE_NS = 24 * 3_600 * NS_PER_S
"""A headline is in the price by the next day."""


@dataclass(frozen=True, slots=True)
class Citable:
    """One thing that may be cited: since when it is known, and from when on it is too old, Unix ns; None is never."""

    ref: str
    known_ns: int
    stale_ns: int | None = None
    void: bool = False


class EvidenceIndex:
    """Everything citable in one run, by id."""

    def __init__(self, items: Iterable[Citable], *, as_of_ns: int) -> None:
        self._items = {item.ref: item for item in items}
        self._as_of_ns = as_of_ns
        self._confirmed = {without_revision(ref): ref for ref in self._items}

    def fault(self, ref: str) -> str | None:
        """Return what is wrong with citing `ref`, None where nothing is."""
        item = self._items.get(ref)
        if item is None:
            return self._unknown(ref)
        if item.known_ns > self._as_of_ns:
            return f"evidence {ref} was known at {short_time(item.known_ns)}, after {short_time(self._as_of_ns)}"
        if item.void:
            return f"evidence {ref} was withdrawn, so it supports nothing"
        if item.stale_ns is not None and item.stale_ns <= self._as_of_ns:
            return f"evidence {ref} is stale: it counted until {short_time(item.stale_ns)}"
        return None

    def _unknown(self, ref: str) -> str:
        now = self._confirmed.get(without_revision(ref))
        if now is None:
            return f"evidence {ref} stands neither in the briefing nor in a tool's result"
        state = "still provisional" if is_provisional(now) else "confirmed"
        return f"evidence {ref} is {state}: cite it as {now}"


def index_of(
    briefing: Briefing, shown: Sequence[str], calls: Sequence[ToolCall], *, evidence_bars: int
) -> EvidenceIndex:
    """Return what may be cited: of the briefing what it shows, of tools what they gave without failing."""
    life = evidence_bars * LEVEL_MS.get(briefing.level, LEVEL_MS["1d"]) * NS_PER_MS
    told = {item.ref: item for item in _told(briefing)}
    items = [told[ref] for ref in shown if ref in told]
    for call in calls:
        if not call.result.failed:
            known_ns = call.result.known_ns or briefing.as_of_ns
            items += [told.get(ref) or Citable(ref, _moment(ref) or known_ns) for ref in call.result.refs]
    return EvidenceIndex((_aged(item, life) for item in items), as_of_ns=briefing.as_of_ns)


def evidence_faults(index: EvidenceIndex, cited: Sequence[Evidence]) -> list[str]:
    """Return what is wrong with each citation, a sentence each."""
    faults = [fault for each in cited if (fault := index.fault(each.ref)) is not None]
    seen: dict[tuple[str, str], int] = {}
    for each in cited:
        seen[each.ref, each.claim] = seen.get((each.ref, each.claim), 0) + 1
    return faults + [f"evidence {ref} with claim {claim} is given twice" for (ref, claim), n in seen.items() if n > 1]


def _told(briefing: Briefing) -> Iterator[Citable]:
    """Yield all that a briefing could cite, with what it says of each row's life."""
    for view in briefing.levels:
        yield Citable(f"trend:{view.level}", view.closed_ns)
        for legs in (view.strokes, view.segments):
            yield from (Citable(leg.ref, leg.known_ns, void=leg.state == "void") for leg in legs)
        yield from (Citable(center.ref, center.known_ns, void=center.state == "void") for center in view.centers)
        yield from (Citable(point.ref, point.known_ns, void=point.state == "void") for point in view.points)
    if briefing.flow is not None:
        at_ns = briefing.flow.ts_ms * NS_PER_MS
        yield Citable(f"flow@{briefing.flow.ts_ms}", at_ns)
    yield from _signalled(briefing)
    for part in (briefing.flow_view, briefing.context):
        for reading in part.readings if part is not None else ():
            yield Citable(reading.ref, reading.known_ns)
    for divergence in briefing.flow_view.divergences if briefing.flow_view is not None else ():
        yield Citable(divergence.ref, divergence.known_ns)
    if briefing.holding is not None:
        yield Citable(briefing.holding.ref, briefing.holding.known_ns)
    yield from _remembered(briefing)
    for text in briefing.outside:
        yield Citable(text.ref, text.known_ns)


def _signalled(briefing: Briefing) -> Iterator[Citable]:
    """Yield what a signal rests on; it was known when the signal was."""
    if briefing.signal is not None:
        known_ns = briefing.signal.known_ms * NS_PER_MS
        for ref in (*briefing.signal.refs, f"trend:{briefing.level}"):
            yield Citable(ref, known_ns)


def _remembered(briefing: Briefing) -> Iterator[Citable]:
    memory = briefing.memory
    if memory is None:
        return
    yield from (Citable(decision.ref, decision.known_ns) for decision in memory.decisions)
    yield from (Citable(case.ref, case.known_ns) for case in memory.similar)
    for lesson in memory.lessons:
        yield Citable(lesson.ref, lesson.known_ns, lesson.expires_ns)
    if memory.summary is not None:
        yield Citable(memory.summary.ref, memory.summary.known_ns)


def _aged(item: Citable, reading_life_ns: int) -> Citable:
    """Return an item with the end of its life, where its kind has one."""
    lives: Mapping[str, int] = dict.fromkeys(READINGS, reading_life_ns) | {
        "funding": FUNDING_LIFE_NS, "news": NEWS_LIFE_NS,
    }  # fmt: skip
    life = lives.get(kind_of(item.ref))
    if life is None or item.stale_ns is not None:
        return item
    return Citable(item.ref, item.known_ns, item.known_ns + life, item.void)


def _moment(ref: str) -> int | None:
    """Return the moment that an id names, Unix ns, None where it names none."""
    _, at, text = without_revision(ref).rpartition("@")
    if not at or not text.endswith("Z"):
        return None
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        return None
