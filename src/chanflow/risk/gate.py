"""The gate: the one place where a proposal becomes an order.

`Gate.judge` asks everything, in the order below, even after a refusal, so that the reasons are complete:

1. mode: `hold` opens nothing
2. inputs: account, mark and book fresh and sound, books reconciled; a needed number that is missing refuses
3. form: prices on tick and on the right side, not expired, not seen before
4. authority: L0 only closes
5. hard constraints on the wished size, where one is wished
6. soft rules of the ladder: confidence, trades a day; they halve, clip or refuse
7. sizing, rounded down, and 8. the hard constraints again on the final numbers

A reducing order is exempt from all but the instrument's rules: it can always be sent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

from chanflow.domain.account import AccountSnapshot, Position, RestingOrder
from chanflow.domain.canonical import canonical_json
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import (
    ApprovedOrder,
    Check,
    OrderTerms,
    Reason,
    Refused,
    approved_payload,
    claim_approval_seal,
)
from chanflow.domain.time import NS_PER_S
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.ladder import EXTRA_TRADE_CONFIDENCE, HALF_SIZE_BAND, LADDER, Level, Rung, red_line
from chanflow.risk.limits import Limits
from chanflow.risk.partial_close import close_faults, close_limit, wished_qty
from chanflow.risk.projection import Intent, project, worst_price
from chanflow.risk.sizing import size

_SEAL = claim_approval_seal()
ONE, HALF, ZERO = Decimal(1), Decimal("0.5"), Decimal(0)


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the gate must know of the market. None, stale or not ok refuses every opening."""

    mark: Decimal | None
    mark_ns: int | None
    book_ok: bool


@dataclass(slots=True)
class _Verdict:
    reasons: list[Reason] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    clips: list[str] = field(default_factory=list)

    def ask(self, check: Check, message: str) -> None:
        self.checks.append(check)
        if not check.ok and all(r.code != check.name for r in self.reasons):
            self.reasons.append(Reason(check.name, message))

    def refuse(self, code: str, message: str) -> None:
        self.ask(Check(code, "", "", ok=False), message)


class Gate:
    """Judges proposals for one account. `key` signs approvals, so that a forged message is no approval."""

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        limits: Limits,
        key: bytes,
        level: Level,
        mode: Literal["hold", "paper"] = "paper",
    ) -> None:
        if len(key) < 32:
            raise ValueError(f"the gate's key has {len(key)} bytes, at least 32 are needed")
        self._instruments = dict(instruments)
        self.limits = limits
        self._key = key
        self.level: Level = level
        self._mode = mode
        self._seen: set[str] = set()
        self._reserved: dict[str, tuple[int, RestingOrder]] = {}
        self._limits_hash = limits.hash

    def add_instrument(self, instrument: Instrument) -> None:
        """Judge proposals of one more symbol from now on."""
        self._instruments[instrument.symbol] = instrument

    def judge(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, *, now_ns: int
    ) -> ApprovedOrder | Refused:
        """Pass `proposal` through every check. Returns the approval, or the refusal with all reasons."""
        verdict = _Verdict()
        terms = None
        try:
            if proposal.action == "close":
                terms = self._closing_terms(proposal, account, market, verdict)
            else:
                terms = self._opening_terms(proposal, account, market, now_ns, verdict)
        except (ArithmeticError, ValueError, TypeError, KeyError) as error:
            verdict.refuse("check_failed", f"a check could not be evaluated ({type(error).__name__}), so it refuses")
        self._seen.add(proposal.proposal_id)
        if terms is None or verdict.reasons:
            return Refused(
                proposal.proposal_id, proposal.decision_id, proposal.symbol, now_ns,
                tuple(verdict.reasons), tuple(verdict.checks),
            )  # fmt: skip
        return self._approve(proposal, terms, verdict, market, now_ns)

    def on_account(self, account: AccountSnapshot) -> str | None:
        """Fall to L0 when a red line is crossed. Returns the cause of a fall, None where nothing changed."""
        cause = red_line(account, self.limits)
        if cause is None or self.level == "L0":
            return None
        self.level = "L0"
        return cause

    def release(self, approved_id: str) -> None:
        """Give back the room an approval holds: its order now stands in the account, or never will."""
        self._reserved.pop(approved_id, None)

    def admit(self, payload: Mapping[str, Any], decode: Callable[[Mapping[str, Any]], dict[str, Any]]) -> ApprovedOrder:
        """Return the approval that a message carries; raises ValueError where this gate did not sign it."""
        parts = decode({k: v for k, v in payload.items() if k != "signature"})
        signature = str(payload.get("signature", ""))
        if not hmac.compare_digest(signature, self._sign(parts)):
            raise ValueError("an approval whose signature is not the gate's is refused")
        return ApprovedOrder(seal=_SEAL, signature=signature, **parts)

    # ── openings ──────────────────────────────────────────────────────────────

    def _opening_terms(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, now_ns: int, verdict: _Verdict
    ) -> OrderTerms | None:
        self._ask_mode_and_inputs(account, market, now_ns, verdict)
        rung = LADDER[self.level]
        if self.level == "L0":
            verdict.refuse("authority", "the ladder stands at L0: only closing orders are allowed")
        instrument = self._instruments.get(proposal.symbol)
        if instrument is None:
            verdict.refuse("unknown_symbol", f"{proposal.symbol} has no instrument rules here")
            return None
        if not self._ask_form(proposal, instrument, account, now_ns, verdict) or market.mark is None:
            return None
        assert proposal.stop_price is not None
        assert proposal.side is not None
        worst = worst_price(market.mark, proposal.entry_price, self.limits.price_collar_frac)
        leverage = min(proposal.leverage, rung.max_leverage)
        if leverage < proposal.leverage:
            verdict.clips.append(f"leverage {proposal.leverage} -> {leverage} (ladder {rung.level})")
        if account.equity_quote <= 0:
            verdict.refuse("equity", f"equity is {account.equity_quote}, openings need it above 0")
            return None
        if proposal.size_quote is not None:
            self._ask_hard(
                Intent(instrument, proposal.side, proposal.size_quote / worst, proposal.leverage, worst),
                account,
                verdict,
            )
        conviction = self._ask_soft(proposal, account, rung, verdict)
        qty = self._size(proposal, market.mark, worst, account, rung, conviction, instrument, verdict)
        if qty is None:
            return None
        self._ask_hard(Intent(instrument, proposal.side, qty, leverage, worst), account, verdict)
        return OrderTerms(
            symbol=proposal.symbol, side=proposal.side, qty_base=qty, leverage=leverage, reduce_only=False,
            limit_price=proposal.entry_price, stop_price=proposal.stop_price,
            take_profit_price=proposal.take_profit_price, time_in_force=proposal.time_in_force,
        )  # fmt: skip

    def _ask_mode_and_inputs(
        self, account: AccountSnapshot, market: MarketView, now_ns: int, verdict: _Verdict
    ) -> None:
        verdict.ask(
            Check("strategy_mode", self._mode, "paper", ok=self._mode != "hold"),
            "the desk is on hold: it opens nothing",
        )
        verdict.ask(
            Check("reconciled", str(account.reconciled), "True", ok=account.reconciled),
            "the books are not reconciled with the venue",
        )
        self._ask_age("account_age_s", now_ns, account.as_of_ns, self.limits.max_account_age_s, verdict)
        if market.mark is None or market.mark_ns is None:
            verdict.refuse("mark_missing", "there is no mark price yet")
        else:
            self._ask_age("mark_age_s", now_ns, market.mark_ns, self.limits.max_mark_age_s, verdict)
        verdict.ask(
            Check("book_ok", str(market.book_ok), "True", ok=market.book_ok), "the order book is not synchronised"
        )

    @staticmethod
    def _ask_age(name: str, now_ns: int, then_ns: int, bound_s: Decimal, verdict: _Verdict) -> None:
        age_s = Decimal(now_ns - then_ns) / NS_PER_S
        verdict.ask(Check(name, f"{age_s:.3f}", str(bound_s), ok=0 <= age_s <= bound_s),
                    f"{name} is {age_s:.3f}, at most {bound_s} is allowed")  # fmt: skip

    def _ask_form(
        self, proposal: TradeProposal, instrument: Instrument, account: AccountSnapshot, now_ns: int, verdict: _Verdict
    ) -> bool:
        before = len(verdict.reasons)
        if proposal.action not in ("open_long", "open_short"):
            verdict.refuse("action", f"{proposal.action} opens nothing")
            return False
        if proposal.side != ("buy" if proposal.action == "open_long" else "sell"):
            verdict.refuse("side", f"side {proposal.side} does not fit {proposal.action}")
        if proposal.proposal_id in self._seen:
            verdict.refuse("seen_before", f"proposal {proposal.proposal_id} was judged already")
        if now_ns > proposal.valid_until_ns:
            verdict.refuse("expired", "the proposal is past its valid_until")
        if proposal.leverage < 1:
            verdict.refuse("leverage_form", f"leverage is {proposal.leverage}, at least 1 is needed")
        if proposal.size_quote is not None and not (proposal.size_quote.is_finite() and proposal.size_quote > 0):
            verdict.refuse("size_form", f"size is {proposal.size_quote} quote, it must be positive")
        for position in account.positions:
            if position.symbol == proposal.symbol and (position.side == "long") != (proposal.side == "buy"):
                verdict.refuse("flip", "a position stands the other way: close it first, a flip is two orders")
        self._ask_prices(proposal, instrument, verdict)
        return len(verdict.reasons) == before

    @staticmethod
    def _ask_prices(proposal: TradeProposal, instrument: Instrument, verdict: _Verdict) -> None:
        stop, target, entry = proposal.stop_price, proposal.take_profit_price, proposal.entry_price
        for name, price in (("stop_loss", stop), ("take_profit", target), ("entry", entry)):
            if price is None:
                if name != "entry":
                    verdict.refuse(name, f"an opening order needs a {name} price")
            elif not price.is_finite() or price <= 0:
                verdict.refuse(name, f"{name} price is {price}, it must be a positive number")
            elif not instrument.on_tick(price):
                verdict.refuse(name, f"{name} price {price} is not on the tick of {instrument.tick}")

    def _ask_soft(self, proposal: TradeProposal, account: AccountSnapshot, rung: Rung, verdict: _Verdict) -> Decimal:
        """Ask the ladder's soft rules; returns the conviction, 1 or 1/2."""
        conviction = HALF
        if proposal.confidence is not None:
            confidence = Decimal(str(proposal.confidence))
            ok = ONE >= confidence >= rung.min_confidence - HALF_SIZE_BAND
            verdict.ask(Check("confidence", f"{confidence}", str(rung.min_confidence), ok=ok),
                        f"confidence is {confidence}, {rung.level} needs {rung.min_confidence}")  # fmt: skip
            conviction = ONE if confidence >= rung.min_confidence else HALF
            if conviction == HALF:
                verdict.clips.append(f"half size: confidence {confidence} is below {rung.min_confidence}")
        cap = rung.opening_trades_per_day
        if cap is not None:
            done = account.opening_trades_today + len(self._reserved)
            strong = conviction == ONE and Decimal(str(proposal.confidence)) >= EXTRA_TRADE_CONFIDENCE
            allowed = cap + (1 if strong and cap > 0 else 0)
            message = f"this would be opening trade {done + 1} of the day, {rung.level} allows {allowed}"
            verdict.ask(Check("trades_per_day", str(done + 1), str(allowed), ok=done + 1 <= allowed), message)
        return conviction

    def _size(
        self,
        proposal: TradeProposal,
        mark: Decimal,
        worst: Decimal,
        account: AccountSnapshot,
        rung: Rung,
        conviction: Decimal,
        instrument: Instrument,
        verdict: _Verdict,
    ) -> Decimal | None:
        stop, target = proposal.stop_price, proposal.take_profit_price
        assert stop is not None
        assert target is not None
        entry = proposal.entry_price or mark
        long = proposal.side == "buy"
        if not (stop < entry < target if long else target < entry < stop):
            verdict.refuse("stop_side", f"stop {stop}, entry {entry}, take-profit {target} are in the wrong order")
            return None
        held = project(
            Intent(instrument, proposal.side or "", ZERO, 1, worst), account, self._resting(account.as_of_ns)
        )
        room = min(self.limits.max_asset_exposure_frac, rung.max_position_frac) * account.equity_quote
        qty, binding = size(
            entry=entry, stop=stop, price=worst, equity_quote=account.equity_quote,
            room_quote=max(ZERO, room - held.asset_notional_quote), max_position_frac=rung.max_position_frac,
            conviction=conviction, wish_quote=proposal.size_quote, instrument=instrument, limits=self.limits,
        )  # fmt: skip
        verdict.clips.append(f"quantity {qty} {instrument.base}, bound by {binding}")
        if qty < instrument.min_qty or qty * entry < instrument.min_notional_quote:
            verdict.refuse(
                "below_minimum",
                f"the size left is {qty} {instrument.base}; the venue wants {instrument.min_qty} "
                f"and {instrument.min_notional_quote} {instrument.quote} at least",
            )
            return None
        return qty

    def _ask_hard(self, intent: Intent, account: AccountSnapshot, verdict: _Verdict) -> None:
        after = project(intent, account, self._resting(account.as_of_ns))
        for name, constraint in HARD_CONSTRAINTS:
            try:
                check = constraint(after, self.limits)
            except (ArithmeticError, ValueError, TypeError):
                verdict.refuse(f"check_failed:{name}", f"{name} could not be evaluated, so it refuses")
                continue
            verdict.ask(check, f"{name} would be {check.value}, the limit is {check.bound}")

    def _resting(self, now_ns: int) -> Iterable[RestingOrder]:
        """The room held by approvals that are not yet orders; expired ones give theirs back."""
        self._reserved = {k: v for k, v in self._reserved.items() if v[0] >= now_ns}
        return [order for _, order in self._reserved.values()]

    # ── closings ──────────────────────────────────────────────────────────────

    def _closing_terms(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, verdict: _Verdict
    ) -> OrderTerms | None:
        position = _position(account, proposal)
        if proposal.proposal_id in self._seen:
            verdict.refuse("seen_before", f"proposal {proposal.proposal_id} was judged already")
        if position is None:
            verdict.refuse("no_position", f"there is no position {proposal.position_id} in {proposal.symbol} to close")
            return None
        instrument = self._instruments.get(proposal.symbol)
        faults = [] if instrument is None else list(close_faults(proposal, position, instrument))
        for fault in faults:
            verdict.refuse(fault.code, fault.message)
        qty = abs(position.qty_base)
        if instrument is not None and not faults:
            qty = wished_qty(proposal, position, instrument, market.mark)
            if qty <= 0:
                verdict.refuse("below_minimum", f"the size is less than one step of {instrument.step}")
        verdict.checks.append(Check("reducing", str(qty), str(abs(position.qty_base)), ok=True))
        return OrderTerms(
            symbol=proposal.symbol, side="sell" if position.qty_base > 0 else "buy", qty_base=qty,
            leverage=position.leverage, reduce_only=True, limit_price=close_limit(proposal), stop_price=None,
            take_profit_price=None, time_in_force=proposal.time_in_force,
        )  # fmt: skip

    # ── approval ──────────────────────────────────────────────────────────────

    def _approve(
        self,
        proposal: TradeProposal,
        terms: OrderTerms,
        verdict: _Verdict,
        market: MarketView,
        now_ns: int,
    ) -> ApprovedOrder:
        expires_ns = now_ns + int(self.limits.approval_ttl_s * NS_PER_S)
        parts: dict[str, Any] = {
            "approved_id": str(uuid5(NAMESPACE_OID, f"approval:{proposal.proposal_id}")),
            "proposal_id": proposal.proposal_id,
            "decision_id": proposal.decision_id,
            "strategy": proposal.strategy,
            "terms": terms,
            "triggers": proposal.triggers,
            "checks": tuple(verdict.checks),
            "clips": tuple(verdict.clips),
            "limits_hash": self._limits_hash,
            "at_ns": now_ns,
            "expires_ns": expires_ns,
        }
        if not terms.reduce_only:
            instrument = self._instruments[terms.symbol]
            price = worst_price(market.mark or ZERO, terms.limit_price, self.limits.price_collar_frac)
            self._reserved[parts["approved_id"]] = (
                expires_ns,
                RestingOrder(terms.symbol, instrument.base, terms.side, terms.qty_base, price, terms.leverage),
            )
        return ApprovedOrder(seal=_SEAL, signature=self._sign(parts), **parts)

    def _sign(self, parts: Mapping[str, Any]) -> str:
        return hmac.new(self._key, canonical_json(parts).encode(), hashlib.sha256).hexdigest()


def _position(account: AccountSnapshot, proposal: TradeProposal) -> Position | None:
    return next(
        (p for p in account.positions if p.symbol == proposal.symbol and p.position_id == proposal.position_id), None
    )


__all__ = ["Gate", "MarketView", "approved_payload"]
