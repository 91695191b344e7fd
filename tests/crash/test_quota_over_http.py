"""One quota behind four servers, ten times as many calls at once as it allows, and a server that dies among them."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from commands import CHANFLOW, chanflow, environment

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(600)]

LIMIT = 100
AT_ONCE = 25
"""Calls that are on their way to each server at once: so many answers can be lost with it, and no more."""

PLANS = f"free: {{api_call: {LIMIT}, rate_per_s: 10000, burst: 10000}}\n"
ASKED = "/api/v2/market/status"
SERVED, REFUSED = 200, 429


@contextmanager
def _server(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    program = [*CHANFLOW, "serve", "--port", "0", "--set", "access.required=true"]
    with subprocess.Popen(
        program, env=environment(home), stdout=subprocess.PIPE, text=True, cwd=home.parent
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("chanflow listens on "), line
            yield process, line.split()[3].rstrip("/")
        finally:
            process.kill()
            process.wait(60)


@contextmanager
def _servers(home: Path, count: int) -> Iterator[list[tuple[subprocess.Popen[str], str]]]:
    with ExitStack() as stack:
        yield [stack.enter_context(_server(home)) for _ in range(count)]


def _desk(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    home = tmp_path / "home"
    for arguments in (("init",), ("user", "add", "ann", "--role", "trader", "--plan", "free")):
        assert chanflow(home, *arguments).returncode == 0
    (home / "plans.yaml").write_text(PLANS)
    made = chanflow(home, "key", "create", "laptop", "--user", "ann")
    text = next(word for word in made.stdout.split() if word.startswith("cf_"))
    return home, {"Authorization": f"Bearer {text}"}


async def _ask(urls: Sequence[str], headers: dict[str, str], calls: int, kill: subprocess.Popen[str] | None) -> Counter:
    """Return the statuses of so many calls, spread over the servers; 0 where no answer came.

    The server of the first URL is killed once a quarter of the quota was served.
    """
    statuses: Counter[int] = Counter()
    lanes = [asyncio.Semaphore(AT_ONCE) for _ in urls]
    limits = httpx.Limits(max_connections=AT_ONCE * len(urls), max_keepalive_connections=AT_ONCE * len(urls))

    async def one(client: httpx.AsyncClient, at: int) -> None:
        async with lanes[at % len(urls)]:
            try:
                status = (await client.get(urls[at % len(urls)] + ASKED)).status_code
            except httpx.TransportError:
                status = 0
        statuses[status] += 1
        if kill is not None and statuses[SERVED] == LIMIT // 4:
            kill.kill()

    async with httpx.AsyncClient(headers=headers, timeout=300, limits=limits, trust_env=False) as client:
        await asyncio.gather(*(one(client, at) for at in range(calls)))
    return statuses


def _used(url: str, headers: dict[str, str]) -> int:
    answer = httpx.get(f"{url}/api/v2/user/quota", headers=headers, timeout=300).json()
    return next(row["used"] for row in answer["quotas"] if row["name"] == "api_call")


def _holds(home: Path) -> None:
    audited = chanflow(home, "doctor", "--audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr


def test_of_ten_times_the_limit_over_four_servers_exactly_the_limit_is_served(tmp_path: Path) -> None:
    home, headers = _desk(tmp_path)
    with _servers(home, 4) as servers:
        urls = [url for _, url in servers]
        statuses = asyncio.run(_ask(urls, headers, 10 * LIMIT, None))
        assert statuses == {SERVED: LIMIT, REFUSED: 9 * LIMIT}
        assert {_used(url, headers) for url in urls} == {LIMIT}
    _holds(home)


def test_a_server_killed_in_the_middle_loses_no_count_and_lets_nobody_pass_the_limit(tmp_path: Path) -> None:
    home, headers = _desk(tmp_path)
    with _servers(home, 4) as servers:
        victim, urls = servers[0][0], [url for _, url in servers]
        statuses = asyncio.run(_ask(urls, headers, 10 * LIMIT, victim))
        assert victim.wait(60) != 0
        assert set(statuses) <= {0, SERVED, REFUSED}
        assert statuses[0] >= 1
        used = _used(urls[1], headers)
        # What was served was counted; what was counted and not served was on its way at the victim.
        assert LIMIT - AT_ONCE <= statuses[SERVED] <= used <= LIMIT
        with _server(home) as (_, again):
            assert _used(again, headers) == used
            after = asyncio.run(_ask([again, *urls[1:]], headers, 2 * LIMIT, None))
            assert after[SERVED] == LIMIT - used
            assert {_used(url, headers) for url in (again, *urls[1:])} == {LIMIT}
    _holds(home)
