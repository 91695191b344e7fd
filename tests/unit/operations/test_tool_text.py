"""The text beside a structured body."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import body_of, compact_json, failure
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.tool_text import text_of


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["get_klines", "analyze_structure", "query_buy_sell_points", "get_position"])
async def test_a_short_body_is_repeated_and_a_long_one_is_told_in_short(desk: Any, name: str) -> None:
    catalogue = build_catalogue(desk.memory_services())
    for limit in (1, 200):
        args = {} if name == "get_position" else {"symbol": "ETHUSDT", "level": "1m", "limit": limit}
        outcome = await catalogue.execute(LOCAL_OPERATOR, name, args, door="mcp", request_id="r-1")
        body = compact_json(body_of(outcome))
        text = text_of(outcome, catalogue.get(name, "mcp"))
        assert (text == body) == (len(body.encode()) <= 2048)
        assert 0 < len(text.encode()) <= 2048


def test_an_error_is_its_body() -> None:
    failed = failure("not_found", "r-1", suggestion="use: " + "x" * 3000)
    assert text_of(failed, None) == compact_json(body_of(failed))
