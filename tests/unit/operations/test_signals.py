"""get_signals: decisions newest first, refusals too, in pages that fit together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chanflow.domain.errors import NotFound
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.signals import GET_SIGNALS, GetSignals, SignalsFound


async def _query(services: Any, **args: Any) -> SignalsFound:
    return await GET_SIGNALS.handler(Asked(GetSignals.model_validate(args), LOCAL_OPERATOR, services, "r-1"))


@pytest.mark.asyncio
async def test_signals_stand_newest_first(desk: Any) -> None:
    found = await _query(desk.memory_services())
    assert [each.ts_ms for each in found.signals] == sorted((each.ts_ms for each in found.signals), reverse=True)
    assert (len(found.signals), found.next_cursor) == (12, None)


@pytest.mark.asyncio
async def test_pages_fit_together_under_any_filter(desk: Any) -> None:
    for asked in ({}, {"symbol": "BTCUSDT"}, {"confirm": False}):
        whole = (await _query(desk.memory_services(), **asked)).signals
        pages, cursor = [], None
        while True:
            page = await _query(desk.memory_services(), limit=2, cursor=cursor, **asked)
            pages += page.signals
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages == whole


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"symbol": "ETHUSDT"}, lambda each: each.symbol == "ETHUSDT"),
        ({"decision_code": "LOW_SCORE"}, lambda each: each.decision_code == "LOW_SCORE"),
        ({"confirm": True}, lambda each: each.confirm),
        ({"since": "2026-01-01T00:05:00Z"}, lambda each: each.ts_ms >= 1_767_225_900_000),
    ],
    ids=["symbol", "code", "confirm", "since"],
)
async def test_each_filter_keeps_what_fits(desk: Any, asked: dict[str, Any], kept: Any) -> None:
    whole = (await _query(desk.memory_services())).signals
    found = (await _query(desk.memory_services(), **asked)).signals
    assert found == [each for each in whole if kept(each)]
    assert 0 < len(found) < len(whole)


@pytest.mark.asyncio
async def test_it_says_when_the_newest_was_known_and_how_stale_it_is(desk: Any) -> None:
    found = await _query(desk.memory_services(), symbol="NONE")
    newest_ms = 1_767_225_600_000 + 11 * 60_000
    assert (found.signals, found.known_at) == ([], "2026-01-01T00:11:00.000Z")
    assert found.stale_ms == desk.NOW_NS // 1_000_000 - newest_ms


class Nothing:
    def signals(self, source: str, run_id: str | None) -> Iterator[Any]:
        raise NotFound("no run in /somewhere/private")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("args", "code", "field"),
    [
        ({}, "not_found", None),
        ({"source": "sink", "run_id": "r1"}, "not_found", None),
        ({"run_id": "r1"}, "invalid_argument", "run_id"),
        ({"cursor": "bm9uc2Vuc2U"}, "invalid_argument", "cursor"),
    ],
    ids=["desk", "sink", "run", "cursor"],
)
async def test_what_cannot_be_answered_is_declined(desk: Any, args: Any, code: str, field: str | None) -> None:
    services = replace(desk.memory_services(), signals=Nothing())
    with pytest.raises(Declined) as caught:
        await _query(services, **args)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert "private" not in str(caught.value)


def test_it_is_none_of_the_mcp_tools() -> None:
    assert GET_SIGNALS.doors == {"cli", "rest", "ws"}
