"""OKX's public answers, shaped as its documentation shows them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from chanflow.adapters.venues.okx.quotes import OkxQuotes
from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import NS_PER_MS
from chanflow.market.quotes import Minute

D = Decimal
SWAP = "BTC-USDT-SWAP"
AT_MS = 1_767_571_200_000
HOUR_MS = 3_600_000


class Okx:
    """Answers from `told`, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.told: dict[str, list[Any]] = {
            "/api/v5/public/instruments": [{"instId": SWAP, "ctVal": "0.01", "ctMult": "1"}],
            "/api/v5/public/mark-price": [{"instId": SWAP, "markPx": "60000.1", "ts": str(AT_MS)}],
            "/api/v5/public/funding-rate": [
                {"fundingRate": "0.0002", "fundingTime": str(AT_MS + HOUR_MS),
                 "nextFundingTime": str(AT_MS + 9 * HOUR_MS)}
            ],
            "/api/v5/market/books": [
                {"asks": [["60001", "150", "0", "3"]], "bids": [["60000", "20", "0", "1"]], "ts": str(AT_MS + 5)}
            ],
        }  # fmt: skip
        self.candles = [
            [str(AT_MS + n * 60_000), "1", "2", "0.5", str(60_000 + n), "9", "0.09", "5400", "1"] for n in range(700)
        ]  # fmt: skip

    async def answer(self, request: web.Request) -> web.Response:
        rows: list[Any]
        if request.path == "/api/v5/market/candles":
            after, limit = int(request.query["after"]), int(request.query["limit"])
            rows = [row for row in reversed(self.candles) if int(row[0]) < after][:limit]
        else:
            rows = self.told[request.path]
        return web.Response(text=json.dumps({"code": "0", "msg": "", "data": rows}))


@pytest.fixture
async def okx() -> AsyncIterator[Okx]:
    made, app = Okx(), web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


async def test_a_quote_counts_contracts_in_base(okx: Okx) -> None:
    quotes = OkxQuotes(okx.url)
    found = await quotes.quote(SWAP)
    await quotes.close()
    assert (found.mark, found.mark_ns) == (D("60000.1"), AT_MS * NS_PER_MS)
    assert (found.bids, found.asks) == (((D(60000), D("0.20")),), ((D(60001), D("1.50")),))
    assert found.funding_frac(AT_MS * NS_PER_MS, (AT_MS + 9 * HOUR_MS) * NS_PER_MS) == D("0.0004")


async def test_minutes_are_read_page_by_page_and_told_oldest_first(okx: Okx) -> None:
    quotes = OkxQuotes(okx.url)
    found = await quotes.minutes(SWAP, AT_MS + 60_000, AT_MS + 650 * 60_000)
    await quotes.close()
    assert [one.open_ms for one in found] == [AT_MS + n * 60_000 for n in range(1, 650)]
    assert found[0] == Minute(AT_MS + 60_000, D(60_001), D(5400))


@pytest.mark.parametrize("rows", [[], [{"instId": SWAP, "markPx": "0", "ts": "1"}], [{"markPx": "NaN", "ts": "1"}]])
async def test_what_is_no_mark_is_no_quote(okx: Okx, rows: list[Any]) -> None:
    okx.told["/api/v5/public/mark-price"] = rows
    okx.told["/api/v5/market/books"][0]["bids"] = []
    quotes = OkxQuotes(okx.url)
    with pytest.raises(VenueBusy):
        await quotes.quote(SWAP)
    await quotes.close()
