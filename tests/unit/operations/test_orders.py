from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chanflow.domain.errors import JournalCorrupt
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done, Failed
from chanflow.operations.principal import LOCAL_OPERATOR


async def ask(services: Any, **args: Any) -> Any:
    return await build_catalogue(services).execute(LOCAL_OPERATOR, "get_orders", args, door="rest", request_id="r-1")


async def found(services: Any, **args: Any) -> Any:
    outcome = await ask(services, **args)
    assert isinstance(outcome, Done), outcome
    return outcome.result


@pytest.mark.asyncio
async def test_orders_come_newest_first_with_their_fills(desk: Any) -> None:
    answer = await found(desk.memory_services())
    stop, entry = answer.orders[:2]
    assert (stop.leg, stop.client_order_id, stop.leaves) == ("stop", None, entry.filled)
    assert (entry.client_order_id, len(entry.fills), str(entry.avg_price)) == ("mine-0001", 3, "42001.00000000")
    assert (len(answer.orders), answer.next_cursor, answer.stale_ms) == (10, None, None)


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [1, 3, 7, 10, 11])
async def test_pages_join_without_a_hole_or_a_double(desk: Any, limit: int) -> None:
    services, cursor, seen = desk.memory_services(), None, []
    while True:
        page = await found(services, limit=limit, **({"cursor": cursor} if cursor else {}))
        seen += [order.venue_order_id for order in page.orders]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [order.venue_order_id for order in (await found(services)).orders]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("args", "count"),
    [
        ({"symbol": "BTCUSDT"}, 2), ({"symbol": "DOGEUSDT"}, 0), ({"state": "open"}, 1), ({"state": "expired"}, 8),
        ({"state": "filled"}, 1), ({"since": "2026-01-01T00:07:00Z"}, 3),
        ({"since": "2026-01-01T00:07:00Z", "state": "expired"}, 1),
    ],
)  # fmt: skip
async def test_filters_choose(desk: Any, args: dict[str, Any], count: int) -> None:
    assert len((await found(desk.memory_services(), **args)).orders) == count


@pytest.mark.asyncio
async def test_without_a_desk_there_are_none(desk: Any) -> None:
    outcome = await ask(desk.new_services())
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.message) == ("not_found", "no desk has run yet")


@pytest.mark.asyncio
async def test_a_spoilt_journal_tells_no_cause(desk: Any) -> None:
    class Spoilt:
        def orders(self) -> Any:
            raise JournalCorrupt("journal record 7 of /somewhere/private")

    outcome = await ask(replace(desk.memory_services(), orders=Spoilt()))
    assert isinstance(outcome, Failed)
    assert "private" not in outcome.error.model_dump_json()
