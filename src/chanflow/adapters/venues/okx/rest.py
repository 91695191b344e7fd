"""How OKX is talked to over REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chanflow.adapters.transport.allowance import Limit
from chanflow.adapters.transport.venue_rest import Dialect
from chanflow.adapters.venues.okx.error_codes import outcome_of
from chanflow.adapters.venues.okx.rest_words import first_of

LIMITS: Final = (Limit("orders", 2, 60), Limit("weight", 2, 20))
"""OKX limits each endpoint by itself, from 5 in 2 s on; these bounds over all of them keep every one.

Source: OKX API documentation v5, the rate limit of each endpoint.
"""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The base of REST, and of the sockets up to `/ws/v5`, without a slash at the end."""

    rest: str
    stream: str


LIVE: Final = Addresses("https://www.okx.com", "wss://ws.okx.com:8443/ws/v5")
DEMO: Final = Addresses("https://www.okx.com", "wss://wspap.okx.com:8443/ws/v5")


def _no_counts(headers: Mapping[str, str]) -> tuple[tuple[str, int, int], ...]:  # noqa: ARG001 - OKX tells none
    return ()


DIALECT: Final = Dialect(
    outcome_of, _no_counts, lambda body: int(first_of(body)["ts"]),
    private_api="private", public_api="public", time_path="public/time",
)  # fmt: skip
