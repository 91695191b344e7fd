"""`chanflow harvest`: record a venue's market data until told to stop.

Exit codes: 0 stopped in order · 2 bad configuration · 3 no socket could be opened for 120 s · 1 another fault.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from chanflow.domain.errors import InvalidArgument, VenueUnreachable
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.clock import SystemClock, SystemRandomness
from chanflow.runtime.harvest import HarvestSpec, harvest, harvest_recorded
from chanflow.runtime.home import Home
from chanflow.runtime.settings import load_settings

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def run_harvest(
    *,
    config: Path | None,
    overrides: Sequence[str],
    venue: str,
    symbols: Sequence[str] | None,
    output: Path | None,
    part_format: str | None,
    max_rows: int | None,
    max_sec: int | None,
    layers: str | None,
    duration: str | None,
    from_wire: Sequence[Path] | None,
    urls: Sequence[str] | None,
) -> None:
    """Harvest, or run recorded frames through the same path. Raises as the parts it runs."""
    flags = {
        "harvest.output.base_dir": output, "harvest.output.format": part_format, "harvest.rotate.max_rows": max_rows,
        "harvest.rotate.max_sec": max_sec, "symbols": ",".join(split(symbols)) if symbols else None,
    }  # fmt: skip
    said = [f"{key}={value}" for key, value in flags.items() if value is not None]
    loaded = load_settings(config=config, overrides=[*overrides, *said])
    settings = loaded.settings.harvest
    base = settings.output.base_dir
    spec = HarvestSpec(
        venue=venue, symbols=loaded.settings.symbols,
        output_dir=Path(base).expanduser().absolute() if base else Home(loaded.home).root / "lake" / venue,
        part_format=settings.output.format, max_rows=settings.rotate.max_rows, max_s=float(settings.rotate.max_sec),
        max_mb=settings.rotate.max_mb, layers=tuple(split([layers])) if layers is not None else ("rows", "raw"),
        urls=url_overrides(urls or ()),
    )  # fmt: skip
    if from_wire:
        files = from_wire
        harvest_recorded(spec, files, max_bytes=loaded.settings.market.max_recording_mb << 20, tell=_tell)
        return
    stop_s = None if duration is None else seconds_of(duration)
    try:
        asyncio.run(_live(spec, stop_s))
    except VenueUnreachable as fault:
        _tell(str(fault))
        raise typer.Exit(3) from fault


async def _live(spec: HarvestSpec, stop_s: float | None) -> None:
    clock, stop = SystemClock(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    timer = None
    if stop_s is not None:
        timer = asyncio.create_task(_stop_later(clock, clock.now_ns() + int(stop_s * NS_PER_S), stop))
    await harvest(spec, clock=clock, randomness=SystemRandomness(), stop=stop, tell=_tell)
    if timer is not None:
        timer.cancel()


async def _stop_later(clock: SystemClock, at_ns: int, stop: asyncio.Event) -> None:
    await clock.sleep_until(at_ns)
    stop.set()


def seconds_of(text: str) -> float:
    """Return a span like 90s, 10m, 2h or 1d in s. Raises InvalidArgument."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None or int(found[1]) == 0:
        raise InvalidArgument(f"span {text[:32]!r} is no whole number above 0 with s, m, h or d", field="for")
    return float(int(found[1]) * _UNITS_S[found[2]])


def url_overrides(pairs: Sequence[str]) -> Mapping[str, str]:
    """Return addresses by name from NAME=URL. Raises InvalidArgument."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, url = pair.partition("=")
        if not equals or not name or not url:
            raise InvalidArgument(f"--url-override {pair[:100]} is not NAME=URL", field="url")
        found[name] = url
    return found


def split(words: Sequence[str]) -> list[str]:
    """Return words that may hold several, parted by commas or spaces."""
    return [part for word in words for part in re.split(r"[,\s]+", word) if part]


def _tell(text: str) -> None:
    typer.echo(f"chanflow harvest: {text}", err=True)
