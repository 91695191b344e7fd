"""get_position: exact money, the whole account's margin."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chanflow.operations.account import GET_POSITION, GetPosition, Positions
from chanflow.operations.operation import Asked
from chanflow.operations.principal import LOCAL_OPERATOR


async def _positions(services: Any, **args: Any) -> Positions:
    return await GET_POSITION.handler(Asked(GetPosition(**args), LOCAL_OPERATOR, services, "r-1"))


class Fixed:
    """An account that was given."""

    def __init__(self, view: Any) -> None:
        self._view = view

    def account(self) -> Any:
        return self._view


def _with(desk: Any, **changes: Any) -> Any:
    view = desk.MemoryAccount().account()
    account = Fixed(replace(view, snapshot=replace(view.snapshot, **changes)))
    return replace(desk.memory_services(), account=account)


@pytest.mark.asyncio
async def test_money_is_exact_decimal_text(desk: Any) -> None:
    row = (await _positions(desk.memory_services())).model_dump(mode="json")["positions"][0]
    assert (row["size"], row["unrealised"], row["take_profit"]) == ("0.015", "2.256", None)


@pytest.mark.asyncio
async def test_a_short_position_has_a_positive_size(desk: Any) -> None:
    long = desk.MemoryAccount().account().snapshot.positions[0]
    row = (await _positions(_with(desk, positions=(replace(long, qty_base=Decimal(-2)),)))).positions[0]
    assert (row.side, row.size) == ("short", Decimal(2))


@pytest.mark.asyncio
async def test_another_symbol_shows_no_rows_but_the_margin_of_the_account(desk: Any) -> None:
    whole = await _positions(desk.memory_services())
    other = await _positions(desk.memory_services(), symbol="ETHUSDT")
    assert (other.positions, other.orders) == ([], [])
    assert other.margin_ratio == whole.margin_ratio == 15.819909


@pytest.mark.asyncio
async def test_without_positions_there_is_no_margin_ratio(desk: Any) -> None:
    assert (await _positions(_with(desk, positions=()))).margin_ratio is None


@pytest.mark.asyncio
async def test_books_that_disagree_were_reconciled_never(desk: Any) -> None:
    assert (await _positions(_with(desk, reconciled=False))).reconciled_at is None


@pytest.mark.asyncio
async def test_an_account_nobody_updates_says_how_old_it_is(desk: Any) -> None:
    assert (await _positions(_with(desk, as_of_ns=desk.NOW_NS - 90 * 10**9))).stale_ms == 90_000
