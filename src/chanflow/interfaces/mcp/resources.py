"""What may be read under a URI. Each is the answer of an operation, so that policy and ownership hold for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp_types
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.shared.exceptions import MCPError

from chanflow.interfaces.mcp.usage import usage_meta
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.outcome import Failed, body_of, compact_json
from chanflow.operations.permission import why_not
from chanflow.operations.principal import Principal

MIME = "application/json"
_CODES = {"unauthenticated": -32010, "rate_limited": -32011, "quota_exceeded": -32012, "insufficient_scope": -32013}
"""The codes that calls over WebSocket have, too."""
Noticed = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Readable:
    """A kind of resource: its URIs, the operation that answers for one, and what of the answer is worth a notice."""

    template: str
    pattern: str
    name: str
    title: str
    description: str
    operation: str
    noticed: Noticed
    fixed: Mapping[str, Any] = field(default_factory=dict)
    grows: bool = False
    """Whether it is a log that only grows, read with `after`, whose end is what is worth a notice."""

    @property
    def of_all(self) -> bool:
        """Whether there is one of it, with no name of its own."""
        return "{" not in self.template

    def arguments(self, uri: str) -> dict[str, Any] | None:
        """Return the arguments that a URI says, None for a URI of another kind."""
        found = re.fullmatch(self.pattern, uri)
        return None if found is None else {**found.groupdict(), **self.fixed}


def _position(body: Mapping[str, Any]) -> Any:
    rows = [{key: row[key] for key in row if key not in ("mark", "unrealised")} for row in body["positions"]]
    return rows, body["orders"]


READABLE = (
    Readable(
        "alert://{alert_id}{?after}", r"alert://(?P<alert_id>al_[0-9a-f]{32})(?:\?after=(?P<after>e[0-9]{16}))?",
        "alert", "Events of an alert", "What an alert (提醒) heard, oldest first, after a cursor.", "get_alert_events",
        lambda body: body["cursor"], grows=True,
    ),
    Readable(
        "job://{job_id}", r"job://(?P<job_id>[0-9a-f-]{36})", "job", "Job",
        "How a backtest stands, and its result.", "backtest_strategy",
        lambda body: (body["status"], body["progress"]), {"wait_s": 0},
    ),
    Readable(
        "position://{account}", r"position://(?P<mode>paper|live)", "position", "Positions of an account",
        "Positions and open orders of the account paper or live.", "get_position", _position,
    ),
    Readable(
        "desk://status", r"desk://status", "status", "Status of the desk",
        "Mode, permission level and halt of the desk.", "get_market_status", lambda body: body["desk"],
    ),
)  # fmt: skip


def readable(uri: str) -> tuple[Readable, dict[str, Any]] | None:
    """Return what a URI names and the arguments of its operation, None where it is none of ours."""
    for kind in READABLE:
        arguments = kind.arguments(uri)
        if arguments is not None:
            return kind, {name: value for name, value in arguments.items() if value is not None}
    return None


def templates(catalogue: Catalogue, principal: Principal) -> list[mcp_types.ResourceTemplate]:
    """Return the kinds of which there are many, as far as the caller may read them."""
    return [
        mcp_types.ResourceTemplate(
            uri_template=kind.template, name=kind.name, title=kind.title, description=kind.description, mime_type=MIME
        )
        for kind in READABLE
        if not kind.of_all and _allowed(catalogue, kind, principal)
    ]  # fmt: skip


def singles(catalogue: Catalogue, principal: Principal) -> list[mcp_types.Resource]:
    """Return the resources that have a URI of their own, as far as the caller may read them."""
    return [
        mcp_types.Resource(
            uri=kind.template, name=kind.name, title=kind.title, description=kind.description, mime_type=MIME
        )
        for kind in READABLE
        if kind.of_all and _allowed(catalogue, kind, principal)
    ]  # fmt: skip


def _allowed(catalogue: Catalogue, kind: Readable, principal: Principal) -> bool:
    operation = catalogue.unlisted(kind.operation)
    return operation is not None and why_not(principal, operation) is None


async def read(catalogue: Catalogue, principal: Principal, uri: str) -> ReadResourceContents:
    """Return what stands under a URI. Raises ResourceNotFoundError, and MCPError for what policy refuses."""
    found = readable(uri)
    if found is None:
        raise ResourceNotFoundError("Unknown resource: the lists of resources and templates name those there are")
    kind, arguments = found
    outcome = await catalogue.execute(
        principal, kind.operation, arguments, door="mcp", request_id=catalogue.new_request_id(), listed=False
    )
    if isinstance(outcome, Failed):
        if outcome.error.code in ("not_found", "invalid_argument"):
            raise ResourceNotFoundError("Unknown resource: there is none of that name for this caller")
        code = _CODES.get(outcome.error.code, mcp_types.INTERNAL_ERROR)
        raise MCPError(code=code, message=outcome.error.message, data=body_of(outcome))
    return ReadResourceContents(content=compact_json(body_of(outcome)), mime_type=MIME, meta=usage_meta(outcome))
