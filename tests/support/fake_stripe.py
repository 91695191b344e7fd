"""A payment provider on loopback: it keeps subscriptions, answers as Stripe does, and signs its messages."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

API_KEY, WEBHOOK_SECRET = "sk_live_0123456789abcdefghij", "whsec_0123456789abcdefghijkl"
PRICES = {"pro": "price_pro", "developer": "price_dev"}


@dataclass
class FakeStripe:
    """What the provider holds. `failing` answers are 500s; `asked` are the requests it got."""

    now_s: int
    url: str = ""
    failing: int = 0
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    events: int = 0

    def bought(self, account: str, plan: str, *, days: int = 30, id_: str = "sub_1") -> str:
        """Let an account have paid for a plan; returns the subscription's id."""
        self.subscriptions[id_] = {
            "id": id_, "object": "subscription", "customer": f"cus_{account}", "status": "active",
            "cancel_at_period_end": False, "metadata": {"account": account},
            "items": {"object": "list", "data": [{
                "id": f"si_{id_}", "price": {"id": PRICES.get(plan, plan)},
                "current_period_start": self.now_s, "current_period_end": self.now_s + days * 86_400,
            }]},
        }  # fmt: skip
        return id_

    def set(self, id_: str, **changed: Any) -> None:
        """Change a subscription; a `plan`, and a `period` of start and end, are those of its item."""
        item = self.subscriptions[id_]["items"]["data"][0]
        if (plan := changed.pop("plan", None)) is not None:
            item["price"] = {"id": PRICES[plan]}
        if (period := changed.pop("period", None)) is not None:
            item["current_period_start"], item["current_period_end"] = period
        self.subscriptions[id_].update(changed)

    def message(self, kind: str, id_: str, *, created_s: int | None = None, event_id: str | None = None) -> bytes:
        """Return an event about a subscription, as it is sent."""
        self.events += 1
        shown = {"id": id_} if kind.startswith("customer.") else {"id": "in_1", "subscription": id_}
        return json.dumps({
            "id": event_id or f"evt_{self.events}", "object": "event", "type": kind,
            "created": self.now_s if created_s is None else created_s, "data": {"object": shown},
        }).encode()  # fmt: skip

    def signature(self, body: bytes, *, at_s: int | None = None, secret: str = WEBHOOK_SECRET) -> str:
        """Return the signature of a message."""
        at = self.now_s if at_s is None else at_s
        made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={made}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeStripe]:
        """Serve on a free port while the block lasts."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        said = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        key = request.headers.get("Idempotency-Key", "")
        self.asked.append((request.method, request.path, said, key))
        if request.headers.get("Authorization") != f"Bearer {API_KEY}":
            return _fault(401, "invalid_api_key")
        if self.failing > 0:
            self.failing -= 1
            return _fault(500, "api_error")
        match request.method, request.path.split("/")[2:]:
            case "POST", ["checkout", "sessions"]:
                page = self.pages.setdefault(key, f"https://pay.example/{len(self.pages)}")
                return web.json_response({"id": "cs_1", "object": "checkout.session", "url": page})
            case "POST", ["billing_portal", "sessions"]:
                url = f"https://pay.example/portal/{said['customer']}"
                return web.json_response({"id": "bps_1", "object": "billing_portal.session", "url": url})
            case method, ["subscriptions", id_] if id_ in self.subscriptions:
                if method == "POST":
                    self._change(id_, said)
                return web.json_response(self.subscriptions[id_])
        return _fault(404, "resource_missing")

    def _change(self, id_: str, said: dict[str, str]) -> None:
        if "items[0][price]" in said:
            self.subscriptions[id_]["items"]["data"][0]["price"] = {"id": said["items[0][price]"]}
        if "cancel_at_period_end" in said:
            self.subscriptions[id_]["cancel_at_period_end"] = said["cancel_at_period_end"] == "true"


def _fault(status: int, code: str) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "api_error"
    return web.json_response({"error": {"type": kind, "code": code, "message": code}}, status=status)
