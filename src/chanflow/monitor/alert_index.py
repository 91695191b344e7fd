"""Which alerts wait for what, found without walking them: by symbol, level, type, and prices in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from chanflow.domain.time import NS_PER_MS
from chanflow.domain.watch_alert import Happening, WatchAlert

ALL_TYPES = ("buy1", "buy2", "buy3", "sell1", "sell2", "sell3")


@dataclass(slots=True)
class _Prices:
    """Prices waited for on one series, each once and in order, with the alerts of each."""

    order: list[float] = field(default_factory=list)
    alerts: dict[float, list[WatchAlert]] = field(default_factory=dict)

    def add(self, price: float, alert: WatchAlert) -> None:
        if price not in self.alerts:
            insort(self.order, price)
        self.alerts.setdefault(price, []).append(alert)


class AlertIndex:
    """Alerts that are active, made anew when one comes or goes.

    Those that are `paused` hear nothing; the bars they need are looked at all the same, so that one that is live again
    begins with what comes then.
    """

    def __init__(self, alerts: Iterable[WatchAlert] = (), *, paused: Container[str] = ()) -> None:
        self._waiting: dict[tuple[str, ...], list[WatchAlert]] = {}
        self._above: dict[tuple[str, str], _Prices] = {}
        self._below: dict[tuple[str, str], _Prices] = {}
        series: set[tuple[str, str]] = set()
        for alert in alerts:
            series.update(alert.series)
            if alert.alert_id not in paused:
                self._add(alert)
        self.series: tuple[tuple[str, str], ...] = tuple(sorted(series))
        """The bars that some alert needs: symbol and level."""

    def _add(self, alert: WatchAlert) -> None:
        if alert.kind == "risk":
            self._waiting.setdefault(("risk",), []).append(alert)
            return
        for symbol in alert.symbols:
            if alert.kind == "price":
                for price, side in ((alert.above, self._above), (alert.below, self._below)):
                    if price is not None:
                        side.setdefault((symbol, alert.level), _Prices()).add(price, alert)
            elif alert.kind == "buy_sell_points":
                for each in alert.types or ALL_TYPES:
                    self._waiting.setdefault((alert.kind, symbol, alert.level, each), []).append(alert)
            elif alert.kind == "structure":
                self._waiting.setdefault((alert.kind, symbol, alert.level), []).append(alert)
            else:
                self._waiting.setdefault((alert.kind, symbol), []).append(alert)

    def waits_for(self, kind: str) -> bool:
        """Return whether an alert waits for what the desk tells of a kind: signal or risk."""
        return any(key[0] == kind for key in self._waiting)

    def crossed(self, symbol: str, level: str, *, close: float, high: float, low: float) -> list[tuple[str, float]]:
        """Return the side and price of each level that a bar reached from the other side of the close before it."""
        found: list[tuple[str, float]] = []
        if (above := self._above.get((symbol, level))) is not None:
            reached = above.order[bisect_right(above.order, close) : bisect_right(above.order, high)]
            found += [("above", price) for price in reached]
        if (below := self._below.get((symbol, level))) is not None:
            reached = below.order[bisect_left(below.order, low) : bisect_left(below.order, close)]
            found += [("below", price) for price in reversed(reached)]
        return found

    def waiting(self, happening: Happening, now_ns: int) -> list[str]:
        """Return the ids of the alerts that a happening is for: alive at `now_ns`, and set before it was known."""
        return [alert.alert_id for alert in self._asked(happening) if _hears(alert, happening, now_ns)]

    def _asked(self, happening: Happening) -> Sequence[WatchAlert]:
        symbol, level = happening.symbol or "", happening.level or ""
        if happening.kind == "price":
            side = self._above if happening.body["event"] == "above" else self._below
            prices = side.get((symbol, level))
            return () if prices is None else prices.alerts.get(happening.body["threshold"], ())
        key: tuple[str, ...]
        match happening.kind:
            case "buy_sell_points":
                key = ("buy_sell_points", symbol, level, happening.type or "")
            case "structure":
                key = ("structure", symbol, level)
            case "signal":
                key = ("signal", symbol)
            case "risk":
                key = ("risk",)
        return self._waiting.get(key, ())


def _hears(alert: WatchAlert, happening: Happening, now_ns: int) -> bool:
    if alert.expires_ns is not None and alert.expires_ns <= now_ns:
        return False
    since_ms = alert.since_ms.get(happening.symbol or "")
    if happening.level is None or since_ms is None:
        return happening.known_ns > alert.known_since_ns
    return happening.known_ns > since_ms * NS_PER_MS
