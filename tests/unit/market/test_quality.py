"""The gate's answer for a window."""

from __future__ import annotations

import pytest

from chanflow.market.quality import DataQuality, window_quality

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
