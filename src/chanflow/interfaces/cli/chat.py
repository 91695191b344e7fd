"""`chanflow chat`: a question in words, answered by the running desk, or from the data directory where none runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from chanflow.domain.errors import InvalidArgument

if TYPE_CHECKING:
    from chanflow.operations.chat import Said
    from chanflow.operations.services import Services
    from chanflow.runtime.settings import Loaded

ANSWER_WITHIN_S = 120.0
Event = tuple[str, Mapping[str, Any]]


def run_chat(
    text: str, *, home: Path, loaded: Loaded, open_services: Callable[[Loaded], Services], yes: bool, as_json: bool,
    out: TextIO, err: TextIO, ask: Callable[[str], bool],
) -> int:  # fmt: skip
    """Write the answer, and the steps on the way to `err`. Returns 0, or 1 where a step failed or all was unclear.

    What changes something is done after a yes: of `ask`, or at once with `yes`.
    """
    events = _ask(text, None, home, loaded, open_services)
    last, token, words = _follow(events, as_json=as_json, out=out, err=err)
    if token and (yes or ask(words)):
        last, _, _ = _follow(_ask(text, token, home, loaded, open_services), as_json=as_json, out=out, err=err)
    elif token:
        err.write(f"{words} chanflow chat --yes\n")
    kind, body = last
    return 0 if kind == "answer" and not body["failed"] else 1


def _follow(events: Iterator[Event], *, as_json: bool, out: TextIO, err: TextIO) -> tuple[Event, str, str]:
    """Show events as they come. Returns the last one, and token and question of what waits for a yes."""
    last: Event = ("unclear", {"text": ""})
    token, words = "", ""
    for kind, body in events:
        last = (kind, body)
        if as_json:
            out.write(json.dumps({"event": kind, **body}, ensure_ascii=False) + "\n")
        elif kind in ("answer", "unclear"):
            out.write(body["text"] + "\n")
        elif kind in ("started", "failed"):
            err.write(f"· {body['operation']}" + (f": {body['message']}" if kind == "failed" else "") + "\n")
        if kind == "confirm":
            token, words = body["token"], body["text"]
    return last, token, words


def _ask(
    text: str, confirm: str | None, home: Path, loaded: Loaded, open_services: Callable[[Loaded], Services]
) -> Iterator[Event]:
    answered = False
    for event in _of_desk(home, text, confirm):
        answered = True
        yield event
    if not answered:
        yield from _here(text, confirm, loaded, open_services(loaded))


def _of_desk(home: Path, text: str, confirm: str | None) -> Iterator[Event]:
    """Yield the running desk's events; none where nobody answers at its address."""
    from urllib.error import HTTPError

    from chanflow.interfaces.cli.running_desk import open_path

    body = {"text": text, **({} if confirm is None else {"confirm": confirm})}
    try:
        response = open_path(home, "/chat", body, timeout_s=ANSWER_WITHIN_S)
        if response is None:
            return
        with response:
            kind = ""
            for line in response:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)
    except HTTPError as fault:
        told = json.load(fault)
        raise InvalidArgument(str(told.get("message", "the desk declined")), field="text") from fault
    except (OSError, ValueError):
        return


def _here(text: str, confirm: str | None, loaded: Loaded, services: Services) -> Iterator[Event]:
    import asyncio

    try:
        with asyncio.Runner() as runner:
            events = _events(text, confirm, loaded, services)
            while (said := runner.run(_next(events))) is not None:
                yield said.kind, said.body
    finally:
        services.jobs.finish()


async def _events(text: str, confirm: str | None, loaded: Loaded, services: Services) -> AsyncIterator[Said]:
    from chanflow.interfaces.cli.models import planner_of
    from chanflow.operations.chat import Chat
    from chanflow.operations.offered import build_catalogue
    from chanflow.operations.principal import LOCAL_OPERATOR

    catalogue = build_catalogue(services)
    async with (
        nullcontext() if services.access is None else services.access.serving(),
        planner_of(loaded, catalogue, door="cli") as planner,
    ):
        async for said in Chat(catalogue, planner).ask(text, LOCAL_OPERATOR, door="cli", confirm=confirm):
            yield said


async def _next(events: AsyncIterator[Said]) -> Said | None:
    return await anext(events, None)
