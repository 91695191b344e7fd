"""Public questions to a venue: an answer that cannot be read is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from chanflow.adapters.transport.rest import HttpxRest
from chanflow.domain.errors import VenueBusy
from chanflow.market.ports import RestRequest

T = TypeVar("T")


class PublicRest:
    """Asks one venue for market data, without keys."""

    def __init__(self, venue: str, url: str) -> None:
        self._venue, self._url = venue, url.rstrip("/")
        self._http = HttpxRest()

    async def ask(
        self, path: str, params: dict[str, str], read: Callable[[Any], T], *, body: dict[str, Any] | None = None
    ) -> T:
        """Return what `read` makes of the answer; a `body` makes it a POST. Raises VenueBusy."""
        sent = None if body is None else json.dumps(body).encode()
        reply = await self._http.ask(RestRequest(self._url + path, tuple(params.items()), sent))
        if reply.status != 200:
            words = reply.body[:200].decode("utf-8", "replace")
            raise VenueBusy(f"{self._venue} answered {path} with status {reply.status}: {words}")
        try:
            return read(json.loads(reply.body))
        except (ValueError, KeyError, IndexError, TypeError, ArithmeticError) as fault:
            raise VenueBusy(f"{self._venue}'s answer to {path} cannot be read: {fault!r}") from fault

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()


def levels(rows: Any, *, size: Decimal = Decimal(1)) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the (price, quantity) of a book's side; `size` is the base of one unit of quantity."""
    return tuple((_above_zero(row[0]), _above_zero(row[1]) * size) for row in rows)


def _above_zero(text: Any) -> Decimal:
    value = Decimal(str(text))
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{text} is not above 0")
    return value


def price(text: Any) -> Decimal:
    """Return a price. Raises ValueError for one that is not above 0."""
    return _above_zero(text)


def share(text: Any) -> Decimal:
    """Return a rate. Raises ValueError for one that is no number."""
    value = Decimal(str(text))
    if not value.is_finite():
        raise ValueError(f"{text} is no number")
    return value
