"""What is left of a position, what takes risk away, and how a flip comes apart."""

from __future__ import annotations

from typing import Any

import pytest
from made_desk import D, account, position, proposal

from chanflow.domain.account import RestingOrder
from chanflow.risk.reducing import closable_base, is_reducing, legs, opposite_left

SMALL = ["0.5", "1", "2"]


def closing(side: str, qty: str, symbol: str = "SIMUSDT") -> RestingOrder:
    return RestingOrder(symbol, "SIM", side, D(qty), D(100), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("qty", SMALL)
def test_what_closing_orders_will_take_is_not_left(qty: str) -> None:
    for signed, against, along in ((D(qty), "sell", "buy"), (-D(qty), "buy", "sell")):
        held = position(str(signed))
        before = account(positions=(held,), closing=(
            closing(against, "0.2"), closing(along, "0.1"), closing(against, "0.1", "XUSDT")))  # fmt: skip
        assert closable_base(before, held, D(0)) == D(qty) - D("0.2")
        assert closable_base(before, held, D("0.1")) == D(qty) - D("0.3")
        assert closable_base(before, held, D(9)) == 0


@pytest.mark.parametrize("qty", SMALL)
def test_an_order_reduces_against_the_position_and_no_more_than_is_left(qty: str) -> None:
    def reduces(side: str, wished: str, held: str = qty, **changes: Any) -> bool:
        given = {"reduce_only": True, "position": position(held), "closable": D(qty), **changes}
        return is_reducing(side=side, qty_base=D(wished), **given)

    assert reduces("sell", qty)
    assert reduces("sell", "0.01")
    assert reduces("buy", qty, held=f"-{qty}")
    assert not reduces("buy", qty)
    assert not reduces("sell", qty, held=f"-{qty}")
    assert not reduces("sell", "0")
    assert not reduces("sell", "2.01")
    assert not reduces("sell", qty, reduce_only=False)
    assert not reduces("sell", qty, position=None)
    assert not reduces("sell", qty, held="0")
    assert not reduces("buy", qty, held="0")


@pytest.mark.parametrize("qty", SMALL)
def test_what_stands_the_other_way_is_in_the_way(qty: str) -> None:
    long, short = account(positions=(position(qty),)), account(positions=(position(f"-{qty}"),))
    assert (opposite_left(long, "SIMUSDT", "sell", D(0)), opposite_left(long, "SIMUSDT", "buy", D(0))) == (D(qty), 0)
    assert (opposite_left(short, "SIMUSDT", "buy", D(0)), opposite_left(short, "SIMUSDT", "sell", D(0))) == (D(qty), 0)
    assert opposite_left(long, "XUSDT", "sell", D(0)) == 0
    assert opposite_left(long, "SIMUSDT", "sell", D(qty)) == 0


@pytest.mark.parametrize("qty", SMALL)
def test_a_flip_comes_apart(qty: str) -> None:
    long, short = account(positions=(position(qty),)), account(positions=(position(f"-{qty}"),))
    up, down = proposal(), proposal(action="open_short", side="sell")
    assert [leg.action for leg in legs(up, short)] == ["close", "open_long"]
    assert [leg.action for leg in legs(down, long)] == ["close", "open_short"]
    assert legs(up, long) == (up,)
    assert legs(down, short) == (down,)
    assert legs(up, account(positions=(position("0"),))) == (up,)
    assert legs(down, account(positions=(position("0"),))) == (down,)
