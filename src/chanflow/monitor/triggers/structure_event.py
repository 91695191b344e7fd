"""`structure_event` · level, event, type?: the structure engine emits an event at a level.

`point_confirmed` `point_void` `stroke_confirmed` `center_formed` `center_left`. A point may be named: `buy3` is any of
buy3a and buy3b, on strokes or segments; `buy3a` only that. The event counts when the bar that tells it has closed.
"""

from __future__ import annotations

from chanflow.domain.structure import StructureNews
from chanflow.domain.trigger import StructureChange
from chanflow.monitor.armed import Armed, Hit

_Key = tuple[str, str, str | None]


class StructureEvents:
    """The structure events of one symbol, by level, event and type."""

    def __init__(self) -> None:
        self._by_key: dict[_Key, dict[int, Armed]] = {}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._by_key.setdefault(_key(armed), {})[armed.seq] = armed

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._by_key.get(_key(armed), {}).pop(armed.seq, None)

    def told(self, level: str, news: StructureNews) -> list[Hit]:
        """Return what an event fires."""
        names = {None, news.point, news.point[: len(news.point.rstrip("psab"))] if news.point else None}
        found: list[Armed] = []
        for name in sorted(names, key=str):
            found += self._by_key.pop((level, news.event, name), {}).values()
        return [Hit(armed, f"{news.event} {news.ref}") for armed in found]


def _key(armed: Armed) -> _Key:
    params = armed.params
    assert isinstance(params, StructureChange)
    return params.level, params.event, params.type
