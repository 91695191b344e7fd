"""The client for coroutines: calls over REST, events over one socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chanflow.client.address import address
from chanflow.client.answer import answer_in
from chanflow.client.answers import MCPCallResult, MCPTool
from chanflow.client.calls import READS, SAME_TWICE, Calls
from chanflow.client.fault import ChanflowClientError, Unreachable
from chanflow.client.line import Line
from chanflow.client.retries import Patience, may_repeat
from chanflow.client.subscription import Event, Subscription
from chanflow.client.surroundings import Surroundings, this_machine

if TYPE_CHECKING:
    import httpx

CONNECT_S = 10.0


class Client(Calls):
    """A desk, asked over HTTP. It connects at the first call; `async with`, or `aclose` at the end, lets go of it.

    Without `url` it asks the desk at CHANFLOW_URL, else the one on this machine, with the key in CHANFLOW_API_KEY. An
    answer is waited for up to `timeout_s`. `transport` stands in for the network.
    """

    def __init__(
        self, url: str | None = None, *, api_key: str | None = None, timeout_s: float = 60.0,
        patience: Patience | None = None, surroundings: Surroundings | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._around = surroundings or this_machine()
        self._address = address(url, api_key, self._around.environment)
        self._patience, self._timeout_s, self._transport = patience or Patience(), timeout_s, transport
        self._http: httpx.AsyncClient | None = None
        self._line: Line | None = None

    def __repr__(self) -> str:
        return f"Client({self._address.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every subscription and close the connections; a later call opens new ones."""
        line, self._line = self._line, None
        http, self._http = self._http, None
        if line is not None:
            await line.close()
        if http is not None:
            await http.aclose()

    async def call_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> MCPCallResult:
        """Return what a tool answers; its rows are in `structuredContent`. Raises ChanflowClientError."""
        body = {"name": name, "arguments": dict(arguments or {})}
        reads = name in READS
        keys = {} if reads else {"Idempotency-Key": self._around.new_key()}
        answer: MCPCallResult = await self._ask(
            "POST", "/api/v2/mcp/tools/call", body, headers=keys, twice=reads or name in SAME_TWICE
        )
        return answer

    async def list_tools(self) -> list[MCPTool]:
        """Return what the desk offers over REST. Raises ChanflowClientError."""
        tools: list[MCPTool] = await self._ask("GET", "/api/v2/mcp/tools", None, headers={}, twice=True)
        return tools

    async def answer_of(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer of an operation; arguments that are None are left out. Raises ChanflowClientError."""
        given = {key: value for key, value in arguments.items() if value is not None}
        return (await self.call_tool(name, given))["structuredContent"]

    async def subscribe(self, channel: str, *, after: str | None = None, **chosen: Any) -> AsyncIterator[Event]:
        """Yield what happens, from now or from a cursor on; `chosen` is the filter: symbol, level, type, state.

        A connection that drops is opened anew, and nothing is missed or told twice. Raises ChanflowClientError:
        CursorExpired where the desk no longer knows what came after the cursor.
        """
        subscription = await self.listen(channel, after=after, **chosen)
        try:
            while (event := await subscription.next()) is not None:
                yield event
        finally:
            await subscription.end()

    async def listen(self, channel: str, *, after: str | None = None, **chosen: Any) -> Subscription:
        """Return a subscription that has begun: `next` gives its events, `end` ends it. Raises ChanflowClientError."""
        if self._line is None:
            self._line = Line(self._address, self._patience, self._around)
        given = {key: value for key, value in chosen.items() if value is not None}
        return await self._line.join(channel, given, after)

    # ── one request ───────────────────────────────────────────────────────────

    async def _ask(self, method: str, path: str, body: Any, *, headers: dict[str, str], twice: bool) -> Any:
        tried, waited_s = 0, 0.0
        while True:
            tried += 1
            try:
                return await self._sent(method, path, body, headers)
            except ChanflowClientError as fault:
                pause_s = None
                if may_repeat(fault, twice=twice):
                    chance = self._around.chance()
                    pause_s = self._patience.pause_s(fault, tried=tried, waited_s=waited_s, chance=chance)
                if pause_s is None:
                    raise
            waited_s += pause_s
            await self._around.sleep(pause_s)

    async def _sent(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        import httpx

        try:
            response = await self._connection().request(method, path, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as lost:
            raise Unreachable(f"no connection to {self._address.url}: {type(lost).__name__}", sent=False) from lost
        except httpx.TransportError as lost:
            raise Unreachable(f"no answer from {self._address.url}: {type(lost).__name__}", sent=True) from lost
        return answer_in(response.status_code, response.content)

    def _connection(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            # A desk on this machine is asked directly, whatever proxy the environment names.
            self._http = httpx.AsyncClient(
                base_url=self._address.url, headers=self._address.headers, transport=self._transport,
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_S), trust_env=not self._address.here,
            )  # fmt: skip
        return self._http
