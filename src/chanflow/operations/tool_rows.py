"""What the desk's answers hold, row by row, as an analyst may cite it: each with its id and when it was known.

The ids of structures name the bar at which they start, not their number: numbers count from the first bar that a call
happened to read. Ages are left out, since they count from now; so is what a certificate measured, since nothing says
when. Every id stands in its row under `id`, or is `cite` and the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chanflow.domain.evidence import is_ref, moment_ref, short_time
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, NS_PER_S, parse_rfc3339

Body = Mapping[str, Any]

_LONGEST_BAR_DAYS = {"1w": 7, "1M": 31}
_LEFT_OUT = ("id", "stats", "center_id", "strokes")
"""Measurements without a date, and numbers of structures, which nobody could cite."""
_AGES = ("age_ms", "stale_ms")


@dataclass(frozen=True, slots=True)
class Moment:
    """The question that a toolbox serves: nothing after `as_of_ns` exists, and its own symbol needs no prefix."""

    symbol: str
    as_of_ns: int

    def of(self, symbol: str) -> str:
        """Return what an id of `symbol` begins with."""
        return "" if symbol == self.symbol else f"{symbol}/"


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One row: what is shown, the ids in it, and when it was known, Unix ns. `open` is a bar that had not closed."""

    shown: Any
    refs: tuple[str, ...]
    known_ns: int
    open: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of an answer, in its order; the newest stand last or first."""

    name: str
    rows: tuple[ToolRow, ...]
    newest_last: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An answer in parts: what stands above, and its lists. `known_ns` is that of the head."""

    head: Body
    lists: tuple[Rows, ...]
    known_ns: int


def klines(body: Body, moment: Moment) -> Told:
    """Return bars, cited by when they open; one that was open at the moment of the question is marked."""
    cite = f"{moment.of(body['symbol'])}kline:{body['level']}"
    opens = [parse_rfc3339(row[0]) for row in body["rows"]]
    span_ns = _span_ns(body["level"])
    rows = []
    for at, (open_ns, row) in enumerate(zip(opens, body["rows"], strict=True)):
        later = opens[at + 1] if at + 1 < len(opens) else parse_rfc3339(body["last_closed"])
        closed_ns = min(later, open_ns + span_ns)
        still_open = open_ns < moment.as_of_ns < closed_ns
        known_ns = closed_ns if open_ns < moment.as_of_ns else max(open_ns, closed_ns)
        rows.append(ToolRow([short_time(open_ns), *row[1:]], (moment_ref(cite, open_ns),), known_ns, still_open))
    head = {"symbol": body["symbol"], "level": body["level"], "columns": body["columns"], "cite": f"{cite}@<time>",
            "next_cursor": body["next_cursor"]}  # fmt: skip
    return Told(head, (Rows("rows", tuple(rows), newest_last=True),), 0)


def structure(body: Body, moment: Moment) -> Told:
    """Return the parts of a structure; all of it was known when its last bar closed."""
    known_ns = parse_rfc3339(body["known_at"])
    prefix, level = moment.of(body["symbol"]), body["level"]
    parts: dict[str, Callable[[Body], str]] = {
        "fractals": lambda row: _at(f"{prefix}fractal@{level}", row["time"], row, known_ns),
        "strokes": lambda row: _at(f"{prefix}stroke@{level}", row["start"]["time"], row, known_ns),
        "segments": lambda row: _at(f"{prefix}segment@{level}", row["start"]["time"], row, known_ns),
        "centers": lambda row: _at(f"{prefix}{row['id'].partition('#')[0]}@{level}", row["from"], row, known_ns),
        "divergences": lambda row: _at(f"{prefix}div:macd@{level}", row["time"], row, known_ns),
        "points": lambda row: _point_ref(row, prefix, known_ns),
    }
    lists = tuple(
        Rows(name, tuple(_cited(row, ref(row), known_ns) for row in body[name]), newest_last=True)
        for name, ref in parts.items()
        if body[name] is not None
    )
    head = {name: body[name] for name in ("symbol", "level", "bars", "first_bar", "truncated", "trend", "known_at")}
    return Told(head, lists, known_ns)


def points(body: Body, moment: Moment) -> Told:
    """Return points, each known since it was first seen, confirmed or withdrawn."""
    known_ns = parse_rfc3339(body["known_at"])
    rows = []
    for row in body["points"]:
        changes = (row[name] for name in ("first_seen", "confirmed_at", "void_at"))
        last_ns = max(parse_rfc3339(at) for at in changes if at is not None)
        rows.append(_cited(row, _point_ref(row, moment.of(row["symbol"]), known_ns), last_ns))
    head = {name: body[name] for name in ("scanned", "next_cursor", "known_at")}
    return Told(head, (Rows("points", tuple(rows), newest_last=False),), known_ns)


def signals(body: Body, moment: Moment) -> Told:
    """Return decisions, with the structures they rest on."""
    rows = []
    for row in body["signals"]:
        prefix = moment.of(row["symbol"])
        own = f"{prefix}signal#{row['signal_id']}"
        refs = (own, *(f"{prefix}{ref}" for ref in row["refs"]))
        shown = {**row, "id": own, "refs": list(refs[1:])}
        rows.append(ToolRow(shown, tuple(ref for ref in refs if is_ref(ref)), row["known_ms"] * NS_PER_MS))
    return Told({"next_cursor": body["next_cursor"]}, (Rows("signals", tuple(rows), newest_last=False),), 0)


def market_status(body: Body, moment: Moment) -> Told:
    """Return price, session and gaps of symbols; how far the desk may act stands in the briefing, as of its moment."""
    now_ns = parse_rfc3339(body["known_at"])
    rows = []
    for row in body["symbols"]:
        # Without an age there is no price; that there is none is known now.
        known_ns = moment.as_of_ns if row["age_ms"] is None else now_ns - row["age_ms"] * NS_PER_MS
        rows.append(_cited(row, moment_ref(f"{moment.of(row['symbol'])}price", known_ns), known_ns))
    return Told({}, (Rows("symbols", tuple(rows), newest_last=False),), 0)


def snapshot(body: Body, moment: Moment) -> Told:
    """Return the newest quote, trade, mark and book of symbols, each known when the last of them was."""
    rows = []
    for row in body["rows"]:
        parts = {name: row[name] for name in ("quote", "trade", "mark", "book") if row[name] is not None}
        known_ns = max((part["known_ns"] for part in parts.values()), default=moment.as_of_ns)
        rows.append(_cited(row, moment_ref(f"{moment.of(row['symbol'])}snapshot", known_ns), known_ns))
    return Told({}, (Rows("rows", tuple(rows), newest_last=False),), 0)


def positions(body: Body, moment: Moment) -> Told:
    """Return positions and open orders; all of it was known when the account was read."""
    known_ns = parse_rfc3339(body["known_at"])
    held = tuple(_cited(row, f"{moment.of(row['symbol'])}position#{row['symbol']}", known_ns)
                 for row in body["positions"])  # fmt: skip
    orders = tuple(_cited(row, f"order#{row['client_order_id']}", known_ns) for row in body["orders"])
    head = {name: body[name] for name in ("mode", "equity", "margin_ratio", "known_at")}
    return Told(head, (Rows("positions", held, newest_last=True), Rows("orders", orders, newest_last=True)), known_ns)


OUTLETS: Mapping[str, Callable[[Body, Moment], Told]] = {
    "get_klines": klines,
    "analyze_structure": structure,
    "query_buy_sell_points": points,
    "get_signals": signals,
    "get_market_status": market_status,
    "get_live_snapshot": snapshot,
    "get_position": positions,
}
"""How the answer of each operation is told; what stands not here is no tool."""

PINNED: Mapping[str, str] = {
    "get_klines": "end",
    "analyze_structure": "as_of",
    "query_buy_sell_points": "as_of",
}
"""The argument by which an operation is held to a moment."""


def latest_ns(shown: Any) -> int:
    """Return the latest moment that a row or head tells of, 0 without one: a second guard beside its outlet's word."""
    return max(_moments(shown), default=0)


def _moments(part: Any) -> Iterator[int]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            if isinstance(value, int) and name in ("ts_ms", "known_ms", "event_ms"):
                yield value * NS_PER_MS
            elif isinstance(value, int) and name == "known_ns":
                yield value
            else:
                yield from _moments(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _moments(value)
    elif isinstance(part, str) and part[:1].isdigit() and part.endswith("Z"):
        try:
            yield parse_rfc3339(part)
        except (ValueError, OverflowError):
            return


def _cited(row: Body, ref: str, known_ns: int) -> ToolRow:
    shown = {"id": ref, **{name: _ageless(value) for name, value in row.items() if name not in (*_LEFT_OUT, *_AGES)}}
    return ToolRow(shown, (ref,) if is_ref(ref) else (), known_ns)


def _ageless(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _ageless(value) for name, value in part.items() if name not in _AGES}
    return part


def _at(kind: str, time: str, row: Body, known_ns: int) -> str:
    """Return the id of what starts or stands at a time; while provisional its revision is when it was seen so."""
    return f"{kind}@{short_time(parse_rfc3339(time))}{_revision(row, known_ns)}"


def _point_ref(row: Body, prefix: str, known_ns: int) -> str:
    name = ("buy" if row["type"].startswith("buy") else "sell") + row["subtype"]
    return _at(f"{prefix}point:{name}@{row['level']}", row["time"], row, known_ns)


def _revision(row: Body, known_ns: int) -> str:
    return "" if row["state"] == "confirmed" else f"r{known_ns // NS_PER_S}"


def _span_ns(level: str) -> int:
    """Return how long a bar of a level can be."""
    days = _LONGEST_BAR_DAYS.get(level)
    return (LEVEL_MS[level] if days is None else days * MS_PER_DAY) * NS_PER_MS
