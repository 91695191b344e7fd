"""Whatever fills come, the books hold to the last digit. The oracle counts cash alone: what was paid and received."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from made_desk import NOW, D
from made_execution import fill

from chanflow.domain.order import Fill
from chanflow.execution.ledger import Ledger, RoundTrip

CAPITAL = D(10_000)
ZERO = D(0)

quantities = st.decimals(D("0.001"), D(50), places=3)
prices = st.decimals(D("0.01"), D(99_999), places=2)
fees = st.decimals(D(-1), D(20), places=8)
sides = st.sampled_from(["buy", "sell"])
streams = st.lists(st.tuples(sides, quantities, prices, fees, st.sampled_from(["SIMUSDT", "ABCUSDT"])), max_size=40)


def signed(one: Fill) -> Decimal:
    return one.qty_base if one.side == "buy" else -one.qty_base


def opened() -> Ledger:
    ledger = Ledger(CAPITAL)
    ledger.open(NOW)
    return ledger


def fills_of(stream: list[tuple]) -> list[Fill]:  # type: ignore[type-arg]
    return [
        fill(str(i), side, qty, price, fee=fee, symbol=symbol)
        for i, (side, qty, price, fee, symbol) in enumerate(stream)
    ]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(streams)
def test_wallet_and_open_cost_equal_the_cash_that_moved(stream: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger, cash = opened(), CAPITAL
    for one in fills_of(stream):
        ledger.book_fill(one, "position-1")
        cash -= signed(one) * one.price + one.fee_quote
        bound_up = sum(h.cost_quote * (1 if h.qty_base > 0 else -1) for h in ledger.holdings.values())
        assert ledger.wallet_quote - bound_up == cash


@settings(max_examples=200, deadline=None)
@given(streams)
def test_the_entries_alone_give_the_wallet(stream: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger = opened()
    for one in fills_of(stream):
        ledger.book_fill(one, "position-1")
    wallet = ZERO
    for entry in ledger.entries:
        wallet += (entry.credit == "wallet") * entry.amount_quote - (entry.debit == "wallet") * entry.amount_quote
    assert ledger.wallet_quote == wallet == CAPITAL + ledger.realised_quote - ledger.fees_quote


@settings(max_examples=200, deadline=None)
@given(streams, prices)
def test_flat_to_flat_trades_sum_to_what_was_realised(stream: list[tuple], last: Decimal) -> None:  # type: ignore[type-arg]
    ledger, trips = opened(), list[RoundTrip]()
    fills = fills_of(stream)
    for symbol in ("SIMUSDT", "ABCUSDT"):
        left = sum((signed(f) for f in fills if f.symbol == symbol), ZERO)
        if left != 0:
            fills.append(fill("last", "sell" if left > 0 else "buy", abs(left), last, symbol=symbol))
    for one in fills:
        trip = ledger.book_fill(one, "position-1")[1]
        trips += [] if trip is None else [trip]
    assert all(h.qty_base == h.cost_quote == 0 for h in ledger.holdings.values())
    assert sum((t.gross_quote for t in trips), ZERO) == ledger.realised_quote
    assert sum((t.net_quote for t in trips), ZERO) == ledger.wallet_quote - CAPITAL


@settings(max_examples=200, deadline=None)
@given(streams)
def test_long_and_short_mirror_each_other(stream: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger, mirror = opened(), opened()
    turned = [("sell" if side == "buy" else "buy", *rest) for side, *rest in stream]
    for one, other in zip(fills_of(stream), fills_of(turned), strict=True):
        ledger.book_fill(one, "position-1")
        mirror.book_fill(other, "position-1")
        assert mirror.realised_quote == -ledger.realised_quote
        assert mirror.holdings[one.symbol].qty_base == -ledger.holdings[one.symbol].qty_base
        assert mirror.holdings[one.symbol].cost_quote == ledger.holdings[one.symbol].cost_quote


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(quantities, prices), min_size=1, max_size=10),
    st.lists(st.tuples(st.integers(1, 99), prices), max_size=20),
)
def test_partial_closes_leave_the_average_price(entries: list[tuple], exits: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger = opened()
    for i, (qty, price) in enumerate(entries):
        ledger.book_fill(fill(f"e{i}", "buy", qty, price), "position-1")
    holding = ledger.holdings["SIMUSDT"]
    held, value = sum(q for q, _ in entries), sum(q * p for q, p in entries)
    assert (holding.qty_base, holding.cost_quote) == (held, value)
    for i, (percent, price) in enumerate(exits):
        qty = (holding.qty_base * percent / 100).quantize(D("0.001"))
        if not 0 < qty < holding.qty_base:
            continue
        ledger.book_fill(fill(f"x{i}", "sell", qty, price), "position-1")
        assert abs(holding.average_price - value / held) < D("1E-8")
