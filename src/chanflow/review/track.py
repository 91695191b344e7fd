"""The desk's track: every trade that was closed, with all it cost, and every mark of its equity, read from a journal.

A fold over records that goes on where it ended, so that a growing journal is read once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chanflow.domain.time import parse_rfc3339
from chanflow.review.daily import fill_reference
from chanflow.review.moved_triggers import MovedTriggers
from chanflow.review.sharpe import CRYPTO_DAYS

ZERO = Decimal(0)
NO_POINT = "none"
_KINDS = {"1": "1", "1p": "1", "2": "2", "2s": "2", "3a": "3", "3b": "3", "3": "3"}


@dataclass(frozen=True, slots=True)
class Trip:
    """A closed trade, in quote units: net = gross - costs.

    `costs` are fees, slippage against the price each order was meant for, and funding that was paid; `notional` is what
    it held at its entry price. `point_type` is that of the point its decision rests on.
    """

    closed_ns: int
    symbol: str
    strategy: str
    point_type: str
    gross: float
    costs: float
    net: float
    notional: float


@dataclass(slots=True)
class Track:
    """What a journal tells so far. `marks` are times, equities and prices; `transfers` times and amounts.

    `seq` counts the records and `known_ns` is when the last was written; `modelled` says whether a model decided
    anything. Trades of which any part was not the desk's own are left out.
    """

    seq: int = 0
    known_ns: int = 0
    opened_ns: int = 0
    capital: float | None = None
    modelled: bool = False
    trips: list[Trip] = field(default_factory=list)
    marks: list[tuple[int, float, float]] = field(default_factory=list)
    transfers: list[tuple[int, float]] = field(default_factory=list)
    days_per_year: int = CRYPTO_DAYS


class TrackFold:
    """Takes the records of a journal one after the other."""

    def __init__(self) -> None:
        self.track = Track()
        self._intents: dict[str, Mapping[str, Any]] = {}
        self._triggers = MovedTriggers()
        self._decided: dict[str, tuple[str, str]] = {}
        self._approved: dict[str, str] = {}
        self._opened_by: dict[str, str] = {}
        self._slipped: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self._paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self._readers = {
            "ledger": self._ledger, "mark": self._mark, "trade_proposal": self._proposal,
            "approved_order": self._approval, "order_intent": self._intent,
            "trade_closed": self._closed,
        }  # fmt: skip

    def take(self, kind: str, at: str, body: Any) -> None:
        """Take a record's kind, RFC 3339 time and body."""
        self.track.seq += 1
        reader = self._readers.get(kind)
        if reader is not None:
            reader(parse_rfc3339(at), body)
        elif kind in ("amend_intent", "venue_event"):
            self._triggers.take(kind, body)
        self._last_at = at

    def known(self) -> Track:
        """Return the track so far."""
        if self.track.seq:
            self.track.known_ns = parse_rfc3339(self._last_at)
        return self.track

    def _ledger(self, at_ns: int, body: Any) -> None:
        kind, amount = body["kind"], Decimal(body["amount_quote"])
        if kind == "fill":
            self._fill(body)
        elif kind == "capital":
            self.track.capital, self.track.opened_ns = float(amount), at_ns
        elif kind == "transfer":
            self.track.transfers.append((at_ns, float(amount)))
        elif kind in ("funding", "rebate"):
            self._paid[body["symbol"]] -= amount

    def _mark(self, at_ns: int, body: Any) -> None:
        self.track.marks.append((at_ns, float(body["equity_quote"]), float(body["price"])))

    def _proposal(self, _: int, body: Any) -> None:
        refs = (each["ref"] for each in body["evidence"] if each["direction"] != "against")
        point = next((found for ref in refs if (found := _point_type(ref)) is not None), NO_POINT)
        self._decided[body["decision_id"]] = (body["strategy"], point)
        self.track.modelled |= bool((body.get("meta") or {}).get("model"))

    def _approval(self, _: int, body: Any) -> None:
        self._approved[body["approved_id"]] = body["decision_id"]

    def _intent(self, _: int, body: Any) -> None:
        self._intents[body["client_order_id"]] = body
        decision = self._approved.get(body["approved_id"])
        if body["leg"] == "entry" and decision is not None:
            self._opened_by.setdefault(body["position_id"], decision)

    def _fill(self, body: Any) -> None:
        """Take a fill as the ledger booked it, which is before it closed its trade."""
        name = body["client_order_id"]
        parent, _, suffix = name.rpartition("-")
        intent = self._intents.get(name) or self._intents.get(parent)
        _, reference = fill_reference(intent, "" if name in self._intents else suffix)
        reference = self._triggers.of(name) or reference
        if reference is not None:
            slipped = (Decimal(body["price"]) - reference) * Decimal(body["signed_base"])
            self._slipped[body["position_id"]] += slipped

    def _closed(self, _: int, body: Any) -> None:
        slipped = self._slipped.pop(body["position_id"], ZERO)
        paid = self._paid.pop(body["symbol"], ZERO)
        if body.get("external"):
            return
        decision = self._opened_by.pop(body["position_id"], "")
        strategy, point = self._decided.get(decision, ("default", NO_POINT))
        net = Decimal(body["net_quote"]) - paid
        costs = Decimal(body["fees_quote"]) + slipped + paid
        self.track.trips.append(
            Trip(
                int(body["closed_ns"]), body["symbol"], strategy, point, float(net + costs), float(costs), float(net),
                float(abs(Decimal(body["qty_base"]) * Decimal(body["entry_price"]))),
            )
        )  # fmt: skip


def _point_type(ref: str) -> str | None:
    """Return the type of the point that an id names, such as buy2 of `point:buy2s@30m@…`; None for another id."""
    head, colon, rest = ref.rpartition("/")[2].partition(":")
    name = rest.partition("@")[0].removesuffix("-seg")
    side = "buy" if name.startswith("buy") else "sell" if name.startswith("sell") else ""
    kind = _KINDS.get(name.removeprefix(side))
    return f"{side}{kind}" if head == "point" and colon and side and kind else None
