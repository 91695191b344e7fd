"""Checks 4, 6 and 7: authority, the loss wall, and the ladder's soft rules, which reduce a size or refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check
from chanflow.risk.ladder import EXTRA_TRADE_CONFIDENCE, HALF_SIZE_BAND, Rung
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import blocks
from chanflow.risk.state import Memory, RiskState, Rules
from chanflow.risk.verdict import Verdict, flags

ONE, HALF = Decimal(1), Decimal("0.5")
_SCOPE, _KEYS, _FLAG = (flags(name, wanted=True) for name in ("live_scope", "live_keys", "live_flag"))


class Softened(NamedTuple):
    """What the soft rules left: factors on the volatility target and on the whole size, and the leverage."""

    conviction: Decimal
    share: Decimal
    leverage: int


def ask_authority(state: RiskState, rules: Rules, memory: Memory, verdict: Verdict) -> None:
    """Refuse at L0, and in live mode without scope, keys, flag or, below L3, a person's approval."""
    check = Check("authority", state.level, "L1 or above", state.level != "L0")
    verdict.ask(check, "the ladder stands at L0: only closing orders are allowed")
    if rules.run_mode != "live":
        return
    live = state.live
    verdict.ask(_SCOPE[live.scope], "whoever asks may not trade live")
    verdict.ask(_KEYS[live.keys], "there are no keys of the venue")
    verdict.ask(_FLAG[live.flag], "the setting that allows live trading is off")
    approved = state.level >= "L3" or memory.approved_by is not None
    verdict.ask(
        Check("approval_needed", str(memory.approved_by), "a person", approved),
        "" if approved else f"live at {state.level} waits for a person's approval",
    )


def ask_wall(state: RiskState, account: AccountSnapshot, limits: Limits, verdict: Verdict) -> None:
    """Refuse behind the loss wall."""
    loss, bound = account.day_loss_frac, limits.soft_wall_frac
    ok, text = not blocks(state.wall, loss, limits), f"{loss:.4f}"
    check = Check("loss_wall", text, str(bound), ok)
    if ok:
        verdict.ask(check)
        return
    flat = "" if account.positions else "; the account is flat, so midnight UTC or an operator lifts it"
    verdict.ask(check, f"the loss wall stands: day loss is {text}, the wall is at {bound}{flat}")


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
            Check("confidence", str(confidence), str(rung.min_confidence), ok),
            ""
            if ok
            else f"confidence is {confidence}, {rung.level} needs {rung.min_confidence}, down to {least} at half size",
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
    ok = this <= allowed
    verdict.ask(
        Check("trades_per_day", str(this), str(allowed), ok),
        "" if ok else f"this would be opening trade {this} of the day, {rung.level} allows {allowed}",
    )
