"""Mark, book, funding and minutes of Binance USD-M over public REST.

Source: Binance USD-M documentation, "Mark Price", "Order Book" and "Kline/Candlestick Data".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from chanflow.adapters.transport.public_rest import PublicRest, levels, price, share
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.market.quotes import Minute, Quote

DEPTH = 50
KLINES = 1_500
USUAL_FUNDING_NS = 8 * 3_600 * NS_PER_S


class BinanceQuotes:
    """A `Quotes`. A quote weighs 3 of the 2,400 that Binance allows a minute."""

    def __init__(self, rest_url: str) -> None:
        self._rest = PublicRest("Binance", rest_url)
        self._funding_ns: dict[str, int] | None = None

    async def quote(self, symbol: str) -> Quote:
        """Return the symbol's market as it stands. Raises VenueBusy."""
        if self._funding_ns is None:
            self._funding_ns = await self._rest.ask("/fapi/v1/fundingInfo", {}, _intervals)
        every_ns = self._funding_ns.get(symbol, USUAL_FUNDING_NS)
        found = await self._rest.ask("/fapi/v1/premiumIndex", {"symbol": symbol}, dict)
        depth = {"symbol": symbol, "limit": str(DEPTH)}
        return await self._rest.ask("/fapi/v1/depth", depth, lambda book: _quote(symbol, found, book, every_ns))

    async def minutes(self, symbol: str, since_ms: int, until_ms: int) -> Sequence[Minute]:
        """Return the newest 1,500 minutes at most of those that opened in [since_ms, until_ms). Raises VenueBusy."""
        since_ms = max(since_ms, until_ms - KLINES * 60_000)
        params = {"symbol": symbol, "interval": "1m", "startTime": str(since_ms), "endTime": str(until_ms - 1),
                  "limit": str(KLINES)}  # fmt: skip
        return await self._rest.ask("/fapi/v1/klines", params, _minutes)

    async def close(self) -> None:
        """Give the connections back."""
        await self._rest.close()


def _intervals(rows: Any) -> dict[str, int]:
    return {str(row["symbol"]): int(row["fundingIntervalHours"]) * 3_600 * NS_PER_S for row in rows}


def _quote(symbol: str, found: dict[str, Any], book: Any, every_ns: int) -> Quote:
    return Quote(
        symbol, price(found["markPrice"]), int(found["time"]) * NS_PER_MS, levels(book["bids"]), levels(book["asks"]),
        int(book["E"]) * NS_PER_MS, share(found["lastFundingRate"]), int(found["nextFundingTime"]) * NS_PER_MS,
        every_ns,
    )  # fmt: skip


def _minutes(rows: Any) -> list[Minute]:
    return [Minute(int(row[0]), price(row[4]), Decimal(row[7])) for row in rows]
