"""Which market a symbol trades in."""

from __future__ import annotations

from chanflow.market.markets import market_of


def test_the_suffix_tells_the_market() -> None:
    assert [market_of(symbol) for symbol in ("600000.SH", "000001.sz", "830799.BJ", "BTC-PERP")] == [
        "cn",
        "cn",
        "cn",
        "crypto",
    ]
