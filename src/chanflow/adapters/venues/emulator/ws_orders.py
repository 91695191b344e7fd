"""The WebSocket order API: each message is a REST request in other clothes, and is answered by the same door.

A message's signature covers its parameters in the order of their names. A session that has logged on, which at the
venue Ed25519 keys alone may do, leaves key and signature out of its messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.ed25519 import is_public_key
from chanflow.adapters.venues.emulator.rest import Request, Response

MAX_MESSAGE: Final = 64 << 10

_REST: Final[Mapping[str, tuple[str, str]]] = {
    "ping": ("GET", "/fapi/v1/ping"),
    "time": ("GET", "/fapi/v1/time"),
    "depth": ("GET", "/fapi/v1/depth"),
    "ticker.price": ("GET", "/fapi/v2/ticker/price"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
}
_UNSIGNED: Final = ("ping", "time", "depth", "ticker.price", "ticker.book")
_KEY_ONLY: Final = ("userDataStream.start", "userDataStream.ping", "userDataStream.stop")
_PROOF: Final = ("GET", "/fapi/v1/rateLimit/order")
"""A request that only a good key and a fresh timestamp pass."""

_UNWRITABLE: Final = re.compile(r"[&=%+#\s]")
_LIMITS: Final = {
    "x-mbx-used-weight-1m": ("REQUEST_WEIGHT", "MINUTE", 1, 2_400),
    "x-mbx-order-count-10s": ("ORDERS", "SECOND", 10, 300),
    "x-mbx-order-count-1m": ("ORDERS", "MINUTE", 1, 1_200),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One message as a REST request, with what its answer needs."""

    number: object
    request: Request
    with_limits: bool


class Session:
    """One socket of the order API. `secret_of` returns a key's secret, or its Ed25519 public key in PEM, or None."""

    def __init__(
        self,
        answer: Callable[[Request], Response],
        secret_of: Callable[[str], str | None],
        *,
        now_ms: Callable[[], int],
        address: str,
    ) -> None:
        self._answer = answer
        self._secret_of = secret_of
        self._now_ms = now_ms
        self._address = address
        self._connected_ms = now_ms()
        self._key: str | None = None
        self._authorized_ms: int | None = None

    def read(self, message: bytes) -> Asked | bytes:
        """Return what a message asks of the REST door, or its answer where the session itself has it."""
        number: object = None
        try:
            tree = _tree(message)
            number = tree.get("id")
            method, params = _call(tree)
            if method.startswith("session."):
                return _said(number, self._session(method, params))
            return Asked(number, self._request(method, params), params.get("returnRateLimits") != "false")
        except Fault as refused:
            return _refused(number, refused)

    def reply(self, asked: Asked, response: Response) -> bytes:
        """Return a REST answer as a message; one that is no JSON goes as it is."""
        try:
            body = json.loads(response.body)
        except ValueError:
            return response.body
        told: dict[str, Any] = {"id": asked.number, "status": response.status}
        told["result" if response.status == 200 else "error"] = body
        if asked.with_limits:
            told["rateLimits"] = _limits(response.headers)
        return _json(told)

    # ── sessions ─────────────────────────────────────────────────────────────

    def _session(self, method: str, params: Mapping[str, str]) -> dict[str, Any]:
        if method == "session.logon":
            self._log_on(params)
        elif method == "session.logout":
            self._key = self._authorized_ms = None
        elif method != "session.status":
            raise _unknown(method)
        return {
            "apiKey": self._key,
            "authorizedSince": self._authorized_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": True,
            "serverTime": self._now_ms(),
        }

    def _log_on(self, params: Mapping[str, str]) -> None:
        secret = self._secret_of(params.get("apiKey", ""))
        if secret is not None and not is_public_key(secret):
            raise Fault(
                -4056, "HMAC_SHA256 API key is not supported: log on with an Ed25519 key, or sign each request."
            )
        if "signature" not in params:
            raise fault(-1102, "signature")
        response = self._answer(self._signed(*_PROOF, params))
        if response.status != 200:
            told = json.loads(response.body)
            raise Fault(told["code"], told["msg"], response.status)
        self._key, self._authorized_ms = params["apiKey"], self._now_ms()

    # ── requests ─────────────────────────────────────────────────────────────

    def _request(self, method: str, params: Mapping[str, str]) -> Request:
        if method not in _REST:
            raise _unknown(method)
        verb, path = _REST[method]
        if method in _UNSIGNED:
            return Request(verb, path, _query(params), address=self._address)
        if method not in _KEY_ONLY:
            return self._signed(verb, path, params)
        given = {name: value for name, value in params.items() if name != "apiKey"}
        return Request(verb, path, _query(given), "", self._headers(params), self._address)

    def _signed(self, verb: str, path: str, params: Mapping[str, str]) -> Request:
        """Return a request as the door checks it; one of a session that has logged on needs no signature."""
        query = _query({name: params[name] for name in sorted(params) if name != "signature"})
        headers = self._headers(params)
        proven = "signature" not in params and self._key is not None and headers.get("x-mbx-apikey") == self._key
        if not proven:
            query += f"&signature={quote(params.get('signature', ''), safe='')}"
        return Request(verb, path, query, "", headers, self._address, proven=proven)

    def _headers(self, params: Mapping[str, str]) -> dict[str, str]:
        key = params.get("apiKey", self._key)
        return {} if key is None else {"x-mbx-apikey": key}


def _tree(message: bytes) -> dict[str, Any]:
    if len(message) > MAX_MESSAGE:
        raise Fault(-1135, f"Invalid JSON request: it has {len(message):,} bytes, allowed are {MAX_MESSAGE:,}.")
    try:
        tree = json.loads(message, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise Fault(-1135, "Invalid JSON request.") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("id"), str | int | None):
        raise Fault(-1135, "Invalid JSON request: 'id' is a number or a string.")
    return tree


def _call(tree: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return method and parameters, each as it was written."""
    method, params = tree.get("method"), tree.get("params") or {}
    if not isinstance(method, str) or not isinstance(params, dict):
        raise Fault(-1135, "Invalid JSON request: 'method' is a string, 'params' an object.")
    return method, {name: _text(name, value) for name, value in params.items() if value is not None}


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int) or (name != "signature" and _UNWRITABLE.search(f"{name}{value}")):
        raise fault(-1100, name[:40], "^[^&=%+#]*$")
    return str(value)


def _query(params: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in params.items())


def _unknown(method: str) -> Fault:
    return Fault(-1135, f"Invalid JSON request: method {method[:60]!r} is unknown.")


def _limits(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    given = {name.lower(): value for name, value in headers.items()}
    return [
        {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit, "count": int(given[name])}
        for name, (kind, interval, number, limit) in _LIMITS.items()
        if name in given
    ]


def _said(number: object, result: Mapping[str, Any]) -> bytes:
    return _json({"id": number, "status": 200, "result": result})


def _refused(number: object, refused: Fault) -> bytes:
    error = {"code": refused.code, "msg": refused.message}
    return _json({"id": number, "status": refused.http_status, "error": error})


def _json(tree: object) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()
