"""How Binance USD-M is talked to over REST."""

from __future__ import annotations

from typing import Final

from chanflow.adapters.transport.allowance import Limit
from chanflow.adapters.transport.venue_rest import Dialect
from chanflow.adapters.venues.binance.error_codes import outcome_of
from chanflow.adapters.venues.binance.rest_words import used_counts

LIMITS: Final = (Limit("weight", 60, 2_400), Limit("orders", 10, 300), Limit("orders", 60, 1_200))
"""What holds until `exchangeInfo` has told the account's own limits."""

RECEIVE_WINDOW_MS: Final = 5_000

DIALECT: Final = Dialect(
    outcome_of, used_counts, lambda body: int(body["serverTime"]),
    private_api="fapiPrivate", public_api="fapiPublic", time_path="time",
)  # fmt: skip
