"""The compiled engine and the plain reference show the same, in every preset and with any settings.

The cases are drawn by `scripts/fuzz_chan.py`, which draws more of them with `make fuzz`. Each also holds the bar-by-bar
fold to the batch, corrects bars and offers malformed ones.
"""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz_chan.py"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    found = importlib.util.spec_from_file_location("fuzz_chan", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    # A dataclass looks its own module up.
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("first", [1_000, 2_000, 3_000, 4_000])
def test_drawn_cases_hold(fuzz: ModuleType, first: int) -> None:
    for seed in range(first, first + 60):
        fuzz.run_case(seed)


def through(fuzz: ModuleType, turns: list[float], steps: int = 5) -> Any:
    """Return bars that lead from turn to turn in equal steps."""
    bars: list[tuple[float, ...]] = []
    for begin, end in pairwise(turns):
        path = [begin + (end - begin) * step / steps for step in range(steps + 1)]
        bars += [(o, max(o, c), min(o, c), c, 1.0, 1.0) for o, c in pairwise(path)]
    ts_ms = [at * 60_000 for at in range(len(bars))]
    return fuzz.Series(bars, ts_ms, ts_ms)


def test_a_fractal_that_the_price_passes_is_cancelled_and_both_directions_are_open_again(fuzz: ModuleType) -> None:
    turns = [199, 242, 235, 237, 220, 230, 224, 233, 206, 210, 201, 205, 190]
    bars = through(fuzz, [float(turn) for turn in turns])
    ours = fuzz.shown(bars, "textbook", {})
    assert fuzz.difference(ours, fuzz.plain(bars, "textbook", {})) is None
    # The fall to stroke 3 left a gap, and stroke 7 goes beyond it before the reverse fractal is found.
    assert (ours["segments"][0]["start_stroke"], ours["segments"][0]["direction"]) == (0, "down")


def test_a_center_from_stroke_0_has_no_entry_to_be_weaker_than(fuzz: ModuleType) -> None:
    bars = through(fuzz, [195.0, 189.0, 210.0, 202.0, 216.0, 212.0], steps=8)
    ours = fuzz.shown(bars, "czsc6", {})
    assert (ours["segments"][0]["end_stroke"], ours["centers"][0]["entry_stroke"]) == (2, None)
    assert ours["points"] == fuzz.plain(bars, "czsc6", {})["points"] == []


def test_the_more_particular_setting_holds_in_any_order(fuzz: ModuleType) -> None:
    bars = through(fuzz, [200.0 + turn for turn in (0, 10, 2, 14, 6, 20, 12, 26, 3, 9, -6, 2, -14, -4, -20)])
    settings = {"min_zs_cnt-buy": 0, "min_zs_cnt": 2, "bsp2_follow_1-buy": False, "bsp2_follow_1": True}
    turned = dict(reversed(settings.items()))
    assert fuzz.shown(bars, "default", settings) == fuzz.shown(bars, "default", turned)
    assert fuzz.shown(bars, "default", settings) != fuzz.shown(bars, "default", {"min_zs_cnt": 2})
