"""Commands about where a desk's risk stands, for desks that trade signals: journaled first, then acted on.

Halt, resume, level, wall and approval. One that would change nothing is answered and leaves no record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chanflow.domain.canonical import plain
from chanflow.domain.command import (
    COMMANDS,
    ApproveCommand,
    Command,
    CommandAnswer,
    HaltCommand,
    LiftWallCommand,
    ResumeCommand,
    SetLevelCommand,
    StandingCommand,
    name_of,
)
from chanflow.domain.errors import NotFound
from chanflow.domain.journal import Journal
from chanflow.domain.order import Reason
from chanflow.domain.time import Clock
from chanflow.risk.approvals import not_waiting
from chanflow.runtime.codec import decode
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.halt_file import halt_command
from chanflow.runtime.live_hand import HandCommand
from chanflow.runtime.risk_desk import RiskDesk

Sentinel = Callable[[], str | None]
"""Returns what the halt file says, None where there is none."""
Approve = Callable[[ApproveCommand], Awaitable[CommandAnswer]]
ByHand = Callable[[HandCommand], Awaitable[CommandAnswer]]


class StandingOrders:
    """Acts on what people order of one desk's risk."""

    def __init__(
        self, risk: RiskDesk, journal: Journal, clock: Clock, *, sentinel: Sentinel, approve: Approve | None = None,
        by_hand: ByHand | None = None,
    ) -> None:  # fmt: skip
        """`by_hand` acts on trades; without it none is taken."""
        self._by_hand = by_hand
        self._risk, self._journal, self._clock = risk, journal, clock
        self._sentinel, self._approve = sentinel, approve

    async def heed_sentinel(self) -> bool:
        """Halt where the halt file is there. Returns whether that changed anything."""
        told = self._sentinel()
        if told is None:
            return False
        command = halt_command(told)
        if self._known(command) is not None:
            return False
        await self.act(command)
        return True

    async def take(self, queue: CommandQueue) -> bool:
        """Act on the next command of a queue and answer it. Returns whether there was one."""
        asked = queue.next()
        if asked is None:
            return False
        asked.begun = True
        try:
            asked.tell(await self.order(asked.command))
        except BaseException:
            asked.tell(CommandAnswer(problem="unknown"))
            raise
        return True

    async def order(self, command: Command) -> CommandAnswer:
        """Return what a command came to. One that is neither about where the desk stands nor by hand is not taken."""
        if isinstance(command, HandCommand) and self._by_hand is not None:
            return await self._by_hand(command)
        if not isinstance(command, StandingCommand):
            return CommandAnswer(problem="not_taken")
        known = self._known(command)
        return await self.act(command) if known is None else known

    async def act(self, command: StandingCommand) -> CommandAnswer:
        """Journal a command and act on it."""
        body = {"kind": name_of(command), "args": plain(command), "at_ns": self._clock.now_ns()}
        self._journal.append("command", body, durable=True)
        match command:
            case HaltCommand(reason=reason, close=close, kind=kind):
                await self._risk.halt(kind, reason, close=close)
                return CommandAnswer()
            case ResumeCommand(note=note):
                return CommandAnswer(reasons=await self._risk.resume(note, sentinel=False))
            case SetLevelCommand(level=level, who=who, note=note):
                return CommandAnswer(reasons=await self._risk.set_level(level, who=who, note=note))
            case LiftWallCommand(who=who, note=note):
                return CommandAnswer(reasons=await self._risk.lift_wall(who=who, note=note))
            case ApproveCommand():
                assert self._approve is not None  # what a desk without approvals is told is known before it acts
                return await self._approve(command)

    async def repeat(self, body: dict[str, object]) -> None:
        """Act on a journaled command again. Raises InvalidArgument, KeyError and TypeError for one that is none."""
        command = decode(COMMANDS[str(body["kind"])], body["args"])
        if not isinstance(command, StandingCommand):
            raise NotFound(f"this desk takes no {body['kind']}")
        await self.act(command)

    def _known(self, command: StandingCommand) -> CommandAnswer | None:
        """Return the answer to a command that would change nothing; None where it acts."""
        halted = self._risk.halted
        match command:
            case HaltCommand():
                told = any(cause.kind == command.kind for cause in halted.causes) and halted.close >= command.close
                return CommandAnswer() if told else None
            case ResumeCommand():
                if self._sentinel() is not None:
                    return CommandAnswer(reasons=(Reason("sentinel", "the file HALT is still there: remove it first"),))
                return None if halted.halted else CommandAnswer()
            case ApproveCommand() if self._approve is None:
                return CommandAnswer(reasons=(not_waiting(command.proposal_id),))
        return None
