from __future__ import annotations

from typing import Any

import pytest
from made_features import START_MS, row

from chanflow.signals.feature_row import BadRow, FeatureRow, agreement, fused, read_row

NAN, INF = float("nan"), float("inf")


def good(**changes: Any) -> FeatureRow:
    found = read_row(row(**changes))
    assert isinstance(found, FeatureRow), found
    return found


def test_older_names_are_read() -> None:
    older = {
        "ts_ms": START_MS, "symbol": "BTCUSDT", "ofi_z": 1.5, "cvd_z": -0.5, "spread_bps": 1.0, "lag_ms_ofi": 400,
        "lag_ms_cvd": 1_500, "fusion_score": 0.7, "price": 100.0,
    }  # fmt: skip
    found = read_row(older)
    assert isinstance(found, FeatureRow)
    assert (found.z_ofi, found.z_cvd, found.lag_s, found.score, found.mid) == (1.5, -0.5, 1.5, 0.7, 100.0)


def test_a_new_name_wins_over_an_older() -> None:
    assert good(ofi_z=9.0).z_ofi == 2.5


def test_a_leg_whose_lag_is_unknown_makes_it_unknown() -> None:
    raw = {name: value for name, value in row().items() if name != "lag_sec"}
    assert isinstance(read_row({**raw, "lag_ms_ofi": 400, "lag_ms_cvd": None}), BadRow)


@pytest.mark.parametrize("name", ["z_ofi", "z_cvd", "spread_bps", "lag_sec"])
@pytest.mark.parametrize("value", [None, NAN])
def test_an_absent_figure_is_named(name: str, value: Any) -> None:
    assert read_row(row(**{name: value})) == BadRow((f"{name} is missing",), START_MS, "BTCUSDT")


@pytest.mark.parametrize("name", ["z_ofi", "z_cvd", "spread_bps", "lag_sec", "fusion", "mid", "move_5m_bps", "trades"])
@pytest.mark.parametrize("value", [INF, -INF, "1.0", True, [1], 10**400], ids=str)
def test_what_is_no_finite_number_is_bad(name: str, value: Any) -> None:
    found = read_row(row(**{name: value}))
    assert isinstance(found, BadRow)
    assert found.reasons[0].startswith(f"{name} is ")
    assert len(found.reasons[0]) < 120


@pytest.mark.parametrize(
    "value", [None, "1767571200000", 1_767_571_200, 1e300, 10**400, 1_767_571_200_000.5, True, NAN]
)
def test_a_time_that_is_no_unix_ms_is_bad(value: Any) -> None:
    found = read_row(row(ts_ms=value))
    assert isinstance(found, BadRow)
    assert found.ts_ms == 0


@pytest.mark.parametrize("value", [None, "", "A" * 33, "BTC USDT", "../x", 7, "БТЦ"])
def test_a_symbol_that_is_none_is_bad(value: Any) -> None:
    found = read_row(row(symbol=value))
    assert isinstance(found, BadRow)
    assert found.symbol == ""


def test_everything_wrong_is_told() -> None:
    found = read_row(row(z_ofi=INF, spread_bps=-1.0, book_ok="yes"))
    assert isinstance(found, BadRow)
    assert len(found.reasons) == 3


def test_a_row_in_warm_up_may_lack_what_it_needs_later() -> None:
    for told in ({"reasons": ["warmup"]}, {"reasons": "book_not_ok,warmup"}, {"warmup": True}):
        assert good(z_ofi=None, z_cvd=None, lag_sec=None, spread_bps=None, **told).warming


def test_a_bin_whose_book_was_not_ok_has_no_z() -> None:
    assert good(z_ofi=None, z_cvd=None, book_ok=False).z_ofi is None
    assert isinstance(read_row(row(lag_sec=None, book_ok=False)), BadRow)


@pytest.mark.parametrize(("told", "read"), [(1, True), (0, False), (-1, None), (None, None), (True, True)])
def test_the_book_is_told_as_a_flag_or_as_the_core_writes_it(told: Any, read: bool | None) -> None:
    assert good(book_ok=told).book_ok is read


def test_score_and_consistency_are_made_where_there_are_no_columns_for_them() -> None:
    raw = {name: value for name, value in row(z_ofi=5.0, z_cvd=2.0).items() if name not in ("fusion", "consistency")}
    found = read_row(raw)
    assert isinstance(found, FeatureRow)
    assert (found.score, found.consistency) == (pytest.approx(0.6 * 4 + 0.4 * 2), 0.4)


def test_a_score_that_is_null_stays_so() -> None:
    assert good(fusion=None).score is None


@pytest.mark.parametrize(("z_ofi", "z_cvd"), [(1.0, -1.0), (0.0, 1.0), (None, 1.0)])
def test_flows_that_do_not_agree_have_no_consistency(z_ofi: float | None, z_cvd: float) -> None:
    assert agreement(z_ofi, z_cvd) == 0.0
    assert (fused(z_ofi, z_cvd) is None) == (z_ofi is None)


def test_the_strongest_divergence_names_the_type() -> None:
    found = [
        {"type": "bull_div", "score": 40.0},
        {"type": "hidden_bear", "score": 71.0},
        {"type": "\ud800", "score": None},
    ]
    assert good(divergences=found).div_type == "hidden_bear"
    assert good(divergences=[{"type": "\ud800", "score": 99.0}]).div_type is None
    assert good(div_type="bear_div").div_type == "bear_div"
