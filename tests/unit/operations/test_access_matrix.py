"""Every operation, role, plan and door has the verdict of `access_matrix.md`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chanflow.access.plans import PLANS
from chanflow.access.principals import Door, Principal
from chanflow.access.scopes import ROLES, scopes_of
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import OPERATIONS
from chanflow.operations.operation import Arguments
from chanflow.operations.outcome import Failed

DOORS: tuple[Door, ...] = ("cli", "rest", "mcp", "ws")
LINES = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in Path(__file__).with_name("access_matrix.md").read_text().splitlines()
    if line.startswith("| ") and "---" not in line
]
HEAD, ROWS = LINES[0], {line[0]: dict(zip(LINES[0][1:], line[1:], strict=True)) for line in LINES[1:]}


class Nothing(Arguments):
    """No argument."""


class Reached(Exception):
    """The work began."""


async def _reached(_: Any) -> Any:
    raise Reached


def test_the_table_has_every_operation_role_plan_and_door() -> None:
    assert list(ROWS) == [operation.name for operation in OPERATIONS]
    assert ["operation", *ROLES, *PLANS, *DOORS] == HEAD
    assert {cell for row in ROWS.values() for cell in row.values()} == {"x", "."}


def _expected(row: dict[str, str], role: str, plan: str, door: str) -> str:
    if row[door] == ".":
        return "not_found"
    if row[role] == ".":
        return "insufficient_scope"
    return "internal" if row[plan] == "x" else "plan_required"  # the work was reached, and raises


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
async def test_an_operation_is_reached_by_those_of_the_table(desk: Any, operation: Any) -> None:
    bare = replace(operation, path="/asked", more_routes=(), handler=_reached, input=Nothing, costs_of=None)
    catalogue = Catalogue(desk.memory_services(), [bare])
    for role in ROLES:
        for plan in PLANS:
            principal = Principal("key", "key:a", "u", plan, (role,), scopes_of([role]))
            for door in DOORS:
                outcome = await catalogue.execute(principal, operation.name, {}, door=door, request_id="r-1")
                assert isinstance(outcome, Failed)
                assert outcome.error.code == _expected(ROWS[operation.name], role, plan, door), (role, plan, door)
