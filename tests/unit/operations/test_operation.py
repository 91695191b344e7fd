"""What may be declared as an operation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from chanflow.domain.market_data import LEVEL_MS
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.fields import Level
from chanflow.operations.market import GET_KLINES
from chanflow.operations.offered import OPERATIONS
from chanflow.operations.operation import Answer, Arguments


class Loose(BaseModel):
    symbol: str


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("scope", ""),
        ("scope", "everything"),
        ("doc_en", ""),
        ("doc_zh", ""),
        ("title", ""),
        ("plans", frozenset()),
        ("doors", frozenset()),
        ("input", Loose),
        ("input", Arguments),
        ("output", Loose),
        ("output", None),
        ("output", Answer),
        ("path", "market/klines"),
        ("timeout_s", 0),
        ("name", "Get Klines"),
    ],
)
def test_an_incomplete_operation_cannot_be_declared(part: str, value: Any) -> None:
    with pytest.raises(ValueError, match="operation"):
        replace(GET_KLINES, **{part: value})


def test_a_name_is_declared_once(desk: Any) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Catalogue(desk.memory_services(), [GET_KLINES, GET_KLINES])


def test_names_and_paths_are_unique() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    ways = [route for each in OPERATIONS for route in each.routes]
    assert len({(way.path, way.method) for way in ways}) == len({way.name for way in ways}) == len(ways)


def test_every_level_that_data_hold_can_be_asked_for() -> None:
    assert set(get_args(Level)) == {*LEVEL_MS, "1w", "1M"}
