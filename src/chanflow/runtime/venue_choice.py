"""Where a venue is chosen, and nowhere else. Real money is never the default, and this version trades none.

Test money (loopback, testnet, demo) runs with `execution.mode: paper`, and trades there as live: on the ladder of live
trading, which begins at L1, and below L3 with a person's approval of each opening.
"""

from __future__ import annotations

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.runtime.fee_schedule import FeeSchedule
from chanflow.runtime.paper_market import PaperMarket
from chanflow.runtime.settings import Settings
from chanflow.runtime.venue_settings import VenueSettings

PAPER = "paper"
REAL = ("binance", "okx", "hyperliquid")
VENUES = (PAPER, *REAL)
"""The venues that a broker can be told to use."""


def real_venue_settings(name: str | None, settings: Settings) -> VenueSettings | None:
    """Return where real orders go: to the venue of that name, else to the settings' own; None for the paper market.

    Raises InvalidArgument for a venue that is not known, SettingsInvalid where the venue's money is real.
    """
    if name not in (None, *VENUES):
        raise InvalidArgument(f"venue is {name!r}: this version can reach {', '.join(VENUES)}", field="venue")
    there = settings.execution.venue
    chosen = name or (PAPER if there.name == "simulated" else there.name)
    if chosen == PAPER:
        return None
    if there.environment == "live":
        raise SettingsInvalid(
            "execution.venue.environment is live: this version trades test money alone: set testnet or loopback"
        )
    return there.model_copy(update={"name": chosen})


def choose_venue(name: str | None, settings: Settings, clock: Clock, *, fees: FeeSchedule | None = None) -> PaperMarket:
    """Return the simulated venue. Raises InvalidArgument for any other name.

    `fees` are charged instead of the venue's own.
    """
    if name not in (None, PAPER):
        raise InvalidArgument(f"venue is {name!r}: the paper desk trades at {PAPER} only", field="venue")
    execution = settings.execution
    return PaperMarket(
        clock,
        order_latency_ns=execution.order_latency_ms * NS_PER_MS,
        response_latency_ns=execution.response_latency_ms * NS_PER_MS,
        fees=fees,
    )
