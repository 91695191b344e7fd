"""Every symbol's market side by side: what the public doors and the all-market streams show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from chanflow.adapters.venues.emulator import frames
from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.frames import NS_PER_MS, Frame
from chanflow.adapters.venues.emulator.market import MarketState
from chanflow.adapters.venues.emulator.records import OwnTrade
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.steps import Ticks

_NS_PER_S: Final = 1_000_000_000


class MarketDesk:
    """The markets of an exchange. Time enters with `play`."""

    def __init__(
        self,
        rules: Mapping[str, SymbolRules],
        *,
        wanted: Callable[[str], bool] = lambda _: True,
        server_ns: Callable[[], int] | None = None,
        rate_limits: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """`server_ns` is the time that clients are told, the market's own unless given.

        `rate_limits` are shown as `exchangeInfo.rateLimits`; `wanted` is as in `MarketState`.
        """
        self.states = {name: MarketState(rules[name], wanted=wanted) for name in sorted(rules)}
        self.rate_limits = rate_limits
        self.now_ns = 0
        self._wanted = wanted
        self._server_ns = server_ns

    @property
    def server_ms(self) -> int:
        """The time that clients are told, Unix ms."""
        return (self.now_ns if self._server_ns is None else self._server_ns()) // NS_PER_MS

    def play(self, batches: Iterable[Ticks], now_ns: int) -> list[Frame]:
        """Take ticks up to `now_ns`, let time come there, and return the messages, those of a second together."""
        left = {batch.symbol: batch for batch in batches}
        out: list[Frame] = []
        if self.now_ns:
            for second in range(self.now_ns // _NS_PER_S + 1, now_ns // _NS_PER_S + 1):
                self._come(left, second * _NS_PER_S, out)
                self._tell_all(second, out)
        self._come(left, now_ns + 1, out)
        self.now_ns = max(self.now_ns, now_ns)
        return out

    def own_trades(self, trades: Iterable[OwnTrade]) -> list[Frame]:
        """Show what our clients traded, as `MarketState.own_trades` does."""
        out: list[Frame] = []
        for one in trades:
            out += self.states[one.symbol].own_trades((one,))
        return out

    def _come(self, left: dict[str, Ticks], before_ns: int, out: list[Frame]) -> None:
        """Let every market come to the moment before `before_ns`."""
        for name, state in self.states.items():
            batch = left.get(name)
            if batch is not None and len(batch):
                rows = int(batch.event_ns.searchsorted(before_ns, side="left"))
                if rows == len(batch):
                    out += state.take(left.pop(name))
                elif rows:
                    out += state.take(batch[:rows])
                    left[name] = batch[rows:]
            out += state.advance(before_ns - 1)

    def _tell_all(self, second: int, out: list[Frame]) -> None:
        """Tell what all-market streams bring at a full second."""
        at_ns = second * _NS_PER_S
        states = self.states.values()
        for stream, every, of in (
            ("!markPrice@arr@1s", 1, _mark), ("!markPrice@arr", 3, _mark), ("!ticker@arr", 1, MarketState.ticker),
            ("!miniTicker@arr", 1, MarketState.mini_ticker),
        ):  # fmt: skip
            if second % every == 0 and self._wanted(stream):
                told = [one for state in states if (one := of(state)) is not None]
                if told:
                    out.append(Frame(stream, at_ns, partial(json.dumps, told, separators=(",", ":"))))
        if second % 5 == 0 and self._wanted("!bookTicker"):
            for state in states:
                bid, ask = state.book.best(BID), state.book.best(ASK)
                if bid is not None and ask is not None:
                    write = frames.book_ticker(state.rules, state.book.update_id, bid, ask, at_ns)
                    out.append(Frame("!bookTicker", at_ns, write))


def _mark(state: MarketState) -> dict[str, Any] | None:
    return None if state.mark is None else state.mark_update()
