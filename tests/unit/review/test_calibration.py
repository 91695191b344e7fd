"""Whether a confidence means what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.review.calibration import BINS, calibration


def test_what_is_called_seventy_percent_and_comes_true_seven_times_of_ten_is_honest() -> None:
    found = calibration([(0.7, at < 70) for at in range(100)])
    assert found.brier == pytest.approx(0.21)
    assert found.error == pytest.approx(0.0)
    assert found.bins[7].honest is True
    assert found.bins[0].honest is None


def test_an_overconfident_one_is_found_out() -> None:
    found = calibration([(0.95, at % 2 == 0) for at in range(100)])
    assert found.error == pytest.approx(0.45)
    assert found.bins[9].honest is False
    assert found.brier is not None
    assert found.naive is not None
    assert found.brier > found.naive


def test_certainty_falls_into_the_last_bin() -> None:
    found = calibration([(1.0, True), (0.0, False)])
    assert (found.bins[9].n, found.bins[0].n) == (1, 1)
    assert found.brier == 0.0


def test_nothing_forecast_gives_no_figure() -> None:
    found = calibration([])
    assert (found.n, found.brier, found.error, found.base_rate) == (0, None, None, None)


@pytest.mark.parametrize("confidence", [-0.01, 1.01, float("nan")])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration([(confidence, True)])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_scores_are_shares_and_bins_hold_every_forecast(forecasts: list[tuple[float, bool]]) -> None:
    found = calibration(forecasts)
    assert found.brier is not None
    assert found.error is not None
    assert 0.0 <= found.brier <= 1.0
    assert 0.0 <= found.error <= 1.0
    assert sum(b.n for b in found.bins) == found.n == len(forecasts)
    assert len(found.bins) == BINS
