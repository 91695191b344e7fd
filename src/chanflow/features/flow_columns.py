"""The columns of an order-flow feature table: their names, their order and what kind of value each holds.

The first ten are fixed; files and tests rely on them. An absent figure is null, never NaN and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["whole", "figure", "flag", "flag_or_null", "text", "text_or_null", "texts", "divergences"]
Columns = dict[str, NDArray[Any] | list[Any]]
"""Columns as the compiled engine gives them: absent figures NaN, an unknown `book_ok` -1."""

FIXED: Mapping[str, Kind] = {
    "ts_ms": "whole", "mid": "figure", "ofi": "figure", "cvd": "figure", "tfi": "figure", "z_ofi": "figure",
    "z_cvd": "figure", "fusion": "figure", "signal": "text", "book_ok": "flag_or_null",
}  # fmt: skip
"""The columns of every table, in this order."""

_MORE: Mapping[str, Kind] = {
    "symbol": "text", "bid": "figure", "ask": "figure", "spread_bps": "figure", "queue_imbalance": "figure",
    "weighted_mid": "figure", "micro_price": "figure", "kyle_lambda": "figure", "vpin": "figure", "cvd_day": "figure",
    "tfi_quote": "figure", "trades": "whole", "quotes": "whole", "consistency": "figure", "reasons": "texts",
    "lag_sec": "figure",
}  # fmt: skip
_REGIME: Mapping[str, Kind] = {
    "sigma_bps": "figure", "trades_per_min": "figure", "quotes_per_s": "figure", "volume_quote": "figure",
    "move_5m_bps": "figure",
}  # fmt: skip
_REST: Mapping[str, Kind] = {
    "buy_qty": "figure", "sell_qty": "figure", "last_price": "figure", "late": "flag", "kyle_t": "figure",
    "cvd_rolling": "figure", "buy_ratio": "figure", "ofi_weighted": "figure", "ofi_integrated": "figure",
    "ofi_integrated_reason": "text_or_null", "depth_bid": "figure", "depth_ask": "figure", "ofi_cvd_conflict": "flag",
    "divergences": "divergences",
}  # fmt: skip


def kinds_of(levels: int, *, all_columns: bool) -> dict[str, Kind]:
    """Return the columns of a table, in order; `levels` is how many MLOFI columns it has."""
    if not all_columns:
        return dict(FIXED)
    mlofi: dict[str, Kind] = {f"mlofi_{level}": "figure" for level in range(1, levels + 1)}
    return {**FIXED, **_MORE, **mlofi, **_REGIME, **_REST}


def columns_of_rows(rows: Sequence[Mapping[str, Any]], levels: int) -> Columns:
    """Return rows of the plain reference as columns like the compiled engine's."""
    found: Columns = {}
    for name, kind in kinds_of(levels, all_columns=True).items():
        if name == "symbol":
            continue
        values = [row[name] for row in rows]
        if kind == "figure":
            found[name] = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        elif kind == "whole":
            found[name] = np.array(values, dtype=np.int64)
        elif kind == "flag":
            found[name] = np.array(values, dtype=np.bool_)
        elif kind == "flag_or_null":
            found[name] = np.array([-1 if value is None else int(value) for value in values], dtype=np.int8)
        else:
            found[name] = values
    return found


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the columns of all parts, one after another; at least one part is needed."""
    found: Columns = {}
    for name in parts[0]:
        pieces = [part[name] for part in parts]
        if isinstance(pieces[0], list):
            found[name] = [value for piece in pieces for value in piece]
        else:
            found[name] = np.concatenate(pieces)
    return found
