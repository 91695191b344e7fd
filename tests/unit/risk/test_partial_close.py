"""A reducing order may name a size and a price; it never turns a position."""

from __future__ import annotations

from typing import Any

import pytest
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal

from chanflow.domain.order import ApprovedOrder, Refused
from chanflow.risk.partial_close import wished_qty


def judged(held: str = "10", **changes: Any) -> ApprovedOrder | Refused:
    base = {
        "action": "close", "kind": "management", "side": "sell", "stop_price": None, "take_profit_price": None,
        "position_id": "position-1", "confidence": None, "entry_price": None,
    }  # fmt: skip
    return gate().judge(proposal(**(base | changes)), account(positions=(position(held),)), MARKET, now_ns=NOW)


@pytest.mark.parametrize(
    ("size", "qty"), [(None, "10"), (D(250), "2.5"), (D("0.19"), "0.001"), (D(1000), "10"), (D(9_999), "10")]
)
def test_no_more_is_closed_than_wished_and_held(size: Any, qty: str) -> None:
    verdict = judged(size_quote=size)
    assert isinstance(verdict, ApprovedOrder)
    assert (verdict.terms.qty_base, verdict.terms.side, verdict.terms.reduce_only) == (D(qty), "sell", True)


def test_a_resting_close_has_its_price_and_is_sized_by_it() -> None:
    verdict = judged(size_quote=D(250), entry_price=D(125), time_in_force="gtc")
    assert isinstance(verdict, ApprovedOrder)
    assert (verdict.terms.limit_price, verdict.terms.qty_base, verdict.terms.time_in_force) == (D(125), D(2), "gtc")


@pytest.mark.parametrize(
    ("held", "changes", "code"),
    [
        ("10", {"side": "buy"}, "side"),
        ("-10", {"side": "sell"}, "side"),
        ("10", {"entry_price": D("100.001"), "time_in_force": "gtc"}, "entry"),
        ("10", {"entry_price": D("NaN"), "time_in_force": "gtc"}, "entry"),
        ("10", {"size_quote": D(0)}, "size_form"),
        ("10", {"size_quote": D("0.05")}, "reducing"),
    ],
)
def test_terms_that_reduce_nothing_are_refused(held: str, changes: dict[str, Any], code: str) -> None:
    verdict = judged(held, **changes)
    assert isinstance(verdict, Refused)
    assert [reason.code for reason in verdict.reasons] == [code]


def test_without_a_mark_the_position_knows_its_own() -> None:
    assert wished_qty(proposal(size_quote=D(100), entry_price=None), position("10"), SIM, None) == D(1)


@pytest.mark.parametrize(("price", "fine"), [("0", False), ("-1", False), ("0.01", True), ("1", True)])
def test_a_resting_close_needs_a_price_above_zero(price: str, fine: bool) -> None:
    verdict = judged(entry_price=D(price), time_in_force="gtc")
    assert isinstance(verdict, ApprovedOrder) is fine


@pytest.mark.parametrize(("size", "fine"), [("0", False), ("-1", False), ("0.5", True), ("1", True)])
def test_a_wished_close_needs_a_size_above_zero(size: str, fine: bool) -> None:
    verdict = judged(size_quote=D(size))
    assert isinstance(verdict, ApprovedOrder) is fine
