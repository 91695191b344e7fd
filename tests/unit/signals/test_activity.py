from __future__ import annotations

import pytest

from chanflow.signals.activity import Activity, MarketTrigger

FULL = (30.0, 40.0, 5.0, 4.0, 200_000.0)


def test_figures_are_whole_or_none() -> None:
    assert Activity(1.0, 2.0, 3.0, 4.0, 5.0).figures == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert Activity(1.0, 2.0, None, 4.0, 5.0).figures is None


@pytest.mark.parametrize(("samples", "active"), [(0, False), (1, False), (2, False), (3, True), (6, True)])
def test_the_second_stage_needs_three_samples(samples: int, active: bool) -> None:
    assert MarketTrigger().is_active([FULL] * samples) is active


def test_thresholds_can_be_set() -> None:
    assert not MarketTrigger(min_trades_per_min=31.0).is_active([FULL] * 3)
