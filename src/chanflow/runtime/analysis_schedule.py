"""When the analyst is asked by the clock: at the close of a level's bars, or by a cron line, in the desk's own time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.time import NS_PER_MS
from chanflow.runtime.agent_settings import ScheduleEntry
from chanflow.runtime.cron import Cron

CANDLE_CLOSE = "candle_close"


@dataclass(slots=True)
class _Line:
    """One line of the schedule, and when it comes next."""

    after: Callable[[int], int]
    next_ns: int


class AnalysisSchedule:
    """Tells when a decision on one symbol is due as the desk's time goes on.

    Raises SettingsInvalid for a line that names the symbol at a level which is not the desk's.
    """

    def __init__(self, entries: Sequence[ScheduleEntry], *, symbol: str, level: str, start_ns: int) -> None:
        mine = [entry for entry in entries if symbol in entry.symbols]
        other = next((entry for entry in mine if entry.level != level), None)
        if other is not None:
            raise SettingsInvalid(
                f"analyst.schedule asks about {symbol} at {other.level}, and this desk decides at {level}"
            )
        afters = [_after(entry) for entry in mine]
        self._lines = [_Line(after, after(start_ns)) for after in afters]

    def due(self, now_ns: int) -> bool:
        """Return whether any line has come since the last call; what was slept through counts once."""
        came = [line for line in self._lines if now_ns >= line.next_ns]
        for line in came:
            line.next_ns = line.after(now_ns)
        return bool(came)


def _after(entry: ScheduleEntry) -> Callable[[int], int]:
    if entry.on != CANDLE_CLOSE:
        return Cron.parse(entry.on).next_ns
    bar_ns = LEVEL_MS[entry.level] * NS_PER_MS
    return lambda now_ns: (now_ns // bar_ns + 1) * bar_ns
