"""Checks 4, 6 and 7: authority, the loss wall, and the ladder's soft rules, which reduce a size or refuse."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check
from chanflow.risk.ladder import EXTRA_TRADE_CONFIDENCE, HALF_SIZE_BAND, Rung
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import blocks
from chanflow.risk.state import Memory, RiskState, Rules
from chanflow.risk.verdict import Verdict

ONE, HALF = Decimal(1), Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Softened:
    """What the soft rules left: factors on the volatility target and on the whole size, and the leverage."""

    conviction: Decimal
    share: Decimal
    leverage: int


def ask_authority(state: RiskState, rules: Rules, memory: Memory, verdict: Verdict) -> None:
    """Refuse at L0, and in live mode without scope, keys, flag or, below L3, a person's approval."""
    verdict.ask(
        Check("authority", state.level, "L1 or above", ok=state.level != "L0"),
        "the ladder stands at L0: only closing orders are allowed",
    )
    if rules.run_mode != "live":
        return
    live = state.live
    for code, has, what in (
        ("live_scope", live.scope, "whoever asks may not trade live"),
        ("live_keys", live.keys, "there are no keys of the venue"),
        ("live_flag", live.flag, "the setting that allows live trading is off"),
    ):
        verdict.ask(Check(code, str(has), "True", ok=has), what)
    approved = state.level >= "L3" or memory.approved_by is not None
    verdict.ask(
        Check("approval_needed", str(memory.approved_by), "a person", ok=approved),
        f"live at {state.level} waits for a person's approval",
    )


def ask_wall(state: RiskState, account: AccountSnapshot, limits: Limits, verdict: Verdict) -> None:
    """Refuse behind the loss wall."""
    loss = account.day_loss_frac
    flat = "" if account.positions else "; the account is flat, so midnight UTC or an operator lifts it"
    verdict.ask(
        Check("loss_wall", f"{loss:.4f}", str(limits.soft_wall_frac), ok=not blocks(state.wall, loss, limits)),
        f"the loss wall stands: day loss is {loss:.4f}, the wall is at {limits.soft_wall_frac}{flat}",
    )


def ask_soft(
    proposal: TradeProposal, account: AccountSnapshot, rung: Rung, memory: Memory, verdict: Verdict
) -> Softened:
    """Ask the ladder's soft rules, and note what they take away."""
    conviction, share, confidence = HALF, ONE, None
    if proposal.confidence is not None:
        confidence = Decimal(str(proposal.confidence))
        least = rung.min_confidence - HALF_SIZE_BAND
        ok = confidence.is_finite() and least <= confidence <= ONE
        verdict.ask(
            Check("confidence", str(confidence), str(rung.min_confidence), ok=ok),
            f"confidence is {confidence}, {rung.level} needs {rung.min_confidence}, down to {least} at half size",
        )
        conviction = ONE
        if ok and confidence < rung.min_confidence:
            share = HALF
            verdict.clips.append(f"half size: confidence {confidence} is below {rung.min_confidence}")
    _ask_count(account, rung, memory, confidence, verdict)
    leverage = min(proposal.leverage, rung.max_leverage)
    if leverage < proposal.leverage:
        verdict.clips.append(f"leverage {proposal.leverage} -> {leverage} (ladder {rung.level})")
    return Softened(conviction, share, leverage)


def _ask_count(
    account: AccountSnapshot, rung: Rung, memory: Memory, confidence: Decimal | None, verdict: Verdict
) -> None:
    cap = rung.opening_trades_per_day
    if cap is None:
        return
    this = account.opening_trades_today + len(memory.reserved) + 1
    strong = confidence is not None and confidence.is_finite() and confidence >= EXTRA_TRADE_CONFIDENCE
    allowed = cap + (1 if strong and cap > 0 else 0)
    verdict.ask(
        Check("trades_per_day", str(this), str(allowed), ok=this <= allowed),
        f"this would be opening trade {this} of the day, {rung.level} allows {allowed}",
    )
