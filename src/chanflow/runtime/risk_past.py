"""Where a desk's risk stood when its last process ended, out of the journal's records.

Each change was journaled before it took effect, and the timers each minute (`risk_kept`), so that what is read here is
what stood. What cannot be read is never guessed at: the ladder is at L0, the wall stands, the halt stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_DAY
from chanflow.execution.records import Recorded
from chanflow.risk.guardian import GuardianState
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.ladder import Book, LadderState
from chanflow.risk.loss_wall import WallState
from chanflow.risk.record import ClosedTrade, DayReturn, Record, read_ladder
from chanflow.runtime.codec import decode

_FAULTS = (KeyError, TypeError, ValueError, AttributeError, InvalidOperation, InvalidArgument)


@dataclass(frozen=True, slots=True)
class _Appended:
    at: str
    kind: str
    body: Any
    correlation_id: str = ""


class Known:
    """The records of earlier processes, with those that a restart appends: effects that the last end has cut off."""

    def __init__(self, records: Sequence[Recorded]) -> None:
        self._records = list(records)
        self._open = True

    def take(self, kind: str, at: str, correlation_id: str, body: Any) -> None:
        """Hear of a record that is being appended."""
        if self._open:
            self._records.append(_Appended(at, kind, body, correlation_id))

    def all(self) -> list[Recorded]:
        """Return every record, and hear of no more."""
        self._open = False
        known, self._records = self._records, []
        return known


@dataclass(slots=True)
class LadderPast:
    """The ladder as it stood; `state` is None where it never began, `fault` says why it could not be read."""

    state: LadderState | None = None
    record: Record = field(default_factory=Record)
    day: tuple[int, Decimal] | None = None
    evaluated_day: int | None = None
    fault: str | None = None


@dataclass(slots=True)
class RiskPast:
    """Ladder, wall, halt and guardian as they stood."""

    ladder: LadderPast = field(default_factory=LadderPast)
    wall: WallState = field(default_factory=WallState)
    halt: HaltState = field(default_factory=HaltState)
    guardian: GuardianState | None = None
    forced_close: bool = False
    """Whether the guardian had begun to close what the ladder was not judged by yet."""


def read_past(records: Iterable[Recorded], *, book: Book, now_ns: int) -> RiskPast:
    """Return where the risk of the desk that wrote `records` stood."""
    reader = _Reader(book, now_ns)
    for record in records:
        try:
            reader.take(record.kind, record.body)
        except _FAULTS as fault:
            reader.unreadable(record.kind, f"the {record.kind} at {record.at} cannot be read ({type(fault).__name__})")
    return reader.found


class _Reader:
    def __init__(self, book: Book, now_ns: int) -> None:
        self._book, self._now_ns = book, now_ns
        self.found = RiskPast()

    def take(self, kind: str, body: Any) -> None:
        found, ladder = self.found, self.found.ladder
        match kind:
            case "ladder":
                ladder.state, readable = read_ladder(body["state"], book=self._book, now_ns=self._now_ns)
                ladder.fault = None if readable else "the ladder's state in the journal cannot be read"
                found.forced_close = False
            case "trade_closed" if not body["external"]:
                worth = Decimal(body["qty_base"]) * Decimal(body["entry_price"])
                trade = ClosedTrade(int(body["closed_ns"]), Decimal(body["net_quote"]), worth)
                ladder.record = ladder.record.with_trade(trade)
            case "day_return":
                ladder.record = ladder.record.with_day(decode(DayReturn, body))
            case "account":
                start = Decimal(body["day_start_equity_quote"])
                if start > 0:
                    now = Decimal(body["equity_quote"]) - Decimal(body["transfers_today_quote"])
                    ladder.day = int(body["as_of_ns"]) // NS_PER_DAY, now / start - 1
            case "loss_wall":
                found.wall = decode(WallState, body["wall"])
            case "halt":
                found.halt = decode(HaltState, body["state"])
            case "guardian":
                closes = any(a["kind"] == "close" and a["cause"] != "halt" for a in body["actions"])
                found.forced_close = found.forced_close or closes
            case "risk_kept":
                found.wall = decode(WallState, body["wall"])
                found.guardian = decode(GuardianState, body["guardian"])
                ladder.evaluated_day = body["evaluated_day"]

    def unreadable(self, kind: str, why: str) -> None:
        """Take the careful side of what a record would have said."""
        now_ns = self._now_ns
        self.found.ladder.fault = why
        if kind in ("loss_wall", "risk_kept"):
            today = now_ns // NS_PER_DAY
            self.found.wall = WallState(True, today, None, None, now_ns, today)
        elif kind == "halt":
            self.found.halt = halt(self.found.halt, "guardian", why, now_ns)
