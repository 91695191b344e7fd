"""Mark, book, funding and minutes of Hyperliquid's perpetuals over the info endpoint.

Source: Hyperliquid documentation, "Info endpoint": `metaAndAssetCtxs`, `l2Book`, `candleSnapshot`. Marks carry no time
of the venue's, so the book that is asked for before them dates them: a mark is no older than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chanflow.adapters.transport.public_rest import PublicRest, levels, price, share
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.market.quotes import Minute, Quote

HOUR_NS = 3_600 * NS_PER_S


class HyperliquidQuotes:
    """A `Quotes`."""

    def __init__(self, rest_url: str) -> None:
        self._rest = PublicRest("Hyperliquid", rest_url)

    async def quote(self, symbol: str) -> Quote:
        """Return the coin's market as it stands. Raises VenueBusy."""
        book = await self._rest.ask("/info", {}, dict, body={"type": "l2Book", "coin": symbol})
        ask = {"type": "metaAndAssetCtxs"}
        return await self._rest.ask("/info", {}, lambda told: _quote(symbol, told, book), body=ask)

    async def minutes(self, symbol: str, since_ms: int, until_ms: int) -> Sequence[Minute]:
        """Return the minutes that opened in [since_ms, until_ms), oldest first, 5,000 at most. Raises VenueBusy."""
        asked = {"coin": symbol, "interval": "1m", "startTime": since_ms, "endTime": until_ms - 1}
        found = await self._rest.ask("/info", {}, _minutes, body={"type": "candleSnapshot", "req": asked})
        return [one for one in found if since_ms <= one.open_ms < until_ms]

    async def close(self) -> None:
        """Give the connections back."""
        await self._rest.close()


def _quote(symbol: str, told: Any, book: dict[str, Any]) -> Quote:
    names = [row["name"] for row in told[0]["universe"]]
    context = told[1][names.index(symbol)]
    at_ns = int(book["time"]) * NS_PER_MS
    bids, asks = ([(row["px"], row["sz"]) for row in side] for side in book["levels"])
    return Quote(
        symbol, price(context["markPx"]), at_ns, levels(bids), levels(asks), at_ns, share(context["funding"]),
        at_ns - at_ns % HOUR_NS + HOUR_NS, HOUR_NS,
    )  # fmt: skip


def _minutes(rows: Any) -> list[Minute]:
    # The volume is in base: at the close it comes to about what was paid.
    return [Minute(int(row["t"]), price(row["c"]), share(row["v"]) * price(row["c"])) for row in rows]
