"""What must hold of the Chan engine (缠论) with its guards on: all that holds without them, across resets too."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chanflow.features import chan

HOUR_MS = 3_600_000
Rows = list[tuple[int, float, float, float, float, int]]
"""ts_ms, open, high, low, close, market_ms."""

RESET_FIELDS = [field.name for field in fields(chan.Reset)]
PRESETS = ("default", "new_bi", "totally", "czsc6", "textbook")
steps = st.tuples(
    st.integers(-8, 8), st.integers(0, 4), st.integers(0, 4), st.sampled_from([0] * 40 + [1, 2]), st.booleans()
)


@st.composite
def series(draw: st.DrawFn, *, least: int = 0) -> Rows:
    """Bars on a grid of whole numbers with holes of hours, in some of which the market was closed."""
    price, ts_ms, market_ms, rows = 1_000, 0, 0, []
    for move, above, below, hours, is_closed in draw(st.lists(steps, min_size=least, max_size=250)):
        close = price + move
        ts_ms += 60_000 + hours * HOUR_MS
        market_ms += 60_000 + (0 if is_closed else hours * HOUR_MS)
        high, low = max(price, close) + above, min(price, close) - below
        rows.append((ts_ms, float(price), float(high), float(low), float(close), market_ms))
        price = close
    return rows


def guards(preset: str) -> dict[str, chan.Setting]:
    return {"reset_gap_ms": HOUR_MS} | ({} if preset.startswith("czsc") else {"max_stroke_bars": 15})


def analyzed(rows: Rows, preset: str) -> dict[str, Any]:
    ts_ms, *prices, market_ms = np.array(rows, dtype=np.float64).reshape(len(rows), 6).T.copy()
    found = chan.analyze(*prices, ts_ms, preset=preset, params=guards(preset), market_ms=market_ms)
    document: dict[str, Any] = json.loads(found.to_json())
    return document


def pushed(engine: chan.Engine, row: tuple[int, float, float, float, float, int]) -> list[chan.Event]:
    return engine.push(*row[:5], market_ms=row[5])


@settings(max_examples=60)
@given(series(), st.sampled_from(PRESETS))
def test_the_fold_equals_the_batch_and_tells_each_reset_once(rows: Rows, preset: str) -> None:
    engine = chan.Engine(preset, guards(preset))
    told = []
    for at, row in enumerate(rows):
        resets = [event for event in pushed(engine, row) if isinstance(event, chan.ResetEvent)]
        assert all((event.kind, event.bar) == ("new", at) for event in resets)
        told += [{name: getattr(event, name) for name in RESET_FIELDS} for event in resets]
        if at % 7 == 0 or at == len(rows) - 1:
            now = json.loads(engine.structure().to_json())
            assert now == analyzed(rows[: at + 1], preset)
            assert now["resets"] == told
    late = [at for at, (before, row) in enumerate(pairwise(rows), start=1) if row[5] - before[5] > HOUR_MS]
    assert [reset["bar"] for reset in told if reset["reason"] == "gap"] == late


@settings(max_examples=60)
@given(series(least=60), st.sampled_from(PRESETS))
def test_what_is_confirmed_never_changes_and_its_number_is_final(rows: Rows, preset: str) -> None:
    kept: dict[str, dict[int, Any]] = {"strokes": {}, "segments": {}, "super_segments": {}}
    for length in range(20, len(rows) + 1, 9):
        now = analyzed(rows[:length], preset)
        for name, before in kept.items():
            dated = ("first_seen_bar", "confirmed_bar")
            bare = {at: {k: v for k, v in e.items() if k not in dated} for at, e in enumerate(now[name])}
            sure = {at: each for at, each in bare.items() if each["state"] == "confirmed"}
            assert {at: sure.get(at) for at in before} == before
            kept[name] = sure


@settings(max_examples=60)
@given(series(), st.sampled_from(PRESETS))
def test_strokes_alternate_and_join_within_an_era_and_none_spans_two(rows: Rows, preset: str) -> None:
    found = analyzed(rows, preset)
    begins = np.array([reset["bar"] for reset in found["resets"] if reset["reason"] == "gap"], dtype=np.int64)

    def era(bar: int) -> int:
        return int(np.searchsorted(begins, bar, side="right"))

    for stroke in found["strokes"]:
        assert era(stroke["start_bar"]) == era(stroke["end_bar"])
    for before, after in pairwise(found["strokes"]):
        if era(before["end_bar"]) == era(after["start_bar"]):
            assert before["direction"] != after["direction"]
            assert before["end_bar"] == after["start_bar"]
        else:
            assert before["state"] == "confirmed"


@settings(max_examples=40)
@given(series(least=10), st.sampled_from(PRESETS), st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_replaced_bars_clones_and_snapshots_leave_no_trace(rows: Rows, preset: str, late: list[int]) -> None:
    engine = chan.Engine(preset, guards(preset), recorded=True, history=True)
    straight = chan.Engine(preset, guards(preset), recorded=True, history=True)
    for at, row in enumerate(rows):
        shift_ms = late[at % len(late)] * HOUR_MS
        ts_ms, opened, high, low, close, market_ms = row
        engine.push(ts_ms, opened, high + 7, low, close, market_ms=market_ms + shift_ms)
        engine.replace(ts_ms, opened, high, low, close, market_ms=market_ms)
        pushed(straight, row)
        if at == len(rows) // 2:
            engine = chan.Engine.restore(engine.snapshot()).clone()
    assert engine.structure().to_json() == straight.structure().to_json()
    assert engine.snapshot() == straight.snapshot()
