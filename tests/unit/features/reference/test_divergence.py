from __future__ import annotations

from dataclasses import replace

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.divergence import Force, diverges
from chanflow.features.reference.element import Element

RISE = Element(0, "up", 1, 3, 10.0, 20.0, 10.0, 20.0, 0, 4, sure=True, confirmed=True)
FALL = replace(RISE, direction="down", begin_price=20.0, end_price=10.0)


BARS = [Bar(at, 12.0, 12.0 + 2 * at, 8.0 + at, 12.0, 10.0 * at, 5.0 * at) for at in range(5)]


def given(histogram: list[float]) -> Force:
    """Return the forces of bars whose indicators are given, one value a bar."""
    force = Force(BARS)
    force.histogram = histogram
    force.rsi = [30.0, 40.0, 60.0, 70.0, 55.0]
    return force


@pytest.mark.parametrize(
    ("metric", "stroke", "exits", "value"),
    [
        ("peak", RISE, False, 4.0),
        ("peak", FALL, False, 6.0),
        ("full_area", RISE, False, 6.0),
        ("full_area", FALL, True, 3.0),
        ("area", RISE, False, 2.0),
        ("area", RISE, True, 4.0),
        ("diff", RISE, False, 10.0),
        ("slope", RISE, False, (18.0 - 9.0) / 18.0 / 3),
        ("slope", FALL, False, (14.0 - 11.0) / 14.0 / 3),
        ("amp", RISE, False, (18.0 - 9.0) / 9.0),
        ("amp", FALL, False, (14.0 - 11.0) / 14.0),
        ("rsi", RISE, False, 70.0),
        ("rsi", FALL, False, 10000.0 / 30.0),
        ("volume", RISE, False, 100.0),
        ("volume_avg", RISE, False, 100.0 / 3),
        ("amount", RISE, False, 50.0),
    ],
)
def test_each_metric_measures_its_own(metric, stroke, exits, value) -> None:
    assert given([1.0, 2.0, -3.0, 4.0, -6.0]).of(stroke, metric, exits=exits) == pytest.approx(value, abs=1e-5)


def test_without_force_of_its_own_sign_there_is_a_floor() -> None:
    assert given([-1.0] * 5).of(RISE, "peak", exits=False) == 1e-7


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidArgument, match="needs a column amount"):
        Force([replace(bar, amount=None) for bar in BARS]).of(RISE, "amount_avg", exits=True)


@pytest.mark.parametrize(
    ("entry", "exit_", "rate", "passes"),
    [(10.0, 9.0, 0.9, True), (10.0, 9.1, 0.9, False), (0.0, 0.0, float("inf"), False)],
)
def test_divergence_is_less_force_than_the_rate_allows(entry, exit_, rate, passes) -> None:
    assert diverges(entry, exit_, rate) is passes
