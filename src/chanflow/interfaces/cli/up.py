"""`chanflow up`: the desk on the synthetic market in real time, and its doors, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
import uvicorn

from chanflow.adapters.storage.sink import LakeSink
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.cli.demo import lake_for, publish_report, stop_on_term
from chanflow.interfaces.cli.services import open_services
from chanflow.market.sink import RowSink
from chanflow.market.synthetic import SyntheticSource
from chanflow.runtime.alert_desk import open_alerts
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.desk_files import AccountState, DeskFeed
from chanflow.runtime.home import Home, RunFolder
from chanflow.runtime.run import Progress, interrupted, level_for, name_run, run
from chanflow.runtime.settings import Loaded, Settings, load_settings
from chanflow.runtime.wiring import RunSpec

MAX_HOURS = 24 * 30
ROTATE_S = 60
"""Parts of the lake are published each minute, so that the doors can read them."""


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the desk, which ends both."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class _LiveAccount:
    """The account as the running desk last left it; whole snapshots are swapped in, so any thread may ask."""

    def __init__(self) -> None:
        self._view: AccountState | None = None

    def take(self, progress: Progress) -> None:
        """Take the account after a step."""
        pipeline = progress.pipeline
        armed = pipeline.s.watch.armed(pipeline.symbol)
        self._view = AccountState(
            pipeline.s.router.snapshot(),
            tuple(pipeline.s.router.open_orders()),
            {pipeline.symbol: armed} if armed else {},
        )

    def account(self) -> AccountState:
        """Return the account. Raises NotFound before the first step."""
        if self._view is None:
            raise NotFound("the desk is still starting")
        return self._view


def run_up(
    *, seed: int, speed: float, hours: float, port: int | None, config: Path | None, overrides: Sequence[str]
) -> None:
    """Run until the market ends or the process is told to stop."""
    if not 0 < speed <= 100_000:
        raise InvalidArgument(f"speed is {speed}, allowed is above 0 to 100000", field="speed")
    if not 0 < hours <= MAX_HOURS:
        raise InvalidArgument(f"hours is {hours}, allowed is above 0 to {MAX_HOURS}", field="hours")
    loaded = load_settings(config=config, overrides=[*overrides, f"lake.rotate_max_s={ROTATE_S}"])
    stop_on_term()
    home = Home(loaded.home)
    with home.lock():
        clock = SystemClock()
        with open_alerts(loaded.settings.alerts, home, clock, on_note=_note) as alerts:
            asyncio.run(_told(alerts, home, loaded, seed=seed, speed=speed, duration_s=int(hours * 3_600), port=port))


def _market(
    home: Home, settings: Settings, wall: SystemClock, *, seed: int, duration_s: int
) -> tuple[SyntheticSource, int]:
    """Return the market, and the moment of it that is now.

    An interrupted desk of the same seed goes on where it stopped: its market waited, since nobody traded meanwhile.
    """
    found = interrupted(home, f"up-{seed}-", settings)
    if found is not None:
        head, last_ns = found
        return SyntheticSource.from_description(head["source"]), last_ns
    start_ns = wall.now_ns() // (300 * NS_PER_S) * 300 * NS_PER_S
    return SyntheticSource(seed, start_ns=start_ns, duration_s=duration_s), start_ns


def _note(words: str) -> None:
    typer.echo(f"chanflow: {words}", err=True)


async def _told(alerts: Alerts, home: Home, loaded: Loaded, **wanted: Any) -> None:
    """Run the desk while alerts of it are told."""
    async with alerts.serving():
        await _up(home, loaded, alerts, **wanted)


async def _up(
    home: Home, loaded: Loaded, alerts: Alerts, *, seed: int, speed: float, duration_s: int, port: int | None
) -> None:
    from chanflow.interfaces.rest.app import build_app
    from chanflow.interfaces.rest.guard import LOOPBACK_NAMES, loopback_host

    settings, wall, account = loaded.settings, SystemClock(), _LiveAccount()
    host = loopback_host(settings.http.host)
    source, anchor_ns = _market(home, loaded.settings, wall, seed=seed, duration_s=duration_s)
    level = level_for(source, settings.signals.level, exact=True)
    spec = RunSpec(name_run("up", seed, level, source, settings), seed, level, settings)
    began_ns = wall.now_ns()
    queue = CommandQueue(wall, lambda: anchor_ns + int((wall.now_ns() - began_ns) * speed))
    services = replace(open_services(loaded), account=account, trading=queue)
    open_lake = lake_for(source, settings)

    def shown_lake(folder: RunFolder) -> RowSink:
        """Open the lake of the run, and let the feed see what it has not yet published."""
        sink = open_lake(folder)
        if isinstance(services.feed, DeskFeed) and isinstance(sink, LakeSink):
            services.feed.tails.append(sink)
        return sink

    config = uvicorn.Config(
        build_app(services, allowed_hosts=LOOPBACK_NAMES), host=host,
        port=settings.http.port if port is None else port, log_level="warning", server_header=False,
    )  # fmt: skip
    server = _QuietServer(config)

    async def pace(until_ns: int) -> None:
        await queue.sleep(wall.sleep_until(began_ns + int((until_ns - anchor_ns) / speed)))

    desk = asyncio.create_task(
        alerts.watch(
            run(spec, source, home, lake_for=shown_lake, on_progress=account.take, on_note=typer.echo,
                pace=pace, queue=queue, on_bus=alerts.subscribe),
            run_id=spec.run_id,
        )
    )  # fmt: skip
    doors = asyncio.create_task(server.serve())
    typer.echo(f"chanflow: desk on {source.instrument.symbol}, doors at http://{host}:{config.port}/")
    try:
        await asyncio.wait({desk, doors}, return_when=asyncio.FIRST_COMPLETED)
        if desk.done():
            publish_report(desk.result(), title=f"{source.instrument.symbol} · {level} · seed {seed}")
    finally:
        server.should_exit = True
        desk.cancel()
        for task in (desk, doors):
            with suppress(asyncio.CancelledError):
                await task
