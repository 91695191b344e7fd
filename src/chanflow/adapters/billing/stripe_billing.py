"""Stripe, or what speaks like it. Card data never come here: they are typed on Stripe's own pages.

A subscription carries the account in its metadata, so that an event finds its account without our tables.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from chanflow.access.billing import BillingEvent
from chanflow.access.subscription import Paid, Status
from chanflow.domain.errors import BillingBusy, InvalidArgument, MissingExtra, NotFound
from chanflow.domain.time import NS_PER_S, Clock

if TYPE_CHECKING:
    import stripe

_log = logging.getLogger(__name__)

TOLERANCE_S = 300
_TIMEOUT_S = 10
_CONCERNS_SUBSCRIPTION = ("customer.subscription.", "invoice.", "checkout.session.")


@dataclass(frozen=True, slots=True)
class StripeAccess:
    """How Stripe is reached. `prices` are its ids of our plans; `api_url` None is Stripe itself."""

    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    prices: Mapping[str, str]
    return_url: str
    api_url: str | None = None


class StripeBilling:
    """Implements `access.billing.BillingProvider`. Raises MissingExtra where the library is not installed."""

    def __init__(self, access: StripeAccess, clock: Clock) -> None:
        try:
            import stripe
        except ImportError:
            raise MissingExtra("billing needs the extra [billing]: pip install 'chanflow[billing]'") from None
        self._access, self._stripe, self._clock = access, stripe, clock
        self._client: stripe.StripeClient | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Keep connections while the block lasts, in its event loop."""
        stripe, access = self._stripe, self._access
        http = stripe.HTTPXClient(timeout=_TIMEOUT_S, allow_sync_methods=False)
        addresses: Any = {"base_addresses": {"api": access.api_url}} if access.api_url else {}
        self._client = stripe.StripeClient(access.api_key, http_client=http, max_network_retries=2, **addresses)
        try:
            yield
        finally:
            self._client = None
            await http.close_async()

    async def checkout(self, account: str, plan: str, customer_id: str | None, key: str) -> str:
        """Return the address of a page where the plan is paid; the same key is the same page."""
        back = self._access.return_url
        params: dict[str, Any] = {
            "mode": "subscription", "client_reference_id": account, "success_url": f"{back}?paid=1", "cancel_url": back,
            "line_items": [{"price": self._access.prices[plan], "quantity": 1}],
            "subscription_data": {"metadata": {"account": account}},
        }  # fmt: skip
        if customer_id is not None:
            params["customer"] = customer_id
        with self._told():
            made = await self._open.v1.checkout.sessions.create_async(
                params=cast("Any", params), options={"idempotency_key": key}
            )
        return _address(made.url)

    async def portal(self, customer_id: str) -> str:
        """Return the address of the customer's own page."""
        with self._told():
            made = await self._open.v1.billing_portal.sessions.create_async(
                params={"customer": customer_id, "return_url": self._access.return_url}
            )
        return _address(made.url)

    async def paid(self, subscription_id: str) -> Paid:
        """Return the present state of a subscription. Raises NotFound for one that Stripe does not know."""
        with self._told():
            found = await self._open.v1.subscriptions.retrieve_async(subscription_id)
        return self._paid(found.to_dict())

    async def change(self, subscription_id: str, plan: str, *, at_once: bool, key: str) -> None:
        """Set the price: with what is left of the period charged now, or without, so that the next period has it."""
        with self._told():
            found = (await self._open.v1.subscriptions.retrieve_async(subscription_id)).to_dict()
            item = _items(found)[0]["id"]
            await self._open.v1.subscriptions.update_async(
                subscription_id,
                params={
                    "items": [{"id": item, "price": self._access.prices[plan]}],
                    "proration_behavior": "always_invoice" if at_once else "none",
                },
                options={"idempotency_key": key},
            )

    async def end_with_period(self, subscription_id: str, *, ends: bool, key: str) -> None:
        """Have a subscription end with its period, or go on after all."""
        with self._told():
            await self._open.v1.subscriptions.update_async(
                subscription_id, params={"cancel_at_period_end": ends}, options={"idempotency_key": key}
            )

    def event(self, body: bytes, signature: str) -> BillingEvent:
        """Return what a message says; nothing of it is read before its signature held."""
        stripe = self._stripe
        try:
            text = body.decode()
            # The library compares with its own clock; the desk's has the last word in `_lately`.
            stripe.WebhookSignature.verify_header(text, signature, self._access.webhook_secret, None)
            self._lately(signature)
            told = json.loads(text)
            kind, found = str(told["type"]), told["data"]["object"]
            return BillingEvent(
                str(told["id"])[:255], kind[:64], int(told["created"]) * NS_PER_S, _subscription_of(kind, found)
            )
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError):
            raise InvalidArgument("the message is not signed by the payment provider, or is too old") from None

    def _lately(self, signature: str) -> None:
        said = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
        if abs(self._clock.now_ns() // NS_PER_S - int(said["t"])) > TOLERANCE_S:
            raise ValueError("too old")

    @property
    def _open(self) -> stripe.StripeClient:
        if self._client is None:
            raise BillingBusy("billing is not open yet")
        return self._client

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what Stripe answered in our words; what it refused is logged by its code alone."""
        stripe = self._stripe
        try:
            yield
        except stripe.InvalidRequestError as fault:
            if fault.http_status == 404:
                raise NotFound("the payment provider does not know this subscription") from None
            _log.warning("the payment provider refused: %s", fault.code)
            raise InvalidArgument("the payment provider refused the request") from None
        except stripe.StripeError as fault:
            _log.warning("the payment provider cannot be used: %s", type(fault).__name__)
            raise BillingBusy("the payment provider cannot be reached") from None

    def _paid(self, found: Mapping[str, Any]) -> Paid:
        item = _items(found)[0]
        plans = {price: plan for plan, price in self._access.prices.items()}
        # Newer versions of the interface have the period on the item.
        starts, ends = (int(item.get(name) or found[name]) for name in ("current_period_start", "current_period_end"))
        account = (found.get("metadata") or {}).get("account")
        return Paid(
            str(found["id"]), _id(found["customer"]), None if account is None else str(account),
            plans.get(item["price"]["id"]), cast("Status", found["status"]), starts * NS_PER_S, ends * NS_PER_S,
            bool(found["cancel_at_period_end"]),
        )  # fmt: skip


def _items(found: Mapping[str, Any]) -> list[Any]:
    items: list[Any] = found["items"]["data"]
    return items


def _id(found: Any) -> str:
    return str(found["id"] if isinstance(found, Mapping) else found)


def _address(url: object) -> str:
    if not isinstance(url, str) or not url.startswith(("https://", "http://127.0.0.1:")):
        raise BillingBusy("the payment provider gave no page")
    return url


def _subscription_of(kind: str, found: Mapping[str, Any]) -> str | None:
    """Return the subscription that an event concerns, None where it concerns none."""
    if not kind.startswith(_CONCERNS_SUBSCRIPTION):
        return None
    parent = (found.get("parent") or {}).get("subscription_details") or {}
    named = found["id"] if kind.startswith("customer.") else found.get("subscription") or parent.get("subscription")
    return None if named is None else _id(named)
