"""What a model's tokens cost, by a dated list of ours. A model that is not on it is not asked, unless it is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.errors import BudgetSpent

TOKENS_PER_PRICE = 1_000_000
"""Prices are in dollars for so many tokens."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens sent and received; the dearest rate where a provider has several."""

    input_usd: Decimal
    output_usd: Decimal


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by `provider/model` or `kind/model`, true on `as_of` (YYYY-MM-DD), said by `source`.

    `kinds` has the kind of each provider in use: a model's price is looked for under its provider's own name first,
    then under its kind's. A provider in `free` costs nothing.
    """

    as_of: str
    source: str
    prices: Mapping[str, Price]
    kinds: Mapping[str, str]
    free: frozenset[str] = frozenset()

    def price(self, model: str) -> Price | None:
        """Return the price of `provider/model`, None for a free one. Raises BudgetSpent for one that has none."""
        provider, _, name = model.partition("/")
        if provider in self.free:
            return None
        found = self.prices.get(model) or self.prices.get(f"{self.kinds.get(provider, provider)}/{name}")
        if found is None:
            raise BudgetSpent(
                f"model {model} has no price in the list of {self.as_of}, so nobody knows what it may cost: add it to "
                f"a price file (budget.prices), or set providers.{provider}.free for a server of your own"
            )
        return found

    def cost(self, model: str, tokens_in: int, tokens_out: int) -> Decimal:
        """Return the dollars of so many tokens, exactly. Raises BudgetSpent for a model without a price."""
        price = self.price(model)
        if price is None:
            return Decimal(0)
        return (tokens_in * price.input_usd + tokens_out * price.output_usd) / TOKENS_PER_PRICE
