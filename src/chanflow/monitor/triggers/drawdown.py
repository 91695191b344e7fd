"""`drawdown` · frac: the account's equity is that share or more below its high water. The guardian is told as well."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.trigger import Drawdown
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


class Drawdowns:
    """The drawdown triggers of the account, sorted by share."""

    def __init__(self) -> None:
        self._levels: Levels[Decimal] = Levels()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._levels.add(_frac(armed), armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._levels.drop(_frac(armed), armed)

    def fallen(self, drawdown_frac: Decimal) -> list[Hit]:
        """Return what a drawdown fires."""
        return [Hit(armed, f"{drawdown_frac:.6f}") for armed in self._levels.take_up_to(drawdown_frac)]


def _frac(armed: Armed) -> Decimal:
    assert isinstance(armed.params, Drawdown)
    return Decimal(repr(armed.params.frac))
