"""What trades came to: figures of any set of closed trades, each with its n."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chanflow.domain.canonical import decimal_text
from chanflow.domain.interval import wilson
from chanflow.domain.memory import ClosedTrade

KEY = "performance:{days}d"


def performance_of(trades: Sequence[ClosedTrade]) -> dict[str, object]:
    """Return n, hits, hit rate with its Wilson interval, mean and sum of R, and gross, fees and net in quote units."""
    hits = sum(trade.net_quote > 0 for trade in trades)
    measured = [r for trade in trades if (r := trade.r_multiple) is not None]
    bounds = wilson(hits, len(trades)) if trades else None
    return {
        "n": len(trades),
        "hits": hits,
        "hit_rate": hits / len(trades) if trades else None,
        "hit_low": None if bounds is None else bounds.low,
        "hit_high": None if bounds is None else bounds.high,
        "n_r": len(measured),
        "mean_r": sum(measured) / len(measured) if measured else None,
        "sum_r": sum(measured),
        "gross_quote": decimal_text(sum((t.gross_quote for t in trades), Decimal(0))),
        "fees_quote": decimal_text(sum((t.fees_quote for t in trades), Decimal(0))),
        "net_quote": decimal_text(sum((t.net_quote for t in trades), Decimal(0))),
    }
