"""Decisions, read back from a journal as memory keeps them: what was seen, wanted, refused, done, and what came of it.

The record `market_state` holds the figures of a decision, `memory_used` what memory told before it. Decisions without
figures are decisions all the same; they only have no vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import Case, ClosedTrade, Decision, Fate
from chanflow.domain.time import parse_rfc3339
from chanflow.review.journal import Record
from chanflow.review.memory_json import state_body, state_of

STATE_KIND = "market_state"
LEFT_OUT_KIND = "market_state_left_out"
"""Says of a decision that too many figures were missing to compare its market."""


def market_state_record(decision_id: str, state: MarketState, regime: str | None = None) -> dict[str, Any]:
    """Return the body of the record that keeps a decision's figures; its kind is `STATE_KIND`."""
    return {"decision_id": decision_id, "regime": regime, "figures": state_body(state)}


@dataclass(frozen=True, slots=True)
class Told:
    """What journals tell: decisions in order, and closed trades of ours in order. `unread` names what is damaged."""

    cases: tuple[Case, ...]
    trades: tuple[ClosedTrade, ...]
    unread: tuple[str, ...] = ()


def told_by(records: Iterable[Record]) -> Told:
    """Return the decisions and trades that records tell of; what belongs to none is passed over."""
    fold = JournalCases()
    for record in records:
        fold.take(record.kind, record.at, record.body)
    return fold.told


class JournalCases:
    """Follows a journal, record by record, as it is written or read again."""

    def __init__(self) -> None:
        self._kept: dict[str, Case] = {}
        self._states: dict[str, tuple[MarketState, str | None]] = {}
        self._said: dict[str, str] = {}
        self._trades: dict[str, ClosedTrade] = {}
        self._opened_by: dict[str, str] = {}
        """By position, the decision that opened it."""
        self._approvals: dict[str, Mapping[str, Any]] = {}
        self._unit_risk: dict[str, Decimal] = {}
        """By position: what its stop would have cost, per unit of base."""
        self._readers: dict[str, Callable[[str, Any], Case | ClosedTrade | None]] = {
            STATE_KIND: self._state,
            "memory_used": self._memory,
            "trade_proposal": self._proposal,
            "refusal": self._refusal,
            "approved_order": self._approval,
            "order_intent": self._intent,
            "trade_closed": self._closed,
        }

    @property
    def told(self) -> Told:
        """All decisions and trades so far."""
        return Told(tuple(self._kept.values()), tuple(self._trades.values()))

    def take(self, kind: str, at: str, body: Any) -> Case | ClosedTrade | None:
        """Take a record's kind, RFC 3339 time and body; return the decision it tells of, as it stands now, or a trade.

        None where it tells of neither: `Memory.remember` and `Memory.closed` want what is returned.
        """
        reader = self._readers.get(kind)
        return None if reader is None else reader(at, body)

    def _state(self, _at: str, body: Any) -> None:
        self._states[body["decision_id"]] = (state_of(body["figures"]), body.get("regime"))

    def _memory(self, _at: str, body: Any) -> None:
        self._said[body["decision_id"]] = memory_in_a_line(body["memory"])

    def _proposal(self, at: str, body: Any) -> Case:
        name = body["decision_id"]
        state, regime = self._states.pop(name, (MarketState(), None))
        meta = body.get("meta") or {}
        decision = Decision(
            decision_id=name, at_ns=parse_rfc3339(at), symbol=body["symbol"], level=body["level"],
            action=body["action"], setup=body["setup"], regime=regime, confidence=body["confidence"],
            leverage=body["leverage"], position_id=body["position_id"], strategy=body["strategy"],
            analyst=body["analyst"], model=meta.get("model", ""), fate=_FATES.get(body["action"], "proposed"),
            reason=body["abstain_reason"] or "", reasoning_short=body.get("reasoning_short", ""),
            claims=tuple(dict.fromkeys(each["claim"] for each in body["evidence"])),
            memory_said=self._said.pop(name, ""),
        )  # fmt: skip
        self._kept[name] = Case(decision, state)
        return self._kept[name]

    def _refusal(self, _at: str, body: Any) -> Case | None:
        return self._became(body["decision_id"], "refused", ", ".join(reason["code"] for reason in body["reasons"]))

    def _approval(self, _at: str, body: Any) -> Case | None:
        self._approvals[body["approved_id"]] = body
        return self._became(body["decision_id"], "approved", "")

    def _became(self, name: str, fate: Fate, reason: str) -> Case | None:
        case = self._kept.get(name)
        # A decision with two legs of which one was approved is an order.
        if case is None or (case.decision.fate == "approved" and fate == "refused"):
            return None
        return self._change(name, fate=fate, reason=reason)

    def _intent(self, _at: str, body: Any) -> Case | None:
        approved, position = self._approvals.get(body["approved_id"]), body["position_id"]
        if approved is None or approved["terms"]["reduce_only"] or position in self._opened_by:
            return None
        name, terms = approved["decision_id"], approved["terms"]
        self._opened_by[position] = name
        reference = body["reference_price"] or terms["limit_price"]
        if reference is not None and terms["stop_price"] is not None:
            self._unit_risk[position] = abs(Decimal(reference) - Decimal(terms["stop_price"]))
        return self._change(name, position_id=position)

    def _closed(self, _at: str, body: Any) -> ClosedTrade | None:
        position = body["position_id"]
        name = self._opened_by.get(position)
        if name is None or body["external"]:
            return None
        case, risk = self._kept.get(name), self._unit_risk.get(position)
        trade = ClosedTrade(
            position_id=position, decision_id=name, symbol=body["symbol"], side=body["side"],
            opened_ns=body["opened_ns"], closed_ns=body["closed_ns"],
            gross_quote=_kept_digits(Decimal(body["gross_quote"])),
            fees_quote=_kept_digits(Decimal(body["fees_quote"])), net_quote=_kept_digits(Decimal(body["net_quote"])),
            exit_leg=body["exit_leg"],
            risk_quote=None if not risk else _kept_digits(risk * Decimal(body["qty_base"])),
            strategy="default" if case is None else case.decision.strategy,
        )  # fmt: skip
        self._trades[position] = trade
        self._change(name, outcome=trade.outcome)
        return trade

    def _change(self, name: str, **changes: Any) -> Case | None:
        case = self._kept.get(name)
        if case is None:
            return None
        self._kept[name] = replace(case, decision=replace(case.decision, **changes))
        return self._kept[name]


_FATES: dict[str, Fate] = {"hold": "held", "abstain": "abstained"}


def _kept_digits(amount: Decimal) -> Decimal:
    """Return an amount in quote units to twelve decimals: an average price may have brought more."""
    return round(amount, 12)


def memory_in_a_line(memory: Mapping[str, Any] | None) -> str:
    """Return what a `memory_used` record says of similar cases and lessons, as one line."""
    if memory is None:
        return "no memory"
    figures = memory.get("figures")
    parts = ["no comparable cases"]
    if figures is not None and figures.get("mean_r") is not None:
        parts = [f"{figures['n']} similar cases, mean {figures['mean_r']:+.2f} R"]
    if memory.get("lessons"):
        parts.append("lessons " + ", ".join(str(each["ref"]) for each in memory["lessons"]))
    if memory.get("missing"):
        parts.append("did not answer: " + "; ".join(map(str, memory["missing"])))
    return "; ".join(parts)
