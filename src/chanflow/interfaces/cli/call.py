"""`chanflow call OPERATION [--flag value…]`: one operation from the command line, its body as JSON on stdout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from chanflow.operations.operation import AnyOperation
    from chanflow.operations.services import Services

CALL_CONTEXT: dict[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""The typer context settings of the command: its flags come from the operation, so typer leaves them alone."""


def call(
    operation: str | None, flags: Sequence[str], open_services: Callable[[], Services], *, out: TextIO,
    key: str | None = None,
) -> int:  # fmt: skip
    """Write the body of one call to `out` as a line of JSON. Returns the exit code: 0 if done, 1 if failed.

    Without an operation, or with `--help`, writes what can be called instead and leaves the services closed. It acts as
    the owner of `key`, or as the operator. Raises SettingsInvalid for a key that is not taken.
    """
    if operation is None or operation == "--help" or "--help" in flags:
        out.write(call_help(operation) + "\n")
        return 0
    import anyio

    from chanflow.interfaces.cli.acting import acting_principal
    from chanflow.operations.offered import build_catalogue
    from chanflow.operations.outcome import Done, Outcome, body_of, compact_json, failure
    from chanflow.operations.text_arguments import arguments_from_text

    services = open_services()
    catalogue = build_catalogue(services)
    request_id = catalogue.new_request_id()
    pairs = _pairs(flags)

    async def answered() -> Outcome:
        if pairs is None:
            sentence = "arguments are flags with a value, such as --symbol BTCUSDT"
            return failure("invalid_argument", request_id, sentence)
        arguments = arguments_from_text(catalogue.get(operation, "cli"), pairs)
        async with nullcontext() if services.access is None else services.access.serving():
            principal = await acting_principal(services, key)
            return await catalogue.execute(principal, operation, arguments, door="cli", request_id=request_id)

    try:
        outcome = anyio.run(answered)
        out.write(compact_json(body_of(outcome)) + "\n")
        out.flush()
    finally:
        services.jobs.finish()
    return 0 if isinstance(outcome, Done) else 1


def call_help(operation: str | None = None) -> str:
    """Return the operations with a sentence each, or the flags of one; for an unknown name the operations."""
    from chanflow.operations.offered import OPERATIONS

    offered = {each.name: each for each in OPERATIONS if "cli" in each.doors}
    if operation in offered:
        return _flags_help(offered[operation])
    lines = [f"  {each.name:<20} {each.doc_en}" for each in offered.values()]
    return "\n".join(["Usage: chanflow call OPERATION [--flag value…]", "", "Operations:", *lines])


def _flags_help(operation: AnyOperation) -> str:
    from chanflow.operations.schema import input_schema

    schema = input_schema(operation)
    lines = []
    for name, part in schema["properties"].items():
        choices = part.get("enum") or part.get("items", {}).get("enum")
        kind = "|".join(choices) if choices else part.get("format", part.get("type", "text"))
        default = part.get("default")
        shown = ",".join(default) if isinstance(default, list) else default
        note = (
            " (required)" if name in schema.get("required", ()) else f" [default: {shown}]" if shown is not None else ""
        )
        lines.append(f"  --{name.replace('_', '-'):<12} {kind}{note}")
    return "\n".join([f"Usage: chanflow call {operation.name} [--flag value…]", "", operation.doc_en, "", *lines])


def _pairs(flags: Sequence[str]) -> list[tuple[str, str]] | None:
    """Return `--name value` and `--name=value` as pairs, or None if something else stands among them."""
    pairs: list[tuple[str, str]] = []
    rest = list(flags)
    while rest:
        flag = rest.pop(0)
        name, equals, value = flag.removeprefix("--").partition("=")
        if not flag.startswith("--") or not name or (not equals and not rest):
            return None
        pairs.append((name.replace("-", "_"), value if equals else rest.pop(0)))
    return pairs
