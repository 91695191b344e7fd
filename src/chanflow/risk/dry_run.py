"""The whole gate in dry run, in the shape of `check_risk`: what would be allowed, and where the desk stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import partial
from typing import Literal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check, Reason
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.judgement import FAULTS, judge
from chanflow.risk.ladder import LADDER, Level
from chanflow.risk.loss_wall import blocks
from chanflow.risk.market_view import MarketView
from chanflow.risk.mode import Mode
from chanflow.risk.sizing import target_weight
from chanflow.risk.state import Memory, RiskState, Rules

_DIGITS = Context(prec=28)
_FLOORS = ("margin_ratio", "cash_reserve", "stop_before_liquidation")
"""Constraints whose bound is the least allowed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the desk stands: money in quote units, shares as fractions, None where a figure is not known."""

    level: Level
    equity: Decimal
    hwm: Decimal
    drawdown: Decimal | None
    daily_loss: Decimal | None
    margin_ratio: Decimal | None
    """Equity over notional now; None when flat."""
    wall: bool
    halted: bool
    vol_target: Decimal | None
    """Notional wanted over equity at the level's leverage."""
    sigma: Decimal | None
    trades_today: int
    limits_used: Mapping[str, Decimal]
    """By hard constraint, how much of it the trade would use: 1 is all of it."""
    checks: tuple[Check, ...]
    as_of: int
    """Unix ns of the account reading."""


@dataclass(frozen=True, slots=True)
class RiskAnswer:
    """The answer of `check_risk`. `reason` is "ok" or the first failing code; `qty` is 0 when refused."""

    allow: bool
    side: Literal["buy", "sell", "flat"]
    qty: Decimal
    lev: int
    mode: Mode
    reason: str
    reasons: tuple[Reason, ...]
    risk_state: Standing


def dry_run(
    proposal: TradeProposal, account: AccountSnapshot, market: MarketView, *, rules: Rules, state: RiskState,
    memory: Memory | None = None, now_ns: int,
) -> RiskAnswer:  # fmt: skip
    """Return what the gate would say; nothing is reserved, remembered or approved."""
    found = judge(proposal, account, market, rules, state, memory or Memory(), now_ns)
    terms, reasons = found.terms, found.verdict.reasons
    return RiskAnswer(
        allow=terms is not None,
        side="flat" if terms is None else terms.side,
        qty=Decimal(0) if terms is None else terms.qty_base,
        lev=0 if terms is None else terms.leverage,
        mode="hold_manual" if rules.run_mode == "hold" else state.mode.mode,
        reason=reasons[0].code if reasons else "ok",
        reasons=reasons,
        risk_state=standing(account, market, rules, state, found.verdict.checks),
    )


def standing(
    account: AccountSnapshot, market: MarketView, rules: Rules, state: RiskState, checks: tuple[Check, ...] = ()
) -> Standing:
    """Return where the desk stands now."""
    loss = _known(lambda: account.day_loss_frac)
    notional = account.notional_quote
    rung, sigma = LADDER[state.level], market.sigma_frac
    return Standing(
        level=state.level,
        equity=account.equity_quote,
        hwm=account.high_water_quote,
        drawdown=_known(lambda: account.drawdown_frac),
        daily_loss=loss,
        margin_ratio=_known(lambda: _DIGITS.divide(account.equity_quote, notional)) if notional else None,
        wall=loss is None or blocks(state.wall, loss, rules.limits),
        halted=state.halt.halted,
        vol_target=None if sigma is None else target_weight(sigma, Decimal(rung.max_leverage), rules.limits),
        sigma=sigma,
        trades_today=account.opening_trades_today,
        limits_used=_used(checks),
        checks=checks,
        as_of=account.as_of_ns,
    )


def _known(figure: Callable[[], Decimal]) -> Decimal | None:
    try:
        value = figure()
    except FAULTS:
        return None
    return value if value.is_finite() else None


def _used(checks: tuple[Check, ...]) -> dict[str, Decimal]:
    names, used = dict(HARD_CONSTRAINTS), {}
    for check in checks:
        if check.name not in names or not check.value:
            continue
        share = _known(partial(_share, check))
        if share is not None:
            used[check.name] = share
    return used


def _share(check: Check) -> Decimal:
    if check.value == "flat":
        return Decimal(0)
    if check.name == "order_rate":
        pairs = zip(check.value.split(", "), check.bound.split(", "), strict=True)
        return max(_DIGITS.divide(Decimal(v.split()[0]), Decimal(b.split()[0])) for v, b in pairs)
    value, bound = Decimal(check.value), Decimal(check.bound)
    share = _DIGITS.divide(bound, value) if check.name in _FLOORS else _DIGITS.divide(value, bound)
    return share.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
