"""`chanflow broker`: signals in, orders out: as a mock, or through analyst, gate and venue."""

from __future__ import annotations

import signal as posix
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TextIO

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.cli.models import models_of
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.home import Home
from chanflow.runtime.settings import Loaded, Settings, load_settings

if TYPE_CHECKING:
    from chanflow.runtime.live_run import LiveRun

POLL_S = 0.5


def run_broker(
    *,
    mock: int,
    signal_dir: Path,
    output: Path,
    seed: int,
    sample_rate: float,
    once: bool,
    venue: str | None,
    accept_external: bool,
    config: Path | None,
    overrides: Sequence[str],
    stderr: TextIO,
) -> None:
    """Order the signals of a folder, and end with one line of counts on `stderr`.

    Raises InvalidArgument and SettingsInvalid for what was asked, SinkUnwritable where orders cannot be kept.
    """
    if not signal_dir.is_dir():
        raise InvalidArgument(
            f"there is no folder {signal_dir}: make it with chanflow signal --out {signal_dir}, or name another with "
            "--signal-dir",
            field="signal_dir",
        )
    loaded = load_settings(config=config, overrides=overrides)
    stop = Event()
    for number in (posix.SIGTERM, posix.SIGINT):
        posix.signal(number, lambda *_: stop.set())

    def note(words: str) -> None:
        stderr.write(f"chanflow: {words}\n")

    if mock == 1:
        if accept_external:
            raise InvalidArgument("--accept-external is for a real venue: leave it out", field="accept_external")
        if venue is not None:
            raise InvalidArgument("--mock 1 has its own simulated venue: leave --venue out", field="venue")
        _mock(loaded.settings, signal_dir, output, seed, sample_rate, once=once, stop=stop, note=note, stderr=stderr)
    else:
        _trade(loaded, signal_dir, venue, accept_external, once=once, stop=stop, note=note, stderr=stderr)


def _trade(
    loaded: Loaded,
    signal_dir: Path,
    venue: str | None,
    accept_external: bool,
    *,
    once: bool,
    stop: Event,
    note: Callable[[str], None],
    stderr: TextIO,
) -> None:
    from chanflow.runtime.alert_desk import open_alerts
    from chanflow.runtime.broker_desk import DeskTally
    from chanflow.runtime.broker_run import BrokerRun
    from chanflow.runtime.venue_choice import real_venue_settings

    clock, home = SystemClock(), Home(loaded.home)
    began_ns = clock.monotonic_ns()

    def told(tally: DeskTally) -> None:
        stderr.write(tally.line((clock.monotonic_ns() - began_ns) / NS_PER_S) + "\n")

    there = real_venue_settings(venue, loaded.settings)
    broker: BrokerRun | LiveRun
    with ExitStack() as stack:
        if there is None:
            if accept_external:
                raise InvalidArgument("--accept-external is for a real venue: leave it out", field="accept_external")
            broker = BrokerRun(loaded.settings, home, signal_dir, venue=venue, clock=clock, on_note=note)
            what = "paper"
        else:
            from chanflow.runtime.live_run import LiveRun

            broker = LiveRun(
                loaded.settings, there, home, signal_dir, clock=clock, accept_external=accept_external, on_note=note
            )
            what = f"{broker.account} (test money)"
        account = "paper" if there is None else what.partition(" ")[0]
        broker.models = partial(models_of, loaded, account=account)
        stack.enter_context(home.lock())
        broker.alerts = stack.enter_context(open_alerts(loaded.settings.alerts, home, clock, on_note=note))
        if not (once and there is None):
            from chanflow.interfaces.cli.desk_doors import desk_doors

            broker.doors = desk_doors(loaded, note)
        if not once:
            note(f"{what} broker: watching {signal_dir}, journal in {home.root}; Ctrl-C ends it")
        broker.run(once=once, poll_s=POLL_S, stop=stop, on_progress=told)
    stderr.write("".join(f"{code:<10} {count:>9,}\n" for code, count in sorted(broker.passed_over.items())))
    told(broker.tally)


def _mock(
    settings: Settings,
    signal_dir: Path,
    output: Path,
    seed: int,
    sample_rate: float,
    *,
    once: bool,
    stop: Event,
    note: Callable[[str], None],
    stderr: TextIO,
) -> None:
    from chanflow.adapters.storage.order_log import OrderLog
    from chanflow.runtime.broker_service import BrokerTally, MockBroker, MockRules

    clock = SystemClock()
    began_ns = clock.monotonic_ns()
    execution = settings.execution
    rules = MockRules(seed, sample_rate, execution.order_latency_ms, execution.response_latency_ms)

    def told(tally: BrokerTally) -> None:
        stderr.write(tally.line((clock.monotonic_ns() - began_ns) / NS_PER_S) + "\n")

    with closing(OrderLog(output)) as log:
        broker = MockBroker(signal_dir, log, rules, on_note=note, on_progress=told)
        if not once:
            note(f"mock broker: watching {signal_dir}, orders go to {output}; Ctrl-C ends it")
        broker.watch(once=once, poll_s=POLL_S, stop=stop)
    stderr.write("".join(f"{code:<10} {count:>9,}\n" for code, count in sorted(broker.tally.passed_over.items())))
    told(broker.tally)
