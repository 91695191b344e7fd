"""What a fault makes of one request: whether the exchange hears it, and what its client hears of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.faults.engine import Action, Faults, SeenRequest
from chanflow.adapters.venues.emulator.records import UserEvent
from chanflow.adapters.venues.emulator.rest import Request, Response
from chanflow.domain.time import NS_PER_MS, NS_PER_S

UNKNOWN_MESSAGE: Final = "Unknown error, please check your request or try again later."
_JSON: Final = {"Content-Type": "application/json"}
_CLIENT_IDS: Final = ("newClientOrderId", "origClientOrderId", "clientAlgoId", "clientOrderId")
_ID_LISTS: Final = ("origClientOrderIdList", "origclientorderidlist")
_GARBAGE: Final = b'<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n{"orderId": 12'
_STATUS_MESSAGES: Final = {
    403: "Forbidden", 404: "Not Found", 408: "Timeout waiting for response from backend server.",
    500: "Internal error; unable to process your request. Please try again.", 502: "Bad Gateway",
    503: "Service Unavailable.", 504: "Gateway Timeout",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What the client hears, `hold_ns` later than it would: an answer, the connection's end, or nothing for ever."""

    response: Response | None
    hold_ns: int = 0
    silent: bool = False


def answer(
    request: Request, execute: Callable[[Request], Response], faults: Faults[UserEvent], now_ns: Callable[[], int]
) -> Spoiled:
    """Return what becomes of a request at a door, under a fault script."""
    seen = SeenRequest(request.method, request.path, client_ids(request), request.address, now_ns())
    action = faults.on_request(seen)
    if action is None:
        return Spoiled(execute(request))
    executed = execute(request) if action.execute else None
    return _spoil(action, request, executed, now_ns())


def client_ids(request: Request) -> tuple[str, ...]:
    """Return the client order ids that a request names, those of a batch too; of what cannot be read, none."""
    found: list[str] = []
    for name, value in (*parse_qsl(request.query), *parse_qsl(request.body)):
        if name in _CLIENT_IDS:
            found.append(value)
        elif name == "batchOrders":
            found += [
                str(order[key])
                for order in _listed(value)
                if isinstance(order, dict)
                for key in _CLIENT_IDS
                if key in order
            ]
        elif name in _ID_LISTS:
            found += [str(word) for word in _listed(value)]
    return tuple(found)


def _listed(text: str) -> list[object]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return tree if isinstance(tree, list) else []


def _spoil(action: Action, request: Request, executed: Response | None, now_ns: int) -> Spoiled:
    match action.answer:
        case "close":
            return Spoiled(None)
        case "never":
            return Spoiled(None, silent=True)
        case "keep":
            return Spoiled(executed, hold_ns=action.hold_ns)
        case "unknown":
            return Spoiled(_unknown(request, now_ns))
        case "garbage":
            return Spoiled(Response(200, _GARBAGE, {"Content-Type": "text/html"}))
        case "truncate":
            assert executed is not None
            return Spoiled(replace(executed, body=executed.body[: len(executed.body) // 2]))
        case "code":
            return Spoiled(_coded(fault(action.code)))
        case "refusal":
            return Spoiled(_refusal(request, action.code))
        case "status":
            return Spoiled(_status(action, request, now_ns))


def _unknown(request: Request, now_ns: int) -> Response:
    """Return what the venue's front says when the engine behind it has not answered in time: no code."""
    body = {"timestamp": now_ns // NS_PER_MS, "path": request.path, "msg": UNKNOWN_MESSAGE}
    return Response(503, json.dumps(body).encode(), _JSON)


def _coded(refused: Fault, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"code": refused.code, "msg": refused.message}).encode()
    return Response(refused.http_status, body, {**_JSON, **(headers or {})})


def _refusal(request: Request, code: int) -> Response:
    refused = fault(code)
    if not request.path.endswith("/batchOrders"):
        return _coded(refused)
    parameters = dict((*parse_qsl(request.query), *parse_qsl(request.body)))
    asked = next((_listed(parameters[name]) for name in _BATCHES if name in parameters), [])
    return Response(200, json.dumps([{"code": code, "msg": refused.message}] * len(asked)).encode(), _JSON)


_BATCHES: Final = ("batchOrders", *_ID_LISTS, "orderIdList", "orderidlist")


def _status(action: Action, request: Request, now_ns: int) -> Response:
    status = action.status
    headers = {} if action.retry_after_s is None else {"Retry-After": str(action.retry_after_s)}
    if status == 429:
        refused = fault(-1003, request.address, 2_400)
    elif status == 418:
        until_ms = (now_ns + (action.retry_after_s or 0) * NS_PER_S) // NS_PER_MS
        words = f"Way too many requests; IP({request.address}) banned until {until_ms}. "
        refused = Fault(-1003, words + "Please use the websocket for live updates to avoid bans.")
    elif status == 403:
        return Response(403, b"<html><head><title>403 Forbidden</title></head></html>", {"Content-Type": "text/html"})
    else:
        refused = Fault(-1001 if status >= 500 else -1000, _STATUS_MESSAGES.get(status, f"HTTP {status}"))
    return replace(_coded(refused, headers), status=status)
