"""Hyperliquid's streams: who subscribed to what, what they are told at first, and what is news to each.

Source: Hyperliquid documentation, "WebSocket: subscriptions".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin
from chanflow.adapters.venues.emulator.hyperliquid.info import Info
from chanflow.adapters.venues.emulator.hyperliquid.refusals import Unreadable
from chanflow.adapters.venues.emulator.hyperliquid.trading import Trading
from chanflow.adapters.venues.emulator.hyperliquid.wallets import Wallets
from chanflow.adapters.venues.emulator.klines import INTERVALS
from chanflow.adapters.venues.emulator.prints import Trade

MOST_SUBSCRIPTIONS: Final = 1_000
_NS_PER_MS: Final = 1_000_000
_EVERY_MS: Final = {"l2Book": 500, "allMids": 500, "candle": 250, "activeAssetCtx": 1_000, "bbo": 0, "trades": 0}
_OF_USER: Final = {"orderUpdates", "userFills", "userEvents", "userFundings"}


@dataclass(slots=True)
class Subscription:
    """One stream of one socket, and what of it has been told."""

    kind: str
    asked: Mapping[str, Any]
    coin: Coin | None = None
    user: str = ""
    seen: object = None
    due_ns: int = 0


@dataclass(slots=True)
class Subscriber:
    """One socket."""

    send: Callable[[str], None]
    streams: dict[str, Subscription] = field(default_factory=dict)


class Feeds:
    """All sockets of this door."""

    def __init__(self, wallets: Wallets) -> None:
        self._wallets = wallets
        self._subscribers: list[Subscriber] = []
        self._trading: Trading | None = None
        self._info: Info | None = None

    def attach(self, trading: Trading, info: Info) -> None:
        """Learn where the streams' contents come from."""
        self._trading, self._info = trading, info

    def join(self, send: Callable[[str], None]) -> Subscriber:
        """Return a new socket's place."""
        subscriber = Subscriber(send)
        self._subscribers.append(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a socket."""
        self._subscribers.remove(subscriber)

    # ── what a client says ────────────────────────────────────────────────────

    def hear(self, subscriber: Subscriber, text: str) -> None:
        """Take a client's message and answer it."""
        try:
            said = json.loads(text)
            method = said["method"]
            if method == "ping":
                subscriber.send('{"channel":"pong"}')
            elif method == "subscribe":
                self._subscribe(subscriber, said["subscription"])
            elif method == "unsubscribe":
                self._unsubscribe(subscriber, said["subscription"])
            else:
                raise Unreadable
        except (ValueError, KeyError, TypeError, AttributeError, Unreadable):
            _say(subscriber, "error", f"Error parsing JSON into valid websocket request: {text[:200]}")

    def _subscribe(self, subscriber: Subscriber, asked: Mapping[str, Any]) -> None:
        name = _name(asked)
        if name in subscriber.streams:
            _say(subscriber, "error", f"Already subscribed: {name}")
            return
        if len(subscriber.streams) >= MOST_SUBSCRIPTIONS:
            _say(subscriber, "error", f"Cannot track more than {MOST_SUBSCRIPTIONS} subscriptions")
            return
        stream = self._stream(asked)
        subscriber.streams[name] = stream
        told = {"nSigFigs": None, "mantissa": None, **asked} if stream.kind == "l2Book" else dict(asked)
        _say(subscriber, "subscriptionResponse", {"method": "subscribe", "subscription": told})
        self._greet(subscriber, stream)

    def _unsubscribe(self, subscriber: Subscriber, asked: Mapping[str, Any]) -> None:
        if subscriber.streams.pop(_name(asked), None) is None:
            _say(subscriber, "error", f"Already unsubscribed: {_name(asked)}")
            return
        _say(subscriber, "subscriptionResponse", {"method": "unsubscribe", "subscription": dict(asked)})

    def _stream(self, asked: Mapping[str, Any]) -> Subscription:
        """Return a stream as asked for. Raises Unreadable for one that there is not."""
        assert self._info is not None
        kind = str(asked["type"])
        if kind in _OF_USER:
            self._wallets.number(asked["user"])
            return Subscription(kind, asked, user=str(asked["user"]).lower())
        if kind not in _EVERY_MS:
            raise Unreadable
        if kind == "allMids":
            return Subscription(kind, asked)
        if kind == "candle" and asked["interval"] not in INTERVALS:
            raise Unreadable
        return Subscription(kind, asked, coin=self._info.coin(asked["coin"]))

    def _greet(self, subscriber: Subscriber, stream: Subscription) -> None:
        """Tell a new subscriber what there is: the user's fills and payments as a snapshot, the market as it stands."""
        assert self._info is not None
        if stream.kind in _OF_USER:
            number = self._wallets.number(stream.user)
            if stream.kind == "userFills":
                fills = self._info.fills(number)[::-1][:2_000]
                _say(subscriber, "userFills", {"isSnapshot": True, "user": stream.user, "fills": fills})
            elif stream.kind == "userFundings":
                fundings = self._info.fundings(number)[:500]
                _say(subscriber, "userFundings", {"isSnapshot": True, "user": stream.user, "fundings": fundings})
            return
        self._look(subscriber, stream, 0)

    # ── what happens ──────────────────────────────────────────────────────────

    def tell(self, channel: str, number: int, rows: list[dict[str, Any]]) -> None:
        """Tell an account's sockets of its orders, fills or payments."""
        user = self._wallets.address(number)
        for subscriber in self._subscribers:
            for stream in subscriber.streams.values():
                if stream.user == user:
                    _tell_user(subscriber, stream.kind, channel, user, rows)

    def advance(self, now_ns: int) -> None:
        """Tell every socket what is news of the market by now."""
        for subscriber in self._subscribers:
            for stream in subscriber.streams.values():
                if stream.kind not in _OF_USER and now_ns >= stream.due_ns:
                    self._look(subscriber, stream, now_ns)

    def _look(self, subscriber: Subscriber, stream: Subscription, now_ns: int) -> None:
        told = self._news(stream)
        if told is not None:
            stream.due_ns = now_ns + _EVERY_MS[stream.kind] * _NS_PER_MS
            _say(subscriber, stream.kind, told)

    def _news(self, stream: Subscription) -> object | None:
        """Return what a stream has to tell, None where it was told before."""
        assert self._info is not None
        assert self._trading is not None
        info, coin = self._info, stream.coin
        if coin is None:
            mids = info.mids()
            return {"mids": mids} if _fresh(stream, mids) else None
        market = self._trading.markets[coin.symbol]
        match stream.kind:
            case "l2Book":
                is_new = _fresh(stream, market.book.update_id)
                return info.book(coin, stream.asked.get("nSigFigs")) if is_new else None
            case "bbo":
                return info.best(coin) if _fresh(stream, (market.book.best(BID), market.book.best(ASK))) else None
            case "trades":
                return [info.trade(coin, one) for one in _untold(stream, market.trades)] or None
            case "candle":
                candle = market.klines.current(str(stream.asked["interval"]))
                if candle is None or not _fresh(stream, (candle.open_ms, candle.count, candle.close)):
                    return None
                return info.candle(coin, str(stream.asked["interval"]), candle)
            case _:
                context = info.context(coin)
                return {"coin": coin.name, "ctx": context} if _fresh(stream, context) else None


def _fresh(stream: Subscription, value: object) -> bool:
    if stream.seen == value:
        return False
    stream.seen = value
    return True


def _untold(stream: Subscription, trades: Any) -> list[Trade]:
    """Return the trades that a stream has not told: at first the last ten."""
    last = stream.seen if isinstance(stream.seen, int) else None
    found: list[Trade] = []
    for one in reversed(trades):
        if (last is None and len(found) == 10) or (last is not None and one.trade_id <= last):
            break
        found.append(one)
    if found:
        stream.seen = found[0].trade_id
    return found[::-1]


def _tell_user(subscriber: Subscriber, kind: str, channel: str, user: str, rows: list[dict[str, Any]]) -> None:
    if kind == "orderUpdates" and channel == "orderUpdates":
        _say(subscriber, "orderUpdates", rows)
    elif kind == "userFills" and channel == "fills":
        _say(subscriber, "userFills", {"user": user, "fills": rows})
    elif kind == "userEvents" and channel == "fills":
        _say(subscriber, "user", {"fills": rows})
    elif kind == "userFundings" and channel == "fundings":
        _say(subscriber, "userFundings", {"user": user, "fundings": rows})
    elif kind == "userEvents" and channel == "fundings":
        for row in rows:
            _say(subscriber, "user", {"funding": row})


def _say(subscriber: Subscriber, channel: str, data: object) -> None:
    subscriber.send(json.dumps({"channel": channel, "data": data}, separators=(",", ":")))


def _name(asked: Mapping[str, Any]) -> str:
    return json.dumps({**asked, "user": str(asked["user"]).lower()} if "user" in asked else asked, sort_keys=True)
