"""Write the parts of both clients that the catalogue determines: calls, answers, faults, routes.

`src/chanflow/client/{answers,calls,sync_calls,faults}.py` and `sdk/typescript/src/{routes,codes}.ts`. With `--check`
nothing is written, and what differs is told. With `--openapi` the API description goes to standard output, of which
openapi-typescript makes `sdk/typescript/src/openapi.ts`: `make sdk-types` does all of it.
"""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chanflow.interfaces.rest.openapi import openapi_document
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import OPERATIONS
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import CODES
from chanflow.operations.schema import input_schema
from chanflow.operations.services import Services

ROOT = Path(__file__).resolve().parent.parent
MADE = "Made by scripts/write_client.py from the catalogue: do not edit."
ON_SOCKETS = {"cursor_expired": "the cursor is too old to go on from"}
"""Codes that only the socket has, with their sentences."""

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def files() -> dict[str, str]:
    """Return what stands in each file, by its path below the root."""
    document = description()
    operations = [each for each in OPERATIONS if "rest" in each.doors]
    python = {
        "answers": answers(document["components"]["schemas"]),
        "calls": calls(operations, awaited=True),
        "sync_calls": calls(operations, awaited=False),
        "faults": faults(document["components"]["schemas"]["QuotaBody"]),
    }
    return {
        **{f"src/chanflow/client/{name}.py": formatted(text) for name, text in python.items()},
        "sdk/typescript/src/routes.ts": routes(document),
        "sdk/typescript/src/codes.ts": codes(),
    }


def description() -> dict[str, Any]:
    """Return the API description; it says nothing of a particular desk."""
    nothing: Any = None
    return openapi_document(Catalogue(Services(nothing, nothing, nothing, nothing), OPERATIONS))


def formatted(text: str) -> str:
    """Return Python as the linter sorts its imports and the formatter leaves it."""
    for how in (["check", "--select", "I", "--fix-only", "--quiet"], ["format"]):
        command = [sys.executable, "-m", "ruff", *how, "--stdin-filename", "src/chanflow/client/made.py", "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


# ── types ─────────────────────────────────────────────────────────────────────


def annotation(schema: Mapping[str, Any]) -> str:
    """Return the Python type of a value that a JSON Schema describes; Any where it says nothing."""
    if reference := schema.get("$ref"):
        return str(reference).rsplit("/", 1)[-1]
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return _union(annotation(each) for each in choices)
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union(_PLAIN.get(each, "Any") for each in kind)
    if kind == "array":
        if parts := schema.get("prefixItems"):
            return f"list[{_union(annotation(each) for each in parts)}]"
        return f"list[{annotation(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {annotation(values) if isinstance(values, dict) else 'Any'}]"
    return _PLAIN.get(str(kind), "Any")


def _union(parts: Iterable[str]) -> str:
    found = list(dict.fromkeys(part for parted in parts for part in parted.split(" | ")))
    if "Any" in found:
        return "Any"
    return " | ".join(sorted(found, key=lambda part: part == "None"))


def _docstring(text: str, indent: int) -> str:
    room = 120 - indent
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    if len(text) + 6 <= room and "\n" not in text:
        return " " * indent + f'"""{text}"""'
    first, *rest = re.split(r"(?<=[.]) |\n\n", text, maxsplit=1)
    lines = textwrap.wrap(f'"""{" ".join(first.split())}', room)
    for part in "".join(rest).split("\n\n"):
        lines += ["", *textwrap.wrap(" ".join(part.split()), room)]
    return "\n".join(" " * indent + line if line else "" for line in [*lines, '"""'])


# ── the Python client ─────────────────────────────────────────────────────────


def answers(schemas: Mapping[str, Any]) -> str:
    """Return the module of the answers' shapes."""
    shapes = "\n\n\n".join(_shape(name, schemas[name]) for name in sorted(schemas) if name != "MCPCallRequest")
    used = ", ".join(
        name for name in ("Any", "Literal", "NotRequired", "TypedDict") if re.search(rf"\b{name}\b", shapes)
    )
    head = f'"""The shapes of what the desk answers. {MADE}"""\n\nfrom __future__ import annotations\n'
    return f"{head}\nfrom typing import {used}\n\n\n{shapes}\n"


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", [])
    fields = {
        key: annotation(part) if key in needed else f"NotRequired[{annotation(part)}]"
        for key, part in schema.get("properties", {}).items()
    }
    said = str(schema.get("description") or "As the desk sends it.")
    if any(keyword.iskeyword(key) or not key.isidentifier() for key in fields):
        rows = ", ".join(f"{key!r}: {kind!r}" for key, kind in fields.items())
        return f"{name} = TypedDict({name!r}, {{{rows}}})\n{_docstring(said, 0)}"
    rows = "\n".join(f"    {key}: {kind}" for key, kind in fields.items())
    return f"class {name}(TypedDict):\n{_docstring(said, 4)}\n\n{rows}"


def calls(operations: list[AnyOperation], *, awaited: bool) -> str:
    """Return the module with a method for each operation."""
    what = "a coroutine" if awaited else "a plain method"
    shown = sorted({each.output.__name__ for each in operations})
    parts = [
        f'"""Every operation of the desk as {what}. {MADE}"""', "", "from __future__ import annotations", "",
        "from abc import ABC, abstractmethod", "from collections.abc import Mapping", "from typing import Any, Literal",
        "", f"from chanflow.client.answers import {', '.join(shown)}", "",
    ]  # fmt: skip
    if awaited:
        reads = ", ".join(repr(each.name) for each in operations if each.hints.read_only)
        same = ", ".join(repr(e.name) for e in operations if not e.hints.read_only and e.hints.idempotent)
        parts += [
            f"READS = frozenset({{{reads}}})", '"""Operations that change nothing."""', "",
            f"SAME_TWICE = frozenset({{{same}}})",
            '"""Operations that change something, and the same when they are asked twice."""', "",
        ]  # fmt: skip
    verb, wait = ("async def", "await ") if awaited else ("def", "")
    parts += [
        f"class {'Calls' if awaited else 'SyncCalls'}(ABC):",
        '    """A method an operation: arguments that are None are left to the desk."""', "",
        "    @abstractmethod",
        f"    {verb} answer_of(self, name: str, arguments: Mapping[str, Any]) -> Any:",
        '        """Return the answer of an operation. Raises ChanflowClientError."""',
    ]  # fmt: skip
    for each in operations:
        parts += ["", _method(each, verb, wait)]
    return "\n".join(parts) + "\n"


def _method(operation: AnyOperation, verb: str, wait: str) -> str:
    schema = input_schema(operation)
    properties, required = schema["properties"], schema.get("required", [])
    names = sorted(properties, key=lambda name: name not in required)
    given = [
        f"{name}: {annotation(properties[name])}"
        if name in required
        else f"{name}: {_union([annotation(properties[name]), 'None'])} = None"
        for name in names
    ]
    head = ", ".join(["self", *(["*", *given] if given else [])])
    sent = ", ".join(f"{name!r}: {name}" for name in names)
    answer = operation.output.__name__
    return "\n".join(
        [
            f"    {verb} {operation.name}({head}) -> {answer}:",
            _docstring(operation.doc_en, 8),
            f"        answer: {answer} = {wait}self.answer_of({operation.name!r}, {{{sent}}})",
            "        return answer",
        ]
    )


def faults(quota: Mapping[str, Any]) -> str:
    """Return the module with a class for each error code."""
    parts = [
        f'"""One exception a code. {MADE}"""', "", "from __future__ import annotations", "",
        "from collections.abc import Mapping", "", "from chanflow.client.fault import ChanflowClientError", "",
    ]  # fmt: skip
    rows = {**ON_SOCKETS, **{code: row.sentence for code, row in CODES.items()}}
    for code in sorted(rows):
        said = f"{rows[code][0].upper()}{rows[code][1:]}."
        parts += ["", "", f"class {_class(code)}(ChanflowClientError):", _docstring(said, 4)]
        if code == "quota_exceeded":
            for name in ("tool", "quota", "used", "limit", "period", "upgrade_url", "resets_at"):
                kind = annotation(quota["properties"][name])
                kind = kind if "None" in kind else f"{kind} | None"
                parts += [
                    "", "    @property", f"    def {name}(self) -> {kind}:",
                    f'        """`{name}` of the body, None where it has none."""',
                    f"        found: {kind} = self.body.get({name!r})", "        return found",
                ]  # fmt: skip
    table = ", ".join(f"{code!r}: {_class(code)}" for code in sorted(rows))
    parts += ["", "", f"BY_CODE: Mapping[str, type[ChanflowClientError]] = {{{table}}}"]
    parts += ['"""The class of each code; one that is not here is raised as the base class."""']
    return "\n".join(parts) + "\n"


def _class(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))


# ── the TypeScript client ─────────────────────────────────────────────────────


def routes(document: Mapping[str, Any]) -> str:
    """Return the module that says how each operation of the API is asked for."""
    reads = {each.name for each in OPERATIONS if each.hints.read_only}
    same = {each.name for each in OPERATIONS if each.hints.idempotent}
    of_route = {route.name: each.name for each in OPERATIONS for route in each.routes}
    lines = [f"// {MADE}", "", "/** How an operation is asked for. */", "export interface Route {"]
    lines += ["  readonly method: string;", "  readonly path: string;", "  /** Whether it may be sent twice. */"]
    lines += ["  readonly repeatable: boolean;", "}", "", "export const routes = {"]
    for path, ways in document["paths"].items():
        for method, way in ways.items():
            if "text/event-stream" in way["responses"]["200"]["content"]:
                continue
            name = of_route.get(way["operationId"])
            repeatable = method == "get" or name in reads | same
            parts = f'method: "{method.upper()}", path: "{path}", repeatable: {json.dumps(repeatable)}'
            lines.append(f"  {way['operationId']}: {{ {parts} }},")
    lines += ["} as const satisfies Readonly<Record<string, Route>>;", ""]
    lines += ["/** Tools that may be called twice. */", "export const repeatable: ReadonlySet<string> = new Set(["]
    lines += [*(f"  {json.dumps(name)}," for name in sorted(reads | same)), "]);", ""]
    return "\n".join(lines)


def codes() -> str:
    """Return the module with the error codes."""
    named = sorted({*CODES, *ON_SOCKETS})
    rows = [f"  | {json.dumps(code)}" for code in named]
    return (
        "\n".join([f"// {MADE}", "", "/** Every code the desk may answer with. */", "export type Code =", *rows])
        + ";\n"
    )


def main(arguments: list[str]) -> int:
    """Write the files, or with --check return 1 and name those that differ."""
    if "--openapi" in arguments:
        json.dump(description(), sys.stdout)
        return 0
    made, checking = files(), "--check" in arguments
    different = [
        name for name, text in made.items() if not (ROOT / name).exists() or (ROOT / name).read_text("utf-8") != text
    ]
    for name in different:
        if checking:
            print(f"{name} is not what the catalogue says: run scripts/write_client.py")
        else:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(made[name], "utf-8")
    return 1 if checking and different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
