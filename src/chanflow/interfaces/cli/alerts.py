"""`chanflow alerts status`, `test` and `list`: what stands in the file of alerts, and whether channels work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chanflow.adapters.notify.outbox import ChannelCounts, Outbox
from chanflow.domain.errors import DeliveryFailed, NotFound, SettingsInvalid
from chanflow.domain.time import NS_PER_MS, rfc3339
from chanflow.runtime.alert_desk import TEST_MESSAGE, open_channels
from chanflow.runtime.alerts import HEARTBEAT
from chanflow.runtime.capped_call import CappedCall
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.home import Home
from chanflow.runtime.settings import Loaded, load_settings

if TYPE_CHECKING:
    from chanflow.domain.alert import Messenger


def run_status(config: Path | None, overrides: Sequence[str]) -> None:
    """Print a line a channel, of those that are set and those that once were."""
    loaded = load_settings(config=config, overrides=overrides)
    with _outbox(loaded) as outbox:
        counts = {} if outbox is None else {each.name: each for each in outbox.counts()}
    channels = loaded.settings.alerts.channels
    for name in sorted({*channels, *counts} - {HEARTBEAT}):
        where = str(channels[name]) if name in channels else "no more in the settings"
        typer.echo(f"{name}: {where}\n  {counts_line(counts.get(name, ChannelCounts(name)))}")
    if not channels:
        typer.echo("no channel is set: alerts are kept and told to nobody, see docs/alerts.md")
    if loaded.settings.alerts.heartbeat.url.get_secret_value():
        typer.echo(f"heartbeat: {counts_line(counts.get(HEARTBEAT, ChannelCounts(HEARTBEAT)))}")


def run_test(channel: str | None, config: Path | None, overrides: Sequence[str]) -> bool:
    """Send the test message and print what each channel said. Returns whether all took it.

    Raises NotFound for a channel that is not set, or where none is.
    """
    settings = load_settings(config=config, overrides=overrides).settings.alerts
    names = ", ".join(sorted(settings.channels)) or "none"
    if not settings.channels or (channel is not None and channel not in settings.channels):
        raise NotFound(f"there is no alert channel {channel or ''}".rstrip() + f"; set are: {names}")
    opened = open_channels(settings)
    chosen = opened if channel is None else {channel: opened[channel]}
    return asyncio.run(_try(chosen, float(settings.attempt_s)))


async def _try(channels: dict[str, Messenger], cap_s: float) -> bool:
    clock, good = SystemClock(), True
    for name, messenger in channels.items():
        began_ns = clock.monotonic_ns()
        try:
            await CappedCall(name, clock).run(partial(messenger.send, TEST_MESSAGE, cap_s=cap_s), cap_s=cap_s)
        except DeliveryFailed as fault:
            good = False
            typer.echo(f"{name}: {messenger.address} failed: {fault}")
        else:
            typer.echo(f"{name}: {messenger.address} took it in {(clock.monotonic_ns() - began_ns) // NS_PER_MS} ms")
    return good


def run_list(limit: int, config: Path | None, overrides: Sequence[str]) -> None:
    """Print the newest alerts, a line each, newest first."""
    with _outbox(load_settings(config=config, overrides=overrides)) as outbox:
        listed = [] if outbox is None else outbox.newest(limit)
    for each in listed:
        places = ", ".join(f"{name} {state}" for name, state in each.places) or "told to nobody"
        when = f"{rfc3339(each.alert.at_ns)[:19]}Z"
        typer.echo(f"{when} {each.alert.severity:<8} {each.alert.title} [{places}]")
    if not listed:
        typer.echo("no alert is kept")


def doctor_line(loaded: Loaded) -> str:
    """Return the state of alerts in a line: channels, what waits, what failed, and an address that nobody can tell."""
    settings = loaded.settings.alerts
    if not settings.channels:
        return "no channel is set: nobody is told (docs/alerts.md)"
    try:
        open_channels(settings)
    except SettingsInvalid as fault:
        return str(fault)
    with _outbox(loaded) as outbox:
        counts = {} if outbox is None else {each.name: each for each in outbox.counts()}
    parts = []
    for name in sorted(settings.channels):
        each = counts.get(name, ChannelCounts(name))
        state = "failing" if (each.last_failed_ns or 0) > (each.last_sent_ns or 0) else "working"
        parts.append(f"{name} {state if each.sent or each.failed else 'not used yet'}, {each.waiting} waiting")
    return "; ".join(parts)


def counts_line(each: ChannelCounts) -> str:
    """Return what a channel did, in words."""
    parts = [
        f"{each.waiting} waiting", f"{each.sent} messages sent", f"{each.failed} attempts failed",
        f"{each.repeats} repeats held back", f"{each.dropped} dropped",
    ]  # fmt: skip
    if each.last_sent_ns is not None:
        parts.append(f"last sent {rfc3339(each.last_sent_ns)[:19]}Z")
    if each.last_failed_ns is not None:
        parts.append(f"last failed {rfc3339(each.last_failed_ns)[:19]}Z: {each.last_failure}")
    return ", ".join(parts)


@contextmanager
def _outbox(loaded: Loaded) -> Iterator[Outbox | None]:
    """Give the file of alerts, None where there is none yet: asking makes none."""
    path = Home(loaded.home).alerts_path
    if not path.exists():
        yield None
        return
    with closing(Outbox(path)) as outbox:
        yield outbox
