"""The socket of a client: all its subscriptions share it, and go on by their cursors when it drops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chanflow.client.address import Address
from chanflow.client.answer import fault_of
from chanflow.client.fault import AnswerInvalid, ChanflowClientError, Unreachable
from chanflow.client.retries import Patience
from chanflow.client.subscription import Event, Subscription
from chanflow.client.surroundings import Surroundings

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_FRAME = 4 << 20
RESUME_S = 86_400.0
"""A desk that was there is looked for so long: its cursors hold for a day."""

LEASE_S = 120.0
"""The place of a socket that broke is free again within a minute: so long a plan without another is asked."""

MOST_ASKED = 20
"""So often a subscription is asked for that the desk does not give at once."""

UNAUTHENTICATED = 4401


class Line:
    """The socket of a client: opened with the first subscription, and anew when it drops."""

    def __init__(self, address: Address, patience: Patience, around: Surroundings) -> None:
        self._address, self._patience, self._around = address, patience, around
        self._wanted: list[Subscription] = []
        self._asked: dict[int, Subscription] = {}
        self._named: dict[str, Subscription] = {}
        self._socket: ClientConnection | None = None
        self._running: asyncio.Task[None] | None = None
        self._again: set[asyncio.Task[None]] = set()
        self._count = 0
        self._tried = 0
        self._was_there = False

    async def join(self, channel: str, chosen: Mapping[str, Any], after: str | None) -> Subscription:
        """Return a new subscription that the desk has said yes to. Raises ChanflowClientError."""
        made = Subscription(self, channel, chosen, after)
        self._wanted.append(made)
        if self._running is None or self._running.done():
            self._tried, self._was_there = 0, False
            self._running = asyncio.create_task(self._run())
        elif self._socket is not None:
            await self._ask(made)
        try:
            await made.begun()
        except asyncio.CancelledError:
            await self.leave(made)
            raise
        return made

    async def leave(self, one: Subscription) -> None:
        """End a subscription; the socket closes with the last."""
        one.fail(None)
        if one not in self._wanted:
            return
        self._wanted.remove(one)
        if not self._wanted:
            await self.close()
        else:
            await self._unsubscribe(one)

    async def renew(self, one: Subscription) -> None:
        """Ask again for what a subscription had no room for."""
        one.behind = False
        if self._socket is not None and one.name is not None:
            await self._unsubscribe(one)
            await self._ask(one)

    async def close(self) -> None:
        """End every subscription and the socket."""
        running, self._running = self._running, None
        tasks = [*self._again, *([running] if running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail(None)

    # ── the socket ────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        waited_s, before = 0.0, ""
        while True:
            self._tried += 1
            fault = await self._listened()
            if not self._wanted:
                return
            if self._tried == 0 or fault.code != before:
                self._tried, waited_s, before = 1, 0.0, fault.code
            asked_s = (fault.retry_after_ms or 0) / 1000
            pause_s = max(asked_s, self._patience.backoff_s(self._tried, self._around.chance()))
            if waited_s + pause_s > self._longest_s(fault):
                self._fail(fault)
                return
            waited_s += pause_s
            await self._around.sleep(pause_s)

    def _longest_s(self, fault: ChanflowClientError) -> float:
        """Return how long the socket is asked for again after a fault."""
        if self._was_there and fault.code == "quota_exceeded":
            return LEASE_S
        if not fault.retryable:
            return 0.0
        return RESUME_S if self._was_there else self._patience.wait_s

    async def _listened(self) -> ChanflowClientError:
        """Listen until the socket closes, and return why it did."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

        closed = Unreachable(f"the socket of {self._address.url} closed", sent=False)
        try:
            async with connect(
                self._address.socket_url, additional_headers=self._address.headers, max_size=MAX_FRAME,
                proxy=None if self._address.here else True,
            ) as socket:  # fmt: skip
                self._socket = socket
                for one in list(self._wanted):
                    await self._ask(one)
                while True:
                    self._read(await socket.recv())
        except InvalidStatus as refused:
            return _refusal(refused.response.status_code, bytes(refused.response.body or b""))
        except ConnectionClosed as ended:
            if ended.rcvd is not None and ended.rcvd.code == UNAUTHENTICATED:
                return fault_of({"code": "unauthenticated", "message": "the key is good no more"})
            return closed
        except (OSError, InvalidHandshake, TimeoutError):
            return closed
        except (ValueError, KeyError, TypeError, AttributeError):
            return AnswerInvalid("what came over the socket is no message of a desk")
        finally:
            self._socket = None
            self._asked.clear()
            self._named.clear()

    def _fail(self, fault: ChanflowClientError | None) -> None:
        wanted, self._wanted = self._wanted, []
        for one in wanted:
            one.fail(fault)

    # ── messages ──────────────────────────────────────────────────────────────

    async def _ask(self, one: Subscription) -> None:
        self._count += 1
        self._asked[self._count], one.name = one, None
        await self._say({"jsonrpc": "2.0", "id": self._count, "method": "subscribe", "params": one.words})

    async def _unsubscribe(self, one: Subscription) -> None:
        if one.name is None or self._named.pop(one.name, None) is None:
            return
        self._count += 1
        words = {"subscription_id": one.name}
        await self._say({"jsonrpc": "2.0", "id": self._count, "method": "unsubscribe", "params": words})

    async def _say(self, message: dict[str, Any]) -> None:
        from websockets.exceptions import ConnectionClosed

        if self._socket is not None:
            with suppress(ConnectionClosed):  # whoever reads the socket opens it anew and asks again
                await self._socket.send(json.dumps(message))

    def _read(self, text: str | bytes) -> None:
        message = json.loads(text)
        one = self._asked.pop(message["id"], None) if message.get("id") is not None else None
        if one is not None:
            self._answered(one, message)
        elif "method" in message:
            params = message["params"]
            found = self._named.get(params.get("subscription_id"))
            if found is not None:
                alerts = tuple(params.get("alerts") or ())
                found.take(Event(found.channel, params.get("cursor"), params["data"], alerts))

    def _answered(self, one: Subscription, message: dict[str, Any]) -> None:
        if "error" not in message:
            self._tried, self._was_there = 0, True
            result = message["result"]
            one.name, one.cursor = result["subscription_id"], one.cursor or result.get("cursor")
            self._named[result["subscription_id"]] = one
            one.asked = 0
            one.told.set()
            if one.ended:
                self._later(self._unsubscribe(one))
            return
        fault = fault_of(message["error"].get("data"))
        back = one.told.is_set() and fault.code == "quota_exceeded"  # what the broken socket held is not free yet
        if (fault.retryable or back) and one.asked < MOST_ASKED:
            self._later(self._ask_after(one, fault))
        else:
            self._wanted.remove(one)
            one.fail(fault)
            if not self._wanted and self._socket is not None:
                self._later(self._socket.close())

    async def _ask_after(self, one: Subscription, fault: ChanflowClientError) -> None:
        one.asked += 1
        asked_s = (fault.retry_after_ms or 0) / 1000
        await self._around.sleep(asked_s + self._patience.backoff_s(one.asked, self._around.chance()))
        if one in self._wanted:
            await self._ask(one)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._again.add(task)
        task.add_done_callback(self._again.discard)


def _refusal(status: int, body: bytes) -> ChanflowClientError:
    """Return why a socket was not opened: the desk's own words where it sent them."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if isinstance(said, dict) and "code" in said:
        return fault_of(said, status)
    if status >= 500:
        return Unreachable(f"the socket was refused with status {status}", sent=False)
    code = {401: "unauthenticated", 403: "insufficient_scope", 429: "rate_limited"}.get(status, "answer_invalid")
    body_of = {"code": code, "message": f"the socket was refused with status {status}", "retryable": status == 429}
    return fault_of(body_of, status)
