"""What must hold of the Chan engine (缠论) on any series: fold equals batch, confirmed stays, and its symmetries."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanflow.features import chan

Bars = list[tuple[float, float, float, float]]

steps = st.tuples(st.integers(-6, 6), st.integers(-8, 8), st.integers(0, 4), st.integers(0, 4))
PRESETS = ("default", "chanpy", "new_bi", "totally", "czsc6", "czsc7", "textbook")
NO_SUB_PEAK = {"bi_allow_sub_peak": False}


@st.composite
def series(draw: st.DrawFn, *, least: int = 0) -> Bars:
    """Open, high, low, close on a grid of whole numbers: full of ties, gaps and one-price bars."""
    price, bars = 1_000, []
    for gap, move, above, below in draw(st.lists(steps, min_size=least, max_size=250)):
        opened = price + (gap if abs(gap) > 4 else 0)
        close = opened + move
        bars.append((float(opened), float(max(opened, close) + above), float(min(opened, close) - below), float(close)))
        price = close
    return bars


def analyzed(bars: Bars, preset: str = "default", shift_ms: int = 0) -> dict[str, Any]:
    columns = np.array(bars, dtype=np.float64).reshape(len(bars), 4).T.copy()
    stamps = np.arange(len(bars), dtype=np.int64) * 60_000 + shift_ms
    document: dict[str, Any] = json.loads(chan.analyze(*columns, stamps, preset=preset).to_json())
    return document


@settings(max_examples=60)
@given(series(), st.sampled_from(PRESETS))
def test_the_fold_equals_the_batch_at_every_seventh_prefix_and_at_the_end(bars: Bars, preset: str) -> None:
    engine = chan.Engine(preset)
    for at, bar in enumerate(bars):
        engine.push(at * 60_000, *bar)
        if at % 7 == 0 or at == len(bars) - 1:
            assert json.loads(engine.structure().to_json()) == analyzed(bars[: at + 1], preset)


@settings(max_examples=60)
@given(series(least=60), st.sampled_from(PRESETS))
def test_what_is_confirmed_never_changes(bars: Bars, preset: str) -> None:
    kept: dict[str, list[Any]] = {"strokes": [], "segments": [], "super_segments": []}
    for length in range(20, len(bars) + 1, 9):
        now = analyzed(bars[:length], preset)
        for name, before in kept.items():
            sure = [each for each in now[name] if each["state"] == "confirmed"]
            dated = ("first_seen_bar", "confirmed_bar")
            bare = [{k: v for k, v in each.items() if k not in dated} for each in sure]
            assert bare[: len(before)] == before
            kept[name] = bare


@settings(max_examples=60)
@given(series(), st.sampled_from(PRESETS))
def test_strokes_alternate_and_join(bars: Bars, preset: str) -> None:
    strokes = analyzed(bars, preset)["strokes"]
    for before, after in pairwise(strokes):
        assert before["direction"] != after["direction"]
        assert (before["end_bar"], before["end_price"]) == (after["start_bar"], after["start_price"])
    for stroke in strokes:
        assert (stroke["end_price"] > stroke["start_price"]) == (stroke["direction"] == "up")


def scaled(value: Any, factor: float) -> Any:
    prices = {"start_price", "end_price", "price", "low", "high", "peak_low", "peak_high"}
    if isinstance(value, dict):
        return {k: v * factor if k in prices else scaled(v, factor) for k, v in value.items()}
    return [scaled(v, factor) for v in value] if isinstance(value, list) else value


@settings(max_examples=60)
@given(series(), st.sampled_from((0.25, 2.0, 1024.0)), st.sampled_from(PRESETS))
def test_scaling_prices_by_a_power_of_two_changes_nothing_else(bars: Bars, factor: float, preset: str) -> None:
    larger = analyzed([tuple(v * factor for v in bar) for bar in bars], preset)  # type: ignore[misc]
    plain = analyzed(bars, preset)
    for name in ("strokes", "segments", "super_segments", "centers"):
        assert larger[name] == scaled(plain[name], factor)


@settings(max_examples=60)
@given(series(), st.sampled_from((0.25, 2.0, 1024.0)), st.sampled_from(("slope", "amp")))
def test_scaling_prices_scales_points_where_the_metric_has_no_unit(bars: Bars, factor: float, metric: str) -> None:
    columns = np.array(bars, dtype=np.float64).reshape(len(bars), 4).T.copy()
    stamps = np.arange(len(bars), dtype=np.int64)
    plain, larger = (
        json.loads(chan.analyze(*(columns * by), stamps, params={"macd_algo": metric}).to_json())
        for by in (1.0, factor)
    )
    assert larger["points"] == scaled(plain["points"], factor)


@settings(max_examples=60)
@given(series(), st.integers(1, 10**12), st.sampled_from(PRESETS))
def test_shifting_time_shifts_times_alone(bars: Bars, shift_ms: int, preset: str) -> None:
    def bare(document: dict[str, Any]) -> str:
        return json.dumps(
            [[{k: v for k, v in each.items() if not k.endswith("ts_ms")} for each in document[name]]
             for name in ("strokes", "segments", "super_segments", "centers", "points")]
        )  # fmt: skip

    assert bare(analyzed(bars, preset, shift_ms)) == bare(analyzed(bars, preset))


@settings(max_examples=80)
@given(
    st.lists(st.floats(-3, 3), min_size=30, max_size=250),
    st.randoms(use_true_random=False),
    st.sampled_from(("default", "new_bi", "totally", "textbook")),
)
def test_negated_prices_swap_tops_and_bottoms(moves: list[float], chance: Any, preset: str) -> None:
    """For series without ties whose first two bars do not contain one another."""
    price, bars = 1_000.0, []
    for at, move in enumerate(moves):
        close = price + move + chance.uniform(-0.01, 0.01) + (3 if at == 1 else 0)
        reach = [chance.uniform(0.01, 0.5) for _ in range(2)]
        bars.append((price, max(price, close) + reach[0], min(price, close) - reach[1], close))
        price = close
    (_, high, low, _), (_, high_2, low_2, _) = bars[:2]
    if not (high_2 > high and low_2 > low):
        return
    mirrored = [(-o, -low, -high, -c) for o, high, low, c in bars]
    ours, theirs = analyzed(bars, preset), analyzed(mirrored, preset)
    turned = {"up": "down", "down": "up"}
    for name in ("strokes", "segments"):
        places = [(e["start_bar"], e["end_bar"], turned[e["direction"]], e["state"]) for e in ours[name]]
        assert places == [(e["start_bar"], e["end_bar"], e["direction"], e["state"]) for e in theirs[name]]
    ranges = [(c["level"], c["start_stroke"], c["end_stroke"], -c["high"], -c["low"]) for c in ours["centers"]]
    assert ranges == [(c["level"], c["start_stroke"], c["end_stroke"], c["low"], c["high"]) for c in theirs["centers"]]


@settings(max_examples=60)
@given(series(least=100))
def test_a_confirmed_segment_that_is_withdrawn_is_told(bars: Bars) -> None:
    """Only `bi_allow_sub_peak=false` withdraws any: see docs/limits.md."""
    engine, shown = chan.Engine("default", NO_SUB_PEAK), set()
    for at, bar in enumerate(bars):
        told = [each for each in engine.push(at * 60_000, *bar) if isinstance(each, chan.SegmentEvent)]
        now = json.loads(engine.structure().to_json())["segments"]
        sure = {(i, s["start_bar"], s["end_bar"]) for i, s in enumerate(now) if s["state"] == "confirmed"}
        for index, _, _ in shown - sure:
            assert any(each.index == index and each.kind in {"void", "revised"} for each in told)
        shown = sure


@settings(max_examples=30)
@given(series(least=10), st.sampled_from(PRESETS))
def test_a_restored_engine_goes_on_as_the_one_it_was_taken_from(bars: Bars, preset: str) -> None:
    engine = chan.Engine(preset, recorded=True)
    half = len(bars) // 2
    for at, bar in enumerate(bars[:half]):
        engine.push(at * 60_000, *bar)
    twin = chan.Engine.restore(engine.snapshot())
    for at, bar in enumerate(bars[half:], start=half):
        assert twin.push(at * 60_000, *bar) == engine.push(at * 60_000, *bar)
    assert twin.structure().to_json() == engine.structure().to_json()


@pytest.mark.parametrize("preset", PRESETS)
def test_no_bars_give_empty_lists(preset: str) -> None:
    document = analyzed([], preset)
    assert [document[name] for name in ("strokes", "segments", "super_segments", "centers", "points")] == [[]] * 5
