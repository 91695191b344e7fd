"""Asking for a decision: a journaled input of the running desk, answered at once with the decision's id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chanflow.domain.command import AnalysisCommand, Command, CommandAnswer
from chanflow.domain.order import Reason
from chanflow.operations.decisions import REQUEST_ANALYSIS
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done, body_of
from chanflow.operations.principal import LOCAL_OPERATOR, Principal


class Desk:
    """Answers every command with one answer."""

    def __init__(self, answer: CommandAnswer) -> None:
        self.answer, self.given = answer, list[Command]()

    async def submit(self, command: Command) -> CommandAnswer:
        self.given.append(command)
        return self.answer


async def ask(home: Any, desk: Any, principal: Principal = LOCAL_OPERATOR, **args: Any) -> Any:
    catalogue = build_catalogue(replace(home.memory_services(), trading=desk))
    return await catalogue.execute(principal, "request_analysis", args, door="rest", request_id="r-1")


async def test_the_decision_s_id_comes_back_at_once(desk: Any) -> None:
    told = Desk(CommandAnswer(decision_id="d-1"))
    outcome = await ask(desk, told, symbol="SIMUSDT", level="30m", position_id="position-1")
    assert isinstance(outcome, Done)
    assert body_of(outcome) == {"decision_id": "d-1", "status": "asked"}
    assert told.given == [AnalysisCommand("r-1", "SIMUSDT", "local", "30m", "position-1")]


@pytest.mark.parametrize(
    ("reason", "field"),
    [(Reason("symbol", "another symbol"), "symbol"), (Reason("position", "no such position"), "position_id")],
)
async def test_what_the_desk_does_not_look_at_is_named(desk: Any, reason: Reason, field: str) -> None:
    outcome = await ask(desk, Desk(CommandAnswer(reasons=(reason,))), symbol="SIMUSDT")
    assert (outcome.error.code, outcome.error.message, outcome.error.field) == ("not_found", reason.message, field)


@pytest.mark.parametrize(
    ("args", "field"),
    [({}, "symbol"), ({"symbol": "A", "level": "2m"}, "level"), ({"symbol": "A", "position_id": "a b"}, "position_id")],
)
async def test_bad_arguments_reach_no_desk(desk: Any, args: dict[str, Any], field: str) -> None:
    told = Desk(CommandAnswer(decision_id="d-1"))
    outcome = await ask(desk, told, **args)
    assert (outcome.error.code, outcome.error.field) == ("invalid_argument", field)
    assert told.given == []


def test_it_needs_the_scope_to_trade_and_is_no_tool_of_a_model() -> None:
    assert (REQUEST_ANALYSIS.scope, REQUEST_ANALYSIS.routes[0].method, REQUEST_ANALYSIS.path) == (
        "trade:paper", "POST", "/decisions",
    )  # fmt: skip
    assert "mcp" not in REQUEST_ANALYSIS.doors
