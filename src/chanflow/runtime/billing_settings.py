"""What is sold, and through whom. Its secrets stand in files of the data directory, never in settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from chanflow.access.billing import Offer
from chanflow.access.plans import PLANS
from chanflow.access.subscription import FREE
from chanflow.runtime.setting_fields import Section, of_json

Url = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s?#]{1,200})?$")]


class OfferSettings(Section):
    """A plan that can be bought: the provider's id of its price, and what that is a month, to show and to sum."""

    price: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,255}$")]
    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,2})?$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] = "usd"


def _plans(offers: Mapping[str, OfferSettings]) -> Mapping[str, OfferSettings]:
    sold = [plan for plan in PLANS if plan != FREE]
    if unknown := sorted(set(offers) - set(sold)):
        raise ValueError(f"names a plan {unknown[0][:40]!r}: sold can be {', '.join(sold)}")
    prices = [offer.price for offer in offers.values()]
    if len(set(prices)) < len(prices):
        raise ValueError("has one price for two plans, so an event would not say which was bought")
    return offers


def _read(value: object) -> object:
    return of_json(value, {}, 'write it like {"pro": {"price": "price_1", "amount": "29.00"}}')


Offers = Annotated[dict[str, OfferSettings], BeforeValidator(_read), AfterValidator(_plans)]


class BillingSettings(Section):
    """Who takes the money: nobody, or Stripe. `return_url` is where buyers come back to."""

    provider: Literal["none", "stripe"]
    api_url: Url
    return_url: Url
    offers: Annotated[Offers, Field(max_length=8)]

    def sold(self) -> tuple[Offer, ...]:
        """Return what is sold, the smallest plan first."""
        known = [plan for plan in PLANS if plan in self.offers]
        return tuple(Offer(plan, self.offers[plan].amount, self.offers[plan].currency) for plan in known)

    def prices(self) -> dict[str, str]:
        """Return the provider's id of each plan's price."""
        return {plan: offer.price for plan, offer in self.offers.items()}


def loopback_address(url: str) -> bool:
    """Return whether an address is this machine's, for which no TLS is asked."""
    return re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)", url) is not None
