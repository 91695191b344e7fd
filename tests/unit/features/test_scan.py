from __future__ import annotations

import os
import pickle
import signal
import threading
from random import Random

import numpy as np
import pytest

from chanflow.features import scan as scan_module
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.structure import analyze
from chanflow.features.scan import BarSeries, scan


def walk(seed: int, bars: int = 600) -> BarSeries:
    chance = Random(seed)
    close = 100 + np.cumsum([chance.gauss(0, 0.4) for _ in range(bars)])
    opened = np.concatenate([[100.0], close[:-1]])
    spread = np.array([abs(chance.gauss(0, 0.2)) for _ in range(bars)])
    high, low = np.maximum(opened, close) + spread, np.minimum(opened, close) - spread
    return BarSeries(np.arange(bars, dtype=np.int64) * 60_000, opened, high, low, close)


MARKET = {f"S{seed:03d}": walk(seed) for seed in range(12)}


def oracle(series: BarSeries) -> set[tuple[str, str, int, str]]:
    columns = (series.ts_ms, series.open, series.high, series.low, series.close)
    bars = [Bar(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    points = analyze(bars)["points"]
    return {(p["level"], kind, p["bar"], p["side"]) for p in points for kind in p["types"]}


def test_a_scan_finds_what_the_reference_finds_on_every_symbol() -> None:
    found = scan(MARKET)
    assert found.scanned == 12
    assert found.failed == {}
    assert any(p.level == "stroke" for p in found.points)
    for symbol, series in MARKET.items():
        ours = {(p.level, p.type, p.bar, p.side) for p in found.points if p.symbol == symbol}
        assert ours == oracle(series), symbol


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_change_the_answer(threads: int) -> None:
    assert scan(MARKET, threads=threads) == scan(MARKET, threads=1)


def test_filters_are_what_they_say() -> None:
    everything = scan(MARKET).points
    for filters in (
        {"types": ("2",)}, {"side": "buy"}, {"state": "confirmed"}, {"level": "segment"}, {"fresh_bars": 40},
        {"types": ("2", "2s"), "side": "sell", "state": "provisional", "level": "stroke", "fresh_bars": 100},
    ):  # fmt: skip
        wanted = tuple(
            p
            for p in everything
            if p.type in filters.get("types", (p.type,))
            and p.side == filters.get("side", p.side)
            and p.state == filters.get("state", p.state)
            and p.level == filters.get("level", p.level)
            and p.bars_ago < filters.get("fresh_bars", 10**9)
        )
        assert scan(MARKET, **filters).points == wanted  # type: ignore[arg-type]


def test_a_malformed_series_fails_alone() -> None:
    bad = walk(99)
    bad.close[7] = np.nan
    none = np.array([], dtype=np.float64)
    empty = BarSeries(np.array([], dtype=np.int64), none, none, none, none)
    found = scan({**MARKET, "BAD": bad, "EMPTY": empty})
    assert list(found.failed) == ["BAD"]
    assert "bar 7" in found.failed["BAD"]
    assert found.points == scan(MARKET).points


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"types": ("4",)}, "point type '4' is unknown"),
        ({"threads": 0}, "threads is 0"),
        ({"side": "long"}, "side 'long' is unknown"),
        ({"level": "30m"}, "level '30m' is unknown"),
        ({"state": "void"}, "state 'void' is unknown"),
        ({"fresh_bars": 0}, "fresh_bars is 0"),
        ({"preset": "best"}, "best"),
        ({"params": {"macd_algo": "volume"}}, "volume"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scan(MARKET, **options)  # type: ignore[arg-type]


def test_columns_of_different_lengths_are_refused() -> None:
    good = walk(1)
    with pytest.raises(ValueError, match="columns differ in length"):
        scan({"X": BarSeries(good.ts_ms, good.open, good.high, good.low, good.close[:-1].copy())})


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_chunks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    whole = scan(MARKET, threads=threads)
    monkeypatch.setattr("chanflow.features.scan.CHUNK_BARS", 1)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr("chanflow.features.scan.SYMBOLS_PER_THREAD", 1)
    assert scan(MARKET, threads=threads, progress=lambda done, of: told.append((done, of))) == whole
    assert told == [(min(done, 12), 12) for done in range(threads, 12 + threads, threads)]


def test_a_listener_that_raises_ends_the_scan() -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(MARKET, progress=stop)


def test_ctrl_c_ends_a_long_scan_between_two_bars() -> None:
    one = walk(1, 400_000)
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    press = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    press.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            scan({f"S{at}": one for at in range(200)}, threads=1)
    finally:
        press.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_chunk_survives_its_way_to_another_machine() -> None:
    chunk = scan_module._chunks(MARKET, 12)[0]
    there = pickle.loads(pickle.dumps(chunk))
    assert [symbol for symbol, _ in there] == list(MARKET)
    assert scan(dict(there)) == scan(MARKET)
