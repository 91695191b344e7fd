"""The watch finds by its indexes what a scan of all triggers finds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from made_desk import NOW, D
from made_watch import ALL, LONG, SECOND, SHORT, trigger

from chanflow.domain.flow import FlowBin
from chanflow.domain.market_data import Touch
from chanflow.domain.trigger import Trigger
from chanflow.monitor.armed import Watched
from chanflow.monitor.watch import Watch

PRICES = st.sampled_from([D(p) / 2 for p in range(186, 216)])
FRACS = st.sampled_from([0.005, 0.01, 0.02, 0.4, 0.5])
DRAFTS = st.one_of(
    st.tuples(st.just("price_cross"), st.tuples(PRICES, st.sampled_from(["up", "down", "either"]))),
    st.tuples(st.just("price_move"), st.tuples(FRACS, st.sampled_from([3, 10, 60]))),
    st.tuples(st.just("mark_distance_to_stop"), st.tuples(st.sampled_from([0.1, 0.25, 0.5, 1.0]))),
    st.tuples(st.just("profit_giveback"), st.tuples(st.sampled_from([0.25, 0.5, 1.0, 2.0]), FRACS)),
    st.tuples(
        st.just("flow"),
        st.tuples(st.just("z_ofi"), st.sampled_from("><"), st.sampled_from([-1.0, 0.0, 1.0]), st.integers(1, 4)),
    ),
    st.tuples(st.just("spread"), st.tuples(st.sampled_from("><"), st.sampled_from([0.0, 50.0, 100.0]))),
    st.tuples(st.just("time_at"), st.tuples(st.integers(0, 40).map(lambda s: NOW + s * SECOND))),
    st.tuples(st.just("position_age"), st.tuples(st.integers(1, 40))),
    st.tuples(st.just("data_stale"), st.tuples(st.sampled_from([1_000, 5_000, 20_000]))),
)  # fmt: skip
STRETCHES = st.tuples(
    st.integers(1, 12),
    st.lists(PRICES, max_size=4),
    st.one_of(st.none(), st.tuples(PRICES, st.sampled_from([D(0), D("0.5"), D(1)]))),
    st.one_of(st.none(), st.sampled_from([-2.0, -0.5, 0.5, 2.0])),
)
ARMED = st.lists(st.tuples(DRAFTS, st.booleans(), st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=25)


@dataclass(slots=True)
class Scan:
    """The same rules, one trigger and one whole history at a time."""

    trigger: Trigger
    position: Watched
    trades: list[tuple[int, list[Decimal]]] = field(default_factory=list)
    marks: list[Decimal] = field(default_factory=list)
    bins: list[float | None] = field(default_factory=list)
    done: bool = False

    def fires(self, touch: Touch, prices: list[Decimal], now_ns: int, quoted_ns: int | None) -> bool:
        """Return whether this stretch fires it, every stretch before having been told."""
        before = [p for _, told in self.trades for p in told[-1:]]
        fired = self._fires(touch, prices, before[-1] if before else None, now_ns, quoted_ns)
        if prices:
            self.trades.append((now_ns, prices))
        return fired

    def _fires(
        self, touch: Touch, prices: list[Decimal], before: Decimal | None, now_ns: int, quoted_ns: int | None
    ) -> bool:
        p: Any = self.trigger.params
        mark = touch.mid if touch.mid is not None else touch.last
        if mark is not None:
            self.marks.append(D(repr(mark)))
        match self.trigger.kind:
            case "price_cross" if prices:
                return _crossed(p.price, p.direction, before, prices)
            case "price_move" if prices:
                past = [x for at, told in self.trades if now_ns - at <= p.window_s * SECOND for x in told]
                moves = [abs(now / x - 1) for x in past for now in (min(prices), max(prices))]
                moves += [abs(prices[-1] / x - 1) for x in prices]
                return max(moves) > D(repr(p.frac))
            case "mark_distance_to_stop" if mark is not None:
                assert self.position.stop_price is not None
                away = (D(repr(mark)) - self.position.stop_price) * self.position.sign
                return away < D(repr(p.r)) * (self.position.risk or 0)
            case "profit_giveback" if mark is not None:
                return self._given_back(D(repr(p.peak_r)), D(repr(p.giveback_frac)))
            case "spread" if touch.bid is not None and touch.ask is not None:
                spread = (touch.ask - touch.bid) / ((touch.ask + touch.bid) / 2) * 10_000
                return bool(spread > p.value if p.op == ">" else spread < p.value)
            case "time_at":
                return bool(now_ns >= p.at_ns)
            case "position_age":
                return bool(now_ns >= self.position.opened_ns + p.seconds * SECOND)
            case "data_stale" if quoted_ns is not None:
                return bool(now_ns - quoted_ns > p.max_age_ms * 10**6)
        return False

    def _given_back(self, peak_r: Decimal, share: Decimal) -> bool:
        entry, sign, risk = self.position.entry_price, self.position.sign, self.position.risk or D(1)
        gains = [(mark - entry) * sign for mark in self.marks]
        peak = max(gains)
        return peak >= peak_r * risk and gains[-1] <= peak * (1 - share)

    def holds(self, figure: float | None) -> bool:
        """Return whether a bin of order flow fires it."""
        self.bins.append(figure)
        if self.trigger.kind != "flow":
            return False
        p: Any = self.trigger.params
        last = self.bins[-p.bars :]
        return len(last) == p.bars and all(
            x is not None and (x > p.value if p.op == ">" else x < p.value) for x in last
        )

    def due_ns(self) -> int | None:
        """Return the moment it waits for, if it is one."""
        p: Any = self.trigger.params
        if self.trigger.kind == "time_at":
            return int(p.at_ns)
        return self.position.opened_ns + p.seconds * SECOND if self.trigger.kind == "position_age" else None


def _crossed(price: Decimal, direction: str, before: Decimal | None, prices: list[Decimal]) -> bool:
    """Whether the lowest, the highest and the last trade prove a crossing, whatever the order of the first two."""
    low, high, last = min(prices), max(prices), prices[-1]
    if before is None:
        rose, fell = high >= price, low <= price
    else:
        rose, fell = before < price <= high or low < price <= last, before > price >= low or high > price >= last
    return {"up": rose, "down": fell, "either": rose or fell}[direction]


@settings(max_examples=100, deadline=None)
@given(drafts=ARMED, path=st.lists(STRETCHES, min_size=1, max_size=25), gone=st.integers(0, 30))
def test_what_fires_is_what_a_scan_finds(drafts: list[Any], path: list[Any], gone: int) -> None:
    watch, scans = Watch(ALL), []
    for at, ((kind, params), long, lives_s, priority) in enumerate(drafts):
        position = replace(LONG if long else SHORT, position_id=f"position-{at}")
        armed = trigger(kind, *params, name=f"t{at}", expires_ns=NOW + lives_s * SECOND, priority=priority)
        assert not watch.register(position, (armed,), price=None, now_ns=NOW)
        scans.append(Scan(armed, position))
    now_ns, quoted_ns = NOW, None
    for step, (pause_s, prices, quote, figure) in enumerate(path):
        now_ns += pause_s * SECOND
        if step == gone:
            watch.disarm("position-0")
            scans[0].done = True
        quoted_ns = now_ns if quote is not None else quoted_ns
        bid, ask = (None, None) if quote is None else (float(quote[0]), float(quote[0] + quote[1]))
        numbers = [float(p) for p in prices]
        touch = Touch(
            now_ns, min(numbers, default=None), max(numbers, default=None), numbers[-1] if numbers else None, bid, ask
        )  # fmt: skip
        found = [each.trigger_id for each in watch.on_touch("SIMUSDT", touch, now_ns=now_ns, quoted_ns=quoted_ns)]
        hit = [scan for scan in scans if scan.fires(touch, prices, now_ns, quoted_ns)]
        assert found == _expected(hit, now_ns)
        bins = watch.on_bin("SIMUSDT", FlowBin(step, None, figure, None, ()), now_ns=now_ns)
        assert [each.trigger_id for each in bins] == _expected([s for s in scans if s.holds(figure)], now_ns)
    alive = [scan for scan in scans if not scan.done]
    assert watch.armed("SIMUSDT") == len([s for s in alive if s.trigger.expires_ns >= now_ns])


def _expected(hit: list[Scan], now_ns: int) -> list[str]:
    """Return the ids of what fires now, in order, and take it as done; what has expired does not fire."""
    fresh = [s for s in hit if not s.done]
    for scan in fresh:
        scan.done = True
    told = [s for s in fresh if s.trigger.expires_ns >= (s.due_ns() or now_ns)]
    return [s.trigger.trigger_id for s in sorted(told, key=lambda s: -s.trigger.priority)]
