"""Asking the running desk for a decision. The request is a journaled input of the desk, as a trade is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from chanflow.domain.command import AnalysisCommand
from chanflow.operations.fields import Symbol
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN, submit

LevelName = Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d"]
PositionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_-]{1,64}$")]


class RequestAnalysis(Arguments):
    """What to decide on: a symbol at the desk's level, or one position of it."""

    symbol: Symbol
    level: LevelName | None = None
    position_id: PositionId | None = None


class DecisionAsked(Answer):
    """The decision that was begun, or waits for the one before it; `explain` and the journal tell what it comes to."""

    decision_id: str
    status: Literal["asked"]


async def request_analysis(asked: Asked[RequestAnalysis]) -> DecisionAsked:
    """Ask the desk's analyst for a decision, and return its id at once."""
    args = asked.args
    answer = await submit(
        asked.services,
        AnalysisCommand(
            request_id=asked.request_id, symbol=args.symbol, who=asked.principal.id, level=args.level,
            position_id=args.position_id,
        ),
    )  # fmt: skip
    if answer.reasons or answer.decision_id is None:
        reason = answer.reasons[0] if answer.reasons else None
        raise Declined(
            "not_found", "the desk began no decision" if reason is None else reason.message,
            field={"position": "position_id"}.get(reason.code, reason.code) if reason else None,
        )  # fmt: skip
    return DecisionAsked(decision_id=answer.decision_id, status="asked")


REQUEST_ANALYSIS = Operation(
    name="request_analysis",
    title="Ask for a decision",
    doc_en="Ask the desk's analyst for a decision (请求决策) on a symbol or position; the gate judges the proposal.",
    doc_zh="请求分析师对某标的或持仓作出决策；结果仍须经风控。",
    scope="trade:paper",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="trade",
    input=RequestAnalysis,
    output=DecisionAsked,
    hints=Hints(read_only=False),
    timeout_s=20,
    path="/decisions",
    handler=request_analysis,
    digest=lambda done: Digest(f"decision {done.decision_id} is asked for", (), ()),
    doors=NOT_A_TOOL,
)
