"""The REST door without its transport: a request in, a response out, nothing else happens.

`RestDoor.answer` is the one seam around which a transport, a fault script or a test may stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chanflow.adapters.venues.emulator import account, algo, orders
from chanflow.adapters.venues.emulator.accounts import Account
from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.desk import Call, Desk, Route
from chanflow.adapters.venues.emulator.params import Params, read_params
from chanflow.adapters.venues.emulator.signing import Keys, check_signature, check_time

ROUTES: Final[Mapping[tuple[str, str], Route]] = {**orders.ROUTES, **algo.ROUTES, **account.ROUTES}
_write: Final = json.JSONEncoder(separators=(",", ":")).encode
PublicHandler = Callable[[Mapping[str, str]], object]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; `query` and `body` as they were sent, header names in lower case, `address` the client's.

    `proven` is a request of a session that has logged on: its key was proven, and it bears no signature.
    """

    method: str
    path: str
    query: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """An endpoint that asks for no key."""

    handler: PublicHandler
    weight: int | Callable[[Params], int] = 1


class RestDoor:
    """Answers REST requests over a desk.

    `public` are the endpoints without a key, by method and path. `server_ms` is the time that clients see; `arrive` is
    called before a command reaches the book, and may let the world's time pass. `unknown` counts requests that no
    endpoint answers.
    """

    def __init__(
        self,
        desk: Desk,
        keys: Keys,
        *,
        public: Mapping[tuple[str, str], PublicRoute] | None = None,
        server_ms: Callable[[], int] | None = None,
        arrive: Callable[[], None] | None = None,
    ) -> None:
        self.desk = desk
        self.keys = keys
        self.public = dict(public or {})
        self.server_ms = server_ms or (lambda: desk.world.now_ms)
        self.arrive = arrive or _at_once
        self.unknown: dict[str, int] = {}

    def answer(self, request: Request) -> Response:
        """Return the answer to a request."""
        used: dict[str, str] = {}
        try:
            body = self._answer(request, used)
        except Fault as refusal:
            told = {"code": refusal.code, "msg": refusal.message}
            return self._response(request, refusal.http_status, told, used | refusal.headers)
        return self._response(request, 200, body, used)

    def _response(self, request: Request, status: int, body: object, headers: Mapping[str, str]) -> Response:
        weight = self.desk.meter.used_weight(request.address, self.desk.world.now_ms)
        own = {"Content-Type": "application/json", "X-MBX-USED-WEIGHT-1M": str(weight)}
        return Response(status, _write(body).encode(), own | dict(headers))

    def _answer(self, request: Request, used: dict[str, str]) -> object:
        name = (request.method, request.path)
        public = self.public.get(name)
        route = None if public is not None else ROUTES.get(name)
        if public is None and route is None:
            words = f"{request.method} {request.path}"
            self.unknown[words] = self.unknown.get(words, 0) + 1
            raise Fault(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)
        params = Params(read_params(request.query, request.body))
        weigh = public.weight if public is not None else route.weight if route is not None else 1
        weight = weigh if isinstance(weigh, int) else weigh(params)
        now_ms = self.desk.world.now_ms
        self.desk.meter.take_weight(request.address, weight, now_ms)
        if public is not None:
            return public.handler(params.values)
        assert route is not None
        return self._answer_account(request, route, params, used)

    def _answer_account(self, request: Request, route: Route, params: Params, used: dict[str, str]) -> object:
        account = self.keys.account(request.headers.get("x-mbx-apikey"))
        until_ms = None
        if route.is_signed:
            if not request.proven:
                check_signature(account, request.query, request.body, params.values)
            until_ms = check_time(params, self.server_ms())
        return self._execute(request.address, account, route, params, until_ms, used)

    def _execute(
        self,
        address: str,
        account: Account,
        route: Route,
        params: Params,
        until_ms: int | None,
        used: dict[str, str],
    ) -> object:
        meter, world = self.desk.meter, self.desk.world
        orders_asked = route.orders if isinstance(route.orders, int) else route.orders(params)
        if orders_asked:
            try:
                meter.take_orders(account.number, orders_asked, world.now_ms)
            finally:
                ten, minute = meter.used_orders(account.number, world.now_ms)
                used |= {"X-MBX-ORDER-COUNT-10S": str(ten), "X-MBX-ORDER-COUNT-1M": str(minute)}
        if route.moves:
            self.arrive()
            if until_ms is not None and self.server_ms() > until_ms:
                raise fault(-5028)
        return route.handler(Call(self.desk, account, params, address))


def _at_once() -> None:
    return
