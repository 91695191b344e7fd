"""`candle_close` · level: the next candle of a level closes."""

from __future__ import annotations

from chanflow.domain.time import rfc3339
from chanflow.domain.trigger import CandleClose
from chanflow.monitor.armed import Armed, Hit


class Candles:
    """The candle triggers of one symbol, by level."""

    def __init__(self) -> None:
        self._by_level: dict[str, dict[int, Armed]] = {}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._by_level.setdefault(_level(armed), {})[armed.seq] = armed

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._by_level.get(_level(armed), {}).pop(armed.seq, None)

    def closed(self, level: str, close_ns: int) -> list[Hit]:
        """Return what the close of a candle fires."""
        return [Hit(armed, rfc3339(close_ns)) for armed in self._by_level.pop(level, {}).values()]


def _level(armed: Armed) -> str:
    assert isinstance(armed.params, CandleClose)
    return armed.params.level
