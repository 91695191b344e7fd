"""Mark, book, funding and minutes of OKX swaps over public REST.

Source: OKX API documentation v5, "Get mark price", "Get order book", "Get funding rate", "Get instruments" and "Get
candlesticks"; a book's quantities are contracts, a candle's `volCcyQuote` is in quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from chanflow.adapters.transport.public_rest import PublicRest, levels, price, share
from chanflow.domain.time import NS_PER_MS
from chanflow.market.quotes import Minute, Quote

DEPTH = 50
PAGE = 300


class OkxQuotes:
    """A `Quotes`."""

    def __init__(self, rest_url: str) -> None:
        self._rest = PublicRest("OKX", rest_url)
        self._contract_base: dict[str, Decimal] = {}

    async def quote(self, symbol: str) -> Quote:
        """Return the symbol's market as it stands. Raises VenueBusy."""
        size = await self._size(symbol)
        named = {"instId": symbol}
        mark = await self._rest.ask("/api/v5/public/mark-price", {"instType": "SWAP", **named}, _first)
        rate = await self._rest.ask("/api/v5/public/funding-rate", named, _first)
        book = {**named, "sz": str(DEPTH)}
        return await self._rest.ask("/api/v5/market/books", book, lambda body: _quote(symbol, mark, rate, body, size))

    async def _size(self, symbol: str) -> Decimal:
        """Return how much base one contract is."""
        if symbol not in self._contract_base:
            params = {"instType": "SWAP", "instId": symbol}
            row = await self._rest.ask("/api/v5/public/instruments", params, _first)
            self._contract_base[symbol] = price(row["ctVal"]) * price(row.get("ctMult") or "1")
        return self._contract_base[symbol]

    async def minutes(self, symbol: str, since_ms: int, until_ms: int) -> Sequence[Minute]:
        """Return the minutes that opened in [since_ms, until_ms), oldest first. Raises VenueBusy."""
        found: dict[int, Minute] = {}
        after_ms = until_ms
        while after_ms > since_ms:
            params = {"instId": symbol, "bar": "1m", "after": str(after_ms), "limit": str(PAGE)}
            page = await self._rest.ask("/api/v5/market/candles", params, _minutes)
            found |= {one.open_ms: one for one in page if one.open_ms >= since_ms}
            oldest_ms = min((one.open_ms for one in page), default=since_ms)
            if len(page) < PAGE or oldest_ms >= after_ms:
                break
            after_ms = oldest_ms
        return [found[at_ms] for at_ms in sorted(found)]

    async def close(self) -> None:
        """Give the connections back."""
        await self._rest.close()


def _first(body: Any) -> dict[str, Any]:
    return dict(body["data"][0])


def _quote(symbol: str, mark: dict[str, Any], rate: dict[str, Any], body: Any, size: Decimal) -> Quote:
    book = _first(body)
    next_ms, then_ms = int(rate["fundingTime"]), int(rate["nextFundingTime"])
    if then_ms <= next_ms:
        raise ValueError(f"funding at {next_ms} and then at {then_ms}")
    return Quote(
        symbol, price(mark["markPx"]), int(mark["ts"]) * NS_PER_MS, levels(book["bids"], size=size),
        levels(book["asks"], size=size), int(book["ts"]) * NS_PER_MS, share(rate["fundingRate"]), next_ms * NS_PER_MS,
        (then_ms - next_ms) * NS_PER_MS,
    )  # fmt: skip


def _minutes(body: Any) -> list[Minute]:
    return [Minute(int(row[0]), price(row[4]), Decimal(row[7])) for row in body["data"]]
