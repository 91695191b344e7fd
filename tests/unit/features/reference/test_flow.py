"""The compiled engine equals the plain reference in every column of every bin, on streams that break engines."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from made_flow import StreamMaker, compared, difference, native_rows, reference_rows, settings

BLOCKS = 12


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_streams_give_equal_columns_through_two_restarts(block: int) -> None:
    for seed in range(block * 25, (block + 1) * 25):
        told, _ = compared(seed)
        assert told is None, f"seed {seed}: {told}"


def test_the_random_streams_reach_what_they_are_meant_to() -> None:
    # Else the comparison above would compare absent values.
    seen: set[str] = set()
    for seed in range(120):
        for row in compared(seed)[1]:
            seen |= {name for name, value in row.items() if value not in (None, False, (), 0)}
            seen |= {*row["reasons"], row["signal"], f"book_ok {row['book_ok']}"}
            seen |= {f"{event['type']} {event['channel']}" for event in row["divergences"]}
    wanted = {
        "z_ofi", "z_cvd", "fusion", "mlofi_1", "mlofi_5", "vpin", "kyle_t", "late", "depth_bid", "sigma_bps",
        "ofi_cvd_conflict", "buy", "strong_sell", "cooldown", "disagree", "wide_spread", "stale_ofi", "hysteresis_hold",
        "book_ok True", "book_ok False", "bull_div cvd", "hidden_bear ofi",
    }  # fmt: skip
    assert wanted <= seen, wanted - seen


@pytest.mark.parametrize("seed", [2, 3, 9])
def test_hours_of_bins_fit_the_micro_price_and_open_the_gate(seed: int) -> None:
    chance = Random(seed)
    own: dict[str, Any] = settings(chance) | {
        "bin_ms": 60_000, "levels": 3, "tick": 5, "ofi_source": "book_ticker", "window_ms": 1_200_000,
        "warmup_ms": 60_000, "cvd_window_ms": 600_000, "z": "robust", "sockets": 1, "fusion": {"max_spread_bps": 100.0},
    }  # fmt: skip
    events = StreamMaker(chance, pace_ms=2_500, trouble=0.0).events(9_000)
    rows = reference_rows(events, own)
    assert difference(native_rows(events, own, cuts=(2_000, 4_000)), rows) is None
    for name in ("micro_price", "ofi_integrated", "move_5m_bps"):
        assert any(row[name] is not None for row in rows), name
    gate = [row["ofi_integrated_reason"] for row in rows if row["book_ok"]]
    assert gate[0] == "gate"
    assert None in gate
