"""Notices: what changed of a resource is told once, and what moves with every price is not."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chanflow.domain.errors import NotFound
from chanflow.interfaces.mcp.notices import Notices
from chanflow.operations.offered import build_catalogue
from chanflow.operations.principal import LOCAL_OPERATOR

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "integration" / "doors"))
desk = importlib.import_module("memory_desk")
POSITION, STATUS = "position://paper", "desk://status"


class Account:
    """An account that a test moves."""

    def __init__(self) -> None:
        self.view = desk.MemoryAccount().account()
        self.lost = False

    def account(self) -> Any:
        if self.lost:
            raise NotFound("no desk has run")
        return self.view

    def move(self, **changes: Any) -> None:
        position = replace(self.view.snapshot.positions[0], **changes)
        snapshot = replace(self.view.snapshot, positions=(position,))
        self.view = replace(self.view, snapshot=snapshot)


class Told:
    """Notices over an account, and what they told."""

    def __init__(self) -> None:
        self.account = Account()
        self.notices = Notices(build_catalogue(replace(desk.memory_services(), account=self.account)))
        self.heard: list[str] = []
        self.notices.bus.subscribe(lambda event: self.heard.append(event.uri))


@pytest.fixture
def told() -> Told:
    return Told()


async def test_a_change_is_told_once(told: Told) -> None:
    async with told.notices.held(LOCAL_OPERATOR, [POSITION, STATUS]):
        await told.notices.tell()
        assert told.heard == []
        told.account.move(qty_base=Decimal("0.02"))
        await told.notices.tell()
        await told.notices.tell()
    assert told.heard == [POSITION]


async def test_a_price_that_moves_is_no_change(told: Told) -> None:
    async with told.notices.held(LOCAL_OPERATOR, [POSITION]):
        told.account.move(mark_price=Decimal(40_000))
        await told.notices.tell()
    assert told.heard == []


async def test_what_is_gone_is_told_and_so_is_its_return(told: Told) -> None:
    async with told.notices.held(LOCAL_OPERATOR, [POSITION]):
        for lost in (True, False):
            told.account.lost = lost
            await told.notices.tell()
    assert told.heard == [POSITION, POSITION]


async def test_nothing_is_told_to_nobody(told: Told) -> None:
    async with told.notices.held(LOCAL_OPERATOR, [POSITION]), told.notices.held(LOCAL_OPERATOR, [POSITION]):
        pass
    told.account.move(qty_base=Decimal("0.02"))
    await told.notices.tell()
    assert told.heard == []


async def test_a_resource_of_others_is_left_to_them(told: Told) -> None:
    async with told.notices.held(LOCAL_OPERATOR, ["test://static-text"]):
        await told.notices.tell()
    assert told.heard == []
