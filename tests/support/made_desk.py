"""A market, an account and a proposal that pass, for tests to spoil one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.risk.gate import Gate, MarketView
from chanflow.risk.limits import Limits

NOW = 1_767_571_200_000_000_000
D = Decimal

SIM = Instrument("SIMUSDT", "SIM", "USDT", D("0.01"), D("0.001"), D("0.001"), D(5), D("0.0002"), D("0.0005"))


def proposal(**changes: Any) -> TradeProposal:
    base = TradeProposal(
        proposal_id="p1", decision_id="d1", kind="entry", action="open_long", symbol="SIMUSDT", level="5m",
        setup="stroke_flow", side="buy", size_quote=None, leverage=2, entry_price=D("100.05"), stop_price=D("99"),
        take_profit_price=D("102"), valid_until_ns=NOW + 10**9, confidence=0.75, reasoning="", invalidation="",
    )  # fmt: skip
    return replace(base, **changes)


def account(**changes: Any) -> AccountSnapshot:
    base = AccountSnapshot(
        as_of_ns=NOW, wallet_quote=D(10_000), equity_quote=D(10_000), high_water_quote=D(10_000),
        day_start_equity_quote=D(10_000), transfers_today_quote=D(0), positions=(), resting=(),
        opening_trades_today=0, reconciled=True,
    )  # fmt: skip
    return replace(base, **changes)


def position(qty: str = "10", **changes: Any) -> Position:
    base = Position(
        position_id="position-1", symbol="SIMUSDT", base="SIM", qty_base=D(qty), entry_price=D(100),
        mark_price=D(100), leverage=2, opened_ns=NOW, stop_price=D(99), take_profit_price=D(102), protected=True,
    )  # fmt: skip
    return replace(base, **changes)


MARKET = MarketView(
    mark=D(100), mark_ns=NOW, book_ok=True, sigma_frac=D("0.6"), volume_1m_quote=D(1_000_000), rules_ns=NOW,
    clock_offset_ms=0, funding_frac=D(0), asks=((D("100.01"), D(500)),), bids=((D("99.99"), D(500)),),
)  # fmt: skip


def market_at(mark: Decimal, now_ns: int) -> MarketView:
    """Return a sound market at `mark`, known now."""
    near = D("0.01")
    return replace(
        MARKET, mark=mark, mark_ns=now_ns, rules_ns=now_ns, asks=((mark + near, D(500)),), bids=((mark - near, D(500)),)
    )


def gate(**changes: Any) -> Gate:
    options: dict[str, Any] = {
        "instruments": {"SIMUSDT": SIM}, "limits": Limits(), "key": b"k" * 32, "level": "L3", "mode": "paper",
    }  # fmt: skip
    return Gate(**{**options, **changes})
