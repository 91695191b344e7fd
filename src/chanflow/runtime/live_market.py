"""What the gate must know of a real venue's market: quotes with their ages, volatility, rules, and both clocks.

Ages are honest. A quote is as old as the venue's own stamp says, moved by the measured distance of the clocks, and no
younger than the moment it arrived. Where a question is not answered there is no view, and so no opening.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from chanflow.domain.errors import Retryable, Uncertain
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.ports import Venue
from chanflow.market.quotes import Minute, Quote, Quotes
from chanflow.risk.market_view import MarketView
from chanflow.risk.volatility import MINUTE_MS, MinuteStats

WARM_MINUTES = 1_440
REFRESH_NS = 30 * NS_PER_S
OFFSET_GOOD_NS = 600 * NS_PER_S
"""A clock that was compared longer ago counts as never compared."""
BOOK_GOOD_NS = 2 * NS_PER_S


class LiveMarket:
    """The symbols of one desk at one venue."""

    def __init__(
        self,
        venue: Venue,
        quotes: Quotes,
        clock: Clock,
        *,
        symbols: Sequence[str],
        sigma_prior: Decimal | None,
        max_hold_ns: int,
        on_note: Callable[[str], object],
    ) -> None:
        self._venue, self._quotes, self._clock, self._on_note = venue, quotes, clock, on_note
        self._symbols, self._max_hold_ns = tuple(symbols), max_hold_ns
        self._minutes = {symbol: MinuteStats(sigma_prior) for symbol in symbols}
        self._offset: tuple[int, int] | None = None
        self.instruments: Mapping[str, Instrument] = {}
        self._rules_ns: int | None = None

    # ── beginning and keeping up ──────────────────────────────────────────────

    async def begin(self, opened_ns: int) -> None:
        """Read rules, clocks and the last day of minutes. `opened_ns` is when the venue began to be opened.

        Raises VenueBusy, and InvalidArgument for a symbol that the venue does not trade.
        """
        # The adapter may have read its rules while it opened: they count as read when that began.
        self.instruments, self._rules_ns = await self._venue.rules(), opened_ns
        await self._set_clock()
        for symbol in self._symbols:
            await self._measure(symbol)

    async def keep(self, on_rules: Callable[[Mapping[str, Instrument]], None]) -> None:
        """Keep rules, clock and minutes fresh until cancelled; `on_rules` is told of rules that were read anew."""
        while True:
            await self._clock.sleep_until(self._clock.now_ns() + REFRESH_NS)
            try:
                asked_ns, found = self._clock.now_ns(), await self._venue.rules()
                if found is not self.instruments:
                    self.instruments, self._rules_ns = found, asked_ns
                    on_rules(found)
                await self._set_clock()
                for symbol in self._symbols:
                    await self._measure(symbol)
            except (Retryable, Uncertain) as fault:
                self._on_note(f"{self._venue.name} did not answer: {fault}")

    async def _set_clock(self) -> None:
        self._offset = (self._clock.now_ns(), (await self._venue.server_time()).offset_ns)

    async def _measure(self, symbol: str) -> None:
        """Let the symbol's volatility know the minutes that have closed, by the venue's clock."""
        stats = self._minutes[symbol]
        open_ms = self._venue_ns() // NS_PER_MS // MINUTE_MS * MINUTE_MS
        since_ms = open_ms - WARM_MINUTES * MINUTE_MS
        if stats.last_ms is not None:
            since_ms = max(since_ms, stats.last_ms + MINUTE_MS)
        if since_ms >= open_ms:
            return
        for minute in await self._quotes.minutes(symbol, since_ms, open_ms):
            _push(stats, minute)

    def _venue_ns(self) -> int:
        return self._clock.now_ns() + (0 if self._offset is None else self._offset[1])

    # ── a moment ──────────────────────────────────────────────────────────────

    async def quote(self, symbol: str) -> Quote | None:
        """Return the symbol's market with times of our clock; None where the venue did not answer."""
        try:
            await self._measure(symbol)
            found = await self._quotes.quote(symbol)
        except (Retryable, Uncertain) as fault:
            self._on_note(f"{self._venue.name} did not quote {symbol}: {fault}")
            return None
        now_ns, offset_ns = self._clock.now_ns(), 0 if self._offset is None else self._offset[1]
        return Quote(
            symbol, found.mark, min(now_ns, found.mark_ns - offset_ns), found.bids, found.asks,
            min(now_ns, found.book_ns - offset_ns), found.funding_rate_frac, found.next_funding_ns - offset_ns,
            found.funding_every_ns,
        )  # fmt: skip

    def view(self, quote: Quote) -> MarketView:
        """Return what the gate judges by, of a quote that was just made."""
        now_ns, stats = self._clock.now_ns(), self._minutes[quote.symbol]
        whole = bool(quote.bids and quote.asks) and quote.bids[0][0] < quote.asks[0][0]
        compared = self._offset is not None and now_ns - self._offset[0] <= OFFSET_GOOD_NS
        return MarketView(
            quote.mark, quote.mark_ns, book_ok=whole and now_ns - quote.book_ns <= BOOK_GOOD_NS,
            sigma_frac=stats.sigma_frac, volume_1m_quote=stats.volume_1m_quote, rules_ns=self._rules_ns,
            clock_offset_ms=self._offset[1] // NS_PER_MS if compared and self._offset is not None else None,
            funding_frac=quote.funding_frac(now_ns, now_ns + self._max_hold_ns), asks=quote.asks, bids=quote.bids,
        )  # fmt: skip

    async def quotes_of(self, symbols: Sequence[str]) -> list[Quote]:
        """Return a quote of each symbol that is answered for."""
        found = await asyncio.gather(*(self.quote(symbol) for symbol in symbols if symbol in self._minutes))
        return [quote for quote in found if quote is not None]

    def describe(self) -> str:
        """Return how much is known of each symbol's volatility, in words."""
        return ", ".join(f"{symbol} {stats.minutes} minutes" for symbol, stats in self._minutes.items())


def _push(stats: MinuteStats, minute: Minute) -> None:
    if stats.last_ms is None or minute.open_ms > stats.last_ms:
        stats.push(minute.open_ms, minute.close, minute.volume_quote)
