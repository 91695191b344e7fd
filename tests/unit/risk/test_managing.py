"""What may be done about a position that stands: a part of it leaves, its stop tightens, its target moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal

from chanflow.domain.account import RestingOrder
from chanflow.domain.opinion import Changes, TakeProfit
from chanflow.domain.order import ApprovedOrder, Refused
from chanflow.risk.partial_close import leaving_qty


def judged(
    held: str = "10", *, one: Any = None, of: Any = None, market: Any = MARKET, **changes: Any
) -> ApprovedOrder | Refused:
    base = {
        "kind": "management", "side": None, "stop_price": None, "take_profit_price": None, "entry_price": None,
        "position_id": "position-1", "confidence": None,
    }  # fmt: skip
    short = held.startswith("-")
    standing = position(held, stop_price=D(101) if short else D(99), take_profit_price=D(98) if short else D(102))
    before = account(positions=(standing,)) if of is None else of
    return (one or gate()).judge(proposal(**(base | changes)), before, market, now_ns=NOW)


def reduced(held: str = "10", **more: Any) -> ApprovedOrder | Refused:
    return judged(held, action="reduce", **more)


def adjusted(held: str = "10", **more: Any) -> ApprovedOrder | Refused:
    return judged(held, action="adjust", **more)


def targets(*rows: tuple[str, str]) -> tuple[TakeProfit, ...]:
    return tuple(TakeProfit(D(price), D(fraction)) for price, fraction in rows)


def codes(verdict: ApprovedOrder | Refused) -> list[str]:
    assert isinstance(verdict, Refused)
    return [reason.code for reason in verdict.reasons]


# ── reduce ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wish", "qty"),
    [
        ({"changes": Changes(size_quote=D(250))}, "2.5"),
        ({"size_quote": D(250)}, "2.5"),
        ({"size_quote": D(300), "changes": Changes(size_quote=D(250))}, "2.5"),
        ({"size_quote": D("250.19")}, "2.501"),
        ({"size_quote": D(99_999)}, "10"),
    ],
)
def test_a_part_leaves_rounded_down_to_the_step(wish: Any, qty: str) -> None:
    verdict = reduced(**wish)
    assert isinstance(verdict, ApprovedOrder)
    terms = verdict.terms
    assert (terms.qty_base, terms.side, terms.reduce_only, terms.stop_price) == (D(qty), "sell", True, None)
    assert not terms.protects
    assert verdict.clips == (f"quantity {qty} SIM, bound by the part that is to leave",)


def test_a_part_of_a_short_is_bought_back() -> None:
    verdict = reduced("-10", size_quote=D(250))
    assert isinstance(verdict, ApprovedOrder)
    assert (verdict.terms.side, verdict.terms.qty_base) == ("buy", D("2.5"))


def test_what_other_orders_will_close_does_not_leave_twice() -> None:
    closing = (RestingOrder("SIMUSDT", "SIM", "sell", D(8), D(100), 1),)
    verdict = reduced(of=account(positions=(position("10"),), closing=closing), size_quote=D(500))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.qty_base == D(2)


def test_so_much_stays_that_it_can_still_be_closed() -> None:
    held = account(positions=(position("10.0005"),))
    verdict = reduced(of=held, size_quote=D("999.99"))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.qty_base == D("9.999")


@pytest.mark.parametrize(
    ("wish", "code"),
    [({}, "size_form"), ({"size_quote": D(0)}, "size_form"), ({"size_quote": D("NaN")}, "size_form"),
     ({"changes": Changes(size_quote=D("-1"))}, "size_form"), ({"size_quote": D("0.05")}, "reducing"),
     ({"size_quote": D(5), "side": "buy"}, "side"), ({"size_quote": D(5), "position_id": "gone"}, "no_position")],
)  # fmt: skip
def test_a_reduce_that_reduces_nothing_is_refused(wish: Any, code: str) -> None:
    assert codes(reduced(**wish)) == [code]


# ── adjust ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("held", "stop", "side"), [("10", "99.5", "sell"), ("-10", "100.5", "buy")])
def test_a_stop_tightens_and_no_order_of_its_own_leaves(held: str, stop: str, side: str) -> None:
    verdict = adjusted(held, changes=Changes(D(stop)))
    assert isinstance(verdict, ApprovedOrder)
    terms = verdict.terms
    assert terms.protects
    assert (terms.side, terms.qty_base, terms.stop_price, terms.take_profit_price) == (side, D(10), D(stop), None)


@pytest.mark.parametrize(
    ("held", "stop", "code", "words"),
    [
        ("10", "98.5", "stop_tightens", "a stop at 98.5 would not risk less than the one at 99"),
        ("10", "99", "stop_tightens", "may only go up"),
        ("-10", "101.5", "stop_tightens", "may only go down"),
        ("-10", "101", "stop_tightens", "may only go down"),
        ("10", "0", "stop_loss", "stop_loss price 0"),
        ("10", "100", "stop_side", "the mark is 100, the nearest of a long is 99.99"),
        ("10", "101", "stop_side", "would go off at once"),
        ("-10", "100", "stop_side", "the nearest of a short is 100.01"),
        ("10", "99.505", "stop_loss", "not a positive number on the tick of 0.01"),
        ("10", "NaN", "stop_loss", "stop_loss price NaN"),
        ("10", "-1", "stop_loss", "stop_loss price -1"),
    ],
)
def test_a_stop_that_risks_more_or_is_none_is_refused_with_value_and_bound(
    held: str, stop: str, code: str, words: str
) -> None:
    verdict = adjusted(held, changes=Changes(D(stop)))
    assert codes(verdict) == [code]
    assert isinstance(verdict, Refused)
    assert words in verdict.reasons[0].message


def test_a_stop_one_tick_from_the_mark_is_the_nearest_there_may_be() -> None:
    assert isinstance(adjusted(changes=Changes(D("99.99"))), ApprovedOrder)
    assert isinstance(adjusted("-10", changes=Changes(D("100.01"))), ApprovedOrder)


def test_a_target_may_move_either_way() -> None:
    for price in ("100.01", "101", "110", "1E+18"):
        verdict = adjusted(changes=Changes(take_profits=targets((price, "1"))))
        assert isinstance(verdict, ApprovedOrder)
        assert (verdict.terms.take_profit_price, verdict.terms.stop_price, verdict.clips) == (D(price), None, ())


def test_of_several_targets_all_leaves_at_the_first_and_that_is_said() -> None:
    verdict = adjusted(changes=Changes(take_profits=targets(("101", "0.6"), ("103", "0.4"))))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.take_profit_price == D(101)
    assert verdict.clips == ("all of the position leaves at the first target",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (None, "changes"),
        (Changes(), "changes"),
        (Changes(D("99.5"), size_quote=D(5)), "changes"),
        (Changes(take_profits=targets(("100", "1"))), "target_side"),
        (Changes(take_profits=targets(("101.001", "1"))), "take_profit"),
        (Changes(take_profits=targets(("101", "0.6"), ("102", "0.5"))), "take_profit"),
        (Changes(take_profits=targets(("101", "0"))), "take_profit"),
        (Changes(take_profits=targets(("101", "1.01"))), "take_profit"),
        (Changes(take_profits=targets(("1E+19", "1"))), "take_profit"),
        (Changes(take_profits=targets(("101", "NaN"))), "take_profit"),
        (Changes(take_profits=targets(*[("101", "0.2")] * 5)), "take_profit"),
    ],
)
def test_what_is_no_change_of_protection_is_refused(changes: Any, code: str) -> None:
    assert codes(adjusted(changes=changes)) == [code]


def test_a_position_of_nobodys_has_no_stop_to_tighten() -> None:
    bare = account(positions=(position("10", stop_price=None),))
    assert codes(adjusted(of=bare, changes=Changes(D("99.5")))) == ["stop_tightens"]


def test_an_adjust_is_judged_once_and_takes_no_room_from_what_closes() -> None:
    one = gate()
    assert isinstance(adjusted(one=one, changes=Changes(D("99.5"))), ApprovedOrder)
    assert codes(adjusted(one=one, changes=Changes(D("99.5")))) == ["seen_before"]
    whole = judged(one=one, action="close", proposal_id="p2")
    assert isinstance(whole, ApprovedOrder)
    assert whole.terms.qty_base == D(10)


@pytest.mark.parametrize(("held", "price"), [("-10", "100"), ("10", "100")])
def test_a_target_at_the_mark_would_go_off_at_once(held: str, price: str) -> None:
    assert codes(adjusted(held, changes=Changes(take_profits=targets((price, "1"))))) == ["target_side"]


def test_a_target_of_a_short_may_be_a_fraction_of_one() -> None:
    assert isinstance(adjusted("-10", changes=Changes(take_profits=targets(("0.5", "1")))), ApprovedOrder)


@pytest.mark.parametrize("rows", [[("101", "0.5")], [("101", "0.25")] * 4])
def test_a_target_for_a_part_is_for_all_and_that_is_said(rows: Any) -> None:
    verdict = adjusted(changes=Changes(take_profits=targets(*rows)))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.clips == ("all of the position leaves at the first target",)


@pytest.mark.parametrize(("held", "fits", "not_this"), [("10", "sell", "buy"), ("-10", "buy", "sell")])
def test_a_side_that_is_told_is_the_one_that_leaves(held: str, fits: str, not_this: str) -> None:
    changes = Changes(D("99.5") if held == "10" else D("100.5"))
    assert isinstance(adjusted(held, changes=changes, side=fits), ApprovedOrder)
    assert codes(adjusted(held, changes=changes, side=not_this)) == ["side"]


def test_what_an_adjust_lacks_or_has_too_much_is_said() -> None:
    for changes, words in ((Changes(), "names neither"), (Changes(D("99.5"), size_quote=D(5)), "names a size")):
        verdict = adjusted(changes=changes)
        assert isinstance(verdict, Refused)
        assert words in verdict.reasons[0].message


@pytest.mark.parametrize(("mark", "good"), [(None, "99.99"), (D("NaN"), "99.99"), (D(102), "101.99"), (D(99), None)])
def test_the_mark_is_the_markets_and_the_positions_where_there_is_none(mark: Any, good: str | None) -> None:
    market = replace(MARKET, mark=mark)
    for stop in ("99.99", "100", "101.99", "102"):
        verdict = adjusted(market=market, changes=Changes(D(stop)))
        fine = good is not None and D(stop) <= D(good)
        assert isinstance(verdict, ApprovedOrder) == fine, stop


@pytest.mark.parametrize(
    ("mark", "qty"), [(D(200), "1.25"), (D("0.5"), "10"), (D(0), "2.5"), (None, "2.5"), (D("NaN"), "2.5")]
)
def test_a_part_is_sized_by_the_mark_that_is_known(mark: Any, qty: str) -> None:
    verdict = reduced(market=replace(MARKET, mark=mark), size_quote=D(250))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.qty_base == D(qty)


def test_less_than_the_venue_trades_is_never_left_behind() -> None:
    coarse = replace(SIM, min_qty=D("0.005"))
    for held, wish, leaves in (("10", "999.8", "9.995"), ("10", "999.5", "9.995"), ("0.004", "0.2", "0")):
        asked = proposal(action="reduce", size_quote=D(wish), entry_price=None)
        assert leaving_qty(asked, position(held), D(held), coarse, D(100)) == D(leaves)
