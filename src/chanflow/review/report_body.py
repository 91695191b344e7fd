"""The report of a day as data: the figures that the page and the terminal show, for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chanflow.domain.canonical import decimal_text
from chanflow.domain.time import NS_PER_MS, rfc3339
from chanflow.review.daily import ChartTrade, Day
from chanflow.review.report import PROVENANCE, flattened

SCHEMA = "chanflow.report/1"
SHOWN_TRADES, SHOWN_REFUSALS, SHOWN_OTHERS = 200, 50, 100
_STEP = Decimal("1E-8")
_PRIVATE = ("source.file",)
"""What of a head says how this machine's folders are called."""


def report_body(day: Day) -> dict[str, Any]:
    """Return a report as JSON data: money as decimal text in quote, times as RFC 3339, lists the newest at the end.

    Of long lists the newest 200 trades, 50 refusals and 100 of the rest are shown; the counts are of all.
    """
    heads = dict(flattened(day.head))
    return {
        "schema": SCHEMA, "kind": "daily", "finished": day.finished, "records": day.records,
        "provenance": {path: heads[path] for path in PROVENANCE if path not in _PRIVATE and path in heads},
        "money": _money(day), "counts": _counts(day),
        "signals": _ranked(day.signal_codes), "proposals": _ranked(day.proposals),
        "refused_for": _ranked(day.refusal_codes), "clips": _ranked(day.clips),
        "triggers_fired": _ranked(day.triggers_fired), "managed": _ranked(day.managed),
        "trades": [_trade(trade) for trade in day.trades[-SHOWN_TRADES:]],
        "refusals": [
            {"time": _time(each.ts_ms), "proposal_id": each.proposal_id,
             "reasons": [{"code": code, "message": words} for code, words in each.reasons]}
            for each in day.refusals[-SHOWN_REFUSALS:]
        ],
        "ladder": [{"time": _time(ts), "level": to, "cause": why} for ts, to, why in day.ladder[-SHOWN_OTHERS:]],
        "anomalies": day.anomalies[-SHOWN_OTHERS:],
        "market": dict(day.market),
    }  # fmt: skip


def _money(day: Day) -> Mapping[str, Any]:
    share = day.net_quote / day.capital_quote if day.capital_quote > 0 else None
    amounts = {
        "capital": day.capital_quote, "gross": day.gross_quote, "fees": day.fees_quote, "slippage": day.slippage_quote,
        "costs": day.cost_quote, "net": day.net_quote, "equity": day.equity_quote,
    }  # fmt: skip
    return {
        **{name: decimal_text(amount.quantize(_STEP)) for name, amount in amounts.items()},
        "return_frac": None if share is None else float(share),
        "max_drawdown_frac": _drawdown(day),
    }


def _drawdown(day: Day) -> float | None:
    """Return the deepest fall of the marks from a high, as the run itself said where it is whole."""
    if day.max_drawdown_frac:
        return float(day.max_drawdown_frac)
    peak, worst = Decimal(0), Decimal(0)
    for mark in day.marks:
        peak = max(peak, mark.equity_quote)
        if peak > 0:
            worst = max(worst, 1 - mark.equity_quote / peak)
    return float(worst) if day.marks else None


def _counts(day: Day) -> Mapping[str, int]:
    return {
        "signals": len(day.signals), "proposals": sum(day.proposals.values()), "refused": len(day.refusals),
        "approved": day.approvals, "orders_sent": day.orders_sent, "fills": len(day.fills), "trades": len(day.trades),
    }  # fmt: skip


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _trade(trade: ChartTrade) -> Mapping[str, Any]:
    amounts = ("qty_base", "entry_price", "exit_price", "gross_quote", "fees_quote", "net_quote")
    return {
        "position_id": trade.position_id, "side": trade.side, "opened": _time(trade.opened_ms),
        "closed": _time(trade.closed_ms), "exit_leg": trade.exit_leg,
        **{name: decimal_text(getattr(trade, name).quantize(_STEP)) for name in amounts},
    }  # fmt: skip


def _time(at_ms: int) -> str:
    return rfc3339(at_ms * NS_PER_MS)
