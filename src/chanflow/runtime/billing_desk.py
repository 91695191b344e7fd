"""Joins billing to the provider that settings name, and lets the clock do its part while the desk serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chanflow.access.billing import Billing, SubscriptionShelf
from chanflow.adapters.billing.stripe_billing import StripeAccess, StripeBilling
from chanflow.domain.errors import ChanflowError, SettingsInvalid
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.runtime.billing_settings import BillingSettings, loopback_address
from chanflow.runtime.home import Home

TICK_S = 60
_LEAST_SECRET = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Till:
    """Billing, and the provider behind it."""

    billing: Billing
    provider: StripeBilling
    clock: Clock

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Keep the provider open and the clock's part done while the block lasts."""
        async with self.provider.serving():
            ticking = asyncio.create_task(self._tick())
            try:
                yield
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            try:
                for change in await self.billing.tick():
                    _log.info("account %s went from plan %s to %s", change.account, change.before, change.after)
            except ChanflowError:
                _log.exception("plans that were due are not changed; tried again in %d s", TICK_S)
            await self.clock.sleep_until(self.clock.now_ns() + TICK_S * NS_PER_S)


def open_billing(
    home: Home, clock: Clock, settings: BillingSettings | None, shelf: SubscriptionShelf,
    read_secret: Callable[[Path, str], bytes],
) -> Till | None:  # fmt: skip
    """Return the billing of a desk, None where nothing is sold. Raises SettingsInvalid, MissingExtra."""
    if settings is None or settings.provider == "none":
        return None
    for name, url in (("api_url", settings.api_url), ("return_url", settings.return_url)):
        if url and not url.startswith("https://") and not loopback_address(url):
            raise SettingsInvalid(f"billing.{name} is {url}: money goes over https alone")
    if not settings.return_url:
        raise SettingsInvalid("billing.return_url is empty: name the page that buyers come back to")
    api_key, webhook = (_secret(path, read_secret) for path in home.stripe_paths)
    access = StripeAccess(api_key, webhook, settings.prices(), settings.return_url, settings.api_url or None)
    provider = StripeBilling(access, clock)
    return Till(Billing(provider, shelf, settings.sold(), clock), provider, clock)


def _secret(path: Path, read_secret: Callable[[Path, str], bytes]) -> str:
    found = read_secret(path, "write the payment provider's there, for this user alone")
    if len(found) < _LEAST_SECRET or not found.isascii():
        raise SettingsInvalid(f"the secret {path} holds {len(found)} bytes, at least {_LEAST_SECRET} are needed")
    return found.decode()
