"""Throw bars at the Chan engine and compare it with the plain reference. `make fuzz`, a minute by default.

Each case draws a short series full of what breaks engines (ties, one-price bars, gaps, staircases, spikes), a preset
and some settings, now and then with guards and holes in time, and asks four things: the batch equals the reference in
every list (pinned presets); the bar-by-bar fold equals the batch; a malformed bar is refused in one sentence and leaves
the engine as it was; nothing panics. A failing case is printed with its seed, and runs alone with `--case`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from random import Random
from typing import Any

import numpy as np

from chanflow.features import chan
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.structure import analyze as reference

HOUR_MS = 3_600_000
PINNED = ("default", "chanpy", "new_bi", "totally")
"""Presets whose rules another engine pins. The others are held to their own fold alone."""

PRESETS = (*PINNED, "textbook", "czsc6", "czsc7")
SETTINGS: dict[str, tuple[Any, ...]] = {
    "bi_strict": (True, False),
    "bi_fx_check": ("strict", "totally", "half", "loss"),
    "gap_as_kl": (True, False),
    "bi_end_is_peak": (True, False),
    "bi_allow_sub_peak": (True, False),
    "left_seg_method": ("peak", "all"),
    "zs_algo": ("normal", "over_seg", "auto", "free"),
    "zs_combine": (True, False),
    "zs_combine_mode": ("zs", "peak"),
    "one_bi_zs": (True, False),
    "divergence_rate": (0.5, 0.9, math.inf),
    "macd_algo": ("peak", "full_area", "area", "diff", "slope", "amp", "rsi"),
    "min_zs_cnt": (0, 1, 2),
    "bs1_peak": (True, False),
    "bsp2_follow_1": (True, False),
    "bsp3_follow_1": (True, False),
    "bsp3_peak": (True, False),
    "strict_bsp3": (True, False),
}
LISTS = ("strokes", "segments", "super_segments", "centers", "points", "resets")
FREE = {"state", "type_states", "divergence", "first_seen_bar", "confirmed_bar", "void_bar", "grade"}
"""Keys that the reference does not give for every list."""


def series(chance: Random) -> list[tuple[float, float, float, float]]:
    """Return open, high, low, close of a short hostile series."""
    grid = chance.choice((0.01, 0.05, 1.0))
    price, drift, bars = 100.0, 0.0, []
    for _ in range(chance.randint(0, 400)):
        if chance.random() < 0.05:
            drift = chance.uniform(-3, 3) * grid
        kind = chance.random()
        opened = price + (chance.choice((-8, 8)) * grid if kind < 0.04 else 0.0)
        close = opened if kind > 0.93 else opened + drift + chance.gauss(0, 3) * grid
        high = max(opened, close) + (0.0 if kind > 0.85 else abs(chance.gauss(0, 2)) * grid)
        low = min(opened, close) - (0.0 if kind > 0.85 else abs(chance.gauss(0, 2)) * grid)
        if kind < 0.01:
            high += 60 * grid
        values = [round(round(v / grid) * grid, 2) for v in (opened, high, low, close)]
        bars.append((values[0], max(values), min(values), values[3]))
        price = values[3]
    return bars


def guarded(chance: Random, preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return guards that the preset takes; the reference knows time gaps with `zs_algo=normal` alone."""
    guards: dict[str, Any] = {}
    if preset not in PINNED or settings.get("zs_algo", "normal") == "normal":
        guards["reset_gap_ms"] = chance.choice((None, HOUR_MS, HOUR_MS, 3 * HOUR_MS))
    if not preset.startswith("czsc"):
        guards["max_stroke_bars"] = chance.choice((None, 5, 20, 60))
    return guards


def holes(chance: Random, bars: int) -> np.ndarray:
    """Return by how much each bar is late for holes in the data: hours, here and there, some side by side."""
    odds = chance.choice((0.0, 0.004, 0.01, 0.05))
    late = [chance.choice((1, 2, 5)) * HOUR_MS if chance.random() < odds else 0 for _ in range(bars)]
    return np.cumsum(np.array(late, dtype=np.int64), dtype=np.int64)


def columns(bars: list[tuple[float, float, float, float]]) -> tuple[np.ndarray, ...]:
    """Return the series as arrays."""
    values = np.array(bars, dtype=np.float64).reshape(len(bars), 4)
    return tuple(np.ascontiguousarray(values[:, i]) for i in range(4))


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """Return the first difference between two structures, or None."""
    for name in LISTS:
        if len(ours[name]) != len(theirs[name]):
            return f"{name}: {len(ours[name])} against {len(theirs[name])}"
        for index, (mine, other) in enumerate(zip(ours[name], theirs[name], strict=True)):
            for key in other.keys() - FREE:
                same = set(mine[key]) == set(other[key]) if key == "types" else mine[key] == other[key]
                if not same:
                    return f"{name}[{index}].{key}: {mine[key]} against {other[key]}"
    return None


def spoiled(
    chance: Random, bar: tuple[float, float, float, float], ts_ms: int, before_ms: int
) -> tuple[int, tuple[float, ...]]:
    """Return a bar that must be refused after one of `before_ms`."""
    values = list(bar)
    match chance.randrange(4):
        case 0:
            values[chance.randrange(4)] = chance.choice((math.nan, math.inf, -math.inf))
        case 1:
            values[1] = min(values) - 1
        case 2:
            values[2] = max(values) + 1
        case _:
            ts_ms = before_ms - chance.choice((0, 60_000))
    return ts_ms, tuple(values)


def refused(engine: chan.Engine, ts_ms: int, values: tuple[float, ...]) -> None:
    """Push a malformed bar; raises AssertionError unless it is refused in a sentence that names the bar."""
    told = ""
    try:
        opened, high, low, close = values
        engine.push(ts_ms, opened, high, low, close)
    except ValueError as fault:
        told = str(fault)
    assert "bar" in told, f"a malformed bar {values} at {ts_ms} was answered with {told!r}"


def run_case(seed: int) -> None:
    """Run one case; raises AssertionError, naming what differs."""
    chance = Random(seed)
    bars = series(chance)
    preset = chance.choice(PRESETS)
    settings = {k: chance.choice(v) for k, v in SETTINGS.items() if chance.random() < 0.2}
    if preset.startswith("czsc"):
        settings.pop("zs_algo", None)  # its centers are its own
    if preset.startswith("czsc") or settings.get("zs_algo", "normal") != "normal":
        settings.pop("one_bi_zs", None)  # a rule of the normal centers alone
    stamps = np.arange(len(bars), dtype=np.int64) * 60_000
    guards = chance.random() < 0.3
    if guards:
        settings |= guarded(chance, preset, settings)
        stamps += holes(chance, len(bars))
    # The market's clock stands still in some of the holes.
    clock = stamps - holes(chance, len(bars)) // 2 if guards and chance.random() < 0.5 else stamps
    clock = np.maximum.accumulate(clock) if len(bars) else clock
    opened, high, low, close = columns(bars)
    ours = json.loads(
        chan.analyze(opened, high, low, close, stamps, preset=preset, params=settings, market_ms=clock).to_json()
    )
    if preset in PINNED:
        rows = [Bar(int(t), *bar) for t, bar in zip(stamps, bars, strict=True)]
        told = difference(ours, reference(rows, preset=preset, params=settings, market_ms=clock.tolist()))
        assert told is None, f"{preset} {settings}: engine against reference, {told}"
    engine = chan.Engine(preset, settings)
    before_ms: int | None = None
    for ts_ms, bar, market_ms in zip(stamps.tolist(), bars, clock.tolist(), strict=True):
        if chance.random() < 0.02 and before_ms is not None:
            refused(engine, *spoiled(chance, bar, ts_ms, before_ms))
        before_ms = ts_ms
        if guards and chance.random() < 0.1:
            late_ms = market_ms + chance.choice((0, 2 * HOUR_MS))
            engine.push(ts_ms, bar[0], bar[1] + 1, bar[2], bar[3], market_ms=late_ms)
            engine.replace(ts_ms, *bar, market_ms=market_ms)
        else:
            engine.push(ts_ms, *bar, market_ms=market_ms)
    folded = json.loads(engine.structure().to_json())
    assert folded == ours, f"{preset} {settings}: the fold differs from the batch"


def main() -> int:
    """Run cases for so many seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int)
    asked = parser.parse_args()
    if asked.case is not None:
        run_case(asked.case)
        return 0
    ends, number = time.monotonic() + asked.seconds, 0
    while time.monotonic() < ends:
        seed = asked.seed * 1_000_000 + number
        try:
            run_case(seed)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the case is what matters
            print(f"case {seed}: {type(fault).__name__}: {fault}")
            return 1
        number += 1
    print(f"{number} cases, no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
