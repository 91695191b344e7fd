"""Our trades at OKX, under the client ids they belong to.

`fills-history` goes back three months, newest first, and names plain orders. The child of a conditional order has a
name of the venue's, so it is asked which order it came from.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from chanflow.adapters.transport.venue_rest import VenueRest
from chanflow.adapters.venues.okx.names import is_exit
from chanflow.adapters.venues.okx.rest_words import Trade, first_of, order_name, rows_of, trade
from chanflow.adapters.venues.okx.sizes import Contracts
from chanflow.domain.errors import OrderFateUnknown
from chanflow.domain.order import Fill
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.execution.ports import VenueRefused

PAGE: Final = 100
_OURS: Final = 27
_NAMES: Final = 50_000


class FillBook:
    """Looks up names of trades, and remembers them."""

    def __init__(self, venue: str, rest: VenueRest, contracts: Contracts, clock: Clock) -> None:
        self._venue, self._rest, self._contracts, self._clock = venue, rest, contracts, clock
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()

    def name(self, symbol: str, order_id: str, client_id: str) -> None:
        """Learn the client id of an order of the venue's."""
        self._names[symbol, order_id] = client_id
        while len(self._names) > _NAMES:
            self._names.popitem(last=False)

    async def since(self, symbol: str, last_trade_id: str) -> list[Fill]:
        """Return every fill of a symbol after a trade id, oldest first. Raises VenueBusy, OrderFateUnknown."""
        last, after, found = int(last_trade_id or 0), "", list[Trade]()
        while True:
            params = {"instType": "SWAP", "instId": symbol, "limit": str(PAGE), **({"after": after} if after else {})}
            page = await self._rest.answer("trade/fills-history", params, self._trades, weight=4)
            found += [one for one in page if int(one.trade_id) > last]
            if len(page) < PAGE or any(int(one.trade_id) <= last for one in page):
                return [await self._fill(one) for one in sorted(found, key=lambda one: int(one.trade_id))]
            after = page[-1].bill_id

    def _trades(self, body: Any) -> list[Trade]:
        return [trade(row, self._contracts) for row in rows_of(body)]

    async def _fill(self, one: Trade) -> Fill:
        quote = self._contracts.known[one.symbol].instrument.quote
        if one.fee_asset != quote:
            raise OrderFateUnknown(f"trade {one.trade_id} of {one.symbol} has a fee in {one.fee_asset}, not in {quote}")
        return Fill(
            self._venue, one.symbol, one.trade_id, await self._named(one), one.side, one.price, one.qty_base, one.fee,
            one.maker, one.at_ms * NS_PER_MS, self._clock.now_ns(),
        )  # fmt: skip

    async def _named(self, one: Trade) -> str:
        """Return the client id that a trade belongs to."""
        known = self._names.get((one.symbol, one.order_id))
        if known is not None:
            return known
        if len(one.client_id) == _OURS or is_exit(one.client_id):
            return one.client_id
        row = await self._rest.question("trade/order", {"instId": one.symbol, "ordId": one.order_id}, weight=1)
        # The venue forgets orders without fills soon and others after months: then the venue's id is all there is.
        gone = isinstance(row, VenueRefused)
        client_id = (one.client_id or f"order-{one.order_id}") if gone else order_name(first_of(row))
        self.name(one.symbol, one.order_id, client_id)
        return client_id
