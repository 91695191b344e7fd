"""Whatever is proposed, an approval breaks no bound. The oracle computes from the raw snapshot, in its own way."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from made_desk import NOW, SIM, D, account, gate, position, proposal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.order import ApprovedOrder
from chanflow.risk.gate import MarketView
from chanflow.risk.ladder import LADDER

wild = st.one_of(
    st.none(),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=D(80), max_value=D(120), places=2),
    st.sampled_from([D("1E+308"), D("-1E-308"), D(0), D("100.005")]),
)
proposals = st.builds(
    proposal,
    proposal_id=st.uuids().map(str),
    action=st.sampled_from(["open_long", "open_short", "hold", "abstain", "close"]),
    side=st.sampled_from(["buy", "sell", None]),
    size_quote=st.one_of(st.none(), st.decimals(allow_nan=True, allow_infinity=True), st.decimals(1, 50_000, places=2)),
    leverage=st.integers(-5, 500),
    entry_price=wild,
    stop_price=wild,
    take_profit_price=wild,
    confidence=st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(0.5, 1)),
    position_id=st.sampled_from([None, "position-1"]),
)
amounts = st.decimals(min_value=D("-100"), max_value=D(20_000), places=2)
accounts = st.builds(
    lambda equity, qty, trades: account(
        equity_quote=equity,
        opening_trades_today=trades,
        positions=() if qty == 0 else (position(str(qty)),),
    ),
    amounts,
    st.integers(-60, 60),
    st.integers(0, 6),
)
markets = st.builds(
    MarketView,
    mark=st.one_of(st.none(), st.decimals(min_value=D(90), max_value=D(110), places=3), st.just(D("NaN"))),
    mark_ns=st.sampled_from([NOW, NOW - 10**9, NOW - 10**10, None]),
    book_ok=st.booleans(),
)
levels = st.sampled_from(["L0", "L1", "L2", "L3", "L4", "L5"])


def breaks(order: ApprovedOrder, before: AccountSnapshot, market: MarketView, level: str) -> list[str]:
    """Return what an opening approval would break, computed afresh."""
    assert market.mark is not None
    terms, equity = order.terms, before.equity_quote
    price = max(market.mark * Decimal("1.01"), terms.limit_price or D(0))
    held = sum((p.qty_base * p.mark_price for p in before.positions), D(0))
    sign = 1 if terms.side == "buy" else -1
    after = abs(held + sign * terms.qty_base * price)
    margin = sum((p.notional_quote / p.leverage for p in before.positions), D(0))
    margin += terms.qty_base * price / terms.leverage
    fees = 2 * terms.qty_base * price * SIM.taker_fee_frac
    broken = {
        "margin_ratio": after > 0 and equity / after < D("0.2"),
        "drawdown": 1 - equity / before.high_water_quote >= D("0.10"),
        "daily_loss": (before.day_start_equity_quote - equity) / before.day_start_equity_quote >= D("0.05"),
        "leverage": terms.leverage > 5 or after / equity > 5,
        "cash_reserve": (equity - margin - fees) / equity < D("0.10"),
        "exposure": after / equity > D("0.30"),
        "ladder_position": after / equity > LADDER[level].max_position_frac,  # type: ignore[index]
        "ladder_leverage": terms.leverage > LADDER[level].max_leverage,  # type: ignore[index]
        "stop": terms.stop_price is None or (terms.stop_price < price) != (sign > 0),
        "step": terms.qty_base % SIM.step != 0 or terms.qty_base < SIM.min_qty,
        "stale": market.mark_ns is None or NOW - market.mark_ns > 2 * 10**9 or not market.book_ok,
        "protected": level == "L0",
    }
    return [name for name, is_broken in broken.items() if is_broken]


@settings(max_examples=3_000, deadline=None)
@given(proposals, accounts, markets, levels)
def test_no_opening_approval_breaks_a_bound(p, before, market, level) -> None:  # type: ignore[no-untyped-def]
    verdict = gate(level=level).judge(p, before, market, now_ns=NOW)
    if isinstance(verdict, ApprovedOrder) and not verdict.terms.reduce_only:
        assert breaks(verdict, before, market, level) == []
        assert p.size_quote is None or verdict.terms.qty_base * (p.entry_price or market.mark) <= p.size_quote
        assert verdict.terms.leverage <= p.leverage
        assert verdict.terms.stop_price == p.stop_price


@settings(max_examples=500, deadline=None)
@given(accounts, markets, levels)
def test_closing_is_never_refused(before, market, level) -> None:  # type: ignore[no-untyped-def]
    closing = proposal(action="close", side=None, position_id="position-1")
    verdict = gate(level=level, mode="hold").judge(closing, before, market, now_ns=NOW)
    assert isinstance(verdict, ApprovedOrder) == bool(before.positions)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(0.65, 0.9), min_size=1, max_size=8))
def test_proposals_racing_each_other_share_one_room(confidences: list[float]) -> None:
    one = gate(level="L5")
    total = D(0)
    for number, confidence in enumerate(confidences):
        verdict = one.judge(
            proposal(proposal_id=str(number), confidence=confidence), account(), MarketView(D(100), NOW, book_ok=True),
            now_ns=NOW,
        )  # fmt: skip
        if isinstance(verdict, ApprovedOrder):
            total += verdict.terms.qty_base * D(101)
    assert total <= D("0.25") * 10_000
