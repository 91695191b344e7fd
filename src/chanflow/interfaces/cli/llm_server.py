"""`chanflow llm-server`: the scripted server, for trying a desk with a model that is none."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from chanflow.adapters.llm.scripted.script import Rule, read_script
from chanflow.adapters.llm.scripted.server import ScriptedServer, default_script
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.runtime.clock import SystemClock


def run_llm_server(*, script: Path | None, port: int, models: Sequence[str], out: TextIO) -> None:
    """Serve until SIGTERM or SIGINT; the first line on `out` is JSON with the address.

    Raises NotFound for a script that is not there, InvalidArgument for one that is wrong or a port that cannot be had.
    """
    if not 0 <= port <= 65_535:
        raise InvalidArgument(f"--port is {port}, allowed is 0 to 65535", field="port")
    rules = default_script() if script is None else _read(script)
    asyncio.run(_serve(rules, port, models, out))


def _read(path: Path) -> tuple[Rule, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise NotFound(f"script {path} cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise InvalidArgument(f"script {path} is not UTF-8") from fault
    return read_script(text)


async def _serve(rules: Sequence[Rule], port: int, models: Sequence[str], out: TextIO) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    server = ScriptedServer(rules, clock=SystemClock(), models=models)
    try:
        await server.start(port)
    except OSError as fault:
        raise InvalidArgument(f"port {port} on this machine cannot be had: {fault.strerror}", field="port") from fault
    out.write(
        json.dumps({"base_url": server.base_url, "models": list(models), "rules": len(rules), "ready": True}) + "\n"
    )
    out.flush()
    try:
        await stop.wait()
    finally:
        await server.stop()
