"""The guards of the Chan engine (缠论) as Python sees them: a bad tick, a data hole, and what is told of each."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from chanflow.features import chan

MINUTE_MS, DAY_MS = 60_000, 86_400_000


def waves(count: int) -> dict[str, Any]:
    """Legs of ten bars up and nine down, each pair one unit higher than the one before."""
    closes = [100.0]
    for wave in range(count):
        closes += [101.0 + wave + step for step in range(10)]
        closes += [109.0 + wave - step for step in range(9)]
    opened, close = np.array(closes[:-1]), np.array(closes[1:])
    return {
        "open": opened, "high": np.maximum(opened, close) + 0.25, "low": np.minimum(opened, close) - 0.25,
        "close": close, "ts_ms": np.arange(len(close), dtype=np.int64) * MINUTE_MS,
    }  # fmt: skip


def with_a_bad_tick(at: int) -> dict[str, Any]:
    bars = waves(20)
    bars["high"][at] *= 10
    return bars


def with_a_hole(at: int) -> dict[str, Any]:
    """The feed is away for a day, and the price comes back at a tenth."""
    bars = waves(16)
    bars["ts_ms"][at:] += DAY_MS
    for name in ("open", "high", "low", "close"):
        bars[name][at:] /= 10
    return bars


def pushed(bars: dict[str, Any], params: dict[str, chan.Setting]) -> tuple[chan.Engine, list[chan.Event]]:
    engine = chan.Engine(params=params, history=True)
    rows = zip(*(bars[name].tolist() for name in ("ts_ms", "open", "high", "low", "close")), strict=True)
    return engine, [event for row in rows for event in engine.push(*row)]


@pytest.mark.parametrize("check", ["strict", "half", "loss", "totally"])
@pytest.mark.parametrize("at", range(70, 96))
def test_wherever_a_bad_tick_falls_strokes_resume_with_the_guard(at: int, check: str) -> None:
    found = chan.analyze(**with_a_bad_tick(at), params={"max_stroke_bars": 60, "bi_fx_check": check})
    assert len(found.strokes) > 30
    unguarded = chan.analyze(**with_a_bad_tick(at), params={"bi_fx_check": check})
    assert len(found.resets) == (len(unguarded.strokes) < 30)


@pytest.mark.parametrize("at", [77, 78, 79])
def test_a_bad_tick_after_a_low_stops_strokes_for_ever(at: int) -> None:
    stuck = chan.analyze(**with_a_bad_tick(at))
    assert stuck.strokes.end_bar.max() < 80
    assert stuck.resets == ()


def test_an_overdue_stroke_is_told_and_the_next_one_may_end_below_a_peak() -> None:
    bars = with_a_bad_tick(78)
    stuck = chan.analyze(**bars)
    engine, events = pushed(bars, {"max_stroke_bars": 60})
    resumed = engine.structure()
    assert len(resumed.strokes) > len(stuck.strokes) + 20
    assert resumed.resets == (chan.Reset(136, 136 * MINUTE_MS, "long_stroke", 76, 76 * MINUTE_MS, None),)
    assert [event for event in events if isinstance(event, chan.ResetEvent)] == [
        chan.ResetEvent("new", 136 * MINUTE_MS, "long_stroke", 76, 76 * MINUTE_MS, None, 136)
    ]


def test_a_data_hole_begins_a_new_era_and_is_told_with_its_bounds() -> None:
    bars = with_a_hole(155)
    joined = chan.analyze(**bars)
    assert (joined.strokes.start_price > 50).tolist() != (joined.strokes.end_price > 50).tolist()
    engine, events = pushed(bars, {"reset_gap_ms": MINUTE_MS * 60})
    found = engine.structure()
    times = bars["ts_ms"].tolist()
    assert found.resets == (chan.Reset(155, times[155], "gap", 154, times[154], DAY_MS + MINUTE_MS),)
    at_hole = [event for event in events if event.bar == 155]
    assert isinstance(at_hole[0], chan.ResetEvent)
    assert {event.kind for event in at_hole[1:]} == {"void", "confirmed"}
    assert found.segments.void_bar is not None
    assert 155 in found.segments.void_bar
    shown = found.strokes.state < 2
    assert ((found.strokes.start_price > 50) == (found.strokes.end_price > 50))[shown].all()
    before = shown & (found.strokes.start_bar < 155)
    assert (found.strokes.state[before] == 1).all()
    assert found.strokes.confirmed_bar[before].max() == 155
    assert json.loads(found.to_json())["resets"][0]["gap_ms"] == DAY_MS + MINUTE_MS


def test_closed_hours_are_no_gap() -> None:
    bars = with_a_hole(155)
    market_ms = np.arange(len(bars["close"])) * MINUTE_MS
    params: dict[str, chan.Setting] = {"reset_gap_ms": MINUTE_MS * 60}
    assert chan.analyze(**bars, params=params, market_ms=market_ms).resets == ()
    assert len(chan.analyze(**bars, params=params).resets) == 1


def test_a_reset_that_a_correction_takes_back_is_void() -> None:
    bars = with_a_hole(155)
    rows = [tuple(bars[name].tolist()[i] for name in ("ts_ms", "open", "high", "low", "close")) for i in range(156)]
    engine, twin = (chan.Engine(params={"reset_gap_ms": MINUTE_MS * 60}) for _ in range(2))
    for row in rows[:155]:
        engine.push(*row)
        twin.push(*row)
    late = engine.push(*rows[155])
    corrected = engine.replace(155 * MINUTE_MS, *rows[155][1:])
    assert isinstance(late[0], chan.ResetEvent)
    assert corrected[0] == chan.ResetEvent(
        "void", late[0].ts_ms, "gap", late[0].from_bar, late[0].from_ts_ms, late[0].gap_ms, 155
    )
    twin.push(155 * MINUTE_MS, *rows[155][1:])
    assert engine.structure().to_json() == twin.structure().to_json()


def test_a_clock_that_falls_or_has_not_every_bar_is_refused() -> None:
    bars = waves(2)
    params: dict[str, chan.Setting] = {"reset_gap_ms": 1_000}
    with pytest.raises(ValueError, match="market_ms has 3 values and ts_ms has 38"):
        chan.analyze(**bars, params=params, market_ms=[0, 1, 2])
    clock = np.arange(38)
    clock[30] = 5
    with pytest.raises(ValueError, match="bar 30: market_ms 5 must not be earlier than 29 of the bar before"):
        chan.analyze(**bars, params=params, market_ms=clock)


@pytest.mark.parametrize(("key", "value"), [("reset_gap_ms", 0), ("reset_gap_ms", 1.5), ("max_stroke_bars", -3)])
def test_a_guard_is_a_whole_number_from_one_up(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'"{key}" cannot be "{value}"; allowed: none, a whole number from 1 up'):
        chan.Engine(params={key: value})
