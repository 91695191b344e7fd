"""What malformed and odd bars do: the first are refused by number and leave no trace, the second are read."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from chanflow.features import chan

PRESETS = ("default", "chanpy", "new_bi", "totally", "textbook", "czsc6", "czsc7")
GOOD = [(0, 10.0, 12.0, 9.0, 11.0), (60_000, 11.0, 13.0, 10.0, 12.0)]
BAD = {
    "nan": (120_000, 12.0, math.nan, 11.0, 12.0),
    "inf": (120_000, 12.0, math.inf, 11.0, 12.0),
    "minus inf": (120_000, 12.0, 13.0, -math.inf, 12.0),
    "high below low": (120_000, 12.0, 10.0, 13.0, 12.0),
    "close above high": (120_000, 12.0, 13.0, 11.0, 14.0),
    "open below low": (120_000, 10.0, 13.0, 11.0, 12.0),
    "same time": (60_000, 12.0, 13.0, 11.0, 12.0),
    "earlier time": (30_000, 12.0, 13.0, 11.0, 12.0),
}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("what", BAD)
def test_a_pushed_bar_is_refused_by_number_and_leaves_no_trace(preset: str, what: str) -> None:
    engine, twin = chan.Engine(preset), chan.Engine(preset)
    for bar in GOOD:
        engine.push(*bar)
        twin.push(*bar)
    with pytest.raises(ValueError, match="bar 2"):
        engine.push(*BAD[what])
    after = (120_000, 12.0, 14.0, 11.0, 13.0)
    assert engine.push(*after) == twin.push(*after)
    assert engine.structure().to_json() == twin.structure().to_json()


@pytest.mark.parametrize("what", BAD)
def test_a_column_with_it_is_refused_by_the_same_number(what: str) -> None:
    ts_ms, opened, high, low, close = zip(*[*GOOD, BAD[what]], strict=True)
    with pytest.raises(ValueError, match="bar 2"):
        chan.analyze(opened, high, low, close, np.array(ts_ms))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_market_goes_on_after_one_price_bars_holes_and_empty_days(preset: str) -> None:
    """A limit board, a suspension of a month, bars without volume, a spike: strokes are found before and after.

    Not the spike for czsc, whose own rule knows no second choice after one.
    """
    prices, stamps, now = [], [], 0
    for leg in range(60):
        rise = 1.0 if leg % 2 == 0 else -1.0
        for step in range(6):
            middle = 100.0 + rise * (step - 3) + leg % 5
            flat = leg in {20, 21}
            spike = 40.0 if (leg, step) == (30, 3) and not preset.startswith("czsc") else 0.0
            prices.append((middle, middle + (0 if flat else 0.2) + spike, middle - (0 if flat else 0.2), middle, 0.0))
            stamps.append(now)
            now += 30 * 86_400_000 if (leg, step) == (40, 2) else 60_000
    opened, high, low, close, volume = (np.array(column) for column in zip(*prices, strict=True))
    found = json.loads(chan.analyze(opened, high, low, close, np.array(stamps), preset=preset, volume=volume).to_json())
    last = found["strokes"][-1]
    assert last["end_bar"] > len(prices) - 40
    assert sum(each["state"] == "confirmed" for each in found["strokes"]) > 10
