"""Whatever fills come, the books hold to the last digit. The oracle counts cash alone: what was paid and received."""

from __future__ import annotations

from decimal import Decimal
from random import Random

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


@settings(max_examples=200, deadline=None)
@given(streams, st.lists(st.tuples(st.sampled_from(["funding", "transfer", "rebate"]), fees), max_size=8))
def test_the_ledger_equals_its_replay(stream: list[tuple], moved: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger = opened()
    for number, (kind, amount) in enumerate(moved):
        if kind == "funding":
            ledger.book_funding(NOW, "SIMUSDT", str(number % 3), amount, estimated=number % 2 == 0)
        elif kind == "transfer":
            ledger.book_transfer(NOW, str(number), amount)
        else:
            ledger.book_rebate(NOW, "SIMUSDT", str(number), amount)
    for one in fills_of(stream):
        ledger.book_fill(one, "position-1")
    again = Ledger.replay(ledger.entries)
    assert again == ledger
    before = again.wallet_quote
    for one in fills_of(stream):
        again.book_fill(one, "position-1")
    assert again.wallet_quote == before


@settings(max_examples=200, deadline=None)
@given(streams)
def test_fills_conserve_quantity(stream: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger = opened()
    for one in fills_of(stream):
        ledger.book_fill(one, "position-1")
        for symbol, holding in ledger.holdings.items():
            booked = [e.signed_base for e in ledger.entries if e.kind == "fill" and e.symbol == symbol]
            assert holding.qty_base == sum(booked, ZERO)
    for symbol in ("SIMUSDT", "ABCUSDT"):
        held = ledger.holdings.get(symbol)
        assert (ZERO if held is None else held.qty_base) == sum(
            (signed(f) for f in fills_of(stream) if f.symbol == symbol), ZERO
        )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(quantities, prices), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 9), prices), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_parts_close_to_the_same_books_in_any_order(entries: list[tuple], exits: list[tuple], shuffler: Random) -> None:  # type: ignore[type-arg]
    ins = [fill(f"e{i}", "buy", qty, price) for i, (qty, price) in enumerate(entries)]
    held = sum(q for q, _ in entries)
    outs = [
        fill(f"x{i}", "sell", (held * part / 60).quantize(D("1E-9")), price) for i, (part, price) in enumerate(exits)
    ]
    ends = []
    for _ in range(2):
        ledger = opened()
        for one in (*ins, *outs):
            ledger.book_fill(one, "position-1")
        ends.append((ledger.wallet_quote, ledger.holdings["SIMUSDT"]))
        shuffler.shuffle(ins)
        shuffler.shuffle(outs)
    assert ends[0] == ends[1]
