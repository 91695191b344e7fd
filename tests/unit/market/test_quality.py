"""The gate's answer for rows and windows."""

from __future__ import annotations

import pytest
from chanflow_native import QualityGate

from chanflow.market.quality import (
    CODE_BITS,
    QUARANTINE_BITS,
    ROW_CODES,
    DataQuality,
    codes_of,
    is_quarantined,
    window_quality,
    with_rows,
)

NOW = 1_767_571_200_000_000_000
MS = 1_000_000


@pytest.mark.parametrize(
    ("last_quote_ns", "bid", "ask", "book_ok", "codes"),
    [
        (NOW - 1_500 * MS, 100.0, 100.1, True, ()),
        (NOW, 100.0, 100.1, None, ()),
        (NOW - 1_500 * MS - 1, 100.0, 100.1, True, ("stale",)),
        (NOW, 100.1, 100.1, True, ("crossed",)),
        (NOW, float("nan"), 100.1, True, ("crossed",)),
        (NOW, 100.0, 100.1, False, ("chain_break",)),
        (None, None, None, False, ("no_data", "chain_break")),
        (NOW - 9_000 * MS, 100.2, 100.1, False, ("crossed", "stale", "chain_break")),
    ],
)
def test_a_window_is_ok_or_says_why_not(
    last_quote_ns: int | None, bid: float | None, ask: float | None, book_ok: bool | None, codes: tuple[str, ...]
) -> None:
    found = window_quality(at_ns=NOW, last_quote_ns=last_quote_ns, bid=bid, ask=ask, book_ok=book_ok)
    assert found == DataQuality(not codes, codes)


def test_the_names_of_codes_are_those_of_the_native_gate() -> None:
    assert list(ROW_CODES) == QualityGate.codes()
    assert QUARANTINE_BITS == QualityGate.ROW_CODES


def test_a_mask_is_read_as_names_in_the_order_of_the_bits() -> None:
    assert codes_of(CODE_BITS["latency"] | CODE_BITS["bad_value"]) == ("bad_value", "latency")


def test_old_quotes_condemn_the_window_and_not_the_row() -> None:
    assert not is_quarantined(CODE_BITS["stale"])
    assert is_quarantined(CODE_BITS["stale"] | CODE_BITS["crossed"])


def test_a_window_with_a_bad_row_is_not_ok() -> None:
    window = DataQuality(False, ("stale",))
    rows = [0, CODE_BITS["price_jump"], CODE_BITS["stale"]]
    assert with_rows(window, rows) == DataQuality(False, ("stale", "price_jump"))
    assert with_rows(DataQuality(True, ()), rows[1:2]) == DataQuality(False, ("price_jump",))


def test_a_duplicate_leaves_the_window_ok() -> None:
    assert with_rows(DataQuality(True, ()), [CODE_BITS["duplicate"]]) == DataQuality(True, ())
