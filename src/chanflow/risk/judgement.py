"""The ten checks of the gate, in order, all asked even after a refusal. Pure: the same question has the same answer.

0 halt · 1 strategy mode · 2 inputs · 3 form · 4 authority · 5 hard constraints on what is wished · 6 loss wall ·
7 soft rules · 8 sizing · 9 the hard constraints again on the final numbers.

A reducing order is exempt from all but its instrument's rules: it can always be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from typing import NamedTuple

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check, OrderTerms
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.form import ask_form, ask_seen
from chanflow.risk.inputs import ask_depth, ask_halt, ask_inputs, ask_mode
from chanflow.risk.ladder import LADDER
from chanflow.risk.managing import protecting
from chanflow.risk.market_view import MarketView
from chanflow.risk.partial_close import close_faults, close_limit, leaving_qty
from chanflow.risk.projection import Held, Intent, Prices, hold, priced, project
from chanflow.risk.reducing import closable_base
from chanflow.risk.sizing import size
from chanflow.risk.soft_rules import ONE, Softened, ask_authority, ask_soft, ask_wall
from chanflow.risk.state import Memory, RiskState, Rules
from chanflow.risk.verdict import Verdict

DIGITS = Context(prec=48, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Enough for sums and products of amounts to be exact, whatever context the caller is in."""

FAULTS = (ArithmeticError, ValueError, TypeError, KeyError, AttributeError)
ZERO = Decimal(0)


class Judgement(NamedTuple):
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
    with localcontext(DIGITS):
        if proposal.action not in ("close", "reduce", "adjust"):
            return _Opening(proposal, account, market, rules, state, memory, now_ns).judgement()
        verdict, terms = Verdict(), None
        try:
            terms = _closing(proposal, account, market, rules, memory, verdict)
        except FAULTS as fault:
            _failed("form", fault, verdict)
        return Judgement(None if verdict.refused else terms, verdict)


def _failed(name: str, fault: Exception, verdict: Verdict) -> None:
    verdict.refuse(
        f"check_failed:{name}", f"{name} could not be evaluated ({type(fault).__name__}), so it refuses"
    )  # fmt: skip


class _Opening:
    """One opening proposal on its way through the checks."""

    __slots__ = ("account", "formed", "held", "instrument", "market", "memory", "now_ns", "prices", "proposal", "rules",
                 "soft", "state", "terms", "verdict")  # fmt: skip

    def __init__(
        self, proposal: TradeProposal, account: AccountSnapshot, market: MarketView, rules: Rules, state: RiskState,
        memory: Memory, now_ns: int,
    ) -> None:  # fmt: skip
        self.proposal, self.account, self.market, self.rules = proposal, account, market, rules
        self.state, self.memory, self.now_ns, self.verdict = state, memory, now_ns, Verdict()
        self.instrument = rules.instruments.get(proposal.symbol)
        self.formed = False
        self.held: Held | None = None
        self.prices: Prices | None = None
        self.soft: Softened | None = None
        self.terms: OrderTerms | None = None

    def judgement(self) -> Judgement:
        """Ask checks 0 to 9.

        Where nothing is wished beyond what sizing gives, checks 5 and 9 ask the same: 9 is then enough to approve, and
        5 is asked where something refuses, and put where it belongs.
        """
        verdict, p = self.verdict, self.proposal
        wished = p.size_quote is not None or p.leverage > LADDER[self.state.level].max_leverage
        self._ask(_TO_AUTHORITY)
        before_wish = len(verdict)
        if wished:
            self._ask(_WISH)
        self._ask(_SOFT)
        before_size = len(verdict)
        self._ask(_SIZE)
        if not verdict.refused:
            return Judgement(self.terms, verdict)
        if not wished:
            self.verdict = Verdict()
            self._ask(_WISH)
            # What cannot be weighed is not sized.
            end = before_size if self.held is None else len(verdict)
            verdict = verdict.with_inserted(self.verdict, before_wish, end)
        return Judgement(None, verdict)

    def _ask(self, steps: Sequence[tuple[str, Callable[[_Opening], None]]]) -> None:
        """Take each step; one that cannot be taken refuses by its name."""
        for name, step in steps:
            try:
                step(self)
            except FAULTS as fault:
                _failed(name, fault, self.verdict)

    def halt(self) -> None:
        """Check 0."""
        ask_halt(self.state, self.verdict)

    def mode(self) -> None:
        """Check 1."""
        ask_mode(self.state, self.rules, self.verdict)

    def inputs(self) -> None:
        """Check 2."""
        ask_inputs(self.account, self.market, self.rules.limits, self.now_ns, self.verdict)

    def depth(self) -> None:
        """Check 2 of a market order."""
        p = self.proposal
        if p.entry_price is None:
            ask_depth("buy" if p.action == "open_long" else "sell", self.market, self.verdict)

    def form(self) -> None:
        """Check 3."""
        p, instrument = self.proposal, self.instrument
        if instrument is None:
            self.verdict.refuse("unknown_symbol", f"{p.symbol} has no instrument rules here")
        else:
            self.formed = ask_form(p, instrument, self.account, self.market, self.memory, self.now_ns, self.verdict)

    def authority(self) -> None:
        """Check 4."""
        ask_authority(self.state, self.rules, self.memory, self.verdict)

    def hold(self) -> None:
        """Weigh what is claimed already and what the order's prices come to, where the proposal has a form."""
        p, market, instrument = self.proposal, self.market, self.instrument
        if instrument is not None and self.formed:
            marks = {} if market.mark is None else {p.symbol: market.mark}
            held = hold(instrument, self.account, self.memory.reserved, marks)
            intent = Intent(instrument, p.side or "", ZERO, p.leverage, p.entry_price, p.stop_price)
            self.prices = priced(intent, market, self.rules.limits)
            self.held = held

    def wish(self) -> None:
        """Check 5: the hard constraints on what is wished; without a wish, on the account and the wished leverage."""
        p, mark, held, instrument = self.proposal, self.market.mark, self.held, self.instrument
        if held is None or instrument is None:
            return
        self.held = None
        wish = p.size_quote
        qty = ZERO if wish is None or mark is None else wish / (p.entry_price or mark)
        self._ask_hard(Intent(instrument, p.side or "", qty, p.leverage, p.entry_price, p.stop_price), held)
        self.held = held

    def wall(self) -> None:
        """Check 6."""
        ask_wall(self.state, self.account, self.rules.limits, self.verdict)

    def soften(self) -> None:
        """Check 7."""
        self.soft = ask_soft(self.proposal, self.account, LADDER[self.state.level], self.memory, self.verdict)

    def size(self) -> None:
        """Checks 8 and 9: the size, and the hard constraints on it."""
        p, market, limits, verdict = self.proposal, self.market, self.rules.limits, self.verdict
        instrument, held, prices, soft, side = self.instrument, self.held, self.prices, self.soft, p.side
        if instrument is None or held is None or prices is None or soft is None or side is None:
            return
        if market.mark is None or market.sigma_frac is None or market.volume_1m_quote is None:
            return  # Check 2 has named what is missing.
        if market.funding_frac is None:
            return
        intent = Intent(instrument, side, ZERO, soft.leverage, p.entry_price, p.stop_price)
        sized = size(
            intent, prices, account=self.account, held=held, market=market, rung=LADDER[self.state.level],
            limits=limits, conviction=soft.conviction, share=soft.share * min(ONE, p.size_share),
            strategy_share=self.rules.strategy_shares.get(p.strategy, ONE), wish_quote=p.size_quote,
        )  # fmt: skip
        qty, price = sized.qty_base, p.entry_price or market.mark
        if p.size_share < ONE:
            verdict.clips.append(f"size times {p.size_share}: the decision was taken without all of its memory")
        verdict.clips.append(f"quantity {qty!s} {instrument.base}, bound by {sized.binding}")
        enough = qty >= instrument.min_qty and qty * price >= instrument.min_notional_quote
        verdict.ask(
            Check("below_minimum", str(qty), str(instrument.min_qty), enough),
            ""
            if enough
            else f"the size left is {qty} {instrument.base}, bound by {sized.binding}; the venue wants "
            f"{instrument.min_qty} and {instrument.min_notional_quote} {instrument.quote} at least",
        )
        self._ask_hard(Intent(instrument, side, qty, soft.leverage, p.entry_price, p.stop_price), held)
        self.terms = OrderTerms(
            p.symbol, side, qty, soft.leverage, False, p.entry_price, p.stop_price, p.take_profit_price,
            p.time_in_force,
        )  # fmt: skip

    def _ask_hard(self, intent: Intent, held: Held) -> None:
        limits, verdict = self.rules.limits, self.verdict
        after = project(intent, self.prices, self.account, held, self.market, self.memory.openings_last_minute)
        for name, constraint in HARD_CONSTRAINTS:
            try:
                verdict.ask(constraint(after, limits))
            except FAULTS as fault:
                _failed(name, fault, verdict)


_TO_AUTHORITY = (
    ("halt", _Opening.halt), ("strategy_mode", _Opening.mode), ("inputs", _Opening.inputs), ("inputs", _Opening.depth),
    ("form", _Opening.form), ("authority", _Opening.authority), ("projection", _Opening.hold),
)  # fmt: skip
_WISH = (("projection", _Opening.wish),)
_SOFT = (("loss_wall", _Opening.wall), ("soft_rules", _Opening.soften))
_SIZE = (("sizing", _Opening.size),)


def _closing(
    proposal: TradeProposal, account: AccountSnapshot, market: MarketView, rules: Rules, memory: Memory,
    verdict: Verdict,
) -> OrderTerms | None:  # fmt: skip
    """What only takes risk away is asked for its form and its instrument's rules alone."""
    position = _position(account, proposal)
    ask_seen(proposal, memory, verdict)
    if position is None:
        verdict.refuse("no_position", f"there is no position {proposal.position_id} in {proposal.symbol} to close")
        return None
    instrument = rules.instruments.get(proposal.symbol)
    if instrument is None:
        verdict.refuse("unknown_symbol", f"{proposal.symbol} has no instrument rules here")
        return None
    if proposal.action == "adjust":
        return protecting(proposal, position, instrument, market.mark, verdict)
    faults = tuple(close_faults(proposal, position, instrument))
    for fault in faults:
        verdict.refuse(fault.code, fault.message)
    if faults:
        return None
    left = closable_base(account, position, memory.closing_base)
    qty = leaving_qty(proposal, position, left, instrument, market.mark)
    enough = qty >= instrument.min_qty
    verdict.ask(
        Check("reducing", str(qty), str(abs(position.qty_base)), enough),
        "" if enough else f"{qty} {instrument.base} are left to close, the venue wants {instrument.min_qty} at least",
    )
    if proposal.action == "reduce":
        verdict.clips.append(f"quantity {qty} {instrument.base}, bound by the part that is to leave")
    return OrderTerms(
        symbol=proposal.symbol, side="sell" if position.qty_base > 0 else "buy", qty_base=qty,
        leverage=position.leverage, reduce_only=True, limit_price=close_limit(proposal), stop_price=None,
        take_profit_price=None, time_in_force=proposal.time_in_force,
    )  # fmt: skip


def _position(account: AccountSnapshot, proposal: TradeProposal) -> Position | None:
    return next(
        (p for p in account.positions if p.symbol == proposal.symbol and p.position_id == proposal.position_id), None
    )
