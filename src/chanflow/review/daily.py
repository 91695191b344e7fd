"""The day, read back from the journal: what was seen, proposed, refused, filled, paid and kept.

Everything here is a fold over journal records; nothing is taken from a running desk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chanflow.domain.time import NS_PER_MS, parse_rfc3339
from chanflow.review.journal import Record
from chanflow.review.moved_triggers import MovedTriggers

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One reading of the account: Unix ms, mark price and equity in quote."""

    ts_ms: int
    price: Decimal
    equity_quote: Decimal


@dataclass(frozen=True, slots=True)
class ChartFill:
    """A fill as the chart shows it."""

    ts_ms: int
    side: str
    leg: str
    price: Decimal
    qty_base: Decimal
    fee_quote: Decimal
    maker: bool


@dataclass(frozen=True, slots=True)
class ChartTrade:
    """A round trip, flat to flat. `slippage_quote` is what fills cost against the reference price of their order."""

    position_id: str
    side: str
    opened_ms: int
    closed_ms: int
    qty_base: Decimal
    entry_price: Decimal
    exit_price: Decimal
    exit_leg: str
    gross_quote: Decimal
    fees_quote: Decimal
    net_quote: Decimal


@dataclass(frozen=True, slots=True)
class ChartSignal:
    """A signal as the chart shows it."""

    ts_ms: int
    signal_type: str
    decision_code: str
    price: str
    score: float | None
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the gate refused, and every reason."""

    ts_ms: int
    proposal_id: str
    reasons: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Day:
    """The figures of a day. Money in quote units.

    `gross_quote` is before fees and slippage, `cost_quote` their sum, `net_quote` what was kept of closed and open
    trades: net = gross - cost.
    """

    head: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = False
    records: int = 0
    last_at: str = ""
    """When the last record was written, RFC 3339."""
    signals: list[ChartSignal] = field(default_factory=list)
    proposals: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    approvals: int = 0
    clips: Counter[str] = field(default_factory=Counter)
    orders_sent: int = 0
    intents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    fills: list[ChartFill] = field(default_factory=list)
    trades: list[ChartTrade] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    strokes: list[Mapping[str, Any]] = field(default_factory=list)
    triggers_fired: Counter[str] = field(default_factory=Counter)
    managed: Counter[str] = field(default_factory=Counter)
    """What was approved for positions that stood: parts closed, stops tightened, targets moved; and what was denied."""
    reduces: set[str] = field(default_factory=set)
    """The proposals by which a part of a position was to leave."""
    moved_triggers: MovedTriggers = field(default_factory=MovedTriggers)
    ladder: list[tuple[int, str, str]] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    market: Mapping[str, Any] = field(default_factory=dict)
    capital_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    slippage_quote: Decimal = ZERO
    equity_quote: Decimal = ZERO
    max_drawdown_frac: Decimal = ZERO

    @property
    def net_quote(self) -> Decimal:
        """Equity at the end less the capital."""
        return self.equity_quote - self.capital_quote

    @property
    def cost_quote(self) -> Decimal:
        """Fees and slippage."""
        return self.fees_quote + self.slippage_quote

    @property
    def gross_quote(self) -> Decimal:
        """What the same decisions would have made at their reference prices, free of cost."""
        return self.net_quote + self.cost_quote

    @property
    def refusal_codes(self) -> Counter[str]:
        """How often each reason was given."""
        return Counter(code for refusal in self.refusals for code, _ in refusal.reasons)

    @property
    def signal_codes(self) -> Counter[str]:
        """How many signals ended at each decision code."""
        return Counter(s.decision_code for s in self.signals)


def fold(records: Iterable[Record]) -> Day:
    """Return the day that a journal's records tell of, however far they go."""
    day = Day()
    for record in records:
        take(day, record)
    return day


def take(day: Day, record: Record) -> None:
    """Add what a record tells."""
    day.records, day.last_at = day.records + 1, record.at
    reader = _READERS.get(record.kind)
    if reader is not None:
        reader(day, record)


def _ms(record: Record) -> int:
    return parse_rfc3339(record.at) // NS_PER_MS


def _head(day: Day, record: Record) -> None:
    day.head = record.body


def _ledger(day: Day, record: Record) -> None:
    amount = Decimal(record.body["amount_quote"])
    if record.body["kind"] == "capital":
        day.capital_quote = day.equity_quote = amount
        day.marks.append(Mark(_ms(record), ZERO, amount))
    elif record.body["kind"] == "fee":
        day.fees_quote += amount


def _signal(day: Day, record: Record) -> None:
    body = record.body
    day.signals.append(
        ChartSignal(
            body["ts_ms"], body["signal_type"], body["decision_code"], body["price"], body["score"], tuple(body["refs"])
        )
    )


def _proposal(day: Day, record: Record) -> None:
    day.proposals[record.body["action"]] += 1
    if record.body["action"] == "reduce":
        day.reduces.add(record.body["proposal_id"])


def _refusal(day: Day, record: Record) -> None:
    reasons = tuple((reason["code"], reason["message"]) for reason in record.body["reasons"])
    day.refusals.append(Refusal(_ms(record), record.body["proposal_id"], reasons))


def _approved(day: Day, record: Record) -> None:
    day.approvals += 1
    if record.body["proposal_id"] in day.reduces:
        day.managed["parts closed"] += 1
    for clip in record.body["clips"]:
        day.clips[clip.split(",")[-1].strip() if clip.startswith("quantity") else clip] += 1


def _intent(day: Day, record: Record) -> None:
    day.intents[record.body["client_order_id"]] = record.body
    day.orders_sent += 1


def _fill(day: Day, record: Record) -> None:
    body = record.body
    client_id = body["client_order_id"]
    price, qty = Decimal(body["price"]), Decimal(body["qty_base"])
    parent, _, suffix = client_id.rpartition("-")
    intent = day.intents.get(client_id) or day.intents.get(parent)
    leg, reference = fill_reference(intent, "" if client_id in day.intents else suffix)
    reference = day.moved_triggers.of(client_id) or reference
    if reference is not None:
        day.slippage_quote += (price - reference) * qty * (1 if body["side"] == "buy" else -1)
    day.fills.append(
        ChartFill(
            body["event_ns"] // NS_PER_MS, body["side"], leg, price, qty, Decimal(body["fee_quote"]), body["maker"]
        )
    )


def _moved_trigger(day: Day, record: Record) -> None:
    day.moved_triggers.take(record.kind, record.body)


def _protected(day: Day, record: Record) -> None:
    body = record.body
    if body["denied"]:
        day.managed["not moved"] += 1
        return
    if body["stop_price"] is not None:
        day.managed["stops tightened"] += 1
    if body["take_profit_price"] is not None:
        day.managed["targets moved"] += 1


def fill_reference(intent: Mapping[str, Any] | None, suffix: str) -> tuple[str, Decimal | None]:
    """Return the leg of a fill and the price its order was meant to trade at: the mid when sent, or its trigger."""
    if intent is None:
        return "external", None
    terms = intent["terms"]
    leg, price = {
        "sl": ("stop", terms["stop_price"]),
        "tp": ("take_profit", terms["take_profit_price"]),
    }.get(suffix, (intent["leg"], intent["reference_price"]))
    return leg, None if price is None else Decimal(price)


def _trade(day: Day, record: Record) -> None:
    body = record.body
    day.trades.append(
        ChartTrade(
            position_id=body["position_id"],
            side=body["side"],
            opened_ms=body["opened_ns"] // NS_PER_MS,
            closed_ms=body["closed_ns"] // NS_PER_MS,
            qty_base=Decimal(body["qty_base"]),
            entry_price=Decimal(body["entry_price"]),
            exit_price=Decimal(body["exit_price"]),
            exit_leg=body["exit_leg"],
            gross_quote=Decimal(body["gross_quote"]),
            fees_quote=Decimal(body["fees_quote"]),
            net_quote=Decimal(body["net_quote"]),
        )
    )


def _mark(day: Day, record: Record) -> None:
    day.equity_quote = Decimal(record.body["equity_quote"])
    day.marks.append(Mark(_ms(record), Decimal(record.body["price"]), day.equity_quote))


def _trigger(day: Day, record: Record) -> None:
    day.triggers_fired[record.body["kind"]] += 1


def _ladder(day: Day, record: Record) -> None:
    day.ladder.append((_ms(record), record.body["level"], record.body["cause"]))


def _anomaly(day: Day, record: Record) -> None:
    day.anomalies.append(record.body["what"])


def _stroke(day: Day, record: Record) -> None:
    day.strokes.append(record.body)


def _end(day: Day, record: Record) -> None:
    body = record.body
    day.finished = True
    day.max_drawdown_frac = Decimal(body["max_drawdown_frac"])
    day.market = {
        "events": body["events"], "bars": body["bars"], "feature_rows": body["feature_rows"],
        "features_sha256": body["features_sha256"], "ladder": body["ladder"], **body["book"],
    }  # fmt: skip


_READERS = {
    "head": _head,
    "ledger": _ledger,
    "signal": _signal,
    "trade_proposal": _proposal,
    "refusal": _refusal,
    "approved_order": _approved,
    "order_intent": _intent,
    "protection_moved": _protected,
    "amend_intent": _moved_trigger,
    "venue_event": _moved_trigger,
    "fill": _fill,
    "trade_closed": _trade,
    "mark": _mark,
    "re_analysis_trigger": _trigger,
    "ladder": _ladder,
    "anomaly": _anomaly,
    "stroke": _stroke,
    "end": _end,
}
