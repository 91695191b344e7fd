"""When a call is made again, and after which pause.

The desk marks as retryable what did not happen. Where nobody knows whether it did (the work took too long, or the
connection broke after the request was sent), only what may be done twice is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.client.fault import ChanflowClientError, Unreachable


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the client goes on.

    The pauses of one call come to `wait_s` at most, and its attempts to `attempts` where the desk does not say when to
    come back.
    """

    wait_s: float = 30.0
    attempts: int = 6
    first_s: float = 0.25
    longest_s: float = 10.0

    def pause_s(self, fault: ChanflowClientError, *, tried: int, waited_s: float, chance: float) -> float | None:
        """Return how long to wait before the next attempt, None where there is none.

        Pauses are never shorter than the desk asks, and spread further with each attempt: of many calls that were told
        the same, each has its turn. Where the desk does not say, they double.
        """
        if fault.retry_after_ms is not None:
            pause_s = fault.retry_after_ms / 1000 * (1 + chance * tried)
        elif tried >= self.attempts:
            return None
        else:
            pause_s = self.backoff_s(tried, chance)
        return pause_s if waited_s + pause_s <= self.wait_s else None

    def backoff_s(self, tried: int, chance: float) -> float:
        """Return a pause of half to all of the step that belongs to an attempt."""
        step_s = min(self.longest_s, self.first_s * 2.0 ** min(tried - 1, 16))
        return step_s * (0.5 + chance / 2)


def may_repeat(fault: ChanflowClientError, *, twice: bool) -> bool:
    """Return whether a failed call may be made again; `twice` says whether doing it twice is doing it once."""
    if isinstance(fault, Unreachable):
        return twice or not fault.sent
    return fault.retryable and (twice or fault.code != "timeout")
