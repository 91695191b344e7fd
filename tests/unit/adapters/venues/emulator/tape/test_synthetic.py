"""The synthetic market: the same from one seed, and what it looks like."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from chanflow.adapters.venues.emulator.tape.listed import rules_of
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks
from chanflow.adapters.venues.emulator.tape.synthetic import START_NS, SyntheticTape
from chanflow.domain.errors import InvalidArgument

HOURS = 4
NS_PER_S = 1_000_000_000


def tape(seed: int = 42, *symbols: str) -> SyntheticTape:
    return SyntheticTape([rules_of(name) for name in symbols or ("BTCUSDT",)], seed=seed)


@cache
def hours(seed: int) -> Ticks:
    (ticks,) = tape(seed).until(START_NS + HOURS * 3_600 * NS_PER_S)
    return ticks


@cache
def book_each_second(seed: int) -> NDArray[np.int64]:
    """Return rows of time, best bid and ask, lots of both sides, levels of both sides."""
    ticks = hours(seed)
    sides: dict[int, dict[int, int]] = {Kind.BID: {}, Kind.ASK: {}}
    rows, second = [], START_NS
    columns = (ticks.event_ns.tolist(), ticks.kind.tolist(), ticks.price.tolist(), ticks.qty.tolist())
    for event_ns, kind, price, qty in zip(*columns, strict=True):
        while event_ns > second:
            bids, asks = sides[Kind.BID], sides[Kind.ASK]
            if bids:
                rows.append(
                    (second, max(bids), min(asks), sum(bids.values()), sum(asks.values()), len(bids), len(asks))
                )
            second += NS_PER_S
        if kind in sides:
            if qty:
                sides[kind][price] = qty
            else:
                sides[kind].pop(price, None)
    return np.array(rows)


def signs(ticks: Ticks) -> NDArray[np.float64]:
    trades = ticks.kind[(ticks.kind == Kind.BUY) | (ticks.kind == Kind.SELL)]
    return np.where(trades == Kind.BUY, 1.0, -1.0)


def autocorrelation(values: NDArray[np.float64], lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def test_one_seed_is_one_market_however_time_is_cut() -> None:
    cut, cut_up = tape(7), []
    for second in range(1, 61):
        cut_up += cut.until(START_NS + second * NS_PER_S)
    (whole,) = tape(7).until(START_NS + 60 * NS_PER_S)
    for name in ("event_ns", "kind", "price", "qty"):
        assert np.array_equal(np.concatenate([getattr(one, name) for one in cut_up]), getattr(whole, name))


def test_everything_up_to_a_moment_is_given_and_nothing_after_it() -> None:
    one = tape(7)
    moment = START_NS + 10 * NS_PER_S
    assert max(int(batch.event_ns[-1]) for batch in one.until(moment)) == moment, "a mark stands at each full second"
    assert min(int(batch.event_ns[0]) for batch in one.until(moment + NS_PER_S)) > moment


def test_symbols_have_markets_of_their_own() -> None:
    both = {batch.symbol: batch for batch in tape(7, "ETHUSDT", "BTCUSDT").until(START_NS + 60 * NS_PER_S)}
    alone = tape(7, "BTCUSDT").until(START_NS + 60 * NS_PER_S)
    assert list(both) == ["BTCUSDT", "ETHUSDT"]
    assert np.array_equal(both["BTCUSDT"].event_ns, alone[0].event_ns)
    assert len(both["ETHUSDT"]) != len(both["BTCUSDT"])


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "FOOUSDC"])
def test_prices_and_quantities_are_whole_ticks_and_steps(symbol: str) -> None:
    one = tape(3, symbol)
    rules = one.symbols[symbol]
    (ticks,) = one.until(START_NS + 60 * NS_PER_S)
    shown = ticks.kind <= Kind.SELL
    assert not np.any(ticks.price[shown] % rules.tick)
    assert not np.any(ticks.qty[shown] % rules.step)


@pytest.mark.parametrize("seed", [1, 42])
def test_the_spread_is_narrow_and_never_closed(seed: int) -> None:
    book = book_each_second(seed)
    spread_bps = (book[:, 2] - book[:, 1]) / book[:, 1] * 10_000
    assert spread_bps.min() > 0
    assert 0.1 < spread_bps.mean() < 2
    assert np.quantile(spread_bps, 0.99) < 5


@pytest.mark.parametrize("seed", [1, 42])
def test_both_sides_stay_deep(seed: int) -> None:
    book = book_each_second(seed)
    assert book[:, 5:].min() >= 10, "levels"
    assert 0.5 < book[:, 3].mean() / book[:, 4].mean() < 2, "no side outweighs the other for long"


@pytest.mark.parametrize("seed", [1, 42])
def test_takers_come_in_runs_of_one_side(seed: int) -> None:
    taken = signs(hours(seed))
    assert abs(taken.mean()) < 0.1
    near, far = autocorrelation(taken, 1), autocorrelation(taken, 200)
    assert near > 0.2
    assert far < near / 2


@pytest.mark.parametrize("seed", [1, 42])
def test_trades_cluster_in_time(seed: int) -> None:
    ticks = hours(seed)
    times = ticks.event_ns[(ticks.kind == Kind.BUY) | (ticks.kind == Kind.SELL)]
    counts = np.bincount((np.unique(times) - START_NS) // NS_PER_S).astype(float)
    assert counts.var() / counts.mean() > 1.3, "a Poisson stream has 1"


@pytest.mark.parametrize("seed", [1, 42])
def test_returns_have_heavy_tails(seed: int) -> None:
    book = book_each_second(seed)
    mid = np.log((book[:, 1] + book[:, 2]) / 2.0)
    for every in (1, 10):
        steps = np.diff(mid[::every])
        centred = steps - steps.mean()
        assert (centred**4).mean() / (centred**2).mean() ** 2 > 3.3, f"{every} s"


@pytest.mark.parametrize("seed", [1, 42])
def test_the_mark_keeps_to_the_mid(seed: int) -> None:
    ticks, book = hours(seed), book_each_second(seed)
    mark = ticks.price[ticks.kind == Kind.MARK][: len(book) - 1]
    mid = (book[1:, 1] + book[1:, 2])[: len(mark)] / 2.0
    away_bps = np.abs(mark / mid - 1) * 10_000
    assert away_bps.mean() < 3


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_beyond_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(InvalidArgument, match=f"seed is {seed}"):
        tape(seed)
