"""The summary of certificates is counted from their cells, and says nothing that they do not."""

from __future__ import annotations

from typing import Any

from made_certificate import cell, certificate, entries

from chanflow.backtest.certificate_summary import Page, summary_page


def rated(low: float, high: float, base: float, net: float, base_net: float, n: int = 40) -> dict[str, Any]:
    return entries(n) | {
        "hit_low": low, "hit_high": high, "base_hit_rate": base, "mean_net_bps": net, "base_mean_net_bps": base_net,
    }  # fmt: skip


def page(*cells: dict[str, Any], **changed: Any) -> str:
    made = Page("certificate/x.md", certificate(*cells, **changed))
    return summary_page([made], head="Points", command="make certificates")


ABOVE = rated(0.55, 0.7, 0.5, 3.0, -10.0)
BELOW = rated(0.3, 0.45, 0.5, -30.0, -10.0)
LEVEL = rated(0.4, 0.6, 0.5, 4.0, 9.0)
FEW = rated(0.9, 1.0, 0.5, 80.0, -10.0, n=29)


def test_cells_are_counted_by_where_their_interval_lies() -> None:
    text = page(
        cell("1", seen=ABOVE, sure=FEW), cell("2", seen=BELOW, sure=FEW), cell("2s", seen=LEVEL, sure=LEVEL),
        cell("3a", seen=FEW, sure=FEW),
    )  # fmt: skip
    assert "Entered when first seen, 1 of 3 cells reached the target more often than random entries and 1 less" in text
    assert "Entered when confirmed, 0 of 1 cells reached the target" in text
    assert "above both zero and the mean random one in 1 of 3 cells when first seen, in 0 of 1 when confirmed" in text
    assert "| crypto | `default` | 1m | 4 | 200 |" in text
    assert "| 1 / 1 / 3 | 0 / 0 / 1 | 1 of 3 | 0 of 1 |" in text


def test_survival_and_lag_are_medians_of_the_cells_with_enough_cases() -> None:
    text = page(
        cell("1", survival=0.10, confirmed=30, lag_p50_bars=50),
        cell("2", survival=0.20, confirmed=30, lag_p50_bars=70),
        cell("2s", survival=0.40, confirmed=29, lag_p50_bars=900),
        cell("3a", survival=1.0, ever_shown=3, few=True),
    )
    assert (
        "the median cell keeps 20.0 %. Until a point is certain it takes the median cell a median of 50 bars." in text
    )
    assert "| 20.0 % [10.0, 40.0] | 50 [50, 70] |" in text


def test_too_few_cases_are_said_to_be_too_few() -> None:
    text = page(cell("1", few=True, ever_shown=3, seen=FEW, sure=FEW))
    assert "no cell has 30 cases." in text
    assert "| 0 | 3 | – | – | 0 / 0 / 0 |" in text
    assert "No cell has 30 confirmed points to name a lag of." in page(cell("1", seen=FEW, sure=FEW))


def test_the_rule_costs_and_data_are_named() -> None:
    data = {"file": "a.parquet", "symbol": "600000.SH", "market": "cn", "interval": "1d", "rows": 1_234,
            "suspended": 1_056, "adjusted": True}  # fmt: skip
    text = page(params={"macd_algo": "area"}, data=[data], costs_per_side={"taker_bps": 7.5, "slippage_bps": 1.0})
    assert "**A-shares, `default macd_algo=area`.** The proof holds: 0 of 900 confirmed objects changed later." in text
    assert "After 8.5 bps a side" in text
    assert "1 symbols at 1d, 1,234 bars of a.parquet; 1,056 days without trade left out; prices of 1 symbols" in text
    assert "[A-shares, `default macd_algo=area`](certificate/x.md)" in text


def test_a_certificate_that_does_not_hold_is_shouted() -> None:
    assert "THE PROOF FAILS" in page(holds=False)
