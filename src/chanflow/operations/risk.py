"""Operations on risk: what the gate would say, where the desk stands, and the halt.

Halting and resuming are journaled inputs of the running desk, as trades are. `approve` and `set_level` are a person's:
no model is offered them.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import NAMESPACE_OID, uuid5

from pydantic import BeforeValidator, Field, FiniteFloat, StringConstraints

from chanflow.domain.canonical import decimal_text
from chanflow.domain.command import (
    ApproveCommand,
    HaltCommand,
    LiftWallCommand,
    ResumeCommand,
    SetLevelCommand,
    StandingCommand,
)
from chanflow.domain.errors import NotFound
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_S
from chanflow.operations.fields import Amount, Money, Symbol, time_of_ns, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN, submit
from chanflow.risk.dry_run import RiskAnswer, Standing, dry_run, standing
from chanflow.risk.view import RiskView

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A reason or a note: one line of 1 to 200 characters."""
VALID_NS = 60 * NS_PER_S
LevelWord = Literal["L0", "L1", "L2", "L3", "L4", "L5"]


class CheckRisk(Arguments):
    """A wish to open. Without `size_quote` the gate sizes it; without `price` it takes the market."""

    symbol: Symbol
    side: Literal["buy", "sell"]
    stop_price: Amount
    take_profit_price: Amount
    price: Amount | None = None
    size_quote: Amount | None = None
    leverage: Annotated[int, Field(ge=1, le=5), BeforeValidator(whole)] = 1
    confidence: Annotated[FiniteFloat, Field(ge=0, le=1)] | None = None


class WhyRow(Answer):
    """A stable code, and the sentence that names value and bound."""

    code: str
    message: str


class CheckRow(Answer):
    """One check: what was found and what is allowed."""

    name: str
    value: str
    bound: str
    ok: bool


class RiskStateRow(Answer):
    """Where the desk stands. Money in quote, shares as fractions, null where a figure is not known."""

    level: str
    equity: Money
    hwm: Money
    drawdown: Money | None
    daily_loss: Money | None
    margin_ratio: Money | None
    wall: bool
    halted: bool
    vol_target: Money | None
    sigma: Money | None
    trades_today: int
    limits_used: dict[str, Money]
    checks: list[CheckRow]
    as_of: str


class RiskChecked(Answer):
    """What the gate would say. `reason` is ok or the first failing code, `qty` in base units and 0 when refused."""

    allow: bool
    side: Literal["buy", "sell", "flat"]
    qty: Money
    lev: int
    mode: str
    reason: str
    reasons: list[WhyRow]
    risk_state: RiskStateRow


class GetRiskState(Arguments):
    """Nothing is asked for."""


class WaitingRow(Answer):
    """A proposal that waits for a person, until when, and what it asks for. Prices in quote; null takes the market."""

    proposal_id: str
    symbol: str
    side: Literal["buy", "sell"]
    entry_price: Money | None
    stop_price: Money | None
    take_profit_price: Money | None
    leverage: int
    confidence: float | None
    why: str
    until: str


class RiskState(Answer):
    """The standing, what halts, holds and waits, since when the level stands and what a promotion still lacks."""

    risk_state: RiskStateRow
    mode: str
    halt_causes: list[WhyRow]
    level_since: str
    review: str | None
    promotion_lacks: list[str]
    waiting: list[WaitingRow]


class Halt(Arguments):
    """Why; with `close` the positions are closed too."""

    reason: Sentence = "halted by an operator"
    close: bool = False


class Resume(Arguments):
    """Why the desk may open again."""

    note: Sentence


class SetLevel(Arguments):
    """A lower level, or L1 after L0 with a review note."""

    level: LevelWord
    who: Sentence
    note: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class LiftWall(Arguments):
    """Why openings may go on before the wall's time."""

    who: Sentence
    note: Sentence


class Approve(Arguments):
    """Which proposal, and who says so; `deny` refuses it. Without one, what waits is listed."""

    proposal_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_-]{1,64}$")] | None = None
    who: Sentence = "the operator"
    deny: bool = False


class Standings(Answer):
    """Whether it was done, and every reason why not; then where the desk stands."""

    status: Literal["done", "refused"]
    reasons: list[WhyRow]
    level: str
    halted: bool


class Approvals(Answer):
    """Whether it was done, and every reason why not; then what still waits. A listing is always done."""

    status: Literal["done", "refused"]
    reasons: list[WhyRow]
    waiting: list[WaitingRow]


async def check_risk(asked: Asked[CheckRisk]) -> RiskChecked:
    """Return what the gate would say of a wish now; nothing is reserved, remembered or approved."""
    view = await _view(asked)
    proposal = proposal_of(asked.args, now_ns=view.now_ns, name=asked.request_id)
    answer = dry_run(proposal, view.account, view.market, rules=view.rules, state=view.state, now_ns=view.now_ns)
    return shown(answer)


def proposal_of(args: CheckRisk, *, now_ns: int, name: str) -> TradeProposal:
    """Return the proposal of a wish."""
    proposal_id = str(uuid5(NAMESPACE_OID, f"check_risk:{name}"))
    return TradeProposal(
        proposal_id=proposal_id, decision_id=proposal_id, kind="entry",
        action="open_long" if args.side == "buy" else "open_short", symbol=args.symbol, level="", setup="check_risk",
        side=args.side, size_quote=args.size_quote, leverage=args.leverage, entry_price=args.price,
        stop_price=args.stop_price, take_profit_price=args.take_profit_price, valid_until_ns=now_ns + VALID_NS,
        confidence=args.confidence, reasoning="asked by check_risk", invalidation=f"price beyond {args.stop_price}",
    )  # fmt: skip


async def get_risk_state(asked: Asked[GetRiskState]) -> RiskState:
    """Return where risk stands."""
    view = await _view(asked)
    return RiskState(
        risk_state=_state(standing(view.account, view.market, view.rules, view.state)),
        mode="hold_manual" if view.rules.run_mode == "hold" else view.state.mode.mode,
        halt_causes=[WhyRow(code=cause.kind, message=cause.reason) for cause in view.state.halt.causes],
        level_since=time_of_ns(view.ladder.since_ns),
        review=view.ladder.review,
        promotion_lacks=list(view.missing),
        waiting=_waiting(view),
    )


async def halt(asked: Asked[Halt]) -> Standings:
    """Stop opening: opening orders are cancelled, stops stay; with `close` positions are closed."""
    return await _stand(asked, HaltCommand(asked.args.reason, asked.args.close))


async def resume(asked: Asked[Resume]) -> Standings:
    """Let the desk open again."""
    return await _stand(asked, ResumeCommand(asked.args.note))


async def set_level(asked: Asked[SetLevel]) -> Standings:
    """Lower the ladder's level, or lead it from L0 to L1."""
    return await _stand(asked, SetLevelCommand(asked.args.level, asked.args.who, asked.args.note))


async def lift_wall(asked: Asked[LiftWall]) -> Standings:
    """Lift the soft loss wall before its time."""
    return await _stand(asked, LiftWallCommand(asked.args.who, asked.args.note))


async def approve(asked: Asked[Approve]) -> Approvals:
    """List what waits for a person, or approve or deny it. A paper desk asks nobody, so nothing waits there."""
    args, reasons = asked.args, tuple[Reason, ...]()
    if args.proposal_id is not None:
        answer = await submit(asked.services, ApproveCommand(args.proposal_id, args.who, args.deny))
        reasons = answer.reasons if answer.refused is None else answer.refused.reasons
    view = await _view(asked)
    return Approvals(status="refused" if reasons else "done", reasons=_why(reasons), waiting=_waiting(view))


def _waiting(view: RiskView) -> list[WaitingRow]:
    return [
        WaitingRow(
            proposal_id=p.proposal_id, symbol=p.symbol, side="buy" if p.action == "open_long" else "sell",
            entry_price=p.entry_price, stop_price=p.stop_price, take_profit_price=p.take_profit_price,
            leverage=p.leverage, confidence=p.confidence, why=p.reasoning, until=time_of_ns(each.until_ns),
        )
        for each in view.waiting
        for p in (each.proposal,)
    ]  # fmt: skip


async def _stand(
    asked: Asked[Halt] | Asked[Resume] | Asked[SetLevel] | Asked[LiftWall], command: StandingCommand
) -> Standings:
    answer = await submit(asked.services, command)
    view = await _view(asked)
    return Standings(
        status="refused" if answer.reasons else "done",
        reasons=_why(answer.reasons),
        level=view.state.level,
        halted=view.state.halt.halted,
    )


async def _view(
    asked: Asked[CheckRisk] | Asked[GetRiskState] | Asked[Halt] | Asked[Resume] | Asked[SetLevel] | Asked[LiftWall]
    | Asked[Approve],
) -> RiskView:  # fmt: skip
    try:
        return await asked.services.risk.risk()
    except NotFound:
        raise Declined(
            "conflict", "no paper desk runs behind this door", suggestion="start one with chanflow up, and ask there"
        ) from None


def shown(answer: RiskAnswer) -> RiskChecked:
    """Return an answer of the dry run as doors show it."""
    return RiskChecked(
        allow=answer.allow, side=answer.side, qty=answer.qty, lev=answer.lev, mode=answer.mode, reason=answer.reason,
        reasons=_why(answer.reasons), risk_state=_state(answer.risk_state),
    )  # fmt: skip


def _why(reasons: tuple[Reason, ...]) -> list[WhyRow]:
    return [WhyRow(code=reason.code, message=reason.message) for reason in reasons]


def _state(found: Standing) -> RiskStateRow:
    return RiskStateRow(
        level=found.level, equity=found.equity, hwm=found.hwm, drawdown=found.drawdown, daily_loss=found.daily_loss,
        margin_ratio=found.margin_ratio, wall=found.wall, halted=found.halted, vol_target=found.vol_target,
        sigma=found.sigma, trades_today=found.trades_today, limits_used=dict(found.limits_used),
        checks=[CheckRow(name=c.name, value=c.value, bound=c.bound, ok=c.ok) for c in found.checks],
        as_of=time_of_ns(found.as_of),
    )  # fmt: skip


def _said(words: str) -> Digest:
    return Digest(words, (), ())


_READ = Hints(read_only=True)
_WRITE = Hints(read_only=False, idempotent=True)

CHECK_RISK = Operation(
    name="check_risk",
    title="Check a trade against the gate",
    doc_en="What the risk gate (风控闸门) would say of a trade now, with every check; nothing is sent or reserved.",
    doc_zh="风控闸门预检：返回全部检查结果，不下单、不占用额度。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=CheckRisk,
    output=RiskChecked,
    hints=_READ,
    timeout_s=5,
    path="/risk/check",
    handler=check_risk,
    digest=lambda done: _said(f"{done.reason}: {done.side} {decimal_text(done.qty)} at {done.lev}x"),
    doors=NOT_A_TOOL,
    posted=True,
)

GET_RISK_STATE = Operation(
    name="get_risk_state",
    title="Where risk stands",
    doc_en="Level, drawdown, day loss, wall, halt and what a promotion still lacks (风险状态).",
    doc_zh="查询权限等级、回撤、日亏损、亏损墙、停机状态与晋级所缺条件。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetRiskState,
    output=RiskState,
    hints=_READ,
    timeout_s=5,
    path="/risk/state",
    handler=get_risk_state,
    digest=lambda done: _said(f"level {done.risk_state.level}, mode {done.mode}, halted {done.risk_state.halted}"),
    doors=NOT_A_TOOL,
)

HALT = Operation(
    name="halt",
    title="Halt",
    doc_en="Open nothing from now on (停机): opening orders are cancelled, stops stay; close also closes positions.",
    doc_zh="停机：撤销开仓单、保留止损；close 为真时同时平仓。",
    scope="desk:halt",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=Halt,
    output=Standings,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=20,
    path="/risk/halt",
    handler=halt,
    digest=lambda done: _said(done.status),
    doors=NOT_A_TOOL,
)

RESUME = Operation(
    name="resume",
    title="Resume",
    doc_en="Let a halted desk open again (恢复); needs the file HALT gone, books that agree, and a note.",
    doc_zh="恢复开仓：须已删除 HALT 文件、账目一致，并附说明。",
    scope="desk:control",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=Resume,
    output=Standings,
    hints=_WRITE,
    timeout_s=20,
    path="/risk/resume",
    handler=resume,
    digest=lambda done: _said(done.status),
    doors=NOT_A_TOOL,
)

SET_LEVEL = Operation(
    name="set_level",
    title="Set the ladder's level",
    doc_en="Lower the permission level (权限等级), or lead the desk from L0 to L1 after a review. For people alone.",
    doc_zh="下调权限等级，或在人工复核后由 L0 升至 L1；不提供给模型。",
    scope="desk:control",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=SetLevel,
    output=Standings,
    hints=_WRITE,
    timeout_s=20,
    path="/risk/level",
    handler=set_level,
    digest=lambda done: _said(f"{done.status}: {done.level}"),
    doors=NOT_A_TOOL,
)

APPROVE = Operation(
    name="approve",
    title="Approve a waiting trade",
    doc_en="Proposals that wait for a person (人工批准), approve one or deny it; none waits on paper. For people.",
    doc_zh="列出、批准或否决等待人工确认的提议；模拟盘无需批准；不提供给模型。",
    scope="desk:control",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=Approve,
    output=Approvals,
    hints=_WRITE,
    timeout_s=20,
    path="/risk/approve",
    handler=approve,
    digest=lambda done: _said(f"{done.status}: {len(done.waiting)} wait"),
    doors=NOT_A_TOOL,
)

LIFT_WALL = Operation(
    name="lift_wall",
    title="Lift the loss wall",
    doc_en="Let openings go on behind the soft loss wall (解除亏损墙), with a note, below 5 % of day loss; for people.",
    doc_zh="附说明解除软亏损墙；日亏损达 5 % 时不可解除；不提供给模型。",
    scope="desk:control",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=LiftWall,
    output=Standings,
    hints=_WRITE,
    timeout_s=20,
    path="/risk/wall",
    handler=lift_wall,
    digest=lambda done: _said(done.status),
    doors=NOT_A_TOOL,
)

RISK_OPERATIONS = (CHECK_RISK, GET_RISK_STATE, HALT, RESUME, SET_LEVEL, APPROVE, LIFT_WALL)
