"""Measures what the desk promises about speed, on this machine, in one run. `make bench`.

Prints a table and writes `benchmarks/out/bench.json` and the page `benchmarks/README.md`. Targets are goals on two
cores, not assertions: nothing here fails, and figures of different machines are not compared.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import chanflow_native
import numpy as np

from chanflow.features import chan
from chanflow.market.calendar import CryptoCalendar
from chanflow.runtime.level_feed import LevelFeed, levels_of

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", ROOT.parent / "shared")) / "data"
REPEATS = 5
SEED = 20_260_105


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: the median of `repeats` runs."""

    what: str
    value: float
    unit: str
    target: str
    repeats: int


def median_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median wall time of `work` in seconds."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def walk(bars: int) -> tuple[np.ndarray, ...]:
    """Return ts_ms, open, high, low, close of a seeded random walk on a grid of 0.01."""
    chance = np.random.default_rng(SEED)
    close = np.round(1_000 + np.cumsum(chance.normal(0, 0.5, bars)), 2)
    opened = np.concatenate([[1_000.0], close[:-1]])
    high = np.round(np.maximum(opened, close) + np.abs(chance.normal(0, 0.3, bars)), 2)
    low = np.round(np.minimum(opened, close) - np.abs(chance.normal(0, 0.3, bars)), 2)
    return np.arange(bars, dtype=np.int64) * 60_000, opened, high, low, close


def chan_figures() -> list[Figure]:
    """The whole Chan pipeline, in batch and bar by bar, and a market-wide scan."""
    figures = []
    for bars in (100_000, 1_000_000):
        columns = walk(bars)
        took = median_s(lambda columns=columns: chanflow_native.chan_analyze(*columns))
        figures.append(
            Figure(f"Chan, all stages, batch, {bars:,} bars", bars / took / 1e6, "M bars/s", ">= 3", REPEATS)
        )
    rows = list(zip(*(c.tolist() for c in walk(100_000)), strict=True))

    def push() -> None:
        engine = chan.Engine()
        for row in rows:
            engine.push(*row)

    columns = walk(100_000)
    for how, work in (("pushed from Python", push), ("extended", lambda: chan.Engine().extend(*columns))):
        took = median_s(work)
        figures.append(Figure(f"Chan, all stages, {how}", len(rows) / took / 1e6, "M bars/s", ">= 1", REPEATS))
    long = walk(1_000_000)
    market = [tuple(np.ascontiguousarray(c[at : at + 400]) for c in long) for at in range(0, 1_000_000, 200)][:4_999]
    took = median_s(lambda: chanflow_native.chan_scan(market, "default", None, 5, 2))
    figures.append(Figure(f"scan of {len(market):,} x 400 bars, two threads", took, "s", "< 2", REPEATS))
    return figures


def level_figures() -> list[Figure]:
    """Four levels of a month of minutes: at once, as bars close, and with a preview after every bar."""
    names = ("1m", "5m", "30m", "1d")
    month = dict(zip(("ts_ms", "open", "high", "low", "close"), walk(43_200), strict=True))

    def part(begin: int, end: int) -> dict[str, np.ndarray]:
        return {name: column[begin:end] for name, column in month.items()}

    def followed(bars: int, step: int, *, previewed: bool = False) -> None:
        feed = LevelFeed(CryptoCalendar(), "1m", names)
        for begin in range(0, bars, step):
            feed.push(part(begin, begin + step))
            if previewed:
                feed.preview()

    made = {
        "4 levels of a month of minutes, linked": (43_200, lambda: batch(history=False)),
        "the same with the history of each object": (43_200, lambda: batch(history=True)),
        "the same as bars close, a day at a time": (43_200, lambda: followed(43_200, 1_440)),
        "the same a minute at a time": (5_000, lambda: followed(5_000, 1)),
        "the same with a preview each minute": (500, lambda: followed(500, 1, previewed=True)),
    }

    def batch(*, history: bool) -> None:
        levels_of(month, CryptoCalendar(), "1m", names, history=history)

    return [Figure(what, bars / median_s(work) / 1e3, "k bars/s", "", REPEATS) for what, (bars, work) in made.items()]


def flow_figures() -> list[Figure]:
    """The synthetic day through the generator and the features; recorded frames from bytes to bins, where they are."""
    hour_ns = 3_600 * 10**9
    events = len(chanflow_native.SyntheticMarket(SEED, 0).advance(4 * hour_ns))
    took = median_s(lambda: chanflow_native.SyntheticMarket(SEED, 0).advance(4 * hour_ns), 3)
    figures = [Figure("synthetic market", events / took / 1e6, "M events/s", "", 3)]
    batch = chanflow_native.SyntheticMarket(SEED, 0).advance(4 * hour_ns)
    took = median_s(lambda: chanflow_native.FlowEngine(2, 3).push(batch), 3)
    figures.append(Figure("book, OFI, CVD, z, fusion from events", events / took / 1e6, "M events/s", "", 3))
    recording = DATA / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz"
    if recording.exists():
        raw = gzip.decompress(recording.read_bytes())

        def through() -> None:
            parser = chanflow_native.WireParser()
            parser.feed(raw)
            parser.finish()
            frames = parser.take()
            chanflow_native.FlowEngine(parser.price_decimals, parser.qty_decimals).push(frames)

        figures.append(
            Figure("raw frames to bins, one core", len(raw) / median_s(through) / 1e6, "MB/s", ">= 300", REPEATS)
        )
    return figures


def guardian_figures() -> list[Figure]:
    """One look of the guardian."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from made_desk import NOW, account, gate, position

    from chanflow.risk.guardian import GuardianRules, GuardianState, Mark, look

    one = gate()
    held = account(
        positions=tuple(position("0.1", symbol=f"S{n}USDT", base=f"S{n}", position_id=f"p{n}") for n in range(100))
    )
    marks = {p.symbol: Mark(p.mark_price, NOW) for p in held.positions}
    state, rules = GuardianState("L3"), GuardianRules(one.limits, one.rules.instruments)
    ticks = []
    for _ in range(500):
        began = time.perf_counter()
        state = look(held, None, marks, state, rules, NOW).state
        ticks.append((time.perf_counter() - began) * 1e3)
    ticks.sort()
    return [Figure("guardian, 100 positions, p99", ticks[len(ticks) * 99 // 100], "ms", "< 5", 500)]


def command_figures() -> list[Figure]:
    """Whole commands, as a person starts them."""
    chanflow = [sys.executable, "-m", "chanflow"]

    def helped() -> None:
        subprocess.run([*chanflow, "--help"], check=True, capture_output=True)

    figures = [
        Figure("chanflow --help", median_s(helped), "s", "< 0.3", REPEATS),
    ]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "CHANFLOW_HOME": home}

        def run(*arguments: str) -> None:
            subprocess.run([*chanflow, *arguments], check=True, capture_output=True, env=environment)

        figures.append(Figure("chanflow demo, warm", median_s(lambda: run("demo"), 3), "s", "< 30", 3))
        journal = min(Path(home).glob("runs/*/journal/*.jsonl"))
        figures.append(Figure("chanflow replay of it", median_s(lambda: run("replay", str(journal)), 3), "s", "", 3))
    return figures


def page(figures: list[Figure], facts: dict[str, object]) -> str:
    """Return the figures as a page."""
    rows = "\n".join(f"| {f.what} | {f.value:,.3f} | {f.unit} | {f.target} | {f.repeats} |" for f in figures)
    machine = ", ".join(f"{name} {value}" for name, value in facts.items())
    return (
        "# Benchmarks\n\nMade by `make bench`; do not edit. Medians of the repeats named, on "
        f"{machine}. Targets are goals\non two cores; figures of different machines are not compared.\n\n"
        "| what | median | unit | target | repeats |\n|---|---:|---|---|---:|\n" + rows + "\n"
    )


def main() -> None:
    """Measure, print, write."""
    figures = [*chan_figures(), *level_figures(), *flow_figures(), *guardian_figures(), *command_figures()]
    for figure in figures:
        print(f"{figure.what:<42} {figure.value:>10.3f} {figure.unit:<11} {figure.target}")
    out = ROOT / "benchmarks" / "out"
    out.mkdir(exist_ok=True)
    facts: dict[str, object] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    (ROOT / "benchmarks" / "README.md").write_text(page(figures, facts))
    (out / "bench.json").write_text(json.dumps({"machine": facts, "figures": [asdict(f) for f in figures]}, indent=1))


if __name__ == "__main__":
    main()
