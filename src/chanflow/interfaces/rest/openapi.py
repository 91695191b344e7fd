"""The OpenAPI 3.1 page, made from the catalogue."""

from __future__ import annotations

from typing import Any

import chanflow
from chanflow.analyst.grammar import MAX_TEXT
from chanflow.interfaces.rest.auth_paths import auth_paths
from chanflow.interfaces.rest.job_rows import PARQUET
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.job_calls import GET_JOB_RESULT
from chanflow.operations.operation import AnyOperation, Route
from chanflow.operations.outcome import CODES, ErrorBody, QuotaBody
from chanflow.operations.schema import full_output_schema, input_schema

BASE = "/api/v2"
NOTICE = "Not investment advice."
_CALL_STATUSES = tuple(sorted({str(row.status) for row in CODES.values()}))


def openapi_document(catalogue: Catalogue) -> dict[str, Any]:
    """Return the OpenAPI document of the REST door."""
    operations = catalogue.of("rest")
    paths: dict[str, Any] = {
        f"{BASE}/mcp/tools": {"get": _list_tools()},
        f"{BASE}/mcp/tools/call": {"post": _call_tool()},
        f"{BASE}/status": {"get": _status()},
        f"{BASE}/chat": {"post": _chat()},
        f"{BASE}/auth/refresh": {"post": _refresh()},
        **auth_paths(BASE),
    }
    schemas = _schemas()
    for operation in operations:
        for route in operation.routes:
            paths.setdefault(BASE + route.path, {})[route.method.lower()] = _route(operation, route)
        schemas |= _answer_schemas(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chanflow",
            "version": chanflow.__version__,
            "description": f"A trading desk that you run yourself. {NOTICE}",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "BearerAuth": {"type": "http", "scheme": "bearer", "description": "Where access.required is true."}
            },
        },
        "security": [{"BearerAuth": []}, {}],
    }


def _route(operation: AnyOperation, route: Route) -> dict[str, Any]:
    schema = input_schema(operation)
    parts, required = schema["properties"], schema.get("required", [])
    asked = {name: part for name, part in parts.items() if name not in (*route.named, *route.fixed)}
    parameters = [{"name": name, "in": "path", "required": True, "schema": parts[name]} for name in route.named]
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": operation.title,
        "description": f"{operation.doc_en}\n\n{operation.doc_zh}\n\n{NOTICE}",
        "responses": _responses({"$ref": f"#/components/schemas/{operation.output.__name__}"}),
    }
    if operation.name == GET_JOB_RESULT.name:
        described["responses"]["200"]["content"][PARQUET] = {"schema": {"type": "string", "format": "binary"}}
    if route.queried:
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": part} for name, part in asked.items()
        ]
    else:
        needed = [name for name in required if name in asked]
        body = {**schema, "properties": asked, **({"required": needed} if "required" in schema else {})}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if parameters or route.queried:
        described["parameters"] = parameters
    return described


def _list_tools() -> dict[str, Any]:
    answer = {"type": "array", "items": {"$ref": "#/components/schemas/MCPTool"}}
    return {"operationId": "listTools", "summary": "The operations", "responses": _responses(answer)}


def _call_tool() -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/MCPCallRequest"}}}
    return {
        "operationId": "callTool",
        "summary": "Call one operation",
        "requestBody": {"required": True, "content": body},
        "responses": _responses({"$ref": "#/components/schemas/MCPCallResult"}),
    }


def _status() -> dict[str, Any]:
    return {"operationId": "getStatus", "summary": "The desk's state", "responses": _responses({"type": "object"})}


def _chat() -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["text"],
        "additionalProperties": False,
        "properties": {
            "text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            "confirm": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        },
    }
    answer = _responses({"type": "string"})
    answer["200"]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "operationId": "chat",
        "summary": "A question in words",
        "description": "Events plan, started, done, failed, confirm, unclear and answer, as they come. "
        f"What changes something waits for a second call with the token of confirm. {NOTICE}",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": answer,
    }


def _refresh() -> dict[str, Any]:
    text = {"type": "string"}
    asked = {"type": "object", "required": ["refresh_token"], "additionalProperties": False,
             "properties": {"refresh_token": text}}  # fmt: skip
    names = ("access_token", "token_type", "refresh_token", "refresh_expires_at")
    parts = {**dict.fromkeys(names, text), "expires_in": {"type": "integer"}}
    answer = {"type": "object", "required": [*parts], "additionalProperties": False, "properties": parts}
    return {
        "operationId": "refreshTokens",
        "summary": "The next tokens of a login",
        "description": "A refresh token is good once; shown a second time it ends its login. Where access.required is "
        "true.",
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": _responses(answer),
    }


def _responses(answer: dict[str, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
    limited = [{"$ref": "#/components/schemas/ErrorBody"}, {"$ref": "#/components/schemas/QuotaBody"}]
    return {
        "200": {"description": "Done", "content": {"application/json": {"schema": answer}}},
        **{status: {"description": "Failed", "content": error} for status in _CALL_STATUSES},
        "429": {"description": "Limited", "content": {"application/json": {"schema": {"anyOf": limited}}}},
    }


def _schemas() -> dict[str, Any]:
    plain_object = {"type": "object"}
    return {
        "ErrorBody": ErrorBody.model_json_schema(mode="serialization"),
        "QuotaBody": QuotaBody.model_json_schema(mode="serialization"),
        "MCPTool": {
            "type": "object",
            "required": ["name", "description", "inputSchema", "quotaCost"],
            "properties": {
                "name": {"type": "string"},
                "description": {"type": "string"},
                "inputSchema": plain_object,
                "quotaCost": {"type": "integer"},
            },
        },
        "MCPCallRequest": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "arguments": plain_object},
        },
        "MCPCallResult": {
            "type": "object",
            "required": ["content", "structuredContent", "isError", "usage"],
            "properties": {
                "content": {"type": "array", "items": plain_object},
                "structuredContent": plain_object,
                "isError": {"type": "boolean"},
                "usage": plain_object,
            },
        },
    }


def _answer_schemas(operation: AnyOperation) -> dict[str, Any]:
    """Return the answer's schema and those it names, as components."""
    schema = full_output_schema(operation)
    parts: dict[str, Any] = {**schema.pop("$defs", {}), operation.output.__name__: schema}
    moved: dict[str, Any] = _repointed(parts)
    return moved


def _repointed(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _pointer(value) if key == "$ref" else _repointed(value) for key, value in node.items()}
    return [_repointed(item) for item in node] if isinstance(node, list) else node


def _pointer(reference: str) -> str:
    return reference.replace("#/$defs/", "#/components/schemas/")
