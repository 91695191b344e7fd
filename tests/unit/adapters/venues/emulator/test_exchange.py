import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from made_exchange import BTC, START_NS, UNLIMITED

from chanflow.adapters.venues.emulator.exchange import Exchange, ExchangeSettings
from chanflow.adapters.venues.emulator.frames import Frame
from chanflow.adapters.venues.emulator.records import UserEvent
from chanflow.adapters.venues.emulator.rest import Request
from chanflow.adapters.venues.emulator.signing import signature
from chanflow.adapters.venues.emulator.tape.synthetic import SyntheticTape
from chanflow.runtime.clock import SimulatedClock

SECOND_NS = 10**9
WALL_NS = START_NS + 1_000 * SECOND_NS


def made(**more: Any) -> Exchange:
    settings = ExchangeSettings(**({"speed": "step", "warm_ns": SECOND_NS, "limits": UNLIMITED} | more))

    def make_tape(start_ns: int | None) -> SyntheticTape:
        return SyntheticTape([BTC], seed=7, start_ns=START_NS if start_ns is None else start_ns)

    return Exchange(make_tape, SimulatedClock(WALL_NS), settings)


def ask(exchange: Exchange, method: str, path: str, **asked: Any) -> Any:
    text = urlencode({**asked, "timestamp": exchange.server_ns // 10**6})
    text += f"&signature={signature('test', text)}"
    return json.loads(exchange.answer(Request(method, path, text, "", {"x-mbx-apikey": "me"})).body)


def buy(exchange: Exchange, qty: str = "0.010") -> Any:
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": qty, "newOrderRespType": "RESULT"}
    return ask(exchange, "POST", "/fapi/v1/order", **asked)


async def test_time_stands_until_it_is_told_to_move() -> None:
    exchange = made()
    await exchange.warm_up()
    assert exchange.now_ns == START_NS + SECOND_NS
    assert ask(exchange, "GET", "/fapi/v1/time")["serverTime"] == (START_NS + SECOND_NS) // 10**6
    exchange.advance(5 * SECOND_NS)
    assert exchange.now_ns == START_NS + 6 * SECOND_NS


async def test_a_command_arrives_its_latency_later_and_a_question_at_once() -> None:
    exchange = made(latency_ns=7 * 10**6)
    await exchange.warm_up()
    before_ns = exchange.now_ns
    ask(exchange, "GET", "/fapi/v3/balance")
    assert exchange.now_ns == before_ns
    filled = buy(exchange)
    assert exchange.now_ns == before_ns + 7 * 10**6
    assert (filled["status"], filled["updateTime"]) == ("FILLED", exchange.now_ns // 10**6)


async def test_what_a_client_trades_shows_in_the_market() -> None:
    exchange = made()
    await exchange.warm_up()
    buy(exchange, "0.010")
    newest = ask(exchange, "GET", "/fapi/v1/trades", symbol="BTCUSDT", limit=1)[0]
    assert (newest["qty"], newest["isBuyerMaker"]) == ("0.010", False)


async def test_two_runs_of_one_seed_are_the_same_to_the_byte() -> None:
    async def run() -> list[Any]:
        exchange, told = made(), []
        exchange.on_event = lambda event, _now: told.append((event.payload, event.event_ns)) or (event,)  # type: ignore[func-returns-value]
        await exchange.warm_up()
        for _ in range(20):
            buy(exchange, "0.100")
            exchange.advance(SECOND_NS // 3)
        return [
            told,
            ask(exchange, "GET", "/fapi/v2/account"),
            ask(exchange, "GET", "/fapi/v1/depth", symbol="BTCUSDT"),
        ]

    assert await run() == await run()


async def test_events_reach_the_listen_key_of_their_account() -> None:
    exchange = made()
    await exchange.warm_up()
    sent: list[tuple[str, Any]] = []
    exchange.streams.push_user = lambda key, payload: sent.append((key, payload)) or True  # type: ignore[method-assign,func-returns-value,assignment]
    buy(exchange)
    assert sent == []
    key = ask(exchange, "POST", "/fapi/v1/listenKey")["listenKey"]
    buy(exchange)
    assert {name for name, _ in sent} == {key}
    assert [payload["e"] for _, payload in sent] == [
        "ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE",
    ]  # fmt: skip
    exchange.listen_keys.expire(exchange.now_ns // 10**6 + 3_600_000)
    assert sent[-1][1]["e"] == "listenKeyExpired"


async def test_who_stands_at_a_seam_decides_what_leaves() -> None:
    exchange = made()
    held: list[UserEvent] = []
    exchange.on_event = lambda event, _now: held.append(event) or ()  # type: ignore[func-returns-value]
    exchange.skew = lambda _now_ns: 5 * SECOND_NS
    seen: list[int] = []
    exchange.after_slice.append(seen.append)
    await exchange.warm_up()
    assert seen[-1] == exchange.now_ns
    assert exchange.server_ns == exchange.now_ns + 5 * SECOND_NS
    buy(exchange)
    assert [event.name for event in held][-1] == "ORDER_TRADE_UPDATE"


async def test_sleepers_wake_in_the_exchanges_time() -> None:
    exchange = made()
    await exchange.warm_up()
    sleeping = asyncio.create_task(exchange.hold(2 * SECOND_NS))
    await asyncio.sleep(0)
    await exchange.advance_whole(SECOND_NS)
    assert not sleeping.done()
    await exchange.advance_whole(SECOND_NS)
    await asyncio.wait_for(sleeping, 300)


@pytest.mark.parametrize(("speed", "factor"), [("1", 1), ("10", 10)])
async def test_a_paced_exchange_follows_the_wall_clock(speed: str, factor: int) -> None:
    exchange = made(speed=speed)
    await exchange.warm_up()
    clock = exchange.clock
    assert isinstance(clock, SimulatedClock)
    assert exchange.now_ns == WALL_NS
    running = asyncio.create_task(exchange.run())
    await clock.run_until_idle(WALL_NS + SECOND_NS)
    running.cancel()
    assert exchange.now_ns == pytest.approx(WALL_NS + factor * SECOND_NS, abs=factor * 5 * 10**6)
    assert exchange.server_ns == WALL_NS + SECOND_NS


async def test_a_reset_forgets_accounts_and_begins_the_tape_anew() -> None:
    exchange = made()
    await exchange.warm_up()
    first = ask(exchange, "GET", "/fapi/v1/depth", symbol="BTCUSDT")
    buy(exchange)
    exchange.advance(9 * SECOND_NS)
    await exchange.reset()
    assert exchange.world.accounts == []
    assert ask(exchange, "GET", "/fapi/v1/depth", symbol="BTCUSDT") == first


async def test_accounts_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    exchange = made(state=state)
    await exchange.warm_up()
    buy(exchange)
    exchange.save()
    again = made(state=state)
    await again.warm_up()
    (held,) = ask(again, "GET", "/fapi/v3/positionRisk")
    assert held["positionAmt"] == "0.010"


def test_frames_are_pushed_in_order_of_time() -> None:
    exchange = made()
    pushed: list[Frame] = []
    exchange.streams.wanted = lambda _stream: True  # type: ignore[method-assign,assignment]
    exchange._begin()
    exchange.streams.push = pushed.extend  # type: ignore[method-assign,assignment]
    exchange.advance(2 * SECOND_NS)
    times = [frame.event_ns for frame in pushed if frame.stream == "btcusdt@trade"]
    assert times
    assert times == sorted(times)
