"""What a subscription asks for: its filter checked against its channel, and its bars watched from now on."""

from __future__ import annotations

from typing import Any

from chanflow.domain.time import NS_PER_DAY
from chanflow.interfaces.ws.channels import TERMS, Filtered
from chanflow.interfaces.ws.dialect import Subscribe
from chanflow.interfaces.ws.listening import Filter
from chanflow.operations.alerts import newest_mark
from chanflow.operations.bars import read_bars
from chanflow.operations.outcome import Declined
from chanflow.operations.services import Services

_TAKES: dict[Filtered, frozenset[str]] = {
    "points": frozenset({"symbol", "symbols", "level", "type", "state"}),
    "alert": frozenset({"alert_id"}),
    "series": frozenset({"symbol", "symbols", "level"}),
    "symbols": frozenset({"symbol", "symbols"}),
    "job": frozenset({"job_id"}),
    "nothing": frozenset(),
}


async def wanted_by(asked: Subscribe, services: Services) -> Filter:
    """Return what is asked for. Raises Declined where the filter is not the channel's, or has no data here."""
    chosen, filtered = asked.filter, TERMS[asked.channel].filtered
    takes = _TAKES[filtered]
    if wrong := sorted(chosen.model_fields_set - takes):
        known = f"a filter of {', '.join(sorted(takes))}" if takes else "no filter"
        raise Declined("invalid_argument", f"channel {asked.channel} has {known}", field=f"filter.{wrong[0]}")
    if filtered == "nothing":
        return Filter()
    if filtered == "alert":
        return Filter(alerts=frozenset() if chosen.alert_id is None else frozenset({chosen.alert_id}))
    if filtered == "job":
        if chosen.job_id is None:
            raise Declined("invalid_argument", "filter needs job_id", field="filter.job_id")
        return Filter(job=chosen.job_id)
    if chosen.symbol is not None and chosen.symbols is not None:
        raise Declined("invalid_argument", "filter has symbol or symbols, not both", field="filter.symbol")
    symbols = tuple(sorted({*(chosen.symbols or ()), *([chosen.symbol] if chosen.symbol else ())}))
    if filtered == "symbols":
        return Filter(symbols)
    if not symbols:
        raise Declined("invalid_argument", "filter needs symbol or symbols, one of both", field="filter.symbol")
    if filtered == "series":
        for symbol in symbols:
            await read_bars(services.klines, symbol, chosen.level, start_ms=None, end_ms=None, limit=1)
        return Filter(symbols, chosen.level)
    await _watch(symbols, chosen.level, services)
    states = frozenset() if chosen.state == "any" else frozenset({chosen.state})
    return Filter(symbols, chosen.level, frozenset(chosen.type), states)


async def _watch(symbols: tuple[str, ...], level: Any, services: Services) -> None:
    """Have bars looked at for points, for a day beyond the socket."""
    marks = [await newest_mark(services, symbol, level) for symbol in symbols]
    until_ns = services.clock.now_ns() + NS_PER_DAY
    async with services.alerts.open() as store:
        for mark in marks:
            await store.want(mark, until_ns)
