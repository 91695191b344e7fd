"""One schema for every reader."""

from __future__ import annotations

import hashlib

import pytest
from made_rows import START_MS, joined, quote_columns, trade_columns

from chanflow.adapters.storage.rows import row_schema, unified_rows


def test_rows_have_the_unified_schema_and_absent_is_null() -> None:
    columns = joined(trade_columns(1), quote_columns(1))
    columns["event_ms"][1] = 0
    frame = unified_rows(columns, venue="sim", symbol="SIMUSDT", dq_runs=[(2, ())])
    assert dict(frame.schema) == row_schema()
    trade, quote = frame.to_dicts()
    assert (trade["kind"], trade["qty"] > 0, trade["side"] in ("buy", "sell")) == ("trade", True, True)
    assert trade["is_maker"] == (trade["side"] == "sell")
    assert quote["kind"] == "book_ticker"
    absent = {name for name, value in quote.items() if value is None}
    assert absent == {"qty", "side", "is_maker", "bids", "asks", "event_ms", "seq_first", "seq_prev", "lag_ms"}
    assert (quote["symbol"], quote["venue"], quote["schema_version"]) == ("SIMUSDT", "sim", 3)


def test_a_row_is_named_by_the_hash_of_venue_symbol_kind_sequence_and_time() -> None:
    frame = unified_rows(trade_columns(3), venue="sim", symbol="SIMUSDT", dq_runs=[(3, ())])
    texts = [f"sim:SIMUSDT:trade:{1 + n}:{START_MS + 100 * n}" for n in range(3)]
    assert frame["row_id"].to_list() == [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]


def test_a_row_without_a_sequence_is_named_with_its_place_empty() -> None:
    columns = trade_columns(1)
    columns["seq_last"][0] = -1
    frame = unified_rows(columns, venue="sim", symbol="SIMUSDT", dq_runs=[(1, ())])
    text = f"sim:SIMUSDT:trade::{START_MS}"
    assert frame["row_id"][0] == hashlib.sha256(text.encode()).hexdigest()[:32]


def test_an_unknown_kind_is_refused() -> None:
    columns = trade_columns(1)
    columns["kind"][0] = 9
    with pytest.raises(ValueError, match="kind 9 has no name, there are 8"):
        unified_rows(columns, venue="sim", symbol="SIMUSDT", dq_runs=[(1, ())])
