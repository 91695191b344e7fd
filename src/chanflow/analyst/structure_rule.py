"""Entry by structure (缠论): a confirmed point, nothing against it one level up, and order flow its way.

Points 2 and 3 count by themselves, point 1 only with the support of a nested interval (区间套). The setup is void
beyond the point, for point 3 beyond the center that was left.
"""

from __future__ import annotations

from decimal import Decimal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.grounds import Grounds, Nothing, score_of
from chanflow.analyst.structure import CenterRow, LevelView, PointRow
from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.opinion import Evidence
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS

MIN_CONSISTENCY = 0.12
STRONG_BINS_FRAC = 0.10
"""Flow is strong where so many of its bins are."""
FRESH_BARS = 10
"""A point confirmed longer ago has been acted upon, or not: it is no news."""
DIVERGENCE_BARS = 20
"""An older divergence has done what it did."""


def grounds_of_structure(briefing: Briefing, view: LevelView) -> Grounds | Nothing:
    """Return the newest point that may be entered on, or the first thing that is missing or against it."""
    point = _newest_point(briefing, view)
    if point is None:
        wanted = "" if briefing.signal is None else f" to {briefing.signal.side_hint}"
        return Nothing("no_setup", f"no point{wanted} of {view.level} was confirmed in the last {FRESH_BARS} bars")
    opposing = _opposing_above(briefing, point)
    if opposing is not None:
        return Nothing("conflict", f"{opposing.ref}, one level up, stands against {point.ref}")
    flow = briefing.flow
    against = _flow_against(briefing, point.side == "buy")
    if against is not None or flow is None:
        return Nothing("stale_data" if flow is None else "no_setup", against or "there is no order flow")
    return _grounds(briefing, view, point, flow)


def _newest_point(briefing: Briefing, view: LevelView) -> PointRow | None:
    """Return the point confirmed last, if it is news and may be entered on; a signal says on which side."""
    since_ns = briefing.as_of_ns - FRESH_BARS * _bar_ns(briefing.level)
    sides = ("buy", "sell") if briefing.signal is None else (briefing.signal.side_hint,)
    confirmed = [
        (point.confirmed_ns, at, point)
        for at, point in enumerate(view.points)
        if point.state == "confirmed" and point.confirmed_ns is not None and point.side in sides
    ]
    fresh = [each for each in confirmed if each[0] >= since_ns and _counts(each[2])]
    return max(fresh, key=lambda each: each[:2])[2] if fresh else None


def _counts(point: PointRow) -> bool:
    return point.type[0] in "23" or point.nested is True


def _opposing_above(briefing: Briefing, point: PointRow) -> PointRow | None:
    """Return the last confirmed point one level up where it looks the other way."""
    view = briefing.view("up")
    confirmed = [] if view is None else [each for each in view.points if each.state == "confirmed"]
    return confirmed[-1] if confirmed and confirmed[-1].side != point.side else None


def _flow_against(briefing: Briefing, long: bool) -> str | None:
    """Return why order flow does not confirm, None where it does or where there is none to ask."""
    flow = briefing.flow
    if flow is None:
        return None
    if flow.score is None or not flow.book_ok:
        return "order flow is not ready, or its book was not whole"
    if flow.score * (1 if long else -1) <= 0:
        return f"flow ({flow.score:+.3f}) points the other way"
    if flow.consistency < MIN_CONSISTENCY:
        return f"consistency is {flow.consistency:.3f}, {MIN_CONSISTENCY} is asked"
    view = briefing.flow_view
    since_ns = briefing.as_of_ns - DIVERGENCE_BARS * _bar_ns(briefing.level)
    for each in () if view is None else view.divergences:
        if each.kind == ("bear" if long else "bull") and each.known_ns >= since_ns:
            return f"{each.ref} diverges the other way"
    return None


def _grounds(briefing: Briefing, view: LevelView, point: PointRow, flow: FlowWindow) -> Grounds:
    long, above = point.side == "buy", briefing.view("up")
    trend_agrees = above is not None and above.trend == ("up" if long else "down")
    strong = flow.strong_bins >= STRONG_BINS_FRAC * flow.bins
    left = _center_left(view, point) if point.type[0] == "3" else None
    edge = point.price if left is None else left.high if long else left.low
    held = () if left is None else (Evidence(left.ref, "pullback_held", "for"),)
    told = (Evidence(point.ref, f"{point.side}_point_{point.type[0]}_confirmed", "for"), *held,
            Evidence(f"flow@{flow.ts_ms}", "flow_confirms", "for"))  # fmt: skip
    trend = () if above is None else (Evidence(f"trend:{above.level}", "higher_level_trend",
                                               "for" if trend_agrees else "against"),)  # fmt: skip
    score = flow.score or 0.0
    return Grounds(
        long=long,
        setup=f"{point.side}{point.type[0]}_flow",
        edge=_exact(edge),
        score=score_of(point.nested is True, strong, trend_agrees),
        words=f"{point.ref} is confirmed and flow ({score:+.3f}) points {'up' if long else 'down'}",
        evidence=told + trend if trend_agrees else told,
        counter_evidence=() if trend_agrees else trend,
        next_center=_next_center(briefing, long),
    )


def _center_left(view: LevelView, point: PointRow) -> CenterRow | None:
    """Return the last center that the point lies beyond: coming back into it would prove a point 3 wrong."""
    long = point.side == "buy"
    left = (
        center
        for center in reversed(view.centers)
        if center.state != "void" and (center.high <= point.price if long else center.low >= point.price)
    )
    return next(left, None)


def _next_center(briefing: Briefing, long: bool) -> Decimal | None:
    """Return where the nearest center ahead begins, of the decision level or the one above."""
    touch = briefing.ask if long else briefing.bid
    views = (view for view in briefing.levels if view.role != "down")
    edges = [
        _exact(center.low if long else center.high)
        for view in views
        for center in view.centers
        if center.state != "void"
    ]
    if touch is None:
        return None
    ahead = [edge for edge in edges if (edge > touch if long else edge < touch)]
    return (min(ahead) if long else max(ahead)) if ahead else None


def _bar_ns(level: str) -> int:
    return LEVEL_MS.get(level, MS_PER_DAY) * NS_PER_MS


def _exact(price: float) -> Decimal:
    return Decimal(repr(price))
