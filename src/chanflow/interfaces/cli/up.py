"""`chanflow up`: the desk on the synthetic market in real time, and its doors, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import typer
import uvicorn

from chanflow.adapters.storage.sink import LakeSink
from chanflow.domain.alert import Alert
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.interfaces.cli.demo import lake_for, publish_report, stop_on_term
from chanflow.interfaces.cli.desk_doors import QuietServer
from chanflow.interfaces.cli.models import models_of, planner_of
from chanflow.interfaces.cli.services import desk_token, open_services
from chanflow.interfaces.rest.patience import PatientH11
from chanflow.interfaces.ws.wire import SOCKET_WIRE
from chanflow.market.sink import RowSink
from chanflow.market.synthetic import SyntheticSource
from chanflow.operations.alert_courier import AlertCourier
from chanflow.operations.alert_watch import AlertWatch
from chanflow.operations.services import Services
from chanflow.risk.view import RiskView
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.alert_desk import open_alerts
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.bus.port import Bus
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.desk_files import AccountState, DeskFeed
from chanflow.runtime.door_file import standing_door
from chanflow.runtime.halt_file import carry_halt, halt_text
from chanflow.runtime.home import Home, RunFolder
from chanflow.runtime.model_parts import Follow
from chanflow.runtime.open_mind import tape_sha256
from chanflow.runtime.pipeline import Pipeline
from chanflow.runtime.run import Finished, Progress, interrupted, level_for, name_run, run
from chanflow.runtime.run_log import RunLog
from chanflow.runtime.settings import Loaded, Settings, load_settings
from chanflow.runtime.wiring import RunSpec

MAX_HOURS = 24 * 30
WARM_UP_S = 365 * 60
"""So much of the market lies before the desk's first moment and is played at once: volatility is measured from six
hours of minutes, and nothing opens without it."""
POLL_NS = NS_PER_S // 5
"""How often the halt file is looked for."""
ROTATE_S = 60
"""Parts of the lake are published each minute, so that the doors can read them."""


class _LiveAccount:
    """The account as the running desk last left it; whole snapshots are swapped in, so any thread may ask."""

    def __init__(self, from_ns: int) -> None:
        self._from_ns = from_ns
        self._view: AccountState | None = None
        self._pipeline: Pipeline | None = None

    def take(self, progress: Progress) -> None:
        """Take the account after a step; nothing is told of the hours before the desk's first moment."""
        if progress.now_ms * NS_PER_MS < self._from_ns:
            return
        pipeline = self._pipeline = progress.pipeline
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

    async def risk(self) -> RiskView:
        """Return where risk stands. Raises NotFound before the first step."""
        if self._pipeline is None:
            raise NotFound("the desk is still starting")
        return self._pipeline.risk_view()


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


async def _watch_sentinel(root: Path, queue: CommandQueue, wall: SystemClock) -> None:
    """Wake the desk as soon as the halt file appears."""
    there = False
    while True:
        before, there = there, halt_text(root) is not None
        if there and not before:
            queue.wake()
        await wall.sleep_until(wall.now_ns() + POLL_NS)


def _market(
    home: Home, settings: Settings, wall: SystemClock, *, seed: int, duration_s: int
) -> tuple[SyntheticSource, int]:
    """Return the market, and the moment of it that is now; it begins some hours before.

    An interrupted desk of the same seed goes on where it stopped: its market waited, since nobody traded meanwhile.
    """
    found = interrupted(home, f"up-{seed}-", settings)
    if found is None and (why := carry_halt(home, "up-")) is not None:
        typer.echo(f"chanflow: {why}; openings wait until the file HALT is removed and the desk is resumed")
    if found is not None:
        head, last_ns = found
        source = SyntheticSource.from_description(head["source"])
        return source, max(last_ns, source.start_ns + WARM_UP_S * NS_PER_S)
    now_ns = wall.now_ns() // (300 * NS_PER_S) * 300 * NS_PER_S
    start_ns = now_ns - WARM_UP_S * NS_PER_S
    return SyntheticSource(seed, start_ns=start_ns, duration_s=WARM_UP_S + duration_s), now_ns


def _note(words: str) -> None:
    typer.echo(f"chanflow: {words}", err=True)


async def _told(alerts: Alerts, home: Home, loaded: Loaded, **wanted: Any) -> None:
    """Run the desk while alerts of it are told."""
    async with alerts.serving():
        await _up(home, loaded, alerts, **wanted)


def _alert_watch(services: Services, queue: CommandQueue) -> AlertWatch:
    """Return what hears the desk for the alerts that callers set; they go by its market's time."""
    assert isinstance(services.alerts, AlertBook)
    services.alerts.market_ns = queue.market_ns
    return AlertWatch(services, services.alerts)


def _follow(remember: Follow, services: Services, kind: str, at: str, correlation_id: str, body: Any) -> None:
    """Let memory hear of a record as it is written, and wake the sockets that wait for it."""
    remember(kind, at, correlation_id, body)
    if isinstance(services.log, RunLog):
        services.log.changed()


def _courier(services: Services, wall: SystemClock, alerts: Alerts) -> AlertCourier:
    """Return what hands alerts that ask for it to the desk's channels."""
    assert isinstance(services.alerts, AlertBook)

    async def tell(alert: Alert, alert_id: str) -> None:
        await alerts.take(alert, alert_id=alert_id)

    return AlertCourier(services.alerts, wall, tell)


async def _up(
    home: Home, loaded: Loaded, alerts: Alerts, *, seed: int, speed: float, duration_s: int, port: int | None
) -> None:
    from chanflow.interfaces.cli.local_door import local_door
    from chanflow.interfaces.rest.app import build_app
    from chanflow.interfaces.rest.frontage import frontage_of

    settings, wall = loaded.settings, SystemClock()
    frontage = frontage_of(settings)
    cert, key = frontage.tls or (None, None)
    source, anchor_ns = _market(home, loaded.settings, wall, seed=seed, duration_s=duration_s)
    level = level_for(source, settings.signals.level, exact=True)
    spec = RunSpec(name_run("up", seed, level, source, settings), seed, level, settings)
    began_ns, account = wall.now_ns(), _LiveAccount(anchor_ns)
    queue = CommandQueue(
        wall, lambda: anchor_ns + int((wall.now_ns() - began_ns) * speed), from_ns=anchor_ns,
        sentinel=partial(halt_text, home.root),
    )  # fmt: skip
    services = replace(open_services(loaded), account=account, trading=queue, risk=account)
    open_lake = lake_for(source, settings)

    def shown_lake(folder: RunFolder) -> RowSink:
        """Open the lake of the run, and let the feed see what it has not yet published."""
        sink = open_lake(folder)
        if isinstance(services.feed, DeskFeed) and isinstance(sink, LakeSink):
            services.feed.tails.append(sink)
        return sink

    watch_alerts = _alert_watch(services, queue)

    def listened(bus: Bus) -> None:
        alerts.subscribe(bus)
        watch_alerts.subscribe(bus)

    app = build_app(services, frontage=frontage, open_planner=partial(planner_of, loaded))
    config = uvicorn.Config(
        app, host=frontage.host, port=settings.http.port if port is None else port, log_level="warning",
        server_header=False, proxy_headers=False, ssl_certfile=cert, ssl_keyfile=key, http=PatientH11, **SOCKET_WIRE,
    )  # fmt: skip
    server = QuietServer(config)

    async def pace(until_ns: int) -> None:
        await queue.sleep(wall.sleep_until(began_ns + int((until_ns - anchor_ns) / speed)))

    async def alerts_told(alert: Alert) -> None:
        await alerts.take(alert, alert_id=f"{alert.dedupe_key}:{alert.at_ns}")

    async def with_models() -> Finished:
        from chanflow.runtime.desk_memory import desk_memory

        remembering = desk_memory(home, wall, tell=alerts_told, on_note=_note)
        async with (
            remembering as memory,
            models_of(loaded, services=services, on_alert=alerts_told, memory=memory) as make_model,
        ):
            return await run(
                spec,
                source,
                home,
                lake_for=shown_lake,
                on_progress=account.take,
                on_note=typer.echo,
                pace=pace,
                queue=queue,
                on_bus=listened,
                make_model=make_model,
                follow=partial(_follow, memory.take, services),
            )

    desk = asyncio.create_task(alerts.watch(with_models(), run_id=spec.run_id))
    doors = asyncio.create_task(server.serve())
    beside = [
        asyncio.create_task(each)
        for each in (_watch_sentinel(home.root, queue, wall), _courier(services, wall, alerts).run())
    ]
    typer.echo(f"chanflow: desk on {source.instrument.symbol}, doors at {frontage.url(config.port)}/")
    try:
        async with local_door(app, frontage, config.port) as (local_host, local_port):
            with standing_door(home.root, local_host, local_port, desk_token(services)):
                await asyncio.wait({desk, doors}, return_when=asyncio.FIRST_COMPLETED)
        if desk.done():
            publish_report(
                desk.result(), title=f"{source.instrument.symbol} · {level} · seed {seed}",
                cassette_sha256=tape_sha256(settings, home),
            )  # fmt: skip
    finally:
        server.should_exit = True
        for task in (desk, *beside):
            task.cancel()
        for task in (desk, doors, *beside):
            with suppress(asyncio.CancelledError):
                await task
