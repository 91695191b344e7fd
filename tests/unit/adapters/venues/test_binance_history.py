"""Binance's history: pages, weights, refusals, archives."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chanflow.adapters.venues.binance_history import MARKETS, BinanceHistory, Reply, read_archive
from chanflow.domain.errors import InvalidArgument, RecordingInvalid, VenueBusy, VenueRejected

DAY_MS = 86_400_000
START_MS = 1_767_571_200_000
NOW_MS = START_MS + 10 * DAY_MS


class WaitingClock:
    """A clock that moves only by waiting."""

    def __init__(self) -> None:
        self.at_ns = NOW_MS * 1_000_000
        self.waits_s: list[float] = []

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_until(self, at_ns: int) -> None:
        self.waits_s.append((at_ns - self.at_ns) / 1e9)
        self.at_ns = max(self.at_ns, at_ns)


def kline(open_ms: int) -> list[Any]:
    """A row in the documented shape."""
    return [open_ms, "1.0", "2.0", "0.5", "1.5", "10.0", open_ms + 59_999, "15.0", 7, "4.0", "6.0", "0"]


def history(
    answer: Callable[[str, dict[str, str]], Any], *, clock: WaitingClock | None = None, **more: Any
) -> BinanceHistory:
    def transport(url: str) -> Reply:
        parts = urlsplit(url)
        found = answer(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})
        return found if isinstance(found, Reply) else Reply(200, {}, json.dumps(found).encode())

    return BinanceHistory(MARKETS["binance-usdm"], clock or WaitingClock(), transport=transport, **more)


def klines(path: str, query: dict[str, str]) -> Any:
    assert path == "/fapi/v1/klines"
    first = -(-int(query["startTime"]) // 60_000) * 60_000
    last = int(query["endTime"])
    return [kline(ms) for ms in range(first, last + 1, 60_000)][: int(query["limit"])]


async def test_klines_are_paged_by_1500_without_hole_or_double() -> None:
    found = await history(klines).fetch("klines", "BTCUSDT", "1m", START_MS, START_MS + 3 * DAY_MS)
    assert list(found["open_ms"]) == list(range(START_MS, START_MS + 3 * DAY_MS, 60_000))
    assert (found["close"][0], found["amount"][0], found["trades"][0], found["buy_qty"][0]) == (1.5, 15.0, 7, 4.0)


async def test_a_bar_that_is_not_over_is_left_out() -> None:
    found = await history(klines).fetch("klines", "BTCUSDT", "1m", NOW_MS - 120_000, NOW_MS + 1)
    assert list(found["open_ms"]) == [NOW_MS - 120_000, NOW_MS - 60_000]


async def test_aggregate_trades_are_paged_by_id_to_the_end_of_the_span() -> None:
    every = [{"a": at, "p": "1.5", "q": "2", "f": at * 2, "l": at * 2 + 1, "T": START_MS + at * 700, "m": at % 2 == 0}
             for at in range(5_000)]  # fmt: skip
    asked = []

    def answer(_: str, query: dict[str, str]) -> Any:
        asked.append(query)
        rows = [row for row in every if row["a"] >= int(query["fromId"])] if "fromId" in query else [
            row for row in every if int(query["startTime"]) <= row["T"] <= int(query["endTime"])
        ]  # fmt: skip
        return rows[: int(query["limit"])]

    found = await history(answer).fetch("aggTrades", "BTCUSDT", None, START_MS, START_MS + 2_100_000)
    assert list(found["agg_id"]) == list(range(3_000))
    assert ["fromId" in query for query in asked] == [False, True, True, True]


async def test_before_the_weight_of_a_minute_is_spent_it_waits_for_the_next() -> None:
    clock = WaitingClock()
    used = [0]

    def answer(path: str, query: dict[str, str]) -> Reply:
        used[0] += 10
        return Reply(200, {"X-MBX-USED-WEIGHT-1M": str(used[0])}, json.dumps(klines(path, query)).encode())

    await history(answer, clock=clock, weight_a_minute=30).fetch("klines", "X", "1m", START_MS, START_MS + 4 * DAY_MS)
    assert clock.waits_s == [60.0]


async def test_a_venue_that_asks_to_wait_is_obeyed() -> None:
    clock, told = WaitingClock(), [Reply(429, {"Retry-After": "7"}, b"{}"), Reply(503, {}, b"")]
    found = await history(lambda path, query: told.pop(0) if told else klines(path, query), clock=clock).fetch(
        "klines", "X", "1m", START_MS, START_MS + 60_000
    )
    assert len(found["open_ms"]) == 1
    assert clock.waits_s == [7.0, 1.0]


async def test_a_long_ban_is_not_waited_for() -> None:
    with pytest.raises(VenueBusy, match="asks us to wait 3600 s"):
        await history(lambda *_: Reply(418, {"Retry-After": "3600"}, b"{}")).fetch("klines", "X", "1m", 0, 60_000)


async def test_a_refusal_carries_the_venues_words() -> None:
    refusal = Reply(400, {}, b'{"code":-1121,"msg":"Invalid symbol."}')
    with pytest.raises(VenueRejected, match=r"refused /fapi/v1/klines with 400: Invalid symbol\."):
        await history(lambda *_: refusal).fetch("klines", "X", "1m", 0, 60_000)


async def test_funding_and_open_interest_are_series() -> None:
    def answer(path: str, _: dict[str, str]) -> Any:
        if path.endswith("fundingRate"):
            return [{"symbol": "X", "fundingTime": START_MS, "fundingRate": "0.0001", "markPrice": ""}]
        assert path == "/futures/data/openInterestHist"
        return [{"symbol": "X", "sumOpenInterest": "5.5", "sumOpenInterestValue": "11.0", "timestamp": START_MS}]

    source = history(answer)
    assert (await source.fetch("funding", "X", None, START_MS, NOW_MS))["rate"] == [0.0001]
    assert (await source.fetch("openInterest", "X", "5m", START_MS, NOW_MS))["value_quote"] == [11.0]


async def test_an_unknown_interval_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(InvalidArgument, match="interval is 7m"):
        await history(lambda *_: pytest.fail("asked")).fetch("klines", "X", "7m", 0, 1)


def archive(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name.replace(".zip", ".csv"), text)
    return path


@pytest.mark.parametrize("header", ["", "open_time,open,high,low,close,volume,close_time,quote_volume,count,x,y,z\n"])
@pytest.mark.parametrize("unit", [1, 1_000])
async def test_an_archive_holds_what_the_venue_answers(tmp_path: Path, header: str, unit: int) -> None:
    rows = [kline(START_MS + at * 60_000) for at in range(3)]
    text = header + "".join(",".join(map(str, [row[0] * unit, *row[1:]])) + "\n" for row in rows)
    found = read_archive(archive(tmp_path, "BTCUSDT-1m-2026-01-05.zip", text))
    assert (found.symbol, found.kind, found.interval) == ("BTCUSDT", "klines", "1m")
    assert found.columns == await history(klines).fetch("klines", "BTCUSDT", "1m", START_MS, START_MS + 180_000)


def test_an_archive_of_trades_is_read(tmp_path: Path) -> None:
    header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
    text = f"{header}9,1.5,2,3,4,{START_MS},true\n"
    found = read_archive(archive(tmp_path, "BTCUSDT-aggTrades-2026-01-05.zip", text))
    assert found.columns == {
        "ts_ms": [START_MS], "price": [1.5], "qty": [2.0], "is_maker": [True], "agg_id": [9], "first_id": [3],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["bars.zip", "BTCUSDT-1m-2026-01-05.zip", "BTCUSDT-wings-2026-01-05.zip"])
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK but not")
    with pytest.raises(RecordingInvalid, match=name.partition("-")[0]):
        read_archive(path)
