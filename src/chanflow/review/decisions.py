"""Every decision of a journal with what became of it: approved, refused, abstained or held, and how its trade ended.

A fold over records: nothing is taken from a running desk. What scorecard, daily review and export read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from chanflow.domain.time import NS_PER_MS, parse_rfc3339
from chanflow.review.journal import Record

Verdict = Literal["approved", "refused", "none"]
"""What the gate said; none where it was not asked, as of hold and abstain."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the trade of a decision ended. `r_multiple` is its net result over what it risked to its stop.

    `hit` says whether its take-profit was reached before its stop; None where it was closed before either.
    """

    closed_ns: int
    gross_quote: Decimal
    net_quote: Decimal
    r_multiple: float | None
    hit: bool | None
    exit_leg: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. Prices in quote; `model` is "" where none was asked, `cost_usd` what asking cost.

    `claims` are the types of its evidence and whether they spoke for or against it.
    """

    decision_id: str
    at_ns: int
    symbol: str
    level: str
    kind: str
    action: str
    setup: str
    strategy: str
    analyst: str
    model: str = ""
    analyst_hash: str = ""
    cost_usd: Decimal = Decimal(0)
    confidence: float | None = None
    claims: tuple[tuple[str, str], ...] = ()
    abstain_reason: str = ""
    signal_side: str = ""
    signal_stop: Decimal | None = None
    entry_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    verdict: Verdict = "none"
    reasons: tuple[str, ...] = ()
    outcome: Outcome | None = None

    @property
    def opens(self) -> bool:
        """Whether it meant to open a position."""
        return self.action in ("open_long", "open_short")


@dataclass(slots=True)
class _Reading:
    decisions: dict[str, Decision] = field(default_factory=dict)
    signals: dict[str, Any] = field(default_factory=dict)
    woken_by: dict[str, str] = field(default_factory=dict)
    approved: dict[str, str] = field(default_factory=dict)
    position: dict[str, str] = field(default_factory=dict)


def decisions_of(records: Iterable[Record]) -> tuple[Decision, ...]:
    """Return the decisions that a journal's records tell of, in order, each with what the records know of its end."""
    reading = _Reading()
    for record in records:
        reader = _READERS.get(record.kind)
        if reader is not None:
            reader(reading, record.body, record)
    return tuple(reading.decisions.values())


def _signal(reading: _Reading, body: Mapping[str, Any], _: Record) -> None:
    reading.signals[body["signal_id"]] = body


def _started(reading: _Reading, body: Mapping[str, Any], _: Record) -> None:
    if body.get("signal_id") is not None:
        reading.woken_by[body["decision_id"]] = body["signal_id"]


def _proposal(reading: _Reading, body: Mapping[str, Any], record: Record) -> None:
    meta = body.get("meta") or {}
    signal = reading.signals.get(reading.woken_by.get(body["decision_id"], ""), {})
    reading.decisions[body["decision_id"]] = Decision(
        decision_id=body["decision_id"],
        at_ns=parse_rfc3339(record.at),
        symbol=body["symbol"],
        level=body["level"],
        kind=body["kind"],
        action=body["action"],
        setup=body["setup"],
        strategy=body["strategy"],
        analyst=body["analyst"],
        model=meta.get("model", ""),
        analyst_hash=meta.get("analyst_hash", ""),
        cost_usd=Decimal(meta.get("cost_usd", "0")),
        confidence=body["confidence"],
        claims=tuple((e["claim"], e["direction"]) for e in (*body["evidence"], *body.get("counter_evidence", ()))),
        abstain_reason=body["abstain_reason"] or "",
        signal_side={"buy": "buy", "sell": "sell"}.get(signal.get("side_hint", ""), ""),
        signal_stop=_price(signal.get("invalidation_price")),
        entry_price=_price(body["entry_price"]),
        stop_price=_price(body["stop_price"]),
        target_price=_price(body["take_profit_price"]),
    )


def _refusal(reading: _Reading, body: Mapping[str, Any], _: Record) -> None:
    reasons = tuple(str(reason["code"]) for reason in body["reasons"])
    _change(reading, body["decision_id"], verdict="refused", reasons=reasons)


def _approved(reading: _Reading, body: Mapping[str, Any], _: Record) -> None:
    reading.approved[body["approved_id"]] = body["decision_id"]
    _change(reading, body["decision_id"], verdict="approved")


def _intent(reading: _Reading, body: Mapping[str, Any], _: Record) -> None:
    decision_id = reading.approved.get(body["approved_id"])
    if decision_id is not None and body["leg"] == "entry":
        reading.position[body["position_id"]] = decision_id


def _closed(reading: _Reading, body: Mapping[str, Any], _: Record) -> None:
    decision_id = reading.position.get(body["position_id"])
    decision = reading.decisions.get(decision_id or "")
    if decision is None:
        return
    net, entry = Decimal(body["net_quote"]), Decimal(body["entry_price"])
    risked = None if decision.stop_price is None else abs(entry - decision.stop_price) * Decimal(body["qty_base"])
    _change(
        reading, decision.decision_id,
        outcome=Outcome(
            int(body["closed_ns"]), Decimal(body["gross_quote"]), net, float(net / risked) if risked else None,
            {"take_profit": True, "stop": False}.get(body["exit_leg"]), body["exit_leg"],
        ),
    )  # fmt: skip


def _change(reading: _Reading, decision_id: str, **changes: Any) -> None:
    decision = reading.decisions.get(decision_id)
    if decision is not None:
        reading.decisions[decision_id] = replace(decision, **changes)


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_READERS = {
    "signal": _signal,
    "decision_started": _started,
    "trade_proposal": _proposal,
    "refusal": _refusal,
    "approved_order": _approved,
    "order_intent": _intent,
    "trade_closed": _closed,
}


@dataclass(frozen=True, slots=True)
class PricePath:
    """The closes of a journal's bars: Unix ms, rising, and the price then."""

    ts_ms: tuple[int, ...]
    prices: tuple[float, ...]


def price_path(records: Iterable[Record]) -> PricePath:
    """Return the prices at which the desk marked its account, one a bar."""
    marks = [(parse_rfc3339(r.at) // NS_PER_MS, float(r.body["price"])) for r in records if r.kind == "mark"]
    return PricePath(tuple(ts for ts, _ in marks), tuple(price for _, price in marks))
