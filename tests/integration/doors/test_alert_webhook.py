"""An alert set over REST reaches its webhook from a desk that serves, and its owner sees that it did."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import memory_desk
import pytest
from made_outside import outside

from chanflow.adapters.net.outward import Outward
from chanflow.domain.watch_alert import Happening
from chanflow.interfaces.rest.app import build_app
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home


@pytest.mark.timeout(90)
async def test_what_an_alert_hears_is_sent_by_the_desk_that_serves(tmp_path: Path) -> None:
    clock = SystemClock()
    async with outside() as server:
        server.says(b"ok")
        origin = f"http://127.0.0.1:{server.port}"
        book = AlertBook(Home(tmp_path), clock, outward=Outward(allowed_origins=frozenset({origin})))
        ids = Uuid7Ids(clock, SystemRandomness())
        app = build_app(replace(memory_desk.memory_services(), alerts=book, ids=ids, clock=clock))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 123))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000/api/v2") as client,
        ):
            wanted = {"client_alert_id": "hook-0001", "symbols": ["ETHUSDT"], "level": "1m", "webhook": f"{origin}/in"}
            alert = (await client.post("/alerts", json=wanted)).json()["alert_id"]
            secret = (await client.post(f"/alerts/{alert}/secret", json={})).json()["secret"]
            assert secret.startswith("whsec_")
            told: dict[str, Any] = {"event": "new", "symbol": "ETHUSDT", "level": "1m", "type": "buy1"}
            happening = Happening("h1", "buy_sell_points", "ETHUSDT", "1m", clock.now_ns(), told, "buy1")
            async with book.open() as store:
                await store.log([(happening, [alert])], mark=None, before_ms=None, now_ns=clock.now_ns())
            rows = await _delivered(client, alert)
            off = (await client.patch(f"/alerts/{alert}", json={"webhook": "off"})).json()
        (raw,) = server.asked
        assert f"X-CF-Delivery: {rows[0]['id']}".lower().encode() in raw.lower()
        assert off == {"alert_id": alert, "webhook": "http://127.0.0.1", "off": "switched off by its owner"}


async def _delivered(client: httpx.AsyncClient, alert: str) -> list[dict[str, Any]]:
    """Return the deliveries once they have arrived."""
    while True:
        rows: list[dict[str, Any]] = (await client.get(f"/alerts/{alert}/deliveries")).json()["deliveries"]
        if rows and all(row["state"] == "delivered" for row in rows):
            return rows
        await asyncio.sleep(0.1)
