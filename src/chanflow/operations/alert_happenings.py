"""What closed bars tell that alerts may wait for: points, strokes, segments and centers, and crossed prices.

The structure is the one that `query_buy_sell_points` answers from, so what is told and what is asked agree. Nothing
here keeps state: the same bars give the same happenings, whether they are looked at one by one or at once. Only the
center that a point names is the one that the newest bar shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_MS
from chanflow.domain.watch_alert import Happening, PointEvent
from chanflow.features.chan_columns import POINT_TYPES
from chanflow.monitor.alert_index import AlertIndex
from chanflow.operations.fields import Level, time_of_ms
from chanflow.operations.points import point_row
from chanflow.operations.services import Services
from chanflow.operations.structure import Point, Structure

_REVISION = re.compile(r"r[0-9]+$")
_ORDER = ("new", "confirmed", "void", "stroke_confirmed", "segment_confirmed", "center_formed", "above", "below")


def told_by(
    services: Services, symbol: str, level: Level, bars: Sequence[Bar], *, seen_ms: int, index: AlertIndex
) -> list[Happening]:
    """Return what the bars that closed after `seen_ms` told, in the order in which it could be known."""
    found = list(_prices(symbol, level, bars, seen_ms, index))
    columns = services.chan_columns(bars)
    found += _points(services, symbol, level, bars, columns, seen_ms)
    found += _structures(symbol, level, bars, columns, seen_ms)
    return sorted(found, key=lambda each: (each.known_ns, _ORDER.index(each.body["event"]), each.key))


# ── prices ────────────────────────────────────────────────────────────────────


def _prices(symbol: str, level: Level, bars: Sequence[Bar], seen_ms: int, index: AlertIndex) -> Iterator[Happening]:
    for at in range(_first_new(bars, seen_ms), len(bars)):
        if at == 0:
            continue
        bar = bars[at]
        for side, price in index.crossed(symbol, level, close=bars[at - 1].close, high=bar.high, low=bar.low):
            body = {
                "event": side, "symbol": symbol, "level": level, "threshold": price, "price": bar.close,
                "time": time_of_ms(bar.close_ms),
            }  # fmt: skip
            key = f"price:{symbol}:{level}:{side}:{price!r}:{bar.close_ms}"
            yield Happening(key, "price", symbol, level, bar.close_ms * NS_PER_MS, body)


def _first_new(bars: Sequence[Bar], seen_ms: int) -> int:
    at = len(bars)
    while at > 0 and bars[at - 1].close_ms > seen_ms:
        at -= 1
    return at


# ── points ────────────────────────────────────────────────────────────────────


def _points(
    services: Services, symbol: str, level: Level, bars: Sequence[Bar], columns: Any, seen_ms: int
) -> Iterator[Happening]:
    structure = None
    for point in _appearances(columns.points, bars, _first_new(bars, seen_ms)):
        for event, at_ms, then in _moments(point):
            if at_ms <= seen_ms:
                continue
            structure = structure or Structure(columns, bars)
            center = structure.center_of(then)
            # Without its revision, which depends on the bars that came later.
            row = point_row(services, symbol, level, then, _REVISION.sub("", center.ref) if center else None)
            body = {"event": event, **row.model_dump(mode="json")}
            key = f"point:{row.id}:{event}:{at_ms}"
            yield Happening(key, "buy_sell_points", symbol, level, at_ms * NS_PER_MS, body, row.type)


def _moments(point: Point) -> Iterator[tuple[PointEvent, int, Point]]:
    """Yield what happened to an appearance of a point, when, and the point as it was known then."""
    first = replace(point, state="provisional", confirmed_ms=None, void_ms=None)
    yield "new", point.first_seen_ms, first
    if point.confirmed_ms is not None:
        first = replace(first, state="confirmed", confirmed_ms=point.confirmed_ms)
        yield "confirmed", point.confirmed_ms, first
    if point.void_ms is not None:
        yield "void", point.void_ms, replace(first, state="void", void_ms=point.void_ms)


def _appearances(table: Any, bars: Sequence[Bar], first: int) -> list[Point]:
    """Return each time that a point of one type was shown, as one where it was withdrawn and shown with one bar.

    Only of points to which something happened at the bar numbered `first` or later: few of thousands.
    """
    moved = (table.first_seen_bar >= first) | (table.confirmed_bar >= first) | (table.void_bar >= first)
    wanted = set(table.bar[moved].tolist())
    names = (
        "level", "element", "bar", "ts_ms", "price", "side", "types", "first_seen_bar", "confirmed_bar", "void_bar",
    )  # fmt: skip
    shown: dict[tuple[int, int, int, int], list[Point]] = {}
    for level, element, bar, at_ms, price, side, types, seen, confirmed, void in zip(
        *(getattr(table, name).tolist() for name in names), strict=True
    ):
        for bit, kind in enumerate(POINT_TYPES if bar in wanted else ()):
            if types >> bit & 1:
                point = Point(
                    of="segment" if level else "stroke", type=kind, side="buy" if side > 0 else "sell",
                    element=element, bar=bar, at_ms=at_ms, price=price, state="provisional", ratio=None,
                    first_seen_ms=bars[seen].close_ms,
                    confirmed_ms=None if confirmed < 0 else bars[confirmed].close_ms,
                    void_ms=None if void < 0 else bars[void].close_ms,
                )  # fmt: skip
                shown.setdefault((bar, level, bit, side), []).append(point)
    return [each for key in sorted(shown) for each in _joined(shown[key])]


def _joined(shown: list[Point]) -> list[Point]:
    """Return appearances of one point in order, those joined that follow each other with the very same bar."""
    joined: list[Point] = []
    for point in sorted(shown, key=lambda each: (each.first_seen_ms, each.void_ms or 0)):
        before = joined[-1] if joined else None
        if before is None or before.void_ms != point.first_seen_ms:
            joined.append(point)
            continue
        confirmed = before.confirmed_ms if before.confirmed_ms is not None else point.confirmed_ms
        joined[-1] = replace(point, first_seen_ms=before.first_seen_ms, confirmed_ms=confirmed)
    return joined


# ── structure ─────────────────────────────────────────────────────────────────


def _structures(symbol: str, level: Level, bars: Sequence[Bar], columns: Any, seen_ms: int) -> Iterator[Happening]:
    for of, table in (("stroke", columns.strokes), ("segment", columns.segments)):
        names = ("confirmed_bar", "direction", "start_ts_ms", "start_price", "end_ts_ms", "end_price")
        for confirmed, way, start_ms, start, end_ms, end in _rows(table, names):
            if confirmed < 0 or bars[confirmed].close_ms <= seen_ms:
                continue
            body = {
                "event": f"{of}_confirmed", "dir": "up" if way > 0 else "down",
                "start": {"time": time_of_ms(start_ms), "price": start},
                "end": {"time": time_of_ms(end_ms), "price": end},
            }  # fmt: skip
            yield _structure(symbol, level, f"{of}:{start_ms}:{end_ms}", bars[confirmed].close_ms, body)
    names = ("level", "first_seen_bar", "start_ts_ms", "end_ts_ms", "low", "high")
    for of_code, seen, start_ms, end_ms, low, high in _rows(columns.centers, names):
        if seen < 0 or bars[seen].close_ms <= seen_ms:
            continue
        of = "segment" if of_code else "stroke"
        body = {
            "event": "center_formed", "of": of, "zd": low, "zg": high, "from": time_of_ms(start_ms),
            "to": time_of_ms(end_ms),
        }  # fmt: skip
        yield _structure(symbol, level, f"center:{of}:{start_ms}", bars[seen].close_ms, body)


def _structure(symbol: str, level: Level, name: str, known_ms: int, body: dict[str, Any]) -> Happening:
    whole = {"event": body["event"], "symbol": symbol, "level": level, "time": time_of_ms(known_ms), **body}
    key = f"structure:{symbol}:{level}:{name}:{known_ms}"
    return Happening(key, "structure", symbol, level, known_ms * NS_PER_MS, whole)


def _rows(table: Any, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(getattr(table, name).tolist() for name in names), strict=True)
