"""How an operation and its outcome look over MCP."""

from __future__ import annotations

from typing import Any

import mcp_types

from chanflow.interfaces.mcp.usage import usage_meta
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Failed, Outcome, body_of, compact_json
from chanflow.operations.schema import input_schema, output_schema
from chanflow.operations.tool_text import text_of


def tool_of(operation: AnyOperation) -> mcp_types.Tool:
    """Return an operation as a tool."""
    hints = operation.hints
    return mcp_types.Tool(
        name=operation.name,
        description=operation.doc_en,
        input_schema=input_schema(operation),
        output_schema=output_schema(operation),
        annotations=mcp_types.ToolAnnotations(
            read_only_hint=hints.read_only or None,
            destructive_hint=hints.destructive or None,
            idempotent_hint=hints.idempotent or None,
            open_world_hint=True,
        ),
    )


def result_of(outcome: Outcome, operation: AnyOperation) -> mcp_types.CallToolResult:
    """Return an outcome as the result of a call."""
    return mcp_types.CallToolResult(
        content=[mcp_types.TextContent(type="text", text=text_of(outcome, operation))],
        structured_content=body_of(outcome),
        is_error=isinstance(outcome, Failed),
        _meta=usage_meta(outcome),
    )


def result_of_body(body: dict[str, Any]) -> mcp_types.CallToolResult:
    """Return an answer that was given before."""
    return mcp_types.CallToolResult(
        content=[mcp_types.TextContent(type="text", text=compact_json(body))], structured_content=body, is_error=False
    )
