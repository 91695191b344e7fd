"""Throw bars at the Chan engine and compare it with the plain reference. `make fuzz`, a minute by default.

Each case draws a short series full of what breaks engines (ties, one-price bars, gaps, staircases, spikes, widening and
narrowing legs), any preset and any settings, now and then guards and holes in time, and asks five things: the batch
equals the reference in every list and state; the bar-by-bar fold equals the batch after the last bar and after some
before it; a corrected bar leaves no trace; a malformed bar is refused in one sentence and leaves the engine as it was;
nothing panics. A failing case is printed with its seed, and runs alone with `--case`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from typing import Any

import numpy as np

from chanflow.features import chan
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.structure import analyze as reference

HOUR_MS = 3_600_000
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
LISTS = ("strokes", "segments", "super_segments", "centers", "points", "resets")

Prices = tuple[float, float, float, float]
Full = tuple[float, float, float, float, float, float]
"""Open, high, low, close, volume and amount."""


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


def guards_of(chance: Random, preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return guards that the settings take; the reference knows time gaps with `zs_algo=normal` alone."""
    guards: dict[str, Any] = {}
    own_centers = {"textbook": "free", "czsc6": "czsc", "czsc7": "czsc"}.get(preset, "normal")
    if settings.get("zs_algo", own_centers) == "normal":
        guards["reset_gap_ms"] = chance.choice((None, HOUR_MS, HOUR_MS, 3 * HOUR_MS))
    if settings.get("bi_algo", "czsc" if preset.startswith("czsc") else "normal") != "czsc":
        guards["max_stroke_bars"] = chance.choice((None, 5, 20, 60))
    return guards


def holes(chance: Random, bars: int) -> list[int]:
    """Return by how much each bar is late for holes in the data: hours, here and there, some side by side."""
    odds = chance.choice((0.0, 0.004, 0.01, 0.05))
    late = [chance.choice((1, 2, 5)) * HOUR_MS if chance.random() < odds else 0 for _ in range(bars)]
    return list(accumulate(late))


@dataclass(frozen=True)
class Series:
    """Bars of open, high, low, close, volume and amount, their opens, and the market's own clock at them."""

    bars: list[Full]
    ts_ms: list[int]
    market_ms: list[int]

    def first(self, bars: int) -> Series:
        """Return the first so many of them."""
        return Series(self.bars[:bars], self.ts_ms[:bars], self.market_ms[:bars])


def series_of(chance: Random, *, holed: bool) -> Series:
    """Return a hostile series; the market's clock stands still in some of its holes."""
    prices = walk(chance) if chance.random() < 0.5 else legs(chance)
    bars: list[Full] = [(*bar, float(chance.randint(0, 9)), float(chance.randint(0, 99))) for bar in prices]
    ts_ms = [at * 60_000 for at in range(len(bars))]
    if not holed:
        return Series(bars, ts_ms, ts_ms)
    ts_ms = [at + late for at, late in zip(ts_ms, holes(chance, len(bars)), strict=True)]
    if chance.random() < 0.5:
        return Series(bars, ts_ms, ts_ms)
    closed = holes(chance, len(bars))
    return Series(bars, ts_ms, list(accumulate((at - shut // 2 for at, shut in zip(ts_ms, closed, strict=True)), max)))


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


def spoiled(chance: Random, bar: Full, ts_ms: int, before_ms: int) -> tuple[int, Full]:
    """Return a bar that must be refused after one of `before_ms`."""
    values = list(bar)
    match chance.randrange(4):
        case 0:
            values[chance.randrange(4)] = chance.choice((math.nan, math.inf, -math.inf))
        case 1:
            values[1] = min(values[:4]) - 1
        case 2:
            values[2] = max(values[:4]) + 1
        case _:
            ts_ms = before_ms - chance.choice((0, 60_000))
    opened, high, low, close, volume, amount = values
    return ts_ms, (opened, high, low, close, volume, amount)


def refused(engine: chan.Engine, ts_ms: int, values: Full) -> None:
    """Push a malformed bar; raises AssertionError unless it is refused in a sentence that names the bar."""
    told = ""
    try:
        engine.push(ts_ms, *values)
    except ValueError as fault:
        told = str(fault)
    assert "bar" in told, f"a malformed bar {values} at {ts_ms} was answered with {told!r}"


def shown(series: Series, preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the compiled batch shows."""
    values = np.array(series.bars, dtype=np.float64).reshape(len(series.bars), 6)
    opened, high, low, close, volume, amount = (np.ascontiguousarray(values[:, i]) for i in range(6))
    stamps, clock = (np.array(column, dtype=np.int64) for column in (series.ts_ms, series.market_ms))
    structure = chan.analyze(
        opened, high, low, close, stamps, preset=preset, params=settings, volume=volume, amount=amount, market_ms=clock
    )
    found: dict[str, Any] = json.loads(structure.to_json())
    return found


def plain(series: Series, preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the reference shows of the same bars."""
    rows = [Bar(ts_ms, *bar) for ts_ms, bar in zip(series.ts_ms, series.bars, strict=True)]
    return reference(rows, preset=preset, params=settings, market_ms=series.market_ms)


def run_case(seed: int) -> None:
    """Run one case; raises AssertionError, naming what differs."""
    chance = Random(seed)
    guarded = chance.random() < 0.3
    series = series_of(chance, holed=guarded)
    preset, settings = chance.choice(PRESETS), settings_of(chance)
    if guarded:
        settings |= guards_of(chance, preset, settings)
    said = f"{preset} {settings}"
    told = difference(shown(series, preset, settings), plain(series, preset, settings))
    assert told is None, f"{said}: engine against reference, {told}"
    bars = series.bars
    looks = {chance.randrange(len(bars)) for _ in range(4)} if bars else set()
    engine = chan.Engine(preset, settings)
    for at, (ts_ms, bar, market_ms) in enumerate(zip(series.ts_ms, bars, series.market_ms, strict=True)):
        if chance.random() < 0.02 and at:
            refused(engine, *spoiled(chance, bar, ts_ms, series.ts_ms[at - 1]))
        if chance.random() < 0.2:
            late_ms = chance.choice((0, 0, 2 * HOUR_MS)) if guarded else 0
            engine.push(ts_ms, *chance.choice(bars), market_ms=market_ms + late_ms)
            engine.replace(ts_ms, *bar, market_ms=market_ms)
        else:
            engine.push(ts_ms, *bar, market_ms=market_ms)
        if at in looks or at + 1 == len(bars):
            folded = json.loads(engine.structure().to_json())
            told = difference(folded, shown(series.first(at + 1), preset, settings))
            assert told is None, f"{said}: fold against batch of {at + 1} bars, {told}"
    if looks:
        part = series.first(max(looks))
        told = difference(shown(part, preset, settings), plain(part, preset, settings))
        assert told is None, f"{said}: engine against reference of {len(part.bars)} bars, {told}"


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
