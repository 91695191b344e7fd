"""Where a venue is chosen, and nowhere else. Real money is never the default: a real venue must be named."""

from __future__ import annotations

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.runtime.fee_schedule import FeeSchedule
from chanflow.runtime.paper_market import PaperMarket
from chanflow.runtime.settings import Settings

PAPER = "paper"
VENUES = (PAPER,)
"""The venues that a broker can be told to use."""


def choose_venue(name: str | None, settings: Settings, clock: Clock, *, fees: FeeSchedule | None = None) -> PaperMarket:
    """Return the venue of that name, the simulated one where none is named. Raises InvalidArgument for any other.

    `fees` are charged instead of the venue's own.
    """
    if name not in (None, *VENUES):
        raise InvalidArgument(
            f"venue is {name!r}: this version can reach {', '.join(VENUES)}, and no real venue", field="venue"
        )
    execution = settings.execution
    return PaperMarket(
        clock,
        order_latency_ns=execution.order_latency_ms * NS_PER_MS,
        response_latency_ns=execution.response_latency_ms * NS_PER_MS,
        fees=fees,
    )
