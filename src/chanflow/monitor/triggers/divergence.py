"""`divergence` · channel, kind: price and a force behind it part ways (背驰).

`ofi`, `cvd` and `fusion` are divergences of price and order flow, `macd` those that a confirmed point 1 or 1p rests on:
`bull` at a buying point, `bear` at a selling one. It counts when it is detected, not at the pivot it speaks of.
"""

from __future__ import annotations

from chanflow.domain.trigger import Divergence
from chanflow.monitor.armed import Armed, Hit


class Divergences:
    """The divergences of one symbol, by channel and kind."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], dict[int, Armed]] = {}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._by_key.setdefault(_key(armed), {})[armed.seq] = armed

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._by_key.get(_key(armed), {}).pop(armed.seq, None)

    def detected(self, channel: str, kind: str, ref: str) -> list[Hit]:
        """Return what a divergence fires; `ref` is the id by which evidence cites it."""
        return [Hit(armed, ref) for armed in self._by_key.pop((channel, kind), {}).values()]


def _key(armed: Armed) -> tuple[str, str]:
    params = armed.params
    assert isinstance(params, Divergence)
    return params.channel, params.kind
