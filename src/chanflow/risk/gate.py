"""The gate: the one place where a proposal becomes an order.

What is asked, and in which order, is in `judgement.py`. Here is what a gate remembers between proposals: which it has
judged, the room its approvals hold until they are orders, and where the desk stands. `key` signs approvals, so that a
forged message is no approval.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from chanflow.domain.account import AccountSnapshot, RestingOrder
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import ApprovedOrder, OrderTerms, Refused, approved_payload, claim_approval_seal
from chanflow.domain.time import NS_PER_S
from chanflow.risk.judgement import Judgement, Question, judge
from chanflow.risk.ladder import Level
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallChange, watch
from chanflow.risk.market_view import MarketView
from chanflow.risk.mode import RunMode
from chanflow.risk.projection import worst_price
from chanflow.risk.reducing import legs
from chanflow.risk.signing import sign
from chanflow.risk.state import Memory, RiskState, Rules

_SEAL = claim_approval_seal()
ZERO = Decimal(0)
MINUTE_NS = 60 * NS_PER_S


class _Reserved(NamedTuple):
    """Room that an approval holds until its order stands in the account, or it expires."""

    expires_ns: int
    order: RestingOrder
    closing: bool


class Gate:
    """Judges proposals for one account at one venue. `state` is where the desk stands; its owner journals it."""

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        limits: Limits,
        key: bytes,
        level: Level,
        mode: RunMode = "paper",
        account: str = "paper",
        venue: str = "simulated",
        quiet_may_open: bool = False,
        strategy_shares: Mapping[str, Decimal] | None = None,
        on_question: Callable[[Question], None] | None = None,
    ) -> None:
        """`on_question` hears every question before it is answered; where it raises, nothing is approved."""
        if len(key) < 32:
            raise ValueError(f"the gate's key has {len(key)} bytes, at least 32 are needed")
        self.rules = Rules(
            dict(instruments), limits, account, venue, mode, quiet_may_open, dict(strategy_shares or {})
        )  # fmt: skip
        self.state = RiskState(level)
        self._key = key
        self._seen: set[str] = set()
        self._reserved: dict[str, _Reserved] = {}
        self._opened_ns: deque[int] = deque()
        self._limits_hash = limits.hash
        self._on_question = on_question

    def add_instrument(self, instrument: Instrument) -> None:
        """Judge proposals of one more symbol from now on."""
        self.rules = replace(self.rules, instruments={**self.rules.instruments, instrument.symbol: instrument})

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self.rules.limits

    @property
    def level(self) -> Level:
        """The ladder's level."""
        return self.state.level

    @level.setter
    def level(self, level: Level) -> None:
        self.state = replace(self.state, level=level)

    def judge(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, *, now_ns: int,
        approved_by: str | None = None,
    ) -> ApprovedOrder | Refused:  # fmt: skip
        """Pass `proposal` through every check. Returns the approval, or the refusal with all reasons.

        A live proposal that only lacks a person's approval is not used up: it may be judged again, with `approved_by`.
        """
        memory = self.memory(proposal, now_ns, approved_by)
        if self._on_question is not None:
            self._on_question(Question(proposal, account, market, self.rules, self.state, memory, now_ns))
        found = judge(proposal, account, market, self.rules, self.state, memory, now_ns)
        reasons = found.verdict.reasons
        if found.terms is not None:
            self._seen.add(proposal.proposal_id)
            return self._approve(proposal, found, found.terms, market, now_ns)
        if [r.code for r in reasons] != ["approval_needed"]:
            self._seen.add(proposal.proposal_id)
        return Refused(
            proposal.proposal_id, proposal.decision_id, proposal.symbol, now_ns, reasons, found.verdict.checks,
            self._limits_hash,
        )  # fmt: skip

    def judge_legs(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, *, now_ns: int
    ) -> tuple[ApprovedOrder | Refused, ...]:
        """Judge a proposal, a flip as its closing leg and then its opening leg, each apart."""
        return tuple(self.judge(leg, account, market, now_ns=now_ns) for leg in legs(proposal, account))

    def memory(self, proposal: TradeProposal, now_ns: int, approved_by: str | None = None) -> Memory:
        """Return what the gate remembers that touches `proposal`; expired approvals give their room back."""
        while self._opened_ns and self._opened_ns[0] <= now_ns - MINUTE_NS:
            self._opened_ns.popleft()
        seen, opened = proposal.proposal_id in self._seen, len(self._opened_ns)
        if not self._reserved:
            return Memory(seen, (), ZERO, opened, approved_by)
        self._reserved = {k: held for k, held in self._reserved.items() if held.expires_ns >= now_ns}
        held = self._reserved.values()
        closing = sum((h.order.qty_base for h in held if h.closing and h.order.symbol == proposal.symbol), ZERO)
        return Memory(seen, tuple(h.order for h in held if not h.closing), closing, opened, approved_by)

    def watch_loss(self, account: AccountSnapshot) -> WallChange | None:
        """Let the loss wall take a reading. Returns its step, if it took one."""
        wall, change = watch(
            self.state.wall, account.day_loss_frac, self.limits, account.as_of_ns, flat=not account.positions
        )
        self.state = replace(self.state, wall=wall)
        return change

    def release(self, approved_id: str) -> None:
        """Give back the room an approval holds: its order now stands in the account, or never will."""
        self._reserved.pop(approved_id, None)

    def admit(self, payload: Mapping[str, Any], decode: Callable[[Mapping[str, Any]], dict[str, Any]]) -> ApprovedOrder:
        """Return the approval that a message carries; raises ValueError where this gate did not sign it."""
        parts = decode({k: v for k, v in payload.items() if k != "signature"})
        signature = str(payload.get("signature", ""))
        if not hmac.compare_digest(signature, sign(self._key, parts)):
            raise ValueError("an approval whose signature is not the gate's is refused")
        return ApprovedOrder(seal=_SEAL, signature=signature, **parts)

    def _approve(
        self, proposal: TradeProposal, found: Judgement, terms: OrderTerms, market: MarketView, now_ns: int
    ) -> ApprovedOrder:
        expires_ns = now_ns + int(self.limits.approval_ttl_s * NS_PER_S)
        parts: dict[str, Any] = {
            "approved_id": sha256(f"approval:{proposal.proposal_id}".encode()).hexdigest()[:32],
            "proposal_id": proposal.proposal_id,
            "decision_id": proposal.decision_id,
            "strategy": proposal.strategy,
            "account": self.rules.account,
            "venue": self.rules.venue,
            "terms": terms,
            "triggers": proposal.triggers,
            "checks": found.verdict.checks,
            "clips": tuple(found.verdict.clips),
            "limits_hash": self._limits_hash,
            "at_ns": now_ns,
            "expires_ns": expires_ns,
        }
        if not terms.protects:
            self._reserve(parts["approved_id"], terms, market, now_ns, expires_ns)
        return ApprovedOrder(seal=_SEAL, signature=sign(self._key, parts), **parts)

    def _reserve(self, approved_id: str, terms: OrderTerms, market: MarketView, now_ns: int, expires_ns: int) -> None:
        price = ZERO
        if not terms.reduce_only:
            price = worst_price(market.mark or ZERO, terms.limit_price)
            self._opened_ns.append(now_ns)
        base = self.rules.instruments[terms.symbol].base
        order = RestingOrder(terms.symbol, base, terms.side, terms.qty_base, price, terms.leverage)
        self._reserved[approved_id] = _Reserved(expires_ns, order, terms.reduce_only)


__all__ = ["Gate", "MarketView", "approved_payload"]
