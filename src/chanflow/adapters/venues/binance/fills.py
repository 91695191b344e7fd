"""Our trades at Binance USD-M, under the client ids they belong to and with their fees in quote units.

`userTrades` names the venue's own order ids only, so those are looked up: among the orders heard of, then at the
venue, then among conditional orders, whose child may have a name of the venue's making.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.transport.bodies import checked, money
from chanflow.adapters.transport.venue_rest import VenueRest
from chanflow.adapters.venues.binance.events import LIQUIDATION_PREFIXES
from chanflow.adapters.venues.binance.rest_words import Conditional, Trade, conditional, rows_of, trade
from chanflow.domain.order import Fill
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.execution.ports import VenueRefused

PAGE: Final = 1_000
_MINUTE_MS: Final = 60_000
_OURS: Final = re.compile(r"q[a-z2-7]{26}")
_NAMES: Final = 50_000


class FillBook:
    """Looks up names and prices of trades, and remembers them."""

    def __init__(self, venue: str, rest: VenueRest, clock: Clock) -> None:
        self._venue, self._rest, self._clock = venue, rest, clock
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._rates: OrderedDict[tuple[str, int], Decimal] = OrderedDict()

    def name(self, symbol: str, order_id: str, client_id: str) -> None:
        """Learn the client id of an order of the venue's."""
        self._names[symbol, order_id] = client_id
        self._names.move_to_end((symbol, order_id))
        while len(self._names) > _NAMES:
            self._names.popitem(last=False)

    async def since(self, symbol: str, last_trade_id: str) -> list[Fill]:
        """Return every fill of a symbol after a trade id, oldest first. Raises VenueBusy, OrderFateUnknown."""
        after, found = int(last_trade_id or 0), []
        while True:
            params = {"symbol": symbol, "fromId": str(after + 1), "limit": str(PAGE)}
            page = await self._rest.answer("userTrades", params, _trades, weight=5)
            found += [one for one in page if int(one.trade_id) > after]
            if len(page) < PAGE:
                return [await self._fill(one) for one in sorted(found, key=lambda one: int(one.trade_id))]
            after = max(after, *(int(one.trade_id) for one in page))

    async def _fill(self, one: Trade) -> Fill:
        client_id = self._names.get((one.symbol, one.order_id)) or await self._look_up(one.symbol, one.order_id)
        quote = quote_of(one.symbol)
        rate = await self.rate(one.fee_asset, quote, one.at_ms)
        return Fill(
            self._venue, one.symbol, one.trade_id, client_id, one.side, one.price, one.qty_base, one.fee * rate,
            one.maker, one.at_ms * NS_PER_MS, self._clock.now_ns(),
            fee_asset="" if one.fee_asset == quote else one.fee_asset, fee_rate_quote=rate,
        )  # fmt: skip

    async def _look_up(self, symbol: str, order_id: str) -> str:
        """Return the client id of an order that nobody has told of yet, and remember it."""
        row = await self._rest.question("order", {"symbol": symbol, "orderId": order_id}, weight=1)
        # The venue forgets orders after 90 days, its trades later: then the order's own id is all there is.
        refused = isinstance(row, VenueRefused)
        client_id = f"order-{order_id}" if refused else str(row.get("clientOrderId"))
        if not _OURS.fullmatch(client_id) and not client_id.startswith(LIQUIDATION_PREFIXES):
            client_id = await self._parent(symbol, order_id) or client_id
        self.name(symbol, order_id, client_id)
        return client_id

    async def _parent(self, symbol: str, order_id: str) -> str | None:
        """Return the client id of the conditional order that became this one, None where there is none."""
        params = {"symbol": symbol, "limit": str(PAGE)}
        for one in await self._rest.answer("allAlgoOrders", params, _conditionals, weight=5):
            if one.child_order_id:
                self.name(symbol, one.child_order_id, one.state.client_order_id)
        return self._names.get((symbol, order_id))

    async def rate(self, asset: str, quote: str, at_ms: int) -> Decimal:
        """Return what one unit of an asset was worth in `quote` when the minute of a trade began; 1 for `quote`.

        The same trade gets the same rate whether it is heard or read later. Raises VenueBusy, OrderFateUnknown.
        """
        if asset in ("", quote):
            return Decimal(1)
        minute = at_ms - at_ms % _MINUTE_MS
        known = self._rates.get((asset, minute))
        if known is not None:
            return known
        params = {"symbol": f"{asset}{quote}", "interval": "1m", "startTime": str(minute), "limit": "1"}
        rate = await self._rest.answer("klines", params, _first_open, weight=1, api="fapiPublic")
        self._rates[asset, minute] = rate
        while len(self._rates) > PAGE:
            self._rates.popitem(last=False)
        return rate


def _trades(body: Any) -> list[Trade]:
    return [trade(row) for row in rows_of(body)]


def _conditionals(body: Any) -> list[Conditional]:
    return [conditional(row) for row in rows_of(body)]


def _first_open(body: Any) -> Decimal:
    return checked("klines", lambda: money(body[0][1]))


def quote_of(symbol: str) -> str:
    """Return the quote asset in a symbol's name; USDT where none of the venue's is found."""
    name = symbol.partition("_")[0]
    return next((quote for quote in ("USDT", "USDC", "FDUSD", "BUSD", "BNFCR") if name.endswith(quote)), "USDT")
