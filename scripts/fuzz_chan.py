"""Throw bars at the Chan engine and compare it with the plain reference. `make fuzz`, a minute by default.

Each case draws a short series full of what breaks engines (ties, one-price bars, gaps, staircases, spikes, widening and
narrowing legs), any preset and any settings, and asks five things: the batch equals the reference in every list and
state; the bar-by-bar fold equals the batch after the last bar and after some before it; a corrected bar leaves no
trace; a malformed bar is refused in one sentence and leaves the engine as it was; nothing panics. A failing case is
printed with its seed, and runs alone with `--case`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np

from chanflow.features import chan
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.structure import analyze as reference

PRESETS = ("default", "chanpy", "new_bi", "totally", "textbook", "czsc6", "czsc7")

STRUCTURE: dict[str, tuple[Any, ...]] = {
    "bi_algo": ("normal", "fx", "czsc"),
    "bi_strict": (True, False),
    "bi_fx_check": ("strict", "totally", "half", "loss"),
    "gap_as_kl": (True, False),
    "bi_end_is_peak": (True, False),
    "bi_allow_sub_peak": (True, False),
    "min_bi_len": (3, 5, 6, 7, 9),
    "left_seg_method": ("peak", "all"),
    "seg_gap_cancel": (True, False),
    "zs_algo": ("normal", "over_seg", "auto", "free", "czsc"),
    "zs_combine": (True, False),
    "zs_combine_mode": ("zs", "peak"),
    "one_bi_zs": (True, False),
    "touch_overlaps": (True, False),
}
METRICS = (
    "peak", "full_area", "area", "diff", "slope", "amp", "rsi", "volume", "amount", "volume_avg", "amount_avg",
    "volumn", "volumn_avg",
)  # fmt: skip
TYPES = ("1", "1p", "2", "2s", "3a", "3b")
POINTS: dict[str, tuple[Any, ...]] = {
    "divergence_rate": (0.0, 0.5, 0.9, 1.0, 150.0, math.inf),
    "macd_algo": METRICS,
    "min_zs_cnt": (0, 1, 2),
    "bsp1_only_multibi_zs": (True, False),
    "bs1_peak": (True, False),
    "max_bs2_rate": (0.382, 0.618, 0.9999, 1.0),
    "bs_type": (),
    "bsp2_follow_1": (True, False),
    "bsp3_follow_1": (True, False),
    "bsp2s_follow_2": (True, False),
    "max_bsp2s_lv": (None, 0, 1, 2, 3),
    "bsp3_peak": (True, False),
    "strict_bsp3": (True, False),
    "bsp3a_max_zs_cnt": (1, 2, 3),
}
SUFFIXES = ("", "-buy", "-sell", "-seg", "-segbuy", "-segsell")
LISTS = ("strokes", "segments", "super_segments", "centers", "points")

Prices = tuple[float, float, float, float]


def walk(chance: Random) -> list[Prices]:
    """Return open, high, low, close of a hostile walk."""
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


def turns(chance: Random) -> list[float]:
    """Return prices that rise and fall in turn: the ends of strokes, for the rules above them. Ties are frequent."""
    prices, reach, drift = [200.0], chance.choice((4, 8, 20)), 0.0
    mood = "flat"
    for at in range(chance.randint(0, 70)):
        if at % 10 == 0:
            mood = chance.choice(("flat", "flat", "rising", "falling", "widening", "narrowing"))
            drift = {"rising": 0.4, "falling": -0.4}.get(mood, 0.0) * reach
        scale = {"widening": 1 + at % 10 / 3, "narrowing": 4 - at % 10 / 3}.get(mood, 1.0)
        move = 1 + chance.randint(0, reach) * scale
        sign = 1 if at % 2 else -1
        prices.append(round(prices[-1] + sign * max(1.0, round(move + sign * drift)), 2))
    return prices


def legs(chance: Random) -> list[Prices]:
    """Return bars that lead straight from turn to turn, in a few equal steps each, so that most legs are strokes."""
    bars: list[Prices] = []
    ends = turns(chance)
    for begin, end in pairwise(ends):
        steps = chance.choice((4, 5, 5, 5, 6))
        path = [begin + (end - begin) * step / steps for step in range(steps + 1)]
        for opened, close in pairwise(path):
            bars.append((opened, max(opened, close), min(opened, close), close))
    return bars


def settings_of(chance: Random) -> dict[str, Any]:
    """Return settings drawn from all there are, in a random order."""
    share = chance.choice((0.0, 0.05, 0.2, 0.4))
    drawn = {key: chance.choice(values) for key, values in STRUCTURE.items() if chance.random() < share}
    for key, values in POINTS.items():
        for suffix in SUFFIXES:
            if chance.random() < (share if not suffix else share / 4):
                types = [kind for kind in TYPES if chance.random() < 0.5] or ["3b"]
                drawn[key + suffix] = ",".join(types) if key == "bs_type" else chance.choice(values)
                if key == "macd_algo" and "seg" in suffix:
                    drawn[key + suffix] = chance.choice(("slope", "amp"))
    keys = list(drawn)
    chance.shuffle(keys)
    return {key: drawn[key] for key in keys}


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """Return the first difference between two structures, or None. What the reference does not give is passed over."""
    if ours["merged"] != theirs["merged"]:
        return f"merged: {ours['merged']} against {theirs['merged']}"
    for name in LISTS:
        for index, (mine, other) in enumerate(zip(ours[name], theirs[name], strict=False)):
            for key in other:
                same = set(mine[key]) == set(other[key]) if key == "types" else mine[key] == other[key]
                if not same:
                    return f"{name}[{index}].{key}: {mine[key]} against {other[key]}"
        if len(ours[name]) != len(theirs[name]):
            return f"{name}: {len(ours[name])} against {len(theirs[name])}"
    return None


def spoiled(chance: Random, bar: tuple[float, ...], ts_ms: int) -> tuple[int, tuple[float, ...]]:
    """Return a bar that must be refused."""
    values = list(bar)
    match chance.randrange(4):
        case 0:
            values[chance.randrange(4)] = chance.choice((math.nan, math.inf, -math.inf))
        case 1:
            values[1] = min(values[:4]) - 1
        case 2:
            values[2] = max(values[:4]) + 1
        case _:
            ts_ms -= chance.choice((60_000, 120_000))
    return ts_ms, tuple(values)


def refused(engine: chan.Engine, ts_ms: int, values: tuple[float, ...]) -> None:
    """Push a malformed bar; raises AssertionError unless it is refused in a sentence that names the bar."""
    told = ""
    try:
        engine.push(ts_ms, *values)
    except ValueError as fault:
        told = str(fault)
    assert "bar" in told, f"a malformed bar {values} at {ts_ms} was answered with {told!r}"


def shown(bars: Sequence[tuple[float, ...]], preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the compiled batch shows of bars of open, high, low, close, volume and amount."""
    values = np.array(bars, dtype=np.float64).reshape(len(bars), 6)
    opened, high, low, close, volume, amount = (np.ascontiguousarray(values[:, i]) for i in range(6))
    stamps = np.arange(len(bars), dtype=np.int64) * 60_000
    structure = chan.analyze(
        opened, high, low, close, stamps, preset=preset, params=settings, volume=volume, amount=amount
    )
    found: dict[str, Any] = json.loads(structure.to_json())
    return found


def plain(bars: Sequence[tuple[float, ...]], preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the reference shows of the same bars."""
    rows = [Bar(at * 60_000, *bar) for at, bar in enumerate(bars)]
    return reference(rows, preset=preset, params=settings)


def run_case(seed: int) -> None:
    """Run one case; raises AssertionError, naming what differs."""
    chance = Random(seed)
    prices = walk(chance) if chance.random() < 0.5 else legs(chance)
    bars = [(*bar, float(chance.randint(0, 9)), float(chance.randint(0, 99))) for bar in prices]
    preset, settings = chance.choice(PRESETS), settings_of(chance)
    said = f"{preset} {settings}"
    told = difference(shown(bars, preset, settings), plain(bars, preset, settings))
    assert told is None, f"{said}: engine against reference, {told}"
    looks = {chance.randrange(len(bars)) for _ in range(4)} if bars else set()
    engine = chan.Engine(preset, settings)
    for at, bar in enumerate(bars):
        ts_ms = at * 60_000
        if chance.random() < 0.02 and ts_ms:
            refused(engine, *spoiled(chance, bar, ts_ms))
        if chance.random() < 0.2:
            engine.push(ts_ms, *chance.choice(bars))
            engine.replace(ts_ms, *bar)
        else:
            engine.push(ts_ms, *bar)
        if at in looks or at + 1 == len(bars):
            folded = json.loads(engine.structure().to_json())
            told = difference(folded, shown(bars[: at + 1], preset, settings))
            assert told is None, f"{said}: fold against batch of {at + 1} bars, {told}"
    if looks:
        length = max(looks)
        told = difference(shown(bars[:length], preset, settings), plain(bars[:length], preset, settings))
        assert told is None, f"{said}: engine against reference of {length} bars, {told}"


def main() -> int:
    """Run cases for so many seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int)
    parser.add_argument("--all", action="store_true", help="go on after a difference")
    asked = parser.parse_args()
    if asked.case is not None:
        run_case(asked.case)
        return 0
    ends, number, failed = time.monotonic() + asked.seconds, 0, 0
    while time.monotonic() < ends and (asked.all or not failed):
        seed = asked.seed * 1_000_000 + number
        try:
            run_case(seed)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the case is what matters
            print(f"case {seed}: {type(fault).__name__}: {fault}", flush=True)
            failed += 1
        number += 1
    print(f"{number} cases, {failed or 'no'} difference{'s' if failed > 1 else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
