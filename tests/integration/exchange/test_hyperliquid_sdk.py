"""The unmodified hyperliquid-python-sdk against Hyperliquid's doors of the emulated exchange."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid
from made_hyperliquid import AGENT_KEY, MASTER_KEY, Desk, running

from chanflow.adapters.venues.emulator.hearing import hear

pytestmark = [pytest.mark.slow, pytest.mark.server]

GTC = {"limit": {"tif": "Gtc"}}


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with running() as desk:
        yield desk


@dataclass
class Client:
    """One wallet with the SDK's two halves."""

    desk: Desk
    key: str
    info: Info = field(init=False)
    exchange: Exchange = field(init=False)

    def __post_init__(self) -> None:
        self.info = Info(self.desk.url, skip_ws=True)
        self.exchange = Exchange(Account.from_key(self.key), self.desk.url)

    @property
    def address(self) -> str:
        return str(self.exchange.wallet.address)

    def mid(self, coin: str = "BTC") -> float:
        return float(self.info.all_mids()[coin])

    def far(self) -> int:
        """Return a price to buy at that nothing reaches."""
        return round(self.mid() * 0.9)

    def position(self, coin: str = "BTC") -> float:
        rows = self.info.user_state(self.address)["assetPositions"]
        return next((float(row["position"]["szi"]) for row in rows if row["position"]["coin"] == coin), 0.0)


_keys = iter(range(3_000, 9_000))


@pytest.fixture
def client(desk: Desk) -> Client:
    """A wallet of its own for each test: an unknown address opens an account."""
    return Client(desk, f"0x{next(_keys):064x}")


def status(answer: Any) -> Any:
    """Return the only status of an answer."""
    assert answer["status"] == "ok", answer
    (told,) = answer["response"]["data"]["statuses"]
    return told


def resting(answer: Any) -> int:
    return int(status(answer)["resting"]["oid"])


# ── the market ────────────────────────────────────────────────────────────────


def test_the_market_is_shown(client: Client) -> None:
    info = client.info
    assert [row["name"] for row in info.meta()["universe"]] == ["BTC", "ETH"]
    book = info.l2_snapshot("BTC")
    bids, asks = ([float(level["px"]) for level in side] for side in book["levels"])
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert all(price == int(price) for price in bids + asks), "BTC has five figures, so prices are whole"
    assert abs(client.mid() / 60_000 - 1) < 0.05
    meta, contexts = info.meta_and_asset_ctxs()
    assert len(contexts) == len(meta["universe"])
    assert float(contexts[0]["markPx"]) > 0


def test_candles_cover_the_time_asked_for(client: Client) -> None:
    now_ms = int(time.time() * 1_000)
    candles = client.info.candles_snapshot("BTC", "1m", now_ms - 60_000, now_ms + 60_000)
    assert candles
    last = candles[-1]
    assert last["t"] <= now_ms + 1_000
    assert last["T"] - last["t"] == 59_999
    assert float(last["l"]) <= float(last["c"]) <= float(last["h"])


# ── orders ────────────────────────────────────────────────────────────────────


def test_an_order_is_placed_found_and_cancelled(client: Client) -> None:
    oid = resting(client.exchange.order("BTC", True, 0.01, client.far(), GTC))
    (row,) = client.info.open_orders(client.address)
    assert (row["oid"], row["side"], row["sz"]) == (oid, "B", "0.01")
    assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "open"
    assert status(client.exchange.cancel("BTC", oid)) == "success"
    assert client.info.open_orders(client.address) == []
    assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "canceled"


def test_an_order_is_cancelled_by_its_cloid(client: Client) -> None:
    cloid = Cloid.from_int(77)
    resting(client.exchange.order("BTC", True, 0.01, client.far(), GTC, cloid=cloid))
    assert status(client.exchange.cancel_by_cloid("BTC", cloid)) == "success"
    assert "never placed" in status(client.exchange.cancel_by_cloid("BTC", cloid))["error"]
    assert client.info.query_order_by_cloid(client.address, Cloid.from_int(78)) == {"status": "unknownOid"}


def test_a_modified_order_has_a_new_number_and_the_same_cloid(client: Client) -> None:
    cloid = Cloid.from_int(5)
    before = resting(client.exchange.order("BTC", True, 0.01, client.far(), GTC, cloid=cloid))
    after = resting(client.exchange.modify_order(cloid, "BTC", True, 0.02, client.far() - 100, GTC, cloid=cloid))
    assert after != before
    (row,) = client.info.open_orders(client.address)
    assert (row["oid"], row["sz"], row["cloid"]) == (after, "0.02", cloid.to_raw())
    again = client.exchange.modify_order(before, "BTC", True, 0.02, client.far(), GTC, cloid=cloid)
    assert status(again)["error"] == "Cannot modify canceled or filled order"


def test_the_market_is_taken_and_given_back(client: Client) -> None:
    opened = status(client.exchange.market_open("BTC", True, 0.01))["filled"]
    assert float(opened["totalSz"]) == 0.01
    state = client.info.user_state(client.address)
    position = state["assetPositions"][0]["position"]
    assert (position["coin"], position["szi"], position["entryPx"]) == ("BTC", "0.01", opened["avgPx"])
    assert float(status(client.exchange.market_close("BTC"))["filled"]["totalSz"]) == 0.01
    assert client.info.user_state(client.address)["assetPositions"] == []


def test_the_wallet_is_what_the_fills_leave(client: Client) -> None:
    client.exchange.market_open("ETH", False, 0.5)
    client.exchange.market_close("ETH")
    fills = client.info.user_fills(client.address)
    assert (fills[0]["dir"], fills[-1]["dir"]) == ("Close Short", "Open Short")
    left = 10_000 + sum(float(fill["closedPnl"]) - float(fill["fee"]) for fill in fills)
    value = float(client.info.user_state(client.address)["marginSummary"]["accountValue"])
    assert value == pytest.approx(left, abs=1e-6)
    first_ms = min(fill["time"] for fill in fills)
    assert client.info.user_fills_by_time(client.address, first_ms) == fills[::-1]


def test_a_stop_waits_and_is_triggered_by_the_mark(client: Client) -> None:
    client.exchange.market_open("BTC", True, 0.01)
    mark = client.mid()
    stop = {"trigger": {"triggerPx": round(mark * 0.97), "isMarket": True, "tpsl": "sl"}}
    oid = resting(client.exchange.order("BTC", False, 0.01, round(mark * 0.9), stop, reduce_only=True))
    (row,) = client.info.frontend_open_orders(client.address)
    assert (row["oid"], row["isTrigger"], row["orderType"], row["reduceOnly"]) == (oid, True, "Stop Market", True)
    assert row["triggerCondition"] == f"Price below {round(mark * 0.97)}"
    client.desk.do(lambda: fall(client.desk, round(mark * 0.96)))
    assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "filled"
    assert client.position() == 0


def fall(desk: Desk, mark: int) -> None:
    """Let the mark of BTC be somewhere else, until the next one comes."""
    world = desk.exchange.world
    listing = world.listings["BTCUSDT"]
    hear(world, listing, listing.core.set_mark(world.now_ns, mark * 10))


def test_entry_stop_and_target_go_in_one_batch(client: Client) -> None:
    mid = client.mid()
    batch = [
        {"coin": "BTC", "is_buy": True, "sz": 0.01, "limit_px": round(mid * 1.01), "reduce_only": False,
         "order_type": {"limit": {"tif": "Ioc"}}},
        {"coin": "BTC", "is_buy": False, "sz": 0.01, "limit_px": round(mid * 0.8), "reduce_only": True,
         "order_type": {"trigger": {"triggerPx": round(mid * 0.85), "isMarket": True, "tpsl": "sl"}}},
        {"coin": "BTC", "is_buy": False, "sz": 0.01, "limit_px": round(mid * 0.95), "reduce_only": True,
         "order_type": {"trigger": {"triggerPx": round(mid * 1.2), "isMarket": True, "tpsl": "tp"}}},
    ]  # fmt: skip
    answer = client.exchange.bulk_orders(batch, grouping="normalTpsl")
    entry, *exits = answer["response"]["data"]["statuses"]
    assert entry["filled"]["totalSz"] == "0.01"
    assert exits == ["waitingForTrigger", "waitingForTrigger"]
    assert {row["orderType"] for row in client.info.frontend_open_orders(client.address)} == {
        "Stop Market", "Take Profit Market",
    }  # fmt: skip
    client.exchange.market_close("BTC")
    assert client.info.frontend_open_orders(client.address) == [], "exits end with the position"


def test_exits_wait_for_an_entry_that_rests_and_end_with_it(client: Client) -> None:
    far = client.far()
    batch = [
        {"coin": "BTC", "is_buy": True, "sz": 0.01, "limit_px": far, "reduce_only": False, "order_type": GTC},
        {"coin": "BTC", "is_buy": False, "sz": 0.01, "limit_px": round(far * 0.9), "reduce_only": True,
         "order_type": {"trigger": {"triggerPx": round(far * 0.97), "isMarket": True, "tpsl": "sl"}}},
    ]  # fmt: skip
    entry, stop = client.exchange.bulk_orders(batch, grouping="normalTpsl")["response"]["data"]["statuses"]
    assert stop == "waitingForFill"
    children = [row["children"] for row in client.info.frontend_open_orders(client.address) if row["children"]]
    assert [child["orderType"] for child in children[0]] == ["Stop Market"]
    client.exchange.cancel("BTC", entry["resting"]["oid"])
    assert client.info.frontend_open_orders(client.address) == []
    assert [row["status"] for row in client.info.historical_orders(client.address)] == ["canceled", "canceled"]


def test_exits_end_with_an_entry_that_was_filled_in_part(client: Client) -> None:
    client.exchange.update_leverage(50, "BTC")
    ask = client.info.l2_snapshot("BTC")["levels"][1][0]
    more = round(float(ask["sz"]) + 1, 5)
    batch = [
        {"coin": "BTC", "is_buy": True, "sz": more, "limit_px": float(ask["px"]), "reduce_only": False,
         "order_type": {"limit": {"tif": "Ioc"}}},
        {"coin": "BTC", "is_buy": False, "sz": more, "limit_px": client.far(), "reduce_only": True,
         "order_type": {"trigger": {"triggerPx": client.far() + 1_000, "isMarket": True, "tpsl": "sl"}}},
    ]  # fmt: skip
    entry, stop = client.exchange.bulk_orders(batch, grouping="normalTpsl")["response"]["data"]["statuses"]
    assert 0 < float(entry["filled"]["totalSz"]) < more
    assert stop == "waitingForFill"
    assert client.position() == float(entry["filled"]["totalSz"])
    assert client.info.frontend_open_orders(client.address) == []


# ── refusals ──────────────────────────────────────────────────────────────────


def test_refusals_have_the_venues_words(client: Client) -> None:
    order, mid = client.exchange.order, client.mid()
    refused = {
        "Order must have minimum value of $10.": order("BTC", True, 0.0001, client.far(), GTC),
        "Price must be divisible by tick size.": order("BTC", True, 0.01, client.far() + 0.5, GTC),
        "Order has invalid size.": order("ETH", True, 0.12345, 2_000, GTC),
        "Order could not immediately match": order("BTC", True, 0.01, round(mid * 0.98), {"limit": {"tif": "Ioc"}}),
        "Post only order would have immediately matched": order(
            "BTC", True, 0.01, round(mid * 1.02), {"limit": {"tif": "Alo"}}
        ),
        "Insufficient margin to place order.": order("BTC", True, 100, round(mid * 0.98), GTC),
        "Reduce only order would increase position.": order("BTC", True, 0.01, client.far(), GTC, reduce_only=True),
    }
    for words, answer in refused.items():
        assert status(answer)["error"].startswith(words)
        assert status(answer)["error"].endswith(("asset=0", "asset=1"))
    assert client.info.open_orders(client.address) == []


def test_settings_are_set_and_refused(client: Client) -> None:
    exchange = client.exchange
    assert exchange.update_leverage(7, "BTC")["status"] == "ok"
    client.exchange.market_open("BTC", True, 0.01)
    state = client.info.user_state(client.address)
    assert state["assetPositions"][0]["position"]["leverage"] == {"type": "cross", "value": 7}
    assert exchange.update_leverage(7, "BTC", is_cross=False)["response"].startswith("Cannot switch leverage type")
    assert exchange.update_isolated_margin(5, "BTC")["response"] == "Position does not use isolated margin."
    assert exchange.update_leverage(1_000, "BTC")["status"] == "err"


def test_an_isolated_position_takes_more_margin(client: Client) -> None:
    client.exchange.update_leverage(5, "ETH", is_cross=False)
    client.exchange.market_open("ETH", True, 0.1)
    before = client.info.user_state(client.address)["assetPositions"][0]["position"]
    assert before["leverage"]["type"] == "isolated"
    assert client.exchange.update_isolated_margin(10, "ETH")["status"] == "ok"
    after = client.info.user_state(client.address)["assetPositions"][0]["position"]
    assert float(after["marginUsed"]) - float(before["marginUsed"]) == pytest.approx(10, abs=0.5)


def test_the_dead_man_switch_takes_all_orders(client: Client) -> None:
    resting(client.exchange.order("BTC", True, 0.01, client.far(), GTC))
    now_ms = int(time.time() * 1_000)
    assert "at least 5 seconds" in client.exchange.schedule_cancel(now_ms + 1_000)["response"]
    assert client.exchange.schedule_cancel(now_ms + 60_000)["status"] == "ok"
    server = client.desk.server
    client.desk.do(lambda: server.actions.advance(now_ms + 60_001))
    assert client.info.open_orders(client.address) == []
    assert client.info.historical_orders(client.address)[0]["status"] == "scheduledCancel"


def test_an_action_that_expired_did_nothing(client: Client) -> None:
    client.exchange.set_expires_after(int(time.time() * 1_000) - 60_000)
    answer = client.exchange.order("BTC", True, 0.01, client.far(), GTC)
    assert answer == {"status": "err", "response": "Action already expired"}
    assert client.info.open_orders(client.address) == []


def test_a_nonce_is_good_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    nonce = int(time.time() * 1_000)
    monkeypatch.setattr("hyperliquid.exchange.get_timestamp_ms", lambda: nonce)
    resting(client.exchange.order("BTC", True, 0.01, client.far(), GTC))
    again = client.exchange.order("BTC", True, 0.01, client.far(), GTC)
    assert again == {"status": "err", "response": f"Invalid nonce: duplicate nonce {nonce}"}
    monkeypatch.setattr("hyperliquid.exchange.get_timestamp_ms", lambda: nonce - 3 * 86_400_000)
    assert client.exchange.cancel("BTC", 1)["response"].startswith("Invalid nonce")


def test_a_body_that_nobody_can_read_is_422(desk: Desk) -> None:
    for path, body in (("/info", {"type": "moon"}), ("/info", []), ("/exchange", {"action": {"type": "moon"}})):
        answer = requests.post(desk.url + path, json=body, timeout=300)
        assert (answer.status_code, answer.text) == (422, "Failed to deserialize the JSON body into the target type")


# ── agents ────────────────────────────────────────────────────────────────────


def test_an_approved_agent_trades_for_its_master_and_cannot_approve(client: Client) -> None:
    answer, agent_key = client.exchange.approve_agent("desk")
    assert answer["status"] == "ok"
    agent = Account.from_key(agent_key)
    acting = Exchange(agent, client.desk.url, account_address=client.address)
    oid = resting(acting.order("BTC", True, 0.01, client.far(), GTC))
    assert [row["oid"] for row in client.info.open_orders(client.address)] == [oid]
    assert client.info.user_role(agent.address) == {"role": "agent", "data": {"user": client.address.lower()}}
    assert [row["name"] for row in client.info.extra_agents(client.address)] == ["desk"]
    assert "Must deposit" in acting.approve_agent("other")[0]["response"]


def test_an_agent_that_was_replaced_is_nobody_for_ever(client: Client) -> None:
    _, old_key = client.exchange.approve_agent("desk")
    client.exchange.approve_agent("desk")
    old = Exchange(Account.from_key(old_key), client.desk.url, account_address=client.address)
    refused = old.order("BTC", True, 0.01, client.far(), GTC)
    assert refused["response"] == f"User or API Wallet {old.wallet.address.lower()} does not exist."


def test_a_strict_door_knows_only_who_was_named() -> None:
    master, agent = Account.from_key(MASTER_KEY), Account.from_key(AGENT_KEY)
    with running(strict=True, agents={agent.address: master.address}) as desk:
        stranger = Client(desk, f"0x{77:064x}")
        answer = stranger.exchange.order("BTC", True, 0.01, stranger.far(), GTC)
        assert answer["response"] == f"User or API Wallet {stranger.address.lower()} does not exist."
        acting = Exchange(agent, desk.url, account_address=master.address)
        resting(acting.order("BTC", True, 0.01, stranger.far(), GTC))


# ── streams ───────────────────────────────────────────────────────────────────


@pytest.fixture
def listening(client: Client) -> Iterator[tuple[Client, queue.Queue[Any]]]:
    """A client with the SDK's socket open on all streams."""
    heard: queue.Queue[Any] = queue.Queue()
    info = Info(client.desk.url)
    user, last = client.address, threading.Event()

    def hear_last(message: Any) -> None:
        heard.put(message)
        last.set()

    while not info.ws_manager.ws_ready:  # the SDK may lose what is subscribed while it connects
        time.sleep(0.01)
    for subscription in (
        {"type": "allMids"}, {"type": "l2Book", "coin": "BTC"}, {"type": "trades", "coin": "BTC"},
        {"type": "bbo", "coin": "BTC"}, {"type": "candle", "coin": "BTC", "interval": "1m"},
        {"type": "orderUpdates", "user": user}, {"type": "userFills", "user": user},
        {"type": "userEvents", "user": user},
    ):  # fmt: skip
        info.subscribe(subscription, heard.put)
    # Its snapshot comes at once, and after the answers to those before it.
    info.subscribe({"type": "userFundings", "user": user}, hear_last)
    assert last.wait(300)
    yield client, heard
    info.disconnect_websocket()


def until(heard: queue.Queue[Any], channel: str, fits: Any = lambda _: True) -> Any:
    """Return the next message of a channel that fits; the bound is the queue's."""
    while True:
        message = heard.get(timeout=300)
        if message["channel"] == channel and fits(message["data"]):
            return message["data"]


def test_every_stream_speaks(listening: tuple[Client, queue.Queue[Any]]) -> None:
    _, heard = listening
    wanted = {"allMids", "l2Book", "trades", "bbo", "candle", "userFills", "userFundings"}
    while wanted:
        wanted.discard(heard.get(timeout=300)["channel"])


def test_fills_begin_with_a_snapshot_and_then_come_once(listening: tuple[Client, queue.Queue[Any]]) -> None:
    client, heard = listening
    assert until(heard, "userFills") == {"isSnapshot": True, "user": client.address.lower(), "fills": []}
    filled = status(client.exchange.market_open("BTC", True, 0.01))["filled"]
    told = until(heard, "userFills")
    assert "isSnapshot" not in told
    assert told["fills"][0]["oid"] == filled["oid"]
    assert until(heard, "user")["fills"][0]["oid"] == filled["oid"]


def test_a_modification_is_told_as_the_venue_does(listening: tuple[Client, queue.Queue[Any]]) -> None:
    client, heard = listening
    cloid = Cloid.from_int(9)
    before = resting(client.exchange.order("BTC", True, 0.01, client.far(), GTC, cloid=cloid))
    after = resting(client.exchange.modify_order(before, "BTC", True, 0.02, client.far(), GTC, cloid=cloid))
    told = []
    while len(told) < 3:
        (row,) = until(heard, "orderUpdates")
        told.append((row["status"], row["order"]["oid"], row["order"]["cloid"]))
    raw = cloid.to_raw()
    assert told == [("open", before, raw), ("open", after, raw), ("canceled", before, raw)]


def test_the_best_quotes_are_those_of_the_book(listening: tuple[Client, queue.Queue[Any]]) -> None:
    _, heard = listening
    quotes = until(heard, "bbo", lambda data: all(data["bbo"]))
    assert float(quotes["bbo"][0]["px"]) < float(quotes["bbo"][1]["px"])
