from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, Inexact

import pytest
from made_desk import NOW, D
from made_execution import fill

from chanflow.domain.errors import BooksDisagree
from chanflow.domain.opinion import Side
from chanflow.execution.ledger import Entry, Ledger, RoundTrip

OTHER: dict[Side, Side] = {"buy": "sell", "sell": "buy"}


def books(*fills: tuple[Side, str, str], fee: str = "0", mirrored: bool = False) -> tuple[Ledger, list[RoundTrip]]:
    """Return a ledger of 1,000 after (side, quantity, price) fills, and the trades they made."""
    ledger, trips = Ledger(D(1000)), []
    ledger.open(NOW)
    for number, (side, qty, price) in enumerate(fills):
        booked = fill(str(number), OTHER[side] if mirrored else side, qty, price, fee=fee, at_ns=NOW + number)
        trip = ledger.book_fill(booked, "position-1")[1]
        trips += [] if trip is None else [trip]
    return ledger, trips


def test_the_capital_is_the_first_entry() -> None:
    ledger = Ledger(D(1000))
    assert ledger.open(NOW) == Entry("capital", NOW, "", "", "equity", "wallet", D(1000))
    assert (ledger.wallet_quote, len(ledger.entries)) == (D(1000), 1)


def test_an_opening_fill_costs_its_fee_alone() -> None:
    ledger, _ = books(("buy", "2", "100"), fee="0.1")
    assert (ledger.wallet_quote, ledger.realised_quote, ledger.fees_quote) == (D("999.9"), D(0), D("0.1"))
    assert [e.kind for e in ledger.entries] == ["capital", "fill", "fee"]


def test_the_average_price_weighs_by_quantity() -> None:
    ledger, _ = books(("buy", "1", "100"), ("buy", "3", "104"))
    assert ledger.holdings["SIMUSDT"].average_price == D(103)


def test_a_partial_close_realises_its_share_and_keeps_the_average() -> None:
    ledger, trips = books(("buy", "1", "100"), ("buy", "3", "104"), ("sell", "1", "110"))
    assert (ledger.realised_quote, ledger.holdings["SIMUSDT"].average_price) == (D(7), D(103))
    assert trips == []


def test_a_short_earns_when_the_price_falls() -> None:
    ledger, _ = books(("sell", "2", "100"), ("buy", "2", "97"))
    assert ledger.realised_quote == D(6)


def test_thirds_are_rounded_once_and_given_back() -> None:
    ledger, (trip,) = books(("buy", "1", "10"), ("buy", "2", "11"), *[("sell", "1", "12")] * 3)
    realised = [e.amount_quote for e in ledger.entries if e.kind == "fill" and e.signed_base < 0]
    assert realised[0] == D("1.333333333333")
    assert sum(realised) == trip.gross_quote == D(4)


def test_digits_finer_than_the_rounding_survive_a_whole_close() -> None:
    ledger, _ = books(("buy", "0.00000001", "0.0000003"), ("sell", "0.00000001", "0.0000004"))
    assert ledger.realised_quote == D("0.000000000000001")


def test_a_flip_closes_the_old_and_opens_the_new_at_the_price() -> None:
    ledger, trips = books(("buy", "1", "100"), ("sell", "3", "105"))
    holding = ledger.holdings["SIMUSDT"]
    assert (ledger.realised_quote, holding.qty_base, holding.average_price) == (D(5), D(-2), D(105))
    assert trips == []


def test_a_round_trip_tells_what_was_earned_and_paid() -> None:
    _, trips = books(("buy", "1", "100"), ("buy", "1", "102"), ("sell", "2", "105"), fee="0.25")
    assert trips == [
        RoundTrip("SIMUSDT", "position-1", "long", NOW, NOW + 2, D(2), D(101), D(105), D(8), D("0.75"))
    ]  # fmt: skip
    assert trips[0].net_quote == D("7.25")


def test_each_trade_flat_to_flat_is_one_round_trip() -> None:
    ledger, trips = books(("buy", "1", "100"), ("sell", "1", "90"), ("sell", "1", "90"), ("buy", "1", "95"))
    assert [(t.side, t.gross_quote) for t in trips] == [("long", D(-10)), ("short", D(-5))]
    assert sum(t.gross_quote for t in trips) == ledger.realised_quote


def test_a_short_mirrors_a_long() -> None:
    fills: list[tuple[Side, str, str]] = [
        ("buy", "3", "100"), ("sell", "1", "107"), ("buy", "1", "101"), ("sell", "3", "99"),
    ]  # fmt: skip
    (long, (up,)), (short, (down,)) = books(*fills), books(*fills, mirrored=True)
    assert short.realised_quote == -long.realised_quote != 0
    assert (down.side, down.gross_quote) == ("short", -up.gross_quote)


def test_unrealised_counts_at_mark_and_at_cost_without_one() -> None:
    ledger, _ = books(("sell", "2", "100"))
    assert ledger.unrealised_quote({"SIMUSDT": D(103)}) == D(-6)
    assert ledger.unrealised_quote({}) == D(0)


def test_a_flat_symbol_has_no_position() -> None:
    ledger, _ = books(("buy", "1", "100"), ("sell", "1", "100"))
    assert ledger.position_id("SIMUSDT") is None
    with pytest.raises(KeyError):
        ledger.opened_ns("SIMUSDT")


def test_an_open_position_keeps_the_id_and_time_of_its_first_fill() -> None:
    ledger = Ledger(D(1000))
    ledger.open(NOW)
    ledger.book_fill(fill("1", "buy", "1", at_ns=NOW + 5), "position-1")
    ledger.book_fill(fill("2", "buy", "1", at_ns=NOW + 9), "position-2")
    assert (ledger.position_id("SIMUSDT"), ledger.opened_ns("SIMUSDT")) == ("position-1", NOW + 5)


def test_a_wallet_that_was_touched_breaks_the_books() -> None:
    ledger, _ = books(("buy", "1", "100"))
    ledger.wallet_quote += Decimal("1E-9")
    with pytest.raises(BooksDisagree, match=r"the wallet holds 1000\.000000001, the entries say 1000"):
        ledger.book_fill(fill("2", "buy", "1"), "position-1")


def test_symbols_are_kept_apart() -> None:
    ledger = Ledger(D(1000))
    ledger.open(NOW)
    ledger.book_fill(fill("1", "buy", "1", "100"), "position-1")
    _, trip = ledger.book_fill(fill("1", "sell", "1", "50", symbol="ABCUSDT"), "position-2")
    assert trip is None
    assert {s: h.qty_base for s, h in ledger.holdings.items()} == {"SIMUSDT": D(1), "ABCUSDT": D(-1)}


def test_a_fill_entry_says_how_it_moved_the_holding_and_its_fee_what_it_was_paid_in() -> None:
    ledger, _ = books()
    one = replace(fill("7", "sell", "2", "100", fee="0.3"), fee_asset="BNB", fee_rate_quote=D(600))
    (moved, fee), _ = ledger.book_fill(one, "position-1")
    assert (moved.kind, moved.signed_base, moved.price, moved.amount_quote) == ("fill", D(-2), D(100), D(0))
    assert (fee.kind, fee.asset, fee.rate_quote, fee.amount_quote) == ("fee", "BNB", D(600), D("0.3"))


def test_a_fill_is_booked_once() -> None:
    ledger, _ = books(("buy", "1", "100"), fee="1")
    assert ledger.book_fill(fill("0", "buy", "1", "100", fee="1"), "position-1") == ([], None)
    assert (ledger.holdings["SIMUSDT"].qty_base, ledger.fees_quote) == (D(1), D(1))


def test_every_kind_of_money_moves_the_wallet_and_its_own_sum() -> None:
    ledger, _ = books()
    ledger.book_funding(NOW, "SIMUSDT", "f1", D("-0.25"))
    ledger.book_transfer(NOW, "t1", D(50))
    ledger.book_rebate(NOW, "SIMUSDT", "r1", D("0.5"))
    ledger.book_adjustment(NOW, "a1", D("-3"))
    assert ledger.wallet_quote == D("1047.25")
    assert {k: v for k, v in ledger.sums.items() if v} == {
        "capital": D(1000), "funding": D("-0.25"), "transfer": D(50), "rebate": D("0.5"), "adjustment": D(-3),
    }  # fmt: skip
    assert sum(ledger.accounts.values()) == 0


def test_what_the_venue_tells_twice_is_booked_once() -> None:
    ledger, _ = books()
    for _ in range(2):
        ledger.book_funding(NOW, "SIMUSDT", "f1", D(1))
        ledger.book_transfer(NOW, "t1", D(1))
        ledger.book_rebate(NOW, "SIMUSDT", "r1", D(1))
        ledger.book_adjustment(NOW, "a1", D(1))
    assert ledger.wallet_quote == D(1004)


def test_funding_as_the_venue_tells_it_replaces_the_estimate() -> None:
    ledger, _ = books()
    ledger.book_funding(NOW, "SIMUSDT", "08:00", D("-0.30"), estimated=True)
    told = ledger.book_funding(NOW + 1, "SIMUSDT", "08:00", D("-0.28"))
    assert [(e.amount_quote, e.estimated) for e in told] == [(D("0.30"), True), (D("-0.28"), False)]
    assert ledger.book_funding(NOW + 2, "SIMUSDT", "08:00", D("-0.31"), estimated=True) == []
    assert (ledger.wallet_quote, ledger.sums["funding"]) == (D("999.72"), D("-0.28"))


def test_transfers_are_counted_from_a_moment_on() -> None:
    ledger, _ = books()
    for ref, at_ns, amount in (("t1", NOW - 1, 5), ("t2", NOW, 7), ("t3", NOW + 1, -2)):
        ledger.book_transfer(at_ns, ref, D(amount))
    assert ledger.transfers_quote(NOW) == D(5)


def test_a_trade_with_a_fill_that_was_not_ours_is_external() -> None:
    ledger, _ = books(("buy", "1", "100"))
    _, trip = ledger.book_fill(fill("x", "sell", "1", "100"), "position-1", external=True)
    assert trip is not None
    assert trip.external


def test_an_altered_fill_entry_does_not_replay() -> None:
    ledger, _ = books(("buy", "1", "100"), ("sell", "1", "105"))
    entries = [replace(e, amount_quote=D(6)) if e.amount_quote == 5 else e for e in ledger.entries]
    with pytest.raises(BooksDisagree, match="fill 1 of SIMUSDT realised 5, its entry says 6"):
        Ledger.replay(entries)


def test_an_entry_that_leads_nowhere_breaks_the_books() -> None:
    ledger, _ = books()
    ledger.accounts["pnl"] = D(1)
    with pytest.raises(BooksDisagree, match="the accounts sum to 1, they must sum to 0"):
        ledger.book_transfer(NOW, "t1", D(1))


def test_a_figure_too_long_to_add_up_exactly_is_a_fault_and_no_rounding() -> None:
    ledger, _ = books()
    with pytest.raises(Inexact):
        ledger.book_transfer(NOW, "t1", D("1E-130"))
