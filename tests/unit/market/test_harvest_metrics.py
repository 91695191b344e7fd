"""Counters as a line and as Prometheus text."""

from __future__ import annotations

from chanflow.market.harvest_metrics import HarvestMetrics


def test_prometheus_text_has_a_type_and_a_value_for_each() -> None:
    metrics = HarvestMetrics(frames=7, drops={"backlog": 3}, unsynced_s={"BTCUSDT": 1.5}, lag_p50_ms=2.0)
    text = metrics.prometheus("binance-usdm")
    assert "# TYPE chanflow_harvest_frames_total counter\n" in text
    assert 'chanflow_harvest_frames_total{venue="binance-usdm"} 7\n' in text
    assert 'chanflow_harvest_drops_total{venue="binance-usdm",reason="backlog"} 3\n' in text
    assert 'chanflow_harvest_unsynced_seconds_total{venue="binance-usdm",symbol="BTCUSDT"} 1.5\n' in text
    assert 'chanflow_harvest_lag_ms{venue="binance-usdm",quantile="0.5"} 2\n' in text


def test_the_line_says_dash_before_the_first_lag() -> None:
    assert "lag p50/p99 - ms" in HarvestMetrics(frames=1).line(10.0)
