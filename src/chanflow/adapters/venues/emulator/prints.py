"""What a market leaves behind: trades, aggregates, fundings, and the figures of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed


class Trade(NamedTuple):
    """One public trade: lots at an integer price."""

    trade_id: int
    price: int
    qty: int
    ms: int
    buyer_is_maker: bool


class AggTrade(NamedTuple):
    """What one taker order traded at one price at one moment."""

    number: int
    price: int
    qty: int
    first_id: int
    last_id: int
    ms: int
    buyer_is_maker: bool


class Funding(NamedTuple):
    """One settled funding."""

    ms: int
    rate_ppb: int
    mark: int


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours: integer prices, lots, and `quote` in price times lots."""

    open_ms: int
    close_ms: int
    open: int
    high: int
    low: int
    last: int
    last_qty: int
    qty: int
    quote: int
    first_id: int
    last_id: int
    count: int


def day_text(rules: SymbolRules, day: Day) -> Mapping[str, str]:
    """Return the figures of 24 hours as the venue writes them, by their REST names."""
    change = day.last - day.open
    percent = change * 100_000 // day.open
    return {
        "priceChange": rules.price_text(change),
        "priceChangePercent": fixed(percent, 3),
        "weightedAvgPrice": rules.price_text(day.quote // max(day.qty, 1)),
        "lastPrice": rules.price_text(day.last),
        "lastQty": rules.qty_text(day.last_qty),
        "openPrice": rules.price_text(day.open),
        "highPrice": rules.price_text(day.high),
        "lowPrice": rules.price_text(day.low),
        "volume": rules.qty_text(day.qty),
        "quoteVolume": rules.quote_text(day.quote),
    }
