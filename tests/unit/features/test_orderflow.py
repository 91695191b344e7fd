"""Windows of the tracker against the engine's own columns, on a synthetic market."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from chanflow_native import EventBatch, FlowEngine, SyntheticMarket
from made_desk import NOW

from chanflow.features.orderflow import FlowTracker

NS_PER_S = 1_000_000_000
START_MS = NOW // 1_000_000
MINUTES = 15
SETTINGS: dict[str, Any] = {"bin_ms": 1_000, "window_ms": 300_000, "warmup_ms": 60_000}


def market(seed: int = 3, *, cut_s: int = MINUTES * 60) -> list[EventBatch]:
    """Return a quarter of an hour of a market, `cut_s` seconds a batch."""
    source = SyntheticMarket(seed, NOW)
    return [source.advance(NOW + at * NS_PER_S) for at in range(cut_s, MINUTES * 60 + 1, cut_s)]


def tracked(batches: list[EventBatch], *, keep_bins: int = 2_000, finish: bool = True) -> FlowTracker:
    tracker = FlowTracker(price_decimals=2, qty_decimals=3, keep_bins=keep_bins, **SETTINGS)
    for batch in batches:
        tracker.push(batch)
    if finish:
        tracker.finish()
    return tracker


@cache
def columns() -> dict[str, Any]:
    """Return the engine's rows of the same market, all at once."""
    engine = FlowEngine(2, 3, **SETTINGS)
    (batch,) = market()
    parts = [engine.push(batch), engine.finish()]
    return {name: [v for part in parts for v in part[name]] for name in parts[0]}


WINDOWS = [(60, 20), (200, 20), (450, 100), (900, 60), (900, 900)]


@pytest.mark.parametrize(("end_s", "bins"), WINDOWS)
def test_a_window_is_the_engines_rows_summed(end_s: int, bins: int) -> None:
    rows = columns()
    chosen = [i for i, ts in enumerate(rows["ts_ms"]) if ts <= START_MS + end_s * 1_000][-bins:]
    assert len(chosen) == bins
    ofi, tfi, fusion, spread = (np.array(rows[n])[chosen] for n in ("ofi", "tfi", "fusion", "spread_bps"))
    window = tracked(market()).window(START_MS + end_s * 1_000, bins)
    assert (window.ts_ms, window.bins) == (START_MS + end_s * 1_000, bins)
    assert (window.ofi, window.tfi) == (pytest.approx(ofi.sum(), abs=1e-9), pytest.approx(tfi.sum(), abs=1e-9))
    assert window.eligible_bins == np.isfinite(fusion).sum()
    assert window.score == (pytest.approx(np.nanmean(fusion)) if np.isfinite(fusion).any() else None)
    assert window.spread_bps == pytest.approx(np.nanmean(spread))
    assert window.strong_bins == sum(rows["signal"][i].startswith("strong_") for i in chosen)
    assert window.book_ok == all(rows["book_ok"][i] == 1 for i in chosen)
    shares = abs(ofi.sum()) / np.abs(ofi).sum(), abs(tfi.sum()) / np.abs(tfi).sum()
    agrees = ofi.sum() * tfi.sum() > 0
    assert window.consistency == (pytest.approx(min(shares) / max(shares)) if agrees else 0.0)


def test_the_windows_show_both_kinds_of_flow_and_strong_bins() -> None:
    # Else the comparison above would compare nothing.
    tracker = tracked(market())
    windows = [tracker.window(START_MS + end_s * 1_000, 20) for end_s in range(20, 900, 20)]
    assert {w.consistency == 0.0 for w in windows} == {True, False}
    assert {w.score is None for w in windows} == {True, False}
    assert sum(w.strong_bins for w in windows) > 0


def test_a_bin_that_ends_after_the_window_is_not_in_it() -> None:
    tracker, rows = tracked(market()), columns()
    window = tracker.window(START_MS + 100_999, 1)
    assert window.ofi == rows["ofi"][rows["ts_ms"].index(START_MS + 100_000)]


def test_a_window_before_the_first_bin_is_empty() -> None:
    window = tracked(market()).window(START_MS, 20)
    assert (window.eligible_bins, window.book_ok, window.score, window.spread_bps) == (0, False, None, None)
    assert (window.ofi, window.tfi, window.consistency, window.strong_bins) == (0, 0, 0.0, 0)


def test_only_the_newest_bins_are_kept() -> None:
    few, all_ = tracked(market(), keep_bins=30), tracked(market())
    end_ms = START_MS + 900_000
    assert few.window(end_ms, 30) == all_.window(end_ms, 30)
    assert few.window(end_ms - 30_000, 30).eligible_bins == 0
    assert few.rows == all_.rows


def test_the_book_is_as_sound_as_in_the_newest_bin() -> None:
    assert tracked(market(), finish=False).book_ok
    assert not tracked([]).book_ok
    first = FlowTracker(price_decimals=2, qty_decimals=3, keep_bins=30, **SETTINGS)
    first.push(SyntheticMarket(3, NOW).advance(NOW + 1_900_000_000))
    assert (first.rows, columns()["book_ok"][0], first.book_ok) == (1, 0, False)


def test_equal_markets_have_equal_digests() -> None:
    assert tracked(market(3)).digest == tracked(market(3)).digest
    assert tracked(market(3)).digest != tracked(market(4)).digest


@pytest.mark.parametrize("cut_s", [1, 7 * 60 + 30, 60])
def test_rows_and_digest_do_not_depend_on_the_batches(cut_s: int) -> None:
    whole, cut = tracked(market()), tracked(market(cut_s=cut_s))
    assert (cut.rows, cut.digest) == (whole.rows, whole.digest)
    assert cut.window(START_MS + 900_000, 900) == whole.window(START_MS + 900_000, 900)


def test_finishing_closes_the_last_bin() -> None:
    open_, closed = tracked(market(), finish=False), tracked(market())
    assert open_.rows < closed.rows == len(columns()["ts_ms"])
    assert open_.digest != closed.digest


def test_the_counters_are_the_engines() -> None:
    stats = tracked(market()).stats()
    assert stats["events"] == len(market()[0])
    assert (stats["gaps"], stats["synced"]) == (0, True)


def test_the_book_begins_with_the_best_quotes_of_the_newest_batch() -> None:
    batches = market()
    bids, asks = tracked(batches, finish=False).book(5)
    assert [float(side[0][0]) for side in (bids, asks)] == [batches[-1].bid, batches[-1].ask]
    assert bids == tuple(sorted(bids, reverse=True))
    assert asks == tuple(sorted(asks))
    assert all(qty > 0 for _, qty in bids + asks)


def test_each_bin_is_fresh_once_with_the_engines_figures() -> None:
    rows = columns()
    tracker = tracked(market(cut_s=60), finish=False)
    fresh = tracker.fresh()
    tracker.finish()
    fresh += tracker.fresh()
    assert tracker.fresh() == []
    assert [each.ts_ms for each in fresh] == rows["ts_ms"]
    for name, column in (("fusion_score", "fusion"), ("z_ofi", "z_ofi"), ("z_cvd", "z_cvd")):
        expected = [
            v if np.isfinite(v) and ok == 1 else None for v, ok in zip(rows[column], rows["book_ok"], strict=True)
        ]
        assert [getattr(each, name) for each in fresh] == expected


def test_a_divergence_is_told_with_the_bin_in_which_it_is_detected() -> None:
    fresh = tracked(market()).fresh()
    found = [(each.ts_ms, d) for each in fresh for d in each.divergences]
    assert found
    assert all(d.kind in ("bull", "bear") and d.channel in ("ofi", "cvd", "fusion") for _, d in found)
    assert all(d.detected_ms <= ts_ms for ts_ms, d in found)
