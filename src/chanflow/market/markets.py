"""The markets we know, and which one a symbol trades in."""

from __future__ import annotations

from typing import Literal, get_args

Market = Literal["crypto", "cn"]
MARKETS: tuple[Market, ...] = get_args(Market)
A_SHARE_SUFFIXES = (".SH", ".SZ", ".BJ")
SHANGHAI_MS = 8 * 3_600_000
"""How far the mainland's clock is ahead of UTC."""


def market_of(symbol: str) -> Market:
    """Return the market of a symbol: `cn` where its suffix names a mainland exchange."""
    return "cn" if symbol.upper().endswith(A_SHARE_SUFFIXES) else "crypto"
