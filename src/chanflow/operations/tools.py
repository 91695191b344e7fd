"""What may be called through a door, by whom, and what it costs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints

from chanflow.operations.operation import Answer, AnyOperation, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.permission import why_not
from chanflow.operations.principal import Principal
from chanflow.operations.schema import full_output_schema, input_schema
from chanflow.operations.trading import EVERY_PLAN


class ListTools(Arguments):
    """All tools, or one by name."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z_]{3,41}$")] | None = None


class ToolListed(Answer):
    """A tool. `why_not` is a code of errors where the caller may not use it; schemas come with a name asked for."""

    name: str
    scope: str
    charges: dict[str, int]
    allowed: bool
    why_not: str | None
    input_schema: dict[str, Any] | None
    output_schema: dict[str, Any] | None


class ToolsListed(Answer):
    """Tools in the order of the catalogue."""

    tools: list[ToolListed]


async def list_tools(asked: Asked[ListTools]) -> ToolsListed:
    """Return the tools of the caller's door. Raises Declined for a name that is none."""
    name = asked.args.name
    found = [operation for operation in asked.offered if name in (None, operation.name)]
    if not found:
        raise Declined("not_found", "there is no tool of that name", field="name", suggestion="leave name out")
    return ToolsListed(tools=[_listed(operation, asked.principal, whole=name is not None) for operation in found])


def _listed(operation: AnyOperation, principal: Principal, *, whole: bool) -> ToolListed:
    code = why_not(principal, operation)
    return ToolListed(
        name=operation.name, scope=operation.scope, charges=dict(operation.charges), allowed=code is None,
        why_not=code, input_schema=input_schema(operation) if whole else None,
        output_schema=full_output_schema(operation) if whole else None,
    )  # fmt: skip


LIST_TOOLS = Operation(
    name="list_tools",
    title="Tools",
    doc_en="The tools (工具), their cost, and whether the caller may use them. Free.",
    doc_zh="列出工具、费用与可用性；免费。",
    scope="market:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=ListTools,
    output=ToolsListed,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/tools",
    handler=list_tools,
    digest=lambda done: Digest(
        f"{len(done.tools)} tools",
        ("name", "allowed", "why_not"),
        tuple((tool.name, tool.allowed, tool.why_not) for tool in done.tools),
    ),
    doors=frozenset({"cli", "mcp", "ws"}),  # REST has GET /mcp/tools
)
