"""Certificates made by hand, small and whole."""

from __future__ import annotations

import json
from typing import Any


def entries(n: int = 40, hit_rate: float | None = 0.5, base_hit_rate: float | None = 0.45) -> dict[str, Any]:
    """Return the figures of entries after a signal."""
    return {
        "n": n, "few": n < 30, "left_out": 0, "hit_rate": hit_rate, "hit_low": 0.35, "hit_high": 0.65,
        "timeout_share": 0.0, "mean_gross_bps": 4.5, "mean_net_bps": -7.5, "base_n": 20 * n,
        "base_hit_rate": base_hit_rate, "base_mean_net_bps": -12.0,
    }  # fmt: skip


def cell(
    point_type: str = "1", side: str = "buy", *, market: str = "crypto", interval: str = "1m", level: str = "stroke",
    seen: dict[str, Any] | None = None, sure: dict[str, Any] | None = None, **lasting: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return the cell of a point type; `lasting` replaces figures of its permanence."""
    permanence = {
        "ever_shown": 50, "few": False, "in_final": 6, "survival": 0.12, "survival_low": 0.05, "survival_high": 0.24,
        "confirmed": 5, "confirmed_withdrawn": 0, "lag_p50_bars": 57, "lag_p90_bars": 165,
    }  # fmt: skip
    return {
        "market": market, "interval": interval, "level": level, "type": point_type, "side": side, "series": 1,
        "permanence": permanence | lasting, "from_first_seen": seen or entries(),
        "from_confirmed": sure or entries(12, 0.25),
    }  # fmt: skip


def certificate(*cells: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Return a certificate's JSON object with these cells, one if none are given."""
    data = {
        "file": "bars.csv", "sha256": "0" * 64, "symbol": "BTCUSDT", "market": "crypto", "source_interval": "1m",
        "source_rows": 1_000, "suspended": 0, "widened": 0, "adjusted": False, "interval": "1m", "rows": 1_000,
        "first_ts_ms": 1_704_067_200_000, "last_ts_ms": 1_704_127_140_000,
    }  # fmt: skip
    made = {
        "schema": "chanflow.certificate/1", "code": {"version": "test"}, "preset": "default", "params": {},
        "barriers": {"atr_multiple": 2.0, "atr_bars": 14, "horizon_bars": 48},
        "costs_per_side": {"taker_bps": 5.0, "slippage_bps": 1.0}, "seed": 42, "controls_per_entry": 20,
        "few_below": 30, "data": [data],
        "proof": {"prefixes": 64, "confirmed_compared": 900, "confirmed_changed": 0, "shown_compared": 950,
                  "history_differs": 0},
        "holds": True, "elements": [], "cells": list(cells) or [cell()], "notes": ["a note"],
    }  # fmt: skip
    return made | changed


def certificate_text(*cells: dict[str, Any], **changed: Any) -> str:
    """Return the same as the bytes of a file."""
    return json.dumps(certificate(*cells, **changed), indent=1) + "\n"
