"""What people are told of risk: a title that says what happened, a body with figures and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chanflow.domain.alert import Alert, compose
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.time import NS_PER_S, rfc3339
from chanflow.risk.guardian import CLOSE_BELOW, CLOSE_UNTIL, Facts, GuardianAction
from chanflow.risk.ladder import Change, Level
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallChange

_STANDING = {
    "drawdown": "Drawdown at its limit: everything is closed and the desk is halted",
    "day_loss": "Day loss at its limit: nothing is opened any more",
    "margin_ratio": "Margin ratio too low: positions are being closed",
    "seized": "The venue closed a position by force: the desk is halted",
    "stale": "Inputs are stale: nothing is opened",
    "blind": "Inputs are stale with a position open",
}
_FIGURES = {
    "drawdown": "Drawdown",
    "day_loss": "Day loss",
    "margin_ratio": "Margin ratio",
    "exposure": "Exposure of one asset",
    "cash_reserve": "Cash reserve",
    "trades_per_day": "Opening trades of the day",
    "straight_losses": "Straight losses",
    "win_rate": "Win rate against its floor",
}


def alert_of_action(action: GuardianAction, facts: Facts, limits: Limits, *, level: Level, at_ns: int) -> Alert:
    """Return the alert of a guardian's `alert` action; its key is the action's."""
    crossed = action.key.split(":")
    if len(crossed) == 3 and crossed[2].isdecimal():
        title = f"{_FIGURES.get(action.cause, action.cause)}: {crossed[2]} % of the limit is used"
    elif action.cause.startswith("unprotected:"):
        title = f"{action.cause.removeprefix('unprotected:')} stands without a stop and is being closed"
    else:
        title = _STANDING.get(action.cause, f"Risk: {action.cause}")
    body = f"{action.message}\n\n{standing(facts, limits, level=level)}"
    return compose(
        severity=action.severity, title=title, body=body, dedupe_key=action.key, at_ns=at_ns, source="guardian"
    )


def standing(facts: Facts, limits: Limits, *, level: Level) -> str:
    """Return the account's figures beside their bounds, a line each."""
    lines = [
        f"equity: {facts.equity:f} quote",
        f"drawdown: {facts.drawdown:.4f}, the limit is {limits.max_drawdown_frac}",
        f"day loss: {facts.day_loss:.4f}, the wall is at {limits.soft_wall_frac}, limit {limits.max_day_loss_frac}",
        f"notional: {facts.total:f} quote",
    ]
    if facts.total > 0:
        ratio = facts.equity / facts.total
        lines.append(f"equity over notional: {ratio:.4f}, closed below {CLOSE_BELOW} until {CLOSE_UNTIL}")
    for symbol, worth in sorted(facts.notional.items()):
        lines.append(f"{symbol}: {facts.signed[symbol]:f} worth {worth:f} quote")
    lines.append(f"ladder: {level}")
    return "\n".join(lines)


def alert_of_wall(change: WallChange, limits: Limits) -> Alert:
    """Return the alert of a step of the loss wall."""
    title = "The loss wall stands: nothing is opened" if change.standing else "The loss wall is lifted"
    low = limits.wall_release_share * limits.soft_wall_frac
    bounds = f"It rises at a day loss of {limits.soft_wall_frac} and lifts after {limits.wall_hold_min} min at or below"
    return compose(
        severity="warning" if change.standing else "info", title=title,
        body=f"{change.message}\n\n{bounds} {low}, at midnight UTC, or by an operator with a note.",
        dedupe_key=f"wall:{change.cause}", at_ns=change.at_ns, source="risk",
    )  # fmt: skip


def alert_of_waiting(proposal: TradeProposal, level: Level, *, until_ns: int, at_ns: int) -> Alert:
    """Return the alert that a proposal begins to wait for a person."""
    side = "buy" if proposal.action == "open_long" else "sell"
    lines = [
        f"id: {proposal.proposal_id}",
        f"entry: {_price(proposal.entry_price)}, stop: {_price(proposal.stop_price)}",
        f"take-profit: {_price(proposal.take_profit_price)}, leverage: {proposal.leverage}",
        f"confidence: {proposal.confidence}, level: {level}",
        f"why: {proposal.reasoning}",
        f"waits until {rfc3339(until_ns)}, {(until_ns - at_ns) // NS_PER_S} s from now",
        f"chanflow approve {proposal.proposal_id}, or with --deny",
    ]
    return compose(
        severity="warning", title=f"Approve {side} {proposal.symbol}? It waits for a person", body="\n".join(lines),
        dedupe_key=f"approval:{proposal.proposal_id}", at_ns=at_ns, source="risk",
    )  # fmt: skip


def demotion_of(change: Change) -> Mapping[str, Any]:
    """Return the risk event of a step down the ladder."""
    return {
        "kind": "demotion", "cause": change.message,
        "figures": {"ladder": change.after, "ladder_before": change.before},
    }  # fmt: skip


def payload_of(alert: Alert) -> dict[str, Any]:
    """Return an alert as it travels."""
    return {
        "severity": alert.severity, "title": alert.title, "body": alert.body, "dedupe_key": alert.dedupe_key,
        "at_ns": alert.at_ns, "source": alert.source,
    }  # fmt: skip


def _price(value: Decimal | None) -> str:
    return "the market" if value is None else f"{value:f}"
