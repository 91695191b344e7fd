"""A scripted OKX on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from made_loopback import KEY, SECRET, Answer, Asked, Scripted

PASSPHRASE = "loopback-passphrase"


def data(*rows: Any) -> Answer:
    return Answer({"code": "0", "msg": "", "data": list(rows)})


def refused_row(code: int, message: str = "why") -> Answer:
    """Return the answer of a command whose one order was refused."""
    return Answer({"code": "1", "msg": "", "data": [{"sCode": str(code), "sMsg": message}]})


def signed(text: str) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


SWAP = {
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "ctType": "linear", "ctVal": "0.01", "ctMult": "1",
    "ctValCcy": "BTC", "settleCcy": "USDT", "tickSz": "0.1", "lotSz": "0.1", "minSz": "0.1", "state": "live",
}  # fmt: skip


class OkxLoopback(Scripted):
    """OKX: its endpoints, its signature, its two private sockets."""

    socket_paths = ("/private", "/business")

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms)
        self.logins: list[bool] = []
        self.subscribed: list[str] = []
        self.plan("GET /api/v5/account/config", data({"posMode": "net_mode", "acctLv": "2"}))
        self.plan(
            "GET /api/v5/account/trade-fee",
            data({"makerU": "-0.0002", "takerU": "-0.0005", "maker": "-0.1", "taker": "-0.1"}),
        )
        self.plan("GET /api/v5/public/instruments", data(SWAP))
        self.plan("POST /api/v5/account/set-leverage", data({"lever": "3"}))
        for path in ("order", "order-algo", "cancel-order", "cancel-algos", "amend-order", "amend-algos"):
            self.plan(f"POST /api/v5/trade/{path}", data({"sCode": "0", "sMsg": "", "ordId": "1"}))

    def sent(self, line: str) -> Any:
        """Return the body of the last request of a kind."""
        return json.loads(self.of(line)[-1].raw)

    def check(self, asked: Asked, body: str) -> None:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if "ok-access-sign" not in headers:
            return
        query = f"?{asked.raw}" if asked.raw and not body else ""
        right = signed(f"{headers['ok-access-timestamp']}{asked.method}{asked.path}{query}{body}")
        mine = (headers["ok-access-sign"], headers["ok-access-key"], headers["ok-access-passphrase"])
        if mine != (right, KEY, PASSPHRASE):
            self.bad_signatures.append(asked.line)

    def usual(self, asked: Asked) -> Answer | None:
        return data({"ts": str(self.now_ms())}) if asked.line == "GET /api/v5/public/time" else None

    async def said(self, socket: web.WebSocketResponse, text: str) -> None:
        if text == "ping":
            await socket.send_str("pong")
            return
        message = json.loads(text)
        if message["op"] == "login":
            (words,) = message["args"]
            self.logins.append(words["sign"] == signed(f"{words['timestamp']}GET/users/self/verify"))
            await socket.send_json({"event": "login", "code": "0", "msg": "", "connId": "1"})
        for arg in message["args"] if message["op"] == "subscribe" else ():
            self.subscribed.append(arg["channel"])
            await socket.send_json({"event": "subscribe", "arg": arg, "connId": "1"})
