from __future__ import annotations

from typing import Any

import pytest
from made_features import row

from chanflow.signals.feature_row import FeatureRow, read_row
from chanflow.signals.trailing import Trailing

SILENT = dict.fromkeys(("trades_per_min", "quotes_per_s", "sigma_bps", "volume_quote", "move_5m_bps"))


def fed(count: int, **changes: Any) -> tuple[Trailing, FeatureRow]:
    trailing, last = Trailing(), None
    for at in range(count):
        last = read_row(row(at, **{**SILENT, **{name: make(at) for name, make in changes.items()}}))
        assert isinstance(last, FeatureRow)
        trailing.add(last)
    assert last is not None
    return trailing, last


COUNTS: dict[str, Any] = {
    "trades": lambda _: 2, "quotes": lambda _: 30, "buy_qty": lambda _: 3.0, "sell_qty": lambda _: 1.0,
    "mid": lambda at: 100.0 + at % 2,
}  # fmt: skip


def test_a_minute_of_rows_gives_its_activity() -> None:
    trailing, last = fed(61, **COUNTS)
    found = trailing.activity(last)
    assert (found.trades_per_min, found.quotes_per_s) == (120.0, 30.0)
    assert found.volume_quote == pytest.approx(4 * (30 * 100 + 30 * 101))
    assert found.volatility_bps == pytest.approx(1e4 * 60**0.5 / 100.0)


def test_less_than_a_minute_gives_none() -> None:
    trailing, last = fed(60, **COUNTS)
    assert trailing.activity(last).trades_per_min is None


def test_a_count_that_is_missing_once_is_not_known() -> None:
    trailing, last = fed(61, **{**COUNTS, "trades": lambda at: None if at == 30 else 2})
    assert trailing.activity(last).trades_per_min is None
    assert trailing.activity(last).quotes_per_s == 30.0


def test_what_the_row_says_comes_first() -> None:
    trailing, last = fed(61, **COUNTS, trades_per_min=lambda _: 7.0)
    assert trailing.activity(last).trades_per_min == 7.0


def test_the_move_is_that_of_five_minutes() -> None:
    trailing, last = fed(301, mid=lambda at: 100.0 + at / 100)
    assert trailing.move_bps(last) == pytest.approx(300.0)
    trailing, last = fed(300, mid=lambda at: 100.0 + at / 100)
    assert trailing.move_bps(last) is None


def test_a_mid_before_a_gap_is_no_start() -> None:
    trailing, _ = fed(10, mid=lambda _: 100.0)
    late = read_row(row(400, **{**SILENT, "mid": 101.0}))
    assert isinstance(late, FeatureRow)
    trailing.add(late)
    assert trailing.move_bps(late) is None
