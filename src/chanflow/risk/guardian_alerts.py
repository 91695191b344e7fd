"""Alerts as a limit is used up: 50 % is information, 80 % a warning, 100 % critical.

Each is told once per crossing, and armed again when the figure falls below 90 % of the threshold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Severity = Literal["info", "warning", "critical"]
THRESHOLDS: tuple[tuple[int, Severity], ...] = ((50, "info"), (80, "warning"), (100, "critical"))
REARM = Decimal("0.90")


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a limit is used; 1 is all of it."""

    name: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class Alert:
    """One threshold crossed. Quiet times do not apply to critical ones."""

    name: str
    percent: int
    severity: Severity
    message: str


def crossings(
    used: Iterable[Used], crossed: tuple[tuple[str, int], ...]
) -> tuple[tuple[tuple[str, int], ...], tuple[Alert, ...]]:
    """Return the thresholds that are not armed after these readings, and the alerts to send.

    Where a figure leaps over several, only the highest is told. A figure that is not read keeps its thresholds.
    """
    after, alerts = set(crossed), []
    for figure in used:
        fresh = None
        for percent, severity in THRESHOLDS:
            key, bound = (figure.name, percent), Decimal(percent) / 100
            if figure.share >= bound and key not in after:
                after.add(key)
                fresh = Alert(
                    figure.name, percent, severity, f"{figure.name} uses {figure.share * 100:.1f} % of its limit"
                )
            elif figure.share < REARM * bound:
                after.discard(key)
        if fresh is not None:
            alerts.append(fresh)
    return tuple(sorted(after)), tuple(alerts)


def ladder_used(
    *, trades_today: int, trades_cap: int | None, straight_losses: int, losses_cap: int,
    win_rate: Decimal | None = None, win_rate_floor: Decimal | None = None,
) -> tuple[Used, ...]:  # fmt: skip
    """Return how much of the ladder's own limits is used: trades a day, straight losses, the win rate's floor."""
    found = [Used("straight_losses", Decimal(straight_losses) / losses_cap)]
    if trades_cap:
        found.append(Used("trades_per_day", Decimal(trades_today) / trades_cap))
    if win_rate is not None and win_rate_floor is not None:
        found.append(Used("win_rate", win_rate_floor / max(win_rate, Decimal("0.0001"))))
    return tuple(found)
