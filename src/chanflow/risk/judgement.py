"""The ten checks of the gate, in order, all asked even after a refusal. Pure: the same question has the same answer.

0 halt · 1 strategy mode · 2 inputs · 3 form · 4 authority · 5 hard constraints on what is wished · 6 loss wall ·
7 soft rules · 8 sizing · 9 the hard constraints again on the final numbers.

A reducing order is exempt from all but its instrument's rules: it can always be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from typing import TypeVar

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check, OrderTerms
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.form import ask_form
from chanflow.risk.inputs import ask_depth, ask_halt, ask_inputs, ask_mode
from chanflow.risk.ladder import LADDER
from chanflow.risk.market_view import MarketView
from chanflow.risk.partial_close import close_faults, close_limit, wished_qty
from chanflow.risk.projection import Held, Intent, hold, project
from chanflow.risk.reducing import closable_base
from chanflow.risk.sizing import size
from chanflow.risk.soft_rules import ONE, Softened, ask_authority, ask_soft, ask_wall
from chanflow.risk.state import Memory, RiskState, Rules
from chanflow.risk.verdict import Verdict

DIGITS = Context(prec=48, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Enough for sums and products of amounts to be exact, whatever context the caller is in."""

FAULTS = (ArithmeticError, ValueError, TypeError, KeyError, AttributeError)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found: the terms that may be sent, or None where `verdict` refuses."""

    terms: OrderTerms | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that one verdict follows from: kept, it can be answered again, under these rules or others."""

    proposal: TradeProposal
    account: AccountSnapshot
    market: MarketView
    rules: Rules
    state: RiskState
    memory: Memory
    now_ns: int

    def answer(self) -> Judgement:
        """Return the judgement."""
        return judge(self.proposal, self.account, self.market, self.rules, self.state, self.memory, self.now_ns)


def judge(
    proposal: TradeProposal, account: AccountSnapshot, market: MarketView, rules: Rules, state: RiskState,
    memory: Memory, now_ns: int,
) -> Judgement:  # fmt: skip
    """Ask everything of one proposal. Nothing is remembered here, and nothing changed."""
    verdict = Verdict()
    with localcontext(DIGITS):
        if proposal.action == "close":
            terms = _guard("form", verdict, lambda: _closing(proposal, account, market, rules, memory, verdict))
        else:
            asked = (proposal, account, market, rules, state, memory, now_ns)
            # Where nothing is wished beyond what sizing gives, checks 5 and 9 ask the same: once is enough to approve.
            clipped = proposal.leverage > LADDER[state.level].max_leverage
            terms = _Opening(*asked, verdict, once=proposal.size_quote is None and not clipped).terms()
            if verdict.refused:
                verdict = Verdict()
                terms = _Opening(*asked, verdict, once=False).terms()
    return Judgement(None if verdict.refused else terms, verdict)


T = TypeVar("T")


def _guard(name: str, verdict: Verdict, ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except FAULTS as fault:
        _failed(name, fault, verdict)
        return None


def _failed(name: str, fault: Exception, verdict: Verdict) -> None:
    verdict.refuse(
        f"check_failed:{name}", f"{name} could not be evaluated ({type(fault).__name__}), so it refuses"
    )  # fmt: skip


class _Opening:
    """One opening proposal on its way through the checks."""

    __slots__ = ("account", "market", "memory", "now_ns", "once", "proposal", "rules", "state", "verdict")

    def __init__(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, rules: Rules, state: RiskState,
        memory: Memory, now_ns: int, verdict: Verdict, *, once: bool,
    ) -> None:  # fmt: skip
        self.once = once
        self.proposal, self.account, self.market, self.rules = proposal, account, market, rules
        self.state, self.memory, self.now_ns, self.verdict = state, memory, now_ns, verdict

    def terms(self) -> OrderTerms | None:
        """Ask checks 0 to 9. Returns the terms, None where they cannot be made."""
        verdict, limits, p = self.verdict, self.rules.limits, self.proposal
        _guard("halt", verdict, lambda: ask_halt(self.state, verdict))
        _guard("strategy_mode", verdict, lambda: ask_mode(self.state, self.rules, verdict))
        _guard("inputs", verdict, lambda: ask_inputs(self.account, self.market, limits, self.now_ns, verdict))
        if p.entry_price is None:
            _guard(
                "inputs", verdict, lambda: ask_depth("buy" if p.action == "open_long" else "sell", self.market, verdict)
            )
        instrument, formed = self.rules.instruments.get(p.symbol), None
        if instrument is None:
            verdict.refuse("unknown_symbol", f"{p.symbol} has no instrument rules here")
        else:
            formed = _guard("form", verdict, lambda: ask_form(
                p, instrument, self.account, self.market, self.memory, self.now_ns, verdict))  # fmt: skip
        _guard("authority", verdict, lambda: ask_authority(self.state, self.rules, self.memory, verdict))
        weighed = None
        if instrument is not None and formed:
            weighed = _guard("projection", verdict, lambda: self._weigh(instrument))
        _guard("loss_wall", verdict, lambda: ask_wall(self.state, self.account, limits, verdict))
        soft = _guard("soft_rules", verdict, lambda: ask_soft(
            p, self.account, LADDER[self.state.level], self.memory, verdict))  # fmt: skip
        market = self.market
        known = None not in (market.mark, market.sigma_frac, market.volume_1m_quote, market.funding_frac)
        # What is missing was named by check 2 already.
        if instrument is None or weighed is None or soft is None or not known:
            return None
        return _guard("sizing", verdict, lambda: self._sized(instrument, weighed, soft))

    def _weigh(self, instrument: Instrument) -> Held:
        """Check 5: the hard constraints on what is wished; without a wish, on the account and the wished leverage."""
        p, mark = self.proposal, self.market.mark
        marks = {} if mark is None else {p.symbol: mark}
        held = hold(instrument, self.account, self.memory.reserved, marks)
        if self.once:
            return held
        wish = p.size_quote
        qty = ZERO if wish is None or mark is None else wish / (p.entry_price or mark)
        self._ask_hard(Intent(instrument, p.side or "", qty, p.leverage, p.entry_price, p.stop_price), held)
        return held

    def _ask_hard(self, intent: Intent, held: Held) -> None:
        limits, verdict = self.rules.limits, self.verdict
        after = project(intent, self.account, held, self.market, limits, self.memory.openings_last_minute)
        for name, constraint in HARD_CONSTRAINTS:
            try:
                verdict.ask(constraint(after, limits))
            except FAULTS as fault:
                _failed(name, fault, verdict)

    def _sized(self, instrument: Instrument, held: Held, soft: Softened) -> OrderTerms | None:
        """Checks 8 and 9: the size, and the hard constraints again."""
        p, verdict = self.proposal, self.verdict
        assert p.side is not None
        wished = Intent(instrument, p.side, ZERO, soft.leverage, p.entry_price, p.stop_price)
        sized = size(
            wished, account=self.account, held=held, market=self.market, rung=LADDER[self.state.level],
            limits=self.rules.limits, conviction=soft.conviction, share=soft.share,
            strategy_share=self.rules.strategy_shares.get(p.strategy, ONE), wish_quote=p.size_quote,
        )  # fmt: skip
        qty, price = sized.qty_base, p.entry_price or self.market.mark or ZERO
        verdict.clips.append(f"quantity {qty} {instrument.base}, bound by {sized.binding}")
        enough = qty >= instrument.min_qty and qty * price >= instrument.min_notional_quote
        verdict.ask(
            Check("below_minimum", str(qty), str(instrument.min_qty), ok=enough),
            f"the size left is {qty} {instrument.base}, bound by {sized.binding}; the venue wants "
            f"{instrument.min_qty} and {instrument.min_notional_quote} {instrument.quote} at least",
        )
        self._ask_hard(Intent(instrument, p.side, qty, soft.leverage, p.entry_price, p.stop_price), held)
        return OrderTerms(
            symbol=p.symbol, side=p.side, qty_base=qty, leverage=soft.leverage, reduce_only=False,
            limit_price=p.entry_price, stop_price=p.stop_price, take_profit_price=p.take_profit_price,
            time_in_force=p.time_in_force,
        )  # fmt: skip


def _closing(
    proposal: TradeProposal, account: AccountSnapshot, market: MarketView, rules: Rules, memory: Memory,
    verdict: Verdict,
) -> OrderTerms | None:  # fmt: skip
    """A reducing order is asked for its form and its instrument's rules alone."""
    position = _position(account, proposal)
    verdict.ask(
        Check("seen_before", str(memory.seen), "False", ok=not memory.seen),
        f"proposal {proposal.proposal_id} was judged already",
    )
    if position is None:
        verdict.refuse("no_position", f"there is no position {proposal.position_id} in {proposal.symbol} to close")
        return None
    instrument = rules.instruments.get(proposal.symbol)
    if instrument is None:
        verdict.refuse("unknown_symbol", f"{proposal.symbol} has no instrument rules here")
        return None
    faults = tuple(close_faults(proposal, position, instrument))
    for fault in faults:
        verdict.refuse(fault.code, fault.message)
    if faults:
        return None
    left = closable_base(account, position, memory.closing_base)
    qty = min(instrument.floor_qty(left), wished_qty(proposal, position, instrument, market.mark))
    verdict.ask(
        Check("reducing", str(qty), str(abs(position.qty_base)), ok=qty >= instrument.min_qty),
        f"{qty} {instrument.base} are left to close, the venue wants {instrument.min_qty} at least",
    )
    return OrderTerms(
        symbol=proposal.symbol, side="sell" if position.qty_base > 0 else "buy", qty_base=qty,
        leverage=position.leverage, reduce_only=True, limit_price=close_limit(proposal), stop_price=None,
        take_profit_price=None, time_in_force=proposal.time_in_force,
    )  # fmt: skip


def _position(account: AccountSnapshot, proposal: TradeProposal) -> Position | None:
    return next(
        (p for p in account.positions if p.symbol == proposal.symbol and p.position_id == proposal.position_id), None
    )
