"""Reading bars for an operation: in a thread, and with refusals that repeat nothing the caller sent."""

from __future__ import annotations

from functools import partial

import anyio.to_thread

from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.operations.fields import Adjust, Level
from chanflow.operations.outcome import Declined
from chanflow.operations.services import KlineReader

_NAMED = 20


async def read_bars(
    klines: KlineReader,
    symbol: str,
    level: Level,
    *,
    start_ms: int | None,
    end_ms: int | None,
    limit: int,
    fill: bool = False,
    adjust: Adjust = "none",
) -> list[Bar]:
    """Return closed bars as `KlineReader.klines` does. Raises Declined, naming what there is instead."""
    read = partial(
        klines.klines, symbol, level, start_ms=start_ms, end_ms=end_ms, limit=limit, fill=fill, adjust=adjust
    )
    try:
        return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
    except InvalidArgument as fault:
        raise Declined("not_found", "the symbol's calendar has no bars of this level", field="level") from fault
    except NotFound as fault:
        known = await anyio.to_thread.run_sync(partial(known_symbols, klines), abandon_on_cancel=True)
        if symbol in known and adjust != "none":
            raise Declined("not_found", "the symbol has no adjustment factors here", field="adjust") from fault
        if symbol in known:
            raise Declined("not_found", "the symbol has no bars of this level", field="level") from fault
        named = ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED} more" if len(known) > _NAMED else "")
        raise Declined(
            "not_found",
            "the symbol has no data here",
            field="symbol",
            suggestion=f"symbols: {named}" if named else "start with: chanflow demo",
        ) from fault


async def bars_known(klines: KlineReader, symbol: str, level: Level, *, as_of_ms: int | None, limit: int) -> list[Bar]:
    """Return the newest `limit` bars that were closed at `as_of_ms`, or now. Raises Declined as `read_bars` does."""
    if as_of_ms is None:
        return await read_bars(klines, symbol, level, start_ms=None, end_ms=None, limit=limit)
    # One bar may have been open then.
    bars = await read_bars(klines, symbol, level, start_ms=None, end_ms=as_of_ms, limit=limit + 1)
    return [bar for bar in bars if bar.close_ms <= as_of_ms][-limit:]


def known_symbols(klines: KlineReader) -> list[str]:
    """Return the symbols that have bars, none when nothing was ever recorded."""
    try:
        return klines.symbols()
    except NotFound:
        return []


def known_ms(bars: list[Bar], clock: Clock, *, as_of_ms: int | None = None) -> int:
    """Return when all of `bars` could be known, in Unix ms: the close of the last.

    That there are none is known at `as_of_ms`, the moment that was asked about, and never later than now.
    """
    if bars:
        return bars[-1].close_ms
    now_ms = clock.now_ns() // NS_PER_MS
    return now_ms if as_of_ms is None else min(now_ms, as_of_ms)


def stale_ms(bars: list[Bar], clock: Clock) -> int | None:
    """Return the age in ms of the newest of `bars`, or None while no newer bar can have closed."""
    if not bars:
        return None
    age_ms = clock.now_ns() // NS_PER_MS - bars[-1].close_ms
    return age_ms if age_ms >= bars[-1].interval_ms else None
