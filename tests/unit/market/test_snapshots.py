"""Whole books are asked for one at a time, the longest without first."""

from __future__ import annotations

import asyncio
import json

import pytest

from chanflow.adapters.venues.binance_market import URLS, BinanceMarket
from chanflow.domain.time import NS_PER_S
from chanflow.market.ports import RestReply, RestRequest
from chanflow.market.snapshots import SnapshotDesk, retry_after_s
from chanflow.runtime.clock import SimulatedClock


class _Rest:
    def __init__(self, clock: SimulatedClock, replies: list[RestReply]) -> None:
        self.asked: list[tuple[int, str]] = []
        self._clock, self._replies = clock, replies

    async def ask(self, request: RestRequest) -> RestReply:
        words = dict(request.params)
        what = f"{words['symbol']} {words['fromId']}" if "fromId" in words else words["symbol"]
        self.asked.append((self._clock.now_ns() // NS_PER_S, what))
        return self._replies.pop(0) if self._replies else RestReply(200, {}, b'{"lastUpdateId":1}')


def trades(*numbers: int) -> RestReply:
    one = {"p": "1.0", "q": "2.0", "f": 7, "l": 8, "T": 5, "m": True}
    return RestReply(200, {}, json.dumps([{"a": number, **one} for number in numbers]).encode())


async def desk_of(
    clock: SimulatedClock, replies: list[RestReply], filled: list[bytes] | None = None
) -> tuple[SnapshotDesk, _Rest, asyncio.Task[None]]:
    rest, filled = _Rest(clock, replies), [] if filled is None else filled
    desk = SnapshotDesk(
        BinanceMarket("binance-usdm", URLS["binance-usdm"]), rest, clock, lambda _symbol, _frame: None,
        lambda _symbol, frame: filled.append(frame),
    )  # fmt: skip
    return desk, rest, asyncio.create_task(desk.run())


async def test_the_longest_without_a_book_comes_first() -> None:
    clock = SimulatedClock(NS_PER_S)
    desk, rest, running = await desk_of(clock, [])
    desk.want({"ETHUSDT": 30, "BTCUSDT": 20, "SOLUSDT": 40})
    await clock.run_until_idle(2 * NS_PER_S)
    running.cancel()
    assert [symbol for _, symbol in rest.asked] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


async def test_sixty_a_minute_and_no_more() -> None:
    clock = SimulatedClock(0)
    desk, rest, running = await desk_of(clock, [])
    for second in range(1, 61):
        desk.want({f"S{n}USDT": 1 for n in range(100)})
        await clock.run_until_idle(second * NS_PER_S)
    running.cancel()
    assert 100 <= len(rest.asked) <= 120


async def test_a_refusal_stops_all_until_its_time() -> None:
    clock = SimulatedClock(0)
    desk, rest, running = await desk_of(clock, [RestReply(429, {"Retry-After": "30"}, b"")])
    for second in range(1, 40):
        desk.want({"BTCUSDT": 1, "ETHUSDT": 2})
        await clock.run_until_idle(second * NS_PER_S)
        if len(rest.asked) > 1:
            break
    running.cancel()
    assert rest.asked[0][0] == 0
    assert rest.asked[1][0] == 30
    assert desk.refused == 1


async def test_a_hole_waits_for_books_and_is_filled_page_by_page() -> None:
    clock, filled = SimulatedClock(0), list[bytes]()
    book = RestReply(200, {}, b"{}")
    desk, rest, running = await desk_of(clock, [book, trades(3, 4), trades(5, 6)], filled)
    desk.miss("BTCUSDT", 3, 5)
    desk.want({"ETHUSDT": 1})
    await clock.run_until_idle(NS_PER_S)
    running.cancel()
    assert [what for _, what in rest.asked] == ["ETHUSDT", "BTCUSDT 3", "BTCUSDT 5"]
    assert [json.loads(frame)["data"]["a"] for frame in filled] == [3, 4, 5]
    assert desk.filled == 3


@pytest.mark.parametrize(
    "reply", [RestReply(500, {}, b""), RestReply(200, {}, b"[]"), RestReply(200, {}, b'[{"a":1}]')]
)
async def test_a_hole_that_nobody_can_fill_is_given_up(reply: RestReply) -> None:
    clock = SimulatedClock(0)
    desk, rest, running = await desk_of(clock, [reply] * 100)
    desk.miss("BTCUSDT", 3, 5)
    for second in range(1, 100):
        desk.want({})
        await clock.run_until_idle(second * NS_PER_S)
    running.cancel()
    assert [at for at, _ in rest.asked] == [0, 2, 6, 14, 30]


async def test_a_refusal_delays_a_hole_and_does_not_end_it() -> None:
    clock, filled = SimulatedClock(0), list[bytes]()
    desk, rest, running = await desk_of(clock, [RestReply(418, {"Retry-After": "30"}, b""), trades(3)], filled)
    desk.miss("BTCUSDT", 3, 3)
    for second in range(1, 40):
        await clock.run_until_idle(second * NS_PER_S)
    running.cancel()
    assert [at for at, _ in rest.asked] == [0, 30]
    assert (len(filled), desk.refused) == (1, 1)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, {"retry-after": "7"}, 7.0), (418, {}, 120.0), (429, {}, 10.0), (429, {"Retry-After": "soon"}, 10.0),
        (429, {"Retry-After": "Thu, 01 Jan 1970 00:01:00 GMT"}, 60.0),
    ],
)  # fmt: skip
def test_how_long_a_refusal_lasts(status: int, header: dict[str, str], seconds: float) -> None:
    assert retry_after_s(RestReply(status, header, b""), SimulatedClock(0)) == seconds
