"""A running desk of signals, as doors see it: its account, where its risk stands, and a way to order it about."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from chanflow.domain.command import Command, CommandAnswer, StandingCommand
from chanflow.domain.errors import NotFound
from chanflow.execution.router import Router
from chanflow.risk.view import RiskView
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.desk_files import AccountState
from chanflow.runtime.live_hand import HandCommand


class DeskDoor:
    """What operations need of a desk that trades signals. For doors in the desk's own loop."""

    def __init__(
        self, router: Router, view: Callable[[], RiskView], queue: CommandQueue, *, by_hand: bool = False
    ) -> None:
        """`by_hand`: whether the desk takes trades and cancels, too."""
        self._router, self._view, self._queue, self._by_hand = router, view, queue, by_hand

    async def submit(self, command: Command) -> CommandAnswer:
        """Return what a command came to. Raises NotFound for one this desk does not take, and where it has stopped."""
        if not isinstance(command, StandingCommand) and not (self._by_hand and isinstance(command, HandCommand)):
            raise NotFound("this desk trades signals and takes no such order by hand")
        return await self._queue.submit(command)

    async def risk(self) -> RiskView:
        """Return where risk stands. Raises NotFound before the first reading."""
        return self._view()

    def account(self) -> AccountState:
        """Return the account."""
        return AccountState(self._router.snapshot(), tuple(self._router.open_orders()), {})


Doors = Callable[[DeskDoor], AbstractAsyncContextManager[None]]
"""Opens doors on a desk, and closes them at the end."""
