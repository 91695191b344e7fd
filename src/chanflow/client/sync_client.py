"""The client for plain code: the other one, run by a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from chanflow.client.answers import MCPCallResult, MCPTool
from chanflow.client.client import Client
from chanflow.client.retries import Patience
from chanflow.client.subscription import Event
from chanflow.client.surroundings import Surroundings
from chanflow.client.sync_calls import SyncCalls

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class SyncClient(SyncCalls):
    """A desk, asked over HTTP; see `Client`. `with`, or `close` at the end, lets go of it."""

    def __init__(
        self, url: str | None = None, *, api_key: str | None = None, timeout_s: float = 60.0,
        patience: Patience | None = None, surroundings: Surroundings | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._client = Client(
            url, api_key=api_key, timeout_s=timeout_s, patience=patience, surroundings=surroundings, transport=transport
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"Sync{self._client!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every subscription and close the connections; a later call opens new ones."""
        with self._opening:
            loop, thread = self._loop, self._thread
            if loop is None or thread is None:
                return
            asyncio.run_coroutine_threadsafe(self._client.aclose(), loop).result()
            self._loop = self._thread = None
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def call_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> MCPCallResult:
        """Return what a tool answers; its rows are in `structuredContent`. Raises ChanflowClientError."""
        return self._run(self._client.call_tool(name, arguments))

    def list_tools(self) -> list[MCPTool]:
        """Return what the desk offers over REST. Raises ChanflowClientError."""
        return self._run(self._client.list_tools())

    def answer_of(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer of an operation; arguments that are None are left out. Raises ChanflowClientError."""
        return self._run(self._client.answer_of(name, arguments))

    def subscribe(self, channel: str, *, after: str | None = None, **chosen: Any) -> Iterator[Event]:
        """Yield what happens, as `Client.subscribe` does. Raises ChanflowClientError."""
        subscription = self._run(self._client.listen(channel, after=after, **chosen))
        try:
            while (event := self._run(subscription.next())) is not None:
                yield event
        finally:
            self._run(subscription.end())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._opening:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A program that forgets to close ends all the same.
                self._thread = threading.Thread(target=self._loop.run_forever, name="chanflow-client", daemon=True)
                self._thread.start()
            return self._loop
