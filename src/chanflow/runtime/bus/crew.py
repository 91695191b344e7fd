"""The workers of one group: as many as it has slots, each handling, settling and taking the next in one commit."""

from __future__ import annotations

import asyncio

from chanflow.runtime.bus import log
from chanflow.runtime.bus.handover import Group, Handover, Outcome
from chanflow.runtime.bus.log import Claim, Taken
from chanflow.runtime.bus.port import Transaction


class Crew:
    """Serves one group until told to stop. Wakes by event; looks every `poll_s` for what other processes published."""

    def __init__(self, group: Group, handover: Handover, *, poll_s: float, stop_grace_s: float) -> None:
        self.group = group
        self._handover = handover
        self._poll_s = poll_s
        self._stop_grace_s = stop_grace_s
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for deliveries now."""
        self._awake.set()

    def stop(self) -> None:
        """Claim no more; `run` returns once the handlers have ended, or are cancelled after the grace time."""
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Claim as many as there are free slots, as they free. Raises StorageUnwritable within an ExceptionGroup."""
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as workers:
            while not self._stopping:
                self._awake.clear()
                free = self.group.policy.concurrency - len(running)
                claims = await self._claim(free) if free else []
                for claim in claims:
                    worker = workers.create_task(self._work(claim))
                    running.add(worker)
                    worker.add_done_callback(running.discard)
                    worker.add_done_callback(lambda _: self._awake.set())
                await self._rest(None if len(claims) == free else self._poll_s)
            if running:
                _, late = await asyncio.wait(running, timeout=self._stop_grace_s)
                for worker in late:
                    worker.cancel()

    async def _rest(self, poll_s: float | None) -> None:
        """Return when woken, or after `poll_s`; without it all slots are busy and one that frees wakes us."""
        try:
            await asyncio.wait_for(self._awake.wait(), poll_s)
        except TimeoutError:
            return

    async def _claim(self, limit: int) -> list[Claim]:
        claims, _ = await self._handover.turn(None, lambda tx, now: log.claim(tx, self.group.policy, now, limit))
        return claims

    async def _work(self, claim: Claim) -> None:
        """Handle `claim`, and after it whatever is due, until nothing is."""
        claims = [claim]
        while claims:
            outcome = await self._handle(claims[0])
            claims, _ = await self._handover.turn(outcome, self._next)

    def _next(self, tx: Transaction, now_ns: int) -> Taken:
        return Taken() if self._stopping else log.claim(tx, self.group.policy, now_ns, 1)

    async def _handle(self, claim: Claim) -> Outcome | None:
        """Run the handler under a renewed lease; return its outcome, None if the lease was lost."""
        try:
            handler, message, delivery = self._handover.brief(self.group, claim)
            handling = asyncio.ensure_future(handler(message, delivery))
        except Exception as fault:  # noqa: BLE001  # an unreadable message is one failed attempt
            return self._handover.failed(self.group, claim, fault, at_once=False)
        renewing = asyncio.create_task(self._renew(claim, handling))
        try:
            await handling
        except asyncio.CancelledError as fault:
            if (worker := asyncio.current_task()) is not None and worker.cancelling():
                await self._handover.give_back([claim])
                raise
            outcome: Outcome = self._handover.failed(self.group, claim, fault, at_once=False)
        except Exception as fault:  # noqa: BLE001  # whatever a handler raises, it is one failed attempt
            outcome = self._handover.failed(self.group, claim, fault, at_once=False)
        else:
            outcome = self._handover.done(self.group, claim, delivery, at_once=False)
        finally:
            renewing.cancel()
            await asyncio.wait((renewing,))
        if renewing.cancelled():
            return outcome
        renewing.result()  # raises if renewing failed
        return None

    async def _renew(self, claim: Claim, handling: asyncio.Future[None]) -> None:
        """Renew every third of the lease; once it is lost, or cannot be renewed, cancel the handler and end."""
        clock = self._handover.clock
        try:
            held = True
            while held:
                await clock.sleep_until(clock.now_ns() + self.group.policy.lease_ns // 3)
                held = await self._handover.renew(self.group, claim)
        except asyncio.CancelledError:
            raise
        except BaseException:
            handling.cancel()
            raise
        handling.cancel()
