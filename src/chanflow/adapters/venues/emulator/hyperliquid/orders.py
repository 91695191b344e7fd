"""Hyperliquid's orders over the world's: numbers and cloids, exits that wait for their entry, what became of them.

The world knows an order as `hl<oid>`. Children of `normalTpsl` are placed when their entry has filled whole, and end
with an entry that ends before; of two exits of one entry the first to fill ends the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin, trimmed
from chanflow.adapters.venues.emulator.rules import whole_units

ROLL_PREFIX: Final = "hl"
KEPT: Final = 10_000
"""So many orders of an account are kept at least, twice as many at most, and all that live."""
NO_TRIGGER: Final = "N/A"


@dataclass(slots=True)
class HyperOrder:
    """One order: prices in ticks, sizes in lots. `status` is the venue's word."""

    oid: int
    account: int
    coin: Coin
    is_buy: bool
    price: int
    size: int
    reduce_only: bool
    placed_ms: int
    tif: str | None = None
    cloid: str | None = None
    trigger: int | None = None
    is_market: bool = True
    tpsl: str = ""
    whole_position: bool = False
    status: str = "open"
    status_ms: int = 0
    filled: int = 0
    quote: int = 0
    waits: bool = False
    """Whether it is an exit whose entry has not filled yet."""
    entry: HyperOrder | None = None
    exits: list[HyperOrder] = field(default_factory=list)
    ending: str = ""
    """How its coming end is to be called, where we bring it about."""

    @property
    def world_id(self) -> str:
        """What the world calls it."""
        return f"{ROLL_PREFIX}{self.oid}"

    @property
    def leaves(self) -> int:
        """Lots that are not filled."""
        return max(0, self.size - self.filled)

    @property
    def is_open(self) -> bool:
        """Whether it still may trade."""
        return self.status in ("open", "triggered")

    @property
    def side(self) -> str:
        """`B` or `A`."""
        return "B" if self.is_buy else "A"

    @property
    def order_type(self) -> str:
        """What the venue calls its kind."""
        if self.trigger is None:
            return "Limit"
        kind = "Market" if self.is_market else "Limit"
        return f"{'Stop' if self.tpsl == 'sl' else 'Take Profit'} {kind}"

    @property
    def condition(self) -> str:
        """What it waits for, in words."""
        if self.trigger is None:
            return NO_TRIGGER
        below = self.is_buy == (self.tpsl == "tp")
        return f"Price {'below' if below else 'above'} {_plain(self.coin.price_text(self.trigger))}"

    def basic(self) -> dict[str, Any]:
        """Return it as the stream of order updates writes it."""
        row: dict[str, Any] = {
            "coin": self.coin.name, "side": self.side, "limitPx": self.coin.price_text(self.price),
            "sz": self.coin.size_text(self.leaves), "oid": self.oid, "timestamp": self.placed_ms,
            "origSz": self.coin.size_text(self.size),
        }  # fmt: skip
        if self.cloid is not None:
            row["cloid"] = self.cloid
        return row

    def full(self) -> dict[str, Any]:
        """Return it as `frontendOpenOrders`, `orderStatus` and `historicalOrders` write it."""
        return {
            "coin": self.coin.name, "side": self.side, "limitPx": self.coin.price_text(self.price),
            "sz": self.coin.size_text(self.leaves), "oid": self.oid, "timestamp": self.placed_ms,
            "triggerCondition": self.condition, "isTrigger": self.trigger is not None,
            "triggerPx": self.coin.price_text(self.trigger or 0),
            "children": [each.full() for each in self.exits if each.waits], "isPositionTpsl": self.whole_position,
            "reduceOnly": self.reduce_only, "orderType": self.order_type, "origSz": self.coin.size_text(self.size),
            "tif": self.tif, "cloid": self.cloid,
        }  # fmt: skip

    def update(self) -> dict[str, Any]:
        """Return it with its status, as the stream tells it."""
        return {"order": self.basic(), "status": self.status, "statusTimestamp": self.status_ms}

    def history(self) -> dict[str, Any]:
        """Return it with its status, as `historicalOrders` and `orderStatus` tell it."""
        return {"order": self.full(), "status": self.status, "statusTimestamp": self.status_ms}


class Roll:
    """Every order by number and by cloid, the latest of a cloid."""

    def __init__(self) -> None:
        self._next = 50_000_000_001
        self.by_oid: dict[int, HyperOrder] = {}
        self._by_cloid: dict[tuple[int, str], HyperOrder] = {}
        self.of_account: dict[int, list[HyperOrder]] = {}

    def number(self) -> int:
        """Return the next number."""
        number, self._next = self._next, self._next + 1
        return number

    def keep(self, order: HyperOrder) -> None:
        """Let an order be found."""
        self.by_oid[order.oid] = order
        self._next = max(self._next, order.oid + 1)
        orders = self.of_account.setdefault(order.account, [])
        orders.append(order)
        if order.cloid is not None:
            self._by_cloid[order.account, order.cloid] = order
        if len(orders) > 2 * KEPT:
            self._forget(orders)

    def _forget(self, orders: list[HyperOrder]) -> None:
        """Let the older half of an account's orders be gone, as far as they have ended."""
        for old in orders[:KEPT]:
            if not old.is_open:
                del self.by_oid[old.oid]
                if old.cloid is not None and self._by_cloid.get((old.account, old.cloid)) is old:
                    del self._by_cloid[old.account, old.cloid]
        orders[:KEPT] = [old for old in orders[:KEPT] if old.is_open]

    def find(self, account: int, name: object) -> HyperOrder | None:
        """Return an account's order by its number or cloid."""
        if isinstance(name, bool) or not isinstance(name, int | str):
            return None
        found = self.by_oid.get(name) if isinstance(name, int) else self._by_cloid.get((account, name.lower()))
        return found if found is not None and found.account == account else None

    def of_world(self, client_id: str) -> HyperOrder | None:
        """Return the order that the world calls so."""
        number = client_id.removeprefix(ROLL_PREFIX)
        return self.by_oid.get(int(number)) if client_id.startswith(ROLL_PREFIX) and number.isdigit() else None

    def living(self, account: int) -> Iterable[HyperOrder]:
        """Yield an account's orders that stand at the venue, oldest first; exits that wait too."""
        return (order for order in self.of_account.get(account, ()) if order.is_open)


def fill_row(
    order: HyperOrder | None, coin: Coin, told: Mapping[str, Any], *, before: int, ms: int, tx_hash: str, user: str
) -> dict[str, Any]:
    """Return a fill as the venue writes it, from the world's ORDER_TRADE_UPDATE; `before` is the position before it."""
    is_buy = told["S"] == "BUY"
    sign = 1 if is_buy else -1
    lots = whole_units(told["l"], coin.rules.qty_decimals) or 0
    row: dict[str, Any] = {
        "coin": coin.name, "px": trimmed(told["L"]), "sz": trimmed(told["l"]), "side": "B" if is_buy else "A",
        "time": ms, "startPosition": coin.size_text(before), "dir": direction(before, sign * lots),
        "closedPnl": trimmed(told["rp"]), "hash": tx_hash, "oid": order.oid if order else told["i"],
        "crossed": not told["m"], "fee": trimmed(told["n"]), "tid": int(told["t"]) * 1_000 + coin.index,
        "feeToken": "USDC", "twapId": None,
    }  # fmt: skip
    if order is not None and order.cloid is not None:
        row["cloid"] = order.cloid
    if told["x"] == "CALCULATED":
        row["dir"] = f"Liquidated Cross {'Short' if is_buy else 'Long'}"
        row["liquidation"] = {"liquidatedUser": user, "markPx": trimmed(told["L"]), "method": "market"}
    return row


def direction(before: int, change: int) -> str:
    """Return what a fill does to a position, in the venue's words."""
    after = before + change
    if before * after < 0:
        return "Long > Short" if before > 0 else "Short > Long"
    opens = abs(after) > abs(before)
    is_long = (after if opens else before) > 0
    return f"{'Open' if opens else 'Close'} {'Long' if is_long else 'Short'}"


def _plain(text: str) -> str:
    return text.removesuffix(".0")
