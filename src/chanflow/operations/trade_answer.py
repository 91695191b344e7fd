"""What a trade by hand came to, as answers show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from chanflow.domain.command import CommandAnswer
from chanflow.domain.order import Check, OrderState, OrderView, Reason
from chanflow.operations.fields import Money
from chanflow.operations.operation import Answer
from chanflow.operations.trading import OrderRead, ReasonRow, order_read
from chanflow.risk.preview import Figures, Preview

Status = Literal[
    "confirmation_required", "approval_required", "refused", "submitted", "filled", "unknown", "replayed"
]  # fmt: skip


class LimitRow(Answer):
    """A limit: what it would be after the trade, and its bound."""

    name: str
    value: str
    bound: str


class TradePreview(Answer):
    """What a trade would come to, in quote.

    `worst_loss` is what is lost at the stop, costs included, `fees` the taker's both ways, `equity_after` what is left
    once it has filled.
    """

    notional: Money
    worst_loss: Money
    fees: Money
    equity_after: Money
    limits: list[LimitRow]


class TradeDone(Answer):
    """What a trade came to: a preview to confirm, a wait for a person, a refusal with every reason, or an order.

    `replayed` is what it came to before.
    """

    status: Status
    preview: TradePreview | None
    confirmation_token: str | None
    expires_at: str | None
    approval_id: str | None
    order: OrderRead | None
    reasons: list[ReasonRow]


def came_to(
    status: Status, *, preview: TradePreview | None = None, token: str | None = None, expires_at: str | None = None,
    approval_id: str | None = None, order: OrderRead | None = None, reasons: Sequence[ReasonRow] = (),
) -> TradeDone:  # fmt: skip
    """Return an answer; what is not said is null."""
    return TradeDone(
        status=status, preview=preview, confirmation_token=token, expires_at=expires_at, approval_id=approval_id,
        order=order, reasons=list(reasons),
    )  # fmt: skip


def shown_preview(found: Preview, figures: Figures) -> TradePreview:
    """Return a preview as answers show it."""
    return TradePreview(
        notional=figures.notional, worst_loss=figures.worst_loss, fees=figures.fees,
        equity_after=figures.equity_after,
        limits=[LimitRow(name=check.name, value=check.value, bound=check.bound) for check in found.limits],
    )  # fmt: skip


def told_before(answer: CommandAnswer) -> bool:
    """Return whether an answer is one of before; a trade that waits for a person says so each time."""
    return answer.replayed and answer.approval_id is None


def trade_done(answer: CommandAnswer) -> TradeDone:
    """Return what the desk made of a trade."""
    order = next((order for order in reversed(answer.orders) if order.leg in ("entry", "exit")), None)
    status, reasons = _outcome(order, answer)
    return came_to(
        status, approval_id=answer.approval_id, order=None if order is None else order_read(order),
        reasons=reasons,
    )  # fmt: skip


def _outcome(order: OrderView | None, answer: CommandAnswer) -> tuple[Status, list[ReasonRow]]:
    """Return the status of a trade, and why it was refused where it was."""
    if answer.refused is not None:
        return "refused", reason_rows(answer.refused.reasons, answer.refused.checks)
    if answer.approval_id is not None:
        return "approval_required", []
    if order is None or order.state in (OrderState.UNKNOWN, OrderState.INITIALIZED):
        return "unknown", []
    if order.state in (OrderState.DENIED, OrderState.REJECTED):
        return "refused", [ReasonRow(code=str(order.state), value="", bound="", message=order.detail or "refused")]
    return ("filled" if order.state is OrderState.FILLED else "submitted"), []


def reason_rows(reasons: tuple[Reason, ...], checks: tuple[Check, ...]) -> list[ReasonRow]:
    """Return reasons with what was found and what is allowed."""
    failed = {check.name: check for check in checks if not check.ok}
    return [
        ReasonRow(
            code=reason.code,
            value=failed[reason.code].value if reason.code in failed else "",
            bound=failed[reason.code].bound if reason.code in failed else "",
            message=reason.message,
        )
        for reason in reasons
    ]


def stored_trade(answer: Mapping[str, Any]) -> TradeDone:
    """Return an answer that was kept; a trade that waits for a person says so each time."""
    waits = answer["status"] == "approval_required"
    return TradeDone.model_validate(answer if waits else {**answer, "status": "replayed"})
