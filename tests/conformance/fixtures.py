"""What the protocol's own test suite expects to find on a server, added to the desk's for that job alone."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import mcp_types as t
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError

from chanflow.interfaces.mcp.server import Called, CatalogueServer, Read
from chanflow.operations.catalogue import Catalogue

Asking = Context[Any, Any]
Handler = Callable[[dict[str, Any], Asking], Awaitable[Called]]


def _png() -> str:
    """Return one red pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head, pixel = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), zlib.compress(b"\0\xff\0\0")
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


def _wav() -> str:
    """Return a hundredth of a second of silence."""
    body = b"\x80" * 80
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 8_000, 1, 8) + b"data" + struct.pack("<I", len(body))
    return base64.b64encode(b"RIFF" + struct.pack("<I", len(head) + len(body)) + head + body).decode()


PNG, WAV = _png(), _wav()
NONE: dict[str, Any] = {"type": "object", "properties": {}}


def text(words: str) -> t.CallToolResult:
    return t.CallToolResult(content=[t.TextContent(type="text", text=words)])


def embedded(uri: str, words: str, mime: str = "text/plain") -> t.EmbeddedResource:
    found = t.TextResourceContents(uri=uri, mime_type=mime, text=words)
    return t.EmbeddedResource(type="resource", resource=found)


def image() -> t.ImageContent:
    return t.ImageContent(type="image", data=PNG, mime_type="image/png")


def elicited(message: str, **properties: dict[str, Any]) -> t.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": sorted(properties)}
    return t.ElicitRequest(params=t.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampled(words: str, most: int) -> t.CreateMessageRequest:
    message = t.SamplingMessage(role="user", content=t.TextContent(type="text", text=words))
    return t.CreateMessageRequest(params=t.CreateMessageRequestParams(messages=[message], max_tokens=most))


def need(state: str | None = None, **requests: Any) -> t.InputRequiredResult:
    return t.InputRequiredResult(input_requests=requests, request_state=state)


def said(context: Asking, key: str, name: str) -> Any:
    """Return what a person filled in, None where the answer is missing or of another shape."""
    answer = (context.input_responses or {}).get(key)
    if not isinstance(answer, t.ElicitResult) or answer.action != "accept":
        return None
    return (answer.content or {}).get(name)


STRING = {"type": "string"}

# ── plain tools ───────────────────────────────────────────────────────────────


async def simple_text(_: dict[str, Any], __: Asking) -> Called:
    return text("This is a simple text response for testing.")


async def image_content(_: dict[str, Any], __: Asking) -> Called:
    return t.CallToolResult(content=[image()])


async def audio_content(_: dict[str, Any], __: Asking) -> Called:
    return t.CallToolResult(content=[t.AudioContent(type="audio", data=WAV, mime_type="audio/wav")])


async def embedded_resource(_: dict[str, Any], __: Asking) -> Called:
    return t.CallToolResult(content=[embedded("test://embedded-resource", "This is an embedded resource content.")])


async def multiple_content_types(_: dict[str, Any], __: Asking) -> Called:
    kept = json.dumps({"test": "data", "value": 123})
    words = t.TextContent(type="text", text="Multiple content types test:")
    return t.CallToolResult(
        content=[words, image(), embedded("test://mixed-content-resource", kept, "application/json")]
    )


async def with_logging(_: dict[str, Any], context: Asking) -> Called:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message("info", words, related_request_id=context.request_id)
        await anyio.sleep(0.05)
    return text("three messages were logged")


async def with_progress(_: dict[str, Any], context: Asking) -> Called:
    for share in (0, 50, 100):
        await context.report_progress(share, 100)
        await anyio.sleep(0.05)
    return text("progress was told")


async def error_handling(_: dict[str, Any], __: Asking) -> Called:
    words = t.TextContent(type="text", text="This tool intentionally returns an error for testing")
    return t.CallToolResult(content=[words], is_error=True)


async def accepted(_: dict[str, Any], __: Asking) -> Called:
    return text("ok")


async def reconnection(_: dict[str, Any], context: Asking) -> Called:
    await context.close_sse_stream()
    await anyio.sleep(0.1)
    return text("Reconnection test completed successfully")


async def tool_change(_: dict[str, Any], context: Asking) -> Called:
    await context.notify_tools_changed()
    return text("tools changed")


async def prompt_change(_: dict[str, Any], context: Asking) -> Called:
    await context.notify_prompts_changed()
    return text("prompts changed")


# ── asking the client over the open connection: 2025 ──────────────────────────


async def sampling(arguments: dict[str, Any], context: Asking) -> Called:
    message = t.SamplingMessage(role="user", content=t.TextContent(type="text", text=str(arguments["prompt"])))
    answer = await context.session.create_message([message], max_tokens=100, related_request_id=context.request_id)
    return text(f"LLM response: {getattr(answer.content, 'text', '')}")


async def _elicit(context: Asking, message: str, schema: dict[str, Any]) -> t.ElicitResult:
    return await context.session.elicit_form(message, schema, related_request_id=context.request_id)


async def elicitation(arguments: dict[str, Any], context: Asking) -> Called:
    schema = {
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    }
    answer = await _elicit(context, str(arguments["message"]), schema)
    return text(f"User response: action={answer.action}, content={json.dumps(answer.content)}")


async def elicitation_defaults(_: dict[str, Any], context: Asking) -> Called:
    properties = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    answer = await _elicit(context, "Please fill in", {"type": "object", "properties": properties, "required": []})
    return text(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}")


async def elicitation_enums(_: dict[str, Any], context: Asking) -> Called:
    plain = ["option1", "option2", "option3"]
    names = ("First", "Second", "Third")

    def titled(word: str) -> list[dict[str, str]]:
        return [{"const": f"value{n}", "title": f"{name} {word}"} for n, name in enumerate(names, 1)]

    legacy = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
    properties = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {"type": "string", **legacy},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
    }
    answer = await _elicit(context, "Please choose", {"type": "object", "properties": properties, "required": []})
    return text(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}")


# ── asking the client in the answer: 2026 ─────────────────────────────────────


async def missing_capability(_: dict[str, Any], context: Asking) -> Called:
    declared = context.client_capabilities
    if declared is None or declared.sampling is None:
        required = t.ClientCapabilities(sampling=t.SamplingCapability())
        data = t.MissingRequiredClientCapabilityErrorData(required_capabilities=required)
        raise MCPError(
            code=t.MISSING_REQUIRED_CLIENT_CAPABILITY, message="the client declares no sampling",
            data=data.model_dump(by_alias=True, mode="json", exclude_none=True),
        )  # fmt: skip
    return text("the client declares sampling")


async def input_elicitation(_: dict[str, Any], context: Asking) -> Called:
    name = said(context, "user_name", "name")
    if name is None:
        return need(user_name=elicited("What is your name?", name=STRING))
    return text(f"Hello, {name}!")


async def input_sampling(_: dict[str, Any], context: Asking) -> Called:
    answer = (context.input_responses or {}).get("capital_question")
    if not isinstance(answer, t.CreateMessageResult):
        return need(capital_question=sampled("What is the capital of France?", 100))
    return text(str(getattr(answer.content, "text", "")))


async def input_roots(_: dict[str, Any], context: Asking) -> Called:
    answer = (context.input_responses or {}).get("client_roots")
    if not isinstance(answer, t.ListRootsResult):
        return need(client_roots=t.ListRootsRequest())
    return text(", ".join(str(root.uri) for root in answer.roots))


async def input_state(_: dict[str, Any], context: Asking) -> Called:
    if context.request_state != "begun" or said(context, "confirm", "ok") is None:
        return need("begun", confirm=elicited("Please confirm", ok={"type": "boolean"}))
    return text("state-ok")


async def input_multiple(_: dict[str, Any], context: Asking) -> Called:
    given = context.input_responses or {}
    if context.request_state != "begun" or not {"user_name", "greeting", "client_roots"} <= set(given):
        return need(
            "begun", user_name=elicited("What is your name?", name=STRING),
            greeting=sampled("Generate a greeting", 50), client_roots=t.ListRootsRequest(),
        )  # fmt: skip
    return text(f"all three came from {said(context, 'user_name', 'name')}")


async def input_rounds(_: dict[str, Any], context: Asking) -> Called:
    state = json.loads(context.request_state or "{}")
    if "name" in state and (color := said(context, "step2", "color")) is not None:
        return text(f"{state['name']} likes {color}")
    if "name" not in state and (name := said(context, "step1", "name")) is not None:
        state = {"name": name}
    if "name" in state:
        return need(json.dumps(state), step2=elicited("Step 2: What is your favorite color?", color=STRING))
    return need(json.dumps({"round": 1}), step1=elicited("Step 1: What is your name?", name=STRING))


async def input_capabilities(_: dict[str, Any], context: Asking) -> Called:
    declared = context.client_capabilities or t.ClientCapabilities()
    asked: dict[str, Any] = {}
    if declared.sampling is not None:
        asked["greeting"] = sampled("Generate a greeting", 50)
    if declared.elicitation is not None:
        asked["user_name"] = elicited("What is your name?", name=STRING)
    return need(**asked) if asked else text("nothing can be asked of this client")


SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": STRING, "city": STRING}}},
    "properties": {
        "name": STRING, "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]}, "phone": STRING, "email": STRING,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}  # fmt: skip


def _taking(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


TOOLS: dict[str, tuple[Handler, dict[str, Any]]] = {
    "test_simple_text": (simple_text, NONE),
    "test_image_content": (image_content, NONE),
    "test_audio_content": (audio_content, NONE),
    "test_embedded_resource": (embedded_resource, NONE),
    "test_multiple_content_types": (multiple_content_types, NONE),
    "test_tool_with_logging": (with_logging, NONE),
    "test_logging_tool": (with_logging, NONE),
    "test_tool_with_progress": (with_progress, NONE),
    "test_error_handling": (error_handling, NONE),
    "test_sampling": (sampling, _taking(prompt=STRING)),
    "test_elicitation": (elicitation, _taking(message=STRING)),
    "test_elicitation_sep1034_defaults": (elicitation_defaults, NONE),
    "test_elicitation_sep1330_enums": (elicitation_enums, NONE),
    "test_missing_capability": (missing_capability, NONE),
    "test_reconnection": (reconnection, NONE),
    "test_trigger_tool_change": (tool_change, NONE),
    "test_trigger_prompt_change": (prompt_change, NONE),
    "test_x_mcp_header": (accepted, _taking(region={"type": "string", "x-mcp-header": "Region"})),
    "json_schema_2020_12_tool": (accepted, SCHEMA_2020_12),
    "test_input_required_result_elicitation": (input_elicitation, NONE),
    "test_streaming_elicitation": (input_elicitation, NONE),
    "test_input_required_result_sampling": (input_sampling, NONE),
    "test_input_required_result_list_roots": (input_roots, NONE),
    "test_input_required_result_request_state": (input_state, NONE),
    "test_input_required_result_multiple_inputs": (input_multiple, NONE),
    "test_input_required_result_multi_round": (input_rounds, NONE),
    "test_input_required_result_tampered_state": (input_state, NONE),
    "test_input_required_result_capabilities": (input_capabilities, NONE),
}

# ── prompts and resources ─────────────────────────────────────────────────────


def _prompt(name: str, *arguments: str) -> t.Prompt:
    takes = [t.PromptArgument(name=each, description=f"The argument {each}", required=True) for each in arguments]
    return t.Prompt(name=name, description=f"The prompt {name}", arguments=takes)


def _user(content: Any) -> t.PromptMessage:
    return t.PromptMessage(role="user", content=content)


def _words(words: str) -> t.PromptMessage:
    return _user(t.TextContent(type="text", text=words))


PROMPTS = {
    prompt.name: prompt
    for prompt in (
        _prompt("test_simple_prompt"),
        _prompt("test_prompt_with_arguments", "arg1", "arg2"),
        _prompt("test_prompt_with_embedded_resource", "resourceUri"),
        _prompt("test_prompt_with_image"),
        _prompt("test_input_required_result_prompt"),
    )
}


def _rendered(name: str, arguments: dict[str, Any], context: Asking) -> list[t.PromptMessage] | t.InputRequiredResult:
    match name:
        case "test_simple_prompt":
            return [_words("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            return [_words(f"Prompt with arguments: arg1='{arguments['arg1']}', arg2='{arguments['arg2']}'")]
        case "test_prompt_with_embedded_resource":
            found = embedded(str(arguments["resourceUri"]), "Embedded resource content for testing.")
            return [_user(found), _words("Please process the embedded resource above.")]
        case "test_prompt_with_image":
            return [_user(image()), _words("Please analyze the image above.")]
    given = said(context, "user_context", "context")
    if given is None:
        return need(user_context=elicited("What context should the prompt use?", context=STRING))
    return [_words(f"Use this context: {given}")]


RESOURCES = {
    "test://static-text": ("text/plain", "This is the content of the static text resource."),
    "test://static-binary": ("image/png", base64.b64decode(PNG)),
    "test://watched-resource": ("text/plain", "This is watched."),
}
TEMPLATE = "test://template/{id}/data"


class FixtureServer(CatalogueServer):
    """The desk's server with the suite's fixtures before its own."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)

        async def set_level(_: Any, __: Any) -> t.EmptyResult:
            return t.EmptyResult()

        self._lowlevel_server.add_request_handler("logging/setLevel", t.SetLevelRequestParams, set_level)

    def _tool_input_schema(self, name: str) -> dict[str, Any] | None:
        return TOOLS[name][1] if name in TOOLS else super()._tool_input_schema(name)

    async def list_tools(self) -> list[t.Tool]:
        ours = [
            t.Tool(name=name, description=f"The fixture {name}", input_schema=schema)
            for name, (_, schema) in TOOLS.items()
        ]
        return [*ours, *await super().list_tools()]

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Asking | None = None) -> Called:
        if name not in TOOLS or context is None:
            return await super().call_tool(name, arguments, context)
        return await TOOLS[name][0](arguments, context)

    async def list_resources(self) -> list[t.Resource]:
        ours = [
            t.Resource(uri=uri, name=uri.removeprefix("test://"), description=f"The fixture {uri}", mime_type=mime)
            for uri, (mime, _) in RESOURCES.items()
        ]
        return [*ours, *await super().list_resources()]

    async def list_resource_templates(self) -> list[t.ResourceTemplate]:
        ours = t.ResourceTemplate(
            uri_template=TEMPLATE, name="template", description="A fixture", mime_type="application/json"
        )
        return [ours, *await super().list_resource_templates()]

    async def read_resource(self, uri: Any, context: Asking | None = None) -> Read:
        named = str(uri)
        if named in RESOURCES:
            mime, content = RESOURCES[named]
            return [ReadResourceContents(content=content, mime_type=mime)]
        if named.startswith("test://template/") and named.endswith("/data"):
            found = named.removeprefix("test://template/").removesuffix("/data")
            body = {"id": found, "templateTest": True, "data": f"Data for ID: {found}"}
            return [ReadResourceContents(content=json.dumps(body), mime_type="application/json")]
        return await super().read_resource(uri, context)

    async def list_prompts(self) -> list[t.Prompt]:
        return [*PROMPTS.values(), *await super().list_prompts()]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Asking | None = None
    ) -> t.GetPromptResult | t.InputRequiredResult:
        if name not in PROMPTS or context is None:
            return await super().get_prompt(name, arguments, context)
        rendered = _rendered(name, arguments or {}, context)
        return rendered if isinstance(rendered, t.InputRequiredResult) else t.GetPromptResult(messages=rendered)


FIXTURES = {"tools": frozenset(TOOLS), "prompts": frozenset(PROMPTS), "resources": frozenset(RESOURCES)}
"""What must be there, or scenarios pass without having looked."""
