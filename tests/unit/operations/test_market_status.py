"""get_market_status: sessions, prices, gaps, the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chanflow.market.feed import snapshot_of
from chanflow.operations.market_status import GET_MARKET_STATUS, GetMarketStatus, MarketStatus
from chanflow.operations.operation import Asked
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.services import NoDesk


async def status(services: Any, **args: Any) -> MarketStatus:
    return await GET_MARKET_STATUS.handler(Asked(GetMarketStatus(**args), LOCAL_OPERATOR, services, "r-1"))


async def test_a_symbol_has_its_price_age_and_spread(desk: Any) -> None:
    found = (await status(desk.memory_services(), symbols=["BTCUSDT"])).symbols[0]
    assert (found.last_price, found.age_ms, found.session, found.gap) == (42_000.1, 100, "open", False)
    assert found.spread_bps == pytest.approx(1e4 * 0.2 / 42_000.1)


async def test_an_a_share_is_closed_on_a_holiday_evening_and_without_data(desk: Any) -> None:
    found = (await status(desk.memory_services(), symbols=["000001.SZ"])).symbols[0]
    assert (found.session, found.last_price, found.age_ms) == ("closed", None, None)


async def test_without_symbols_the_first_that_are_known_come(desk: Any) -> None:
    assert [row.symbol for row in (await status(desk.memory_services())).symbols] == ["BTCUSDT", "EMPTY", "ETHUSDT"]


async def test_the_desk_tells_its_ladder_and_no_desk_is_null(desk: Any) -> None:
    services = desk.memory_services()
    row = (await status(services)).desk
    assert row is not None
    assert (row.mode, row.ladder_level, row.halted) == ("paper", "L3", False)
    assert (await status(replace(services, desk=NoDesk()))).desk is None


@pytest.mark.parametrize(
    ("state", "codes", "gap"), [("synced", [], False), ("buffering", [], True), ("synced", ["chain_break"], True)]
)
async def test_a_lost_book_is_a_gap(desk: Any, state: str, codes: list[str], gap: bool) -> None:
    book = {"state": state, "event_ms": 0, "known_ns": desk.NOW_NS, "dq_codes": codes}

    class Lost:
        def live_snapshot(self, symbols: list[str]) -> Any:
            return [snapshot_of(symbol, {"book": book}, desk.NOW_NS) for symbol in symbols]

    found = await status(replace(desk.memory_services(), feed=Lost()), symbols=["BTCUSDT"])
    assert found.symbols[0].gap is gap
