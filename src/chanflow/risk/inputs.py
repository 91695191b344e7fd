"""Checks 0 to 2: halt, strategy mode, and whether what the gate looks at is there, fresh and sound."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.order import Check
from chanflow.domain.time import NS_PER_S
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView
from chanflow.risk.state import RiskState, Rules
from chanflow.risk.verdict import Verdict, flags

_HALT = flags("halt", wanted=False)
_RECONCILED = flags("reconciled", wanted=True)
_BOOK_OK = flags("book_ok", wanted=True)
_ACCOUNT_FIGURES = ("wallet_quote", "equity_quote", "high_water_quote", "day_start_equity_quote",
                    "transfers_today_quote")  # fmt: skip


def ask_halt(state: RiskState, verdict: Verdict) -> None:
    """Refuse where any halt stands."""
    halted = state.halt.halted
    verdict.ask(_HALT[halted], f"the desk is halted: {state.halt.text}" if halted else "")


def ask_mode(state: RiskState, rules: Rules, verdict: Verdict) -> None:
    """Refuse where a hold stands, where the desk only watches, and where quiet times may open nothing."""
    mode = "hold_manual" if rules.run_mode == "hold" else state.mode.mode
    ok = mode == "active" or (mode == "quiet" and rules.quiet_may_open)
    check = Check("strategy_mode", mode, "active or quiet" if rules.quiet_may_open else "active", ok)
    if ok:
        verdict.ask(check)
        return
    causes = state.mode.causes or ("it was told to watch only" if mode != "quiet" else "quiet times open nothing")
    verdict.ask(check, f"the desk is in {mode} and opens nothing: {causes}")


def ask_depth(side: str, market: MarketView, verdict: Verdict) -> None:
    """Refuse a market order where nobody knows what the book would give it."""
    levels = len(market.asks if side == "buy" else market.bids)
    check = Check("depth_missing", str(levels), "1 level", levels > 0)
    verdict.ask(check, "a market order needs the book, and it is empty")


def ask_inputs(account: AccountSnapshot, market: MarketView, limits: Limits, now_ns: int, verdict: Verdict) -> None:
    """Refuse for each input that is missing, stale, not finite or not sound."""
    ask = verdict.ask
    ask(_RECONCILED[account.reconciled], "the books are not reconciled with the venue")
    _ask_age("account_age_s", now_ns, account.as_of_ns, limits.max_account_age_s, verdict)
    _ask_account(account, verdict)
    _ask_figure("mark_missing", "mark price", market.mark, verdict, positive=True)
    _ask_age("mark_age_s", now_ns, market.mark_ns, limits.max_mark_age_s, verdict)
    _ask_age("rules_age_s", now_ns, market.rules_ns, limits.max_rules_age_s, verdict)
    ask(_BOOK_OK[market.book_ok], "the order book is not synchronised")
    _ask_figure("sigma_missing", "volatility", market.sigma_frac, verdict)
    _ask_figure("volume_missing", "median volume of a minute", market.volume_1m_quote, verdict)
    _ask_figure("funding_missing", "expected funding", market.funding_frac, verdict, signed=True)
    offset = market.clock_offset_ms
    known = Check("clock_offset_missing", str(offset), "known", offset is not None)
    ask(known, "our clock was not compared with the venue's")


def _ask_account(account: AccountSnapshot, verdict: Verdict) -> None:
    for name in _ACCOUNT_FIGURES:
        value: Decimal = getattr(account, name)
        if not value.is_finite():
            verdict.refuse(f"{name.removesuffix('_quote')}_missing", f"{name} is {value}, a number is needed")
    for name in ("high_water_quote", "day_start_equity_quote"):
        value = getattr(account, name)
        if value.is_finite() and value <= 0:
            verdict.refuse(f"{name.removesuffix('_quote')}_missing", f"{name} is {value}, it must be above 0")
    for p in account.positions:
        if not (p.qty_base.is_finite() and p.mark_price.is_finite() and p.mark_price > 0):
            verdict.refuse("position_missing", f"position {p.position_id} has quantity {p.qty_base} at {p.mark_price}")
    for o in account.resting:
        if not (o.qty_base.is_finite() and o.price.is_finite()):
            verdict.refuse("resting_missing", f"an order resting in {o.symbol} has {o.qty_base} at {o.price}")
    equity = account.equity_quote
    if equity.is_finite():
        ok = equity > 0
        check = Check("equity", f"{equity:.2f}", "above 0", ok)
        verdict.ask(check, "" if ok else f"equity is {equity}, openings need it above 0")


def _ask_figure(
    code: str, what: str, value: Decimal | None, verdict: Verdict, *, positive: bool = False, signed: bool = False
) -> None:
    ok = value is not None and value.is_finite() and (signed or value > 0 or (value == 0 and not positive))
    check = Check(code, str(value), "a number", ok)
    verdict.ask(check, "" if ok else f"{what} is {value}: a number is needed to open anything")


def _ask_age(name: str, now_ns: int, then_ns: int | None, bound_s: Decimal, verdict: Verdict) -> None:
    if then_ns is None:
        verdict.refuse(name, f"{name} is unknown, at most {bound_s} is allowed", value="unknown", bound=str(bound_s))
        return
    age_ns = now_ns - then_ns
    ok = 0 <= age_ns <= bound_s * NS_PER_S
    if ok:
        verdict.ask(Check(name, f"{age_ns / NS_PER_S:.3f}", str(bound_s), ok))
        return
    text = f"{Decimal(age_ns) / NS_PER_S:f}"
    verdict.ask(Check(name, text, str(bound_s), ok), f"{name} is {text}, from 0 to {bound_s} is allowed")
