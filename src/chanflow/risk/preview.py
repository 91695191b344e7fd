"""What a trade would come to, for whoever is to confirm it: the gate in dry run, with its figures in money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.canonical import sha256_of
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check, OrderTerms, Reason
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.judgement import DIGITS, FAULTS, judge
from chanflow.risk.market_view import MarketView
from chanflow.risk.projection import Intent, priced
from chanflow.risk.state import Memory, RiskState, Rules

ZERO, TWO = Decimal(0), Decimal(2)
_FINEST = Decimal("0.00000001")
_HARD = frozenset(name for name, _ in HARD_CONSTRAINTS)
_NOBODY = "nobody yet"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a trade comes to, in quote, rounded to 1e-8.

    `notional` at its price, `worst_loss` what is lost where it is closed at its stop, costs and slippage included,
    `fees` the taker's for opening and closing (of a trade that only reduces, for closing), `equity_after` once it has
    filled. `mark` is the price all of it was reckoned at.
    """

    notional: Decimal
    worst_loss: Decimal
    fees: Decimal
    equity_after: Decimal
    mark: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """What the gate would say. Without `figures` it refuses, with every reason."""

    figures: Figures | None
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
    needs_person: bool = False

    @property
    def limits(self) -> tuple[Check, ...]:
        """The hard constraints on the final numbers; of a trade that only reduces, what was asked of it."""
        return tuple(check for check in self.checks if check.name in _HARD) or self.checks


def preview(
    proposal: TradeProposal, account: AccountSnapshot, market: MarketView, *, rules: Rules, state: RiskState,
    now_ns: int,
) -> Preview:  # fmt: skip
    """Return what a trade would come to; nothing is reserved, remembered or approved."""
    found = judge(proposal, account, market, rules, state, Memory(), now_ns)
    needs_person = [reason.code for reason in found.verdict.reasons] == ["approval_needed"]
    if needs_person:
        found = judge(proposal, account, market, rules, state, Memory(approved_by=_NOBODY), now_ns)
    reasons, checks = found.verdict.reasons, found.verdict.checks
    if found.terms is None:
        return Preview(None, reasons, checks)
    try:
        with localcontext(DIGITS):
            figures = _figures(found.terms, account, market, rules)
    except FAULTS as fault:
        why = f"what the trade comes to could not be reckoned ({type(fault).__name__}), so it refuses"
        return Preview(None, (Reason("check_failed:preview", why),), checks)
    return Preview(figures, (), checks, needs_person)


def policy_version(rules: Rules, state: RiskState) -> str:
    """Return what names the rules in force: it changes with the limits, the run mode and the ladder's level."""
    return sha256_of({"limits": rules.limits.hash, "mode": rules.run_mode, "level": state.level})


def _figures(terms: OrderTerms, account: AccountSnapshot, market: MarketView, rules: Rules) -> Figures:
    instrument = rules.instruments[terms.symbol]
    mark = market.mark
    if mark is None and terms.reduce_only:
        mark = next(p.mark_price for p in account.positions if p.symbol == terms.symbol)
    if mark is None:
        raise ValueError("there is no mark")
    price = terms.limit_price or mark
    notional = terms.qty_base * price
    once = notional * instrument.taker_fee_frac
    if terms.reduce_only:
        loss, fees = once + notional * rules.limits.slippage_frac, once
    else:
        loss, fees = _loss(terms, instrument, market, rules), TWO * once
    return _rounded(Figures(notional, loss, fees, account.equity_quote - once, mark))


def _loss(terms: OrderTerms, instrument: Instrument, market: MarketView, rules: Rules) -> Decimal:
    intent = Intent(
        instrument, terms.side, terms.qty_base, terms.leverage, terms.limit_price, terms.stop_price
    )  # fmt: skip
    prices = priced(intent, market, rules.limits)
    if prices is None or prices.loss_per_base is None:
        raise ValueError("the loss at the stop is not known")
    return terms.qty_base * prices.loss_per_base


def _rounded(figures: Figures) -> Figures:
    money: Mapping[str, Decimal] = {
        name: getattr(figures, name).quantize(_FINEST, ROUND_HALF_EVEN)
        for name in ("notional", "worst_loss", "fees", "equity_after", "mark")
    }
    return replace(figures, **money)
