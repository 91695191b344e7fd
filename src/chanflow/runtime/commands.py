"""Commands as inputs of a run: journaled before they have any effect, and taken from the journal when it is run again.

A `command` record says what was ordered and `at_ns`, the market's time at which it takes effect. The run first takes
the market up to that moment, then acts. Resumed or replayed, it meets the record at the same place between two steps,
and does the same: so a run with commands comes out byte for byte. A command that would change nothing (a repeated
trade, the cancel of an order that has ended) is answered and leaves no record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chanflow.domain.canonical import plain
from chanflow.domain.command import (
    COMMANDS,
    AnalysisCommand,
    ApproveCommand,
    CancelCommand,
    CloseAllCommand,
    Command,
    CommandAnswer,
    HaltCommand,
    LiftWallCommand,
    PreviewCommand,
    Problem,
    ResumeCommand,
    SetLevelCommand,
    StandingCommand,
    TradeCommand,
    name_of,
)
from chanflow.domain.errors import InvalidArgument, JournalDiverged
from chanflow.domain.order import OrderState, OrderView, Reason
from chanflow.domain.request import AnalysisRequest
from chanflow.domain.time import NS_PER_S, parse_rfc3339
from chanflow.execution.client_ids import proposal_of_command
from chanflow.review.journal import JournalWriter, Record
from chanflow.review.orders import OrdersFold
from chanflow.risk.approvals import not_waiting
from chanflow.runtime.codec import decode
from chanflow.runtime.command_queue import Asked, CommandQueue
from chanflow.runtime.deliberation import decision_id_of
from chanflow.runtime.halt_file import halt_command
from chanflow.runtime.hand_orders import closing, ordered
from chanflow.runtime.pipeline import WATERMARK_NS, Pipeline

SETTLES_WITHIN_NS = 2 * NS_PER_S
"""So long, in the market's time, an answer waits for an order to be settled; then it says how the order stands."""

_ON_ITS_WAY = (OrderState.INITIALIZED, OrderState.SUBMITTED, OrderState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a command has begun: proposals, and orders that are being cancelled; or why it was not done."""

    proposals: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    decision_id: str | None = None


@dataclass(slots=True)
class _Pending:
    asked: Asked
    effect: _Effect
    since_ns: int
    replayed: bool = False


class CommandDesk:
    """Acts on commands for one pipeline, and answers those who gave them."""

    def __init__(
        self, pipeline: Pipeline, journal: JournalWriter, queue: CommandQueue | None, given: Sequence[Record] = ()
    ) -> None:
        """`given` are `command` records of another run of this market: each is acted on once its time has come."""
        self._pipeline = pipeline
        self._journal = journal
        self._queue = queue
        self._given = deque(given)
        self._account = pipeline.s.router.account
        self._orders = OrdersFold()
        self._pending: list[_Pending] = []
        self._number = 0
        journal.listen(self._orders.take)

    async def repeat(self) -> bool:
        """Act on the command that the journal has here, if it has one here, or that was given for this moment.

        Raises JournalDiverged for a record that is no command of this version.
        """
        now_ns = self._pipeline.s.clock.now_ns()
        if self._given and parse_rfc3339(self._given[0].at) <= now_ns:
            command, at_ns = _of_record(self._given.popleft())
            await self._act_if_new(command, max(at_ns, now_ns))
            return True
        standing = self._journal.expected
        if standing is None or standing.kind != "command":
            return False
        if parse_rfc3339(standing.at) != now_ns:
            return False
        command, at_ns = _of_record(standing)
        await self._act(command, at_ns)
        return True

    async def take(self, until_ns: int) -> bool:
        """Act on the next command that a door has brought, at the latest at `until_ns`. False where there is none."""
        if self._queue is None or self._journal.expected is not None:
            return False
        if await self._heed_sentinel(self._queue):
            return True
        if until_ns <= self._queue.from_ns:
            return False
        asked = self._queue.next()
        if asked is None:
            return False
        asked.begun = True
        now_ns = self._pipeline.s.clock.now_ns()
        known = self._known(asked.command)
        if isinstance(known, CommandAnswer):
            asked.tell(known)
        elif known is not None:
            self._pending.append(_Pending(asked, known, now_ns, replayed=_is_of_trade(asked.command)))
        else:
            at_ns = max(now_ns, min(self._queue.market_ns(), until_ns))
            if until_ns - at_ns < WATERMARK_NS:
                # The desk is about to look anyway; before that, a bar may have ended that still waits for stragglers.
                at_ns = until_ns
            try:
                effect = await self._act(asked.command, at_ns)
            except BaseException:
                asked.tell(CommandAnswer(problem="unknown"))
                raise
            self._pending.append(_Pending(asked, effect, self._pipeline.s.clock.now_ns()))
        return True

    async def _heed_sentinel(self, queue: CommandQueue) -> bool:
        """Halt where the halt file is there, before the desk takes another step. False where that changes nothing."""
        told = queue.sentinel()
        command = None if told is None else halt_command(told)
        if command is None or self._known(command) is not None:
            return False
        await self._act(command, self._pipeline.s.clock.now_ns())
        queue.rest()
        return True

    def answer(self) -> None:
        """Answer those whose orders are settled, or have had their time."""
        now_ns = self._pipeline.s.clock.now_ns()
        waiting = []
        for pending in self._pending:
            orders = self._touched(pending.effect)
            refused = next((r for p in pending.effect.proposals if (r := self._orders.refusals.get(p))), None)
            done = refused is not None or all(_settled(order, pending.asked.command) for order in orders)
            if not done and now_ns - pending.since_ns < SETTLES_WITHIN_NS:
                waiting.append(pending)
                continue
            reasons, decision = pending.effect.reasons, pending.effect.decision_id
            pending.asked.tell(
                CommandAnswer(tuple(orders), refused, replayed=pending.replayed, reasons=reasons, decision_id=decision)
            )
        self._pending = waiting

    def close(self) -> None:
        """Answer everyone who still waits, the desk having stopped."""
        for pending in self._pending:
            if isinstance(pending.asked.command, PreviewCommand):
                pending.asked.tell(CommandAnswer(problem="not_taken"))
                continue
            orders = tuple(self._touched(pending.effect))
            reasons, safe = pending.effect.reasons, isinstance(pending.asked.command, StandingCommand | AnalysisCommand)
            problem: Problem | None = None if orders or safe else "unknown"
            pending.asked.tell(CommandAnswer(orders, problem=problem, reasons=reasons))
        self._pending = []

    async def _act_if_new(self, command: Command, at_ns: int) -> None:
        """Act on a command unless it would change nothing here: its order may not have come to be."""
        if self._known(command) is None:
            await self._act(command, at_ns)

    # ── acting ────────────────────────────────────────────────────────────────

    async def _act(self, command: Command, at_ns: int) -> _Effect:
        body: dict[str, Any] = {"kind": name_of(command), "args": plain(command), "at_ns": at_ns}
        if isinstance(command, TradeCommand):
            body["proposal_id"] = self._proposal_id(command)
        self._journal.append("command", body, durable=True)
        # What is acted on is what the record spells: 95.00 and 95 are one price, but not one text.
        command = decode(COMMANDS[body["kind"]], body["args"])
        self._number += 1
        if at_ns > self._pipeline.s.clock.now_ns():
            await self._pipeline.step(at_ns)
        # Of a preview nothing is left to do: the market was looked at, and the record says when.
        return _Effect() if isinstance(command, PreviewCommand) else await self._carry_out(command)

    async def _carry_out(self, command: Command) -> _Effect:
        match command:
            case TradeCommand():
                return await self._trade(command)
            case CancelCommand():
                order = self._find(command.client_order_id)
                assert order is not None  # it was there when the command was taken, and orders do not vanish
                await self._pipeline.cancel(order.client_order_id)
                return _Effect(orders=(order.client_order_id,))
            case CloseAllCommand():
                return await self._close_all(command)
            case HaltCommand():
                await self._pipeline.halt(command.kind, command.reason, close=command.close)
                return _Effect()
            case ResumeCommand():
                return _Effect(reasons=await self._pipeline.resume(command.note))
            case SetLevelCommand(level=level, who=who, note=note):
                return _Effect(reasons=await self._pipeline.set_level(level, who=who, note=note))
            case AnalysisCommand():
                return await self._request(command)
            case LiftWallCommand(who=who, note=note):
                return _Effect(reasons=await self._pipeline.lift_wall(who=who, note=note))
            case ApproveCommand() | PreviewCommand():
                raise AssertionError("a paper desk has nothing that waits: answered before it acts")

    async def _request(self, command: AnalysisCommand) -> _Effect:
        pipeline = self._pipeline
        now_ns = pipeline.s.clock.now_ns()
        decision_id = decision_id_of(pipeline.plan.run_id, command.request_id, now_ns)
        await pipeline.request(
            AnalysisRequest(
                command.request_id, decision_id, command.symbol, command.level or pipeline.plan.level, "manual",
                command.who, now_ns + pipeline.plan.freshness_ns, command.position_id,
            )
        )  # fmt: skip
        return _Effect(decision_id=decision_id)

    async def _trade(self, command: TradeCommand) -> _Effect:
        pipeline = self._pipeline
        held = [p for p in pipeline.s.router.snapshot().positions if p.symbol == command.symbol]
        proposal = ordered(
            command, account=self._account, level=pipeline.plan.level, now_ns=pipeline.s.clock.now_ns(),
            valid_for_ns=pipeline.plan.freshness_ns, position=held[0] if held else None,
        )  # fmt: skip
        await pipeline.order(proposal)
        return _Effect(proposals=(proposal.proposal_id,))

    async def _close_all(self, command: CloseAllCommand) -> _Effect:
        pipeline, openings = self._pipeline, self._openings(command)
        for client_id in openings:
            await pipeline.cancel(client_id)
        proposals = []
        for position in self._to_close(command):
            proposal = closing(
                position, number=self._number, level=pipeline.plan.level, now_ns=pipeline.s.clock.now_ns(),
                valid_for_ns=pipeline.plan.freshness_ns,
            )  # fmt: skip
            await pipeline.order(proposal)
            proposals.append(proposal.proposal_id)
        return _Effect(tuple(proposals), tuple(openings))

    def _openings(self, command: CloseAllCommand) -> list[str]:
        """Return the orders that may still open something and are not being cancelled."""
        return [
            order.client_order_id
            for order in self._pipeline.s.router.orders.values()
            if order.leg == "entry"
            and not order.state.terminal
            and order.state is not OrderState.PENDING_CANCEL
            and command.symbol in (None, order.symbol)
        ]

    def _to_close(self, command: CloseAllCommand) -> list[Any]:
        """Return the positions that nothing closes yet."""
        router = self._pipeline.s.router
        leaving = {o.symbol for o in router.orders.values() if o.leg == "exit" and not o.state.terminal}
        return [
            position
            for position in router.snapshot().positions
            if position.symbol not in leaving and command.symbol in (None, position.symbol)
        ]

    # ── what is known already ─────────────────────────────────────────────────

    def _known(self, command: Command) -> CommandAnswer | _Effect | None:
        """Return the answer to a command that would change nothing, or the effect it has had; None where it acts."""
        match command:
            case TradeCommand():
                before = self._orders.commands.get(command.client_order_id)
                if before is None:
                    return None
                if before != plain(command):
                    return CommandAnswer(problem="idempotency_conflict")
                return _Effect(proposals=(self._proposal_id(command),))
            case PreviewCommand(trade=trade):
                return self._known(trade)
            case CancelCommand():
                return self._known_cancel(command)
            case HaltCommand():
                halt = self._pipeline.s.gate.state.halt
                told = any(cause.kind == command.kind for cause in halt.causes) and halt.close >= command.close
                return CommandAnswer() if told else None
            case ResumeCommand():
                return self._known_resume()
            case SetLevelCommand() | LiftWallCommand():
                return None
            case AnalysisCommand():
                reason = self._pipeline.out_of_sight(command.symbol, command.level, command.position_id)
                return None if reason is None else CommandAnswer(reasons=(reason,))
            case ApproveCommand(proposal_id=proposal_id):
                return CommandAnswer(reasons=(not_waiting(proposal_id),))
            case CloseAllCommand():
                return None if self._openings(command) or self._to_close(command) else self._leaving(command)

    def _known_resume(self) -> CommandAnswer | None:
        if self._queue is not None and self._queue.sentinel() is not None:
            return CommandAnswer(reasons=(Reason("sentinel", "the file HALT is still there: remove it first"),))
        return None if self._pipeline.s.gate.state.halt.halted else CommandAnswer()

    def _known_cancel(self, command: CancelCommand) -> CommandAnswer | _Effect | None:
        order = self._find(command.client_order_id)
        if order is None:
            return CommandAnswer(problem="unknown_order")
        if order.state.terminal:
            return CommandAnswer(orders=(order,))
        if order.leg == "stop":
            return CommandAnswer(orders=(order,), problem="protective_stop")
        return _Effect(orders=(order.client_order_id,)) if order.state is OrderState.PENDING_CANCEL else None

    def _leaving(self, command: CloseAllCommand) -> _Effect:
        """Return the orders by which an earlier command is still closing."""
        living = [o for o in self._pipeline.s.router.orders.values() if not o.state.terminal]
        going = [o for o in living if o.leg in ("entry", "exit") and command.symbol in (None, o.symbol)]
        return _Effect(orders=tuple(order.client_order_id for order in going))

    def _find(self, given: str) -> OrderView | None:
        """Return the order that a caller means: by their own id, or by the one it has at the venue."""
        if given in self._orders.commands:
            proposal_id = str(proposal_of_command(self._account, given))
            entry = [o for o in self._orders.of_proposal(proposal_id) if o.leg in ("entry", "exit")]
            return entry[-1] if entry else None
        found = self._orders.of(given)
        return found if found is not None and found.client_order_id in self._pipeline.s.router.orders else None

    def _touched(self, effect: _Effect) -> list[OrderView]:
        found = [order for proposal_id in effect.proposals for order in self._orders.of_proposal(proposal_id)]
        return [*(o for c in effect.orders if (o := self._orders.of(c)) is not None), *found]

    def _proposal_id(self, command: TradeCommand) -> str:
        return str(proposal_of_command(self._account, command.client_order_id))


def _of_record(record: Record) -> tuple[Command, int]:
    """Return the command of a record, and when it takes effect. Raises JournalDiverged for one of another version."""
    body = record.body
    try:
        command: Command = decode(COMMANDS[body["kind"]], body["args"])
        return command, int(body["at_ns"])
    except (KeyError, TypeError, ValueError, InvalidArgument) as fault:
        raise JournalDiverged(f"record {record.seq}: this version knows no such command") from fault


def _is_of_trade(command: Command) -> bool:
    return isinstance(command, TradeCommand | PreviewCommand)


def _settled(order: OrderView, command: Command) -> bool:
    """Return whether an order stands as it will for now: it has ended, or rests as it was meant to."""
    trade = command.trade if isinstance(command, PreviewCommand) else command
    rests = isinstance(trade, TradeCommand) and trade.order_type == "limit"
    return order.state.terminal or (rests and order.state not in _ON_ITS_WAY)
