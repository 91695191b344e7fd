"""Names of streams, the class of socket that carries each, and what one connection has asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

Class = Literal["public", "market", "private", "legacy"]

MOST_STREAMS: Final = 1_024
"""Streams that one connection may carry."""
MOST_NAME: Final = 128

_PUBLIC: Final = ("bookTicker", "depth", "rpiDepth", "trade")
_METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MODES: Final = frozenset({"ws", "stream"})


def class_of(stream: str) -> Class:
    """Return which class of socket carries a stream. A name that is no market stream is a listen key, and private."""
    if stream.startswith("!"):
        return "public" if stream == "!bookTicker" else "market"
    _, at, kind = stream.partition("@")
    if not at:
        return "private"
    return "public" if kind.startswith(_PUBLIC) else "market"


@dataclass(slots=True)
class Asked:
    """What one connection asked for: its class, whether messages are named, and its streams in order."""

    kind: Class
    combined: bool
    streams: dict[str, None] = field(default_factory=dict)

    @property
    def carried(self) -> tuple[str, ...]:
        """The streams that this class of socket brings, sorted; the others are silent, as at the venue."""
        return tuple(sorted(one for one in self.streams if self.kind == "legacy" or class_of(one) == self.kind))


def address(target: str, *, legacy: bool) -> Asked | None:
    """Return what the address of a WebSocket asks for, None for one that is none of ours.

    `/public|market|private/ws|stream`, and `/ws`, `/stream` where `legacy`; then any further segments, of which those
    that name a stream or a listen key count, `?streams=` and `?listenKey=`.
    """
    parts = urlsplit(target)
    segments = [unquote(one) for one in parts.path.split("/") if one]
    kind: Class = "legacy"
    if segments and segments[0] in {"public", "market", "private"}:
        kind = segments.pop(0)  # type: ignore[assignment]
    elif not legacy:
        return None
    if not segments or segments[0] not in _MODES:
        return None
    asked = Asked(kind, segments[0] == "stream")
    query = parse_qs(parts.query)
    named = [one for one in segments[1:] if "@" in one or one.startswith("!") or _is_key(one, kind)]
    for given in query.get("streams", []):
        named += given.split("/")
    named += query.get("listenKey", [])
    for one in named[:MOST_STREAMS]:
        if 0 < len(one) <= MOST_NAME:
            asked.streams[one] = None
    return asked


def _is_key(segment: str, kind: Class) -> bool:
    # ccxt ends its addresses in the number of the connection.
    return kind in {"private", "legacy"} and not segment.isdigit()


def answer(asked: Asked, text: bytes) -> bytes:
    """Act on one message of a client, and return what it is told."""
    try:
        message = json.loads(text)
    except ValueError as wrong:
        return _error(3, f"Invalid JSON: {wrong}", None)
    if not isinstance(message, dict):
        return _error(2, "Invalid request: request must be an object", None)
    number, method = message.get("id"), message.get("method")
    if method not in _METHODS:
        expected = ", ".join(f"`{one}`" for one in _METHODS)
        return _error(2, f"Invalid request: unknown variant `{str(method)[:32]}`, expected one of {expected}", number)
    if isinstance(number, bool) or not isinstance(number, int | str | None):
        return _error(2, "Invalid request: request ID must be an unsigned integer or a string", None)
    params = message.get("params", [])
    if not isinstance(params, list):
        return _error(2, "Invalid request: params must be an array", number)
    if method == "LIST_SUBSCRIPTIONS":
        return _result(list(asked.streams), number)
    if method in {"SET_PROPERTY", "GET_PROPERTY"}:
        return _property(asked, method, params, number)
    return _change(asked, method, params, number)


def _change(asked: Asked, method: str, params: list[Any], number: int | str | None) -> bytes:
    if not params or not all(isinstance(one, str) and 0 < len(one) <= MOST_NAME for one in params):
        return _error(2, "Invalid request: params must be an array of stream names", number)
    if method == "UNSUBSCRIBE":
        for one in params:
            asked.streams.pop(one, None)
        return _result(None, number)
    if len(asked.streams.keys() | set(params)) > MOST_STREAMS:
        return _error(2, f"Invalid request: at most {MOST_STREAMS} streams a connection", number)
    asked.streams.update(dict.fromkeys(params))
    return _result(None, number)


def _property(asked: Asked, method: str, params: list[Any], number: int | str | None) -> bytes:
    if params[:1] != ["combined"]:
        return _error(0, "Unknown property", number)
    if method == "GET_PROPERTY":
        return _result(asked.combined, number)
    if len(params) != 2 or not isinstance(params[1], bool):
        return _error(1, "Invalid value type: expected Boolean", number)
    asked.combined = params[1]
    return _result(None, number)


def _result(result: object, number: int | str | None) -> bytes:
    return json.dumps({"result": result, "id": number}, separators=(",", ":")).encode()


def _error(code: int, words: str, number: int | str | None) -> bytes:
    told: dict[str, object] = {"error": {"code": code, "msg": words}}
    if number is not None:
        told["id"] = number
    return json.dumps(told, separators=(",", ":")).encode()
