"""How much of a bin's own move flow explains."""

from __future__ import annotations

import numpy as np
import pytest

from chanflow.features.flow_fit import contemporaneous


def test_a_move_made_of_both_flows_is_explained_by_both() -> None:
    chance = np.random.default_rng(4)
    ofi, tfi = chance.normal(size=500), chance.normal(size=500)
    mid = 100 + np.cumsum(ofi + tfi)
    fit = contemporaneous(mid, ofi, tfi)
    assert fit is not None
    assert fit.ofi == pytest.approx(0.5, abs=0.1)
    assert fit.ofi_and_tfi == pytest.approx(1.0)
    assert fit.bins == 499


def test_the_flow_of_the_bin_before_explains_nothing() -> None:
    chance = np.random.default_rng(4)
    ofi = chance.normal(size=500)
    fit = contemporaneous(100 + np.cumsum(np.roll(ofi, 1)), ofi, np.zeros(500))
    assert fit is not None
    assert fit.ofi < 0.05


def test_bins_without_a_mid_are_left_out_and_too_few_tell_nothing() -> None:
    mid = np.where(np.arange(100) < 40, np.nan, np.arange(100.0))
    mid[70:] = 80.0
    fit = contemporaneous(mid, mid, mid)
    assert fit is None or fit.bins == 59
    assert contemporaneous(np.arange(20.0), np.arange(20.0), np.arange(20.0)) is None
    assert contemporaneous(np.full(100, 5.0), np.arange(100.0), np.arange(100.0)) is None
