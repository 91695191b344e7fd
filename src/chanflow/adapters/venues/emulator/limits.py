"""How much a client may ask: weight by address, orders by account; first 429, and 418 for those who go on.

Source: Binance USD-M futures documentation, "Limits".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from chanflow.adapters.venues.emulator.codes import Fault, fault

_MINUTE_MS: Final = 60_000
_TEN_SECONDS_MS: Final = 10_000
_PATIENCE: Final = 10
"""So many requests in spite of a 429 are answered with another one; the next is banned."""
_FIRST_BAN_MS: Final = 120_000
_LONGEST_BAN_MS: Final = 3 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that `exchangeInfo` tells: weight a minute by address, orders by account."""

    weight_1m: int = 2_400
    orders_10s: int = 300
    orders_1m: int = 1_200

    def rows(self) -> list[dict[str, Any]]:
        """Return them as `exchangeInfo.rateLimits` shows them."""
        weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.weight_1m}
        return [weight, *self.order_rows()]

    def order_rows(self) -> list[dict[str, Any]]:
        """Return those on orders."""
        return [
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": self.orders_10s},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": self.orders_1m},
        ]


@dataclass(slots=True)
class _Address:
    minute: int = -1
    weight: int = 0
    refusals: int = 0
    banned_until_ms: int = 0
    bans: int = 0


@dataclass(slots=True)
class _Orders:
    ten: int = -1
    minute: int = -1
    in_ten: int = 0
    in_minute: int = 0


@dataclass(slots=True)
class Meter:
    """Counts what clients ask, in windows of the exchange's own clock."""

    limits: Limits = field(default_factory=Limits)
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _orders: dict[int, _Orders] = field(default_factory=dict)

    def take_weight(self, address: str, weight: int, now_ms: int) -> int:
        """Count a request's weight and return what the minute has used; a Fault 429 or 418 above the limit."""
        seen = self._addresses.setdefault(address, _Address())
        if now_ms < seen.banned_until_ms:
            raise self._banned(address, seen, now_ms)
        minute = now_ms // _MINUTE_MS
        if minute != seen.minute:
            seen.minute, seen.weight, seen.refusals = minute, 0, 0
        seen.weight += weight
        if seen.weight > self.limits.weight_1m:
            seen.refusals += 1
            if seen.refusals > _PATIENCE:
                seen.banned_until_ms = now_ms + min(_FIRST_BAN_MS * 2**seen.bans, _LONGEST_BAN_MS)
                seen.bans += 1
                raise self._banned(address, seen, now_ms)
            wait_s = -(-((minute + 1) * _MINUTE_MS - now_ms) // 1_000)
            refusal = fault(-1003, address, self.limits.weight_1m)
            raise Fault(refusal.code, refusal.message, 429, {"Retry-After": str(wait_s)})
        return seen.weight

    @staticmethod
    def _banned(address: str, seen: _Address, now_ms: int) -> Fault:
        wait_s = -(-(seen.banned_until_ms - now_ms) // 1_000)
        message = (
            f"Way too many requests; IP({address}) banned until {seen.banned_until_ms}. "
            "Please use the websocket for live updates to avoid bans."
        )
        return Fault(-1003, message, 418, {"Retry-After": str(wait_s)})

    def used_weight(self, address: str, now_ms: int) -> int:
        """Return what an address has used of the present minute."""
        seen = self._addresses.get(address)
        return seen.weight if seen is not None and seen.minute == now_ms // _MINUTE_MS else 0

    def take_orders(self, account: int, orders: int, now_ms: int) -> None:
        """Count an account's new orders; a Fault 429 above the limit, and they are not counted."""
        seen = self._window(account, now_ms)
        if seen.in_ten + orders > self.limits.orders_10s:
            raise fault(-1015, self.limits.orders_10s, "TEN_SECONDS")
        if seen.in_minute + orders > self.limits.orders_1m:
            raise fault(-1015, self.limits.orders_1m, "MINUTE")
        seen.in_ten += orders
        seen.in_minute += orders

    def used_orders(self, account: int, now_ms: int) -> tuple[int, int]:
        """Return an account's new orders of the present ten seconds and of the present minute."""
        seen = self._window(account, now_ms)
        return seen.in_ten, seen.in_minute

    def _window(self, account: int, now_ms: int) -> _Orders:
        seen = self._orders.setdefault(account, _Orders())
        ten, minute = now_ms // _TEN_SECONDS_MS, now_ms // _MINUTE_MS
        if ten != seen.ten:
            seen.ten, seen.in_ten = ten, 0
        if minute != seen.minute:
            seen.minute, seen.in_minute = minute, 0
        return seen
