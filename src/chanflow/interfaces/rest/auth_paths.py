"""The entrance in the API description."""

from __future__ import annotations

from typing import Any

from chanflow.operations.entrance import Forgot, LoggedIn, LogIn, MailSent, Register, Reset, Verified, Verify
from chanflow.operations.logins import SessionsEnded
from chanflow.operations.operation import Answer, Arguments

_STATUSES = ("401", "403", "408", "409", "413", "415", "421", "422", "429", "500", "503")
_ENTRANCE: tuple[tuple[str, str, str, type[Arguments] | None, type[Answer]], ...] = (
    ("login", "logIn", "Log in; the session is a cookie", LogIn, LoggedIn),
    ("logout", "logOut", "End the session", None, SessionsEnded),
    ("register", "register", "Ask for an account; a link is mailed", Register, MailSent),
    ("verify", "verify", "Make the account, or the address, that a mailed link is for", Verify, Verified),
    ("forgot", "forgot", "Ask for a link to set another password", Forgot, MailSent),
    ("reset", "reset", "Set another password by a mailed link", Reset, Verified),
)


def auth_paths(base: str) -> dict[str, Any]:
    """Return the paths of the entrance."""
    paths: dict[str, Any] = {
        f"{base}/auth/{name}": {"post": _post(operation_id, summary, given, answer)}
        for name, operation_id, summary, given, answer in _ENTRANCE
    }
    binary = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
    paths[f"{base}/user/export/{{export_id}}"] = {
        "get": {
            "operationId": "getExport",
            "summary": "The file of an export, for a day",
            "parameters": [
                {"name": "export_id", "in": "path", "required": True,
                 "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}}
            ],
            "responses": {"200": {"description": "Done", "content": binary}, **_failures("404")},
        }
    }  # fmt: skip
    return paths


def _post(operation_id: str, summary: str, given: type[Arguments] | None, answer: type[Answer]) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation_id, "summary": summary}
    if given is not None:
        body = {"application/json": {"schema": given.model_json_schema()}}
        described["requestBody"] = {"required": True, "content": body}
    shown = {"application/json": {"schema": _whole(answer.model_json_schema(mode="serialization"))}}
    return described | {"responses": {"200": {"description": "Done", "content": shown}, **_failures()}}


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with what it names put in its place."""
    parts = schema.pop("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            named = node.get("$ref", "").rpartition("/")[2]
            return put(parts[named]) if named in parts else {key: put(value) for key, value in node.items()}
        return [put(item) for item in node] if isinstance(node, list) else node

    found: dict[str, Any] = put(schema)
    return found


def _failures(*more: str) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
    return {status: {"description": "Failed", "content": error} for status in (*_STATUSES, *more)}
