"""get_signals through its doors: the command line and REST, not MCP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.server

ANSWERED: list[tuple[str, dict[str, Any]]] = [
    ("get_signals", {}),
    ("get_signals", {"symbol": "BTCUSDT", "confirm": False, "limit": 2}),
    ("get_signals", {"source": "sink", "run_id": "r1", "decision_code": "OK", "since": "2026-01-01T00:03:00Z"}),
]
REFUSED: list[tuple[str, dict[str, Any], str | None]] = [
    ("get_signals", {"limit": 501}, "limit"),
    ("get_signals", {"decision_code": "MAYBE"}, "decision_code"),
    ("get_signals", {"confirm": "perhaps"}, "confirm"),
    ("get_signals", {"run_id": "r1"}, "run_id"),
    ("get_signals", {"source": "sink", "run_id": "../etc"}, "run_id"),
    ("get_signals", {"cursor": "AAAA"}, "cursor"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ["rest", "rest-tool"])
async def test_a_door_gives_the_bodies_of_the_command_line(doors: Any, door: str) -> None:
    answers = await doors.ask(door, ANSWERED)
    assert not [body for body, failed in answers if failed]
    assert answers == await doors.ask("cli", ANSWERED)


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ["cli", "rest", "rest-tool"])
async def test_a_door_refuses_by_name(doors: Any, door: str) -> None:
    calls = [(name, arguments) for name, arguments, _ in REFUSED]
    answers = await doors.ask(door, calls)
    assert [(json.loads(body)["code"], json.loads(body)["field"]) for body, failed in answers if failed] == [
        ("invalid_argument", field) for _, _, field in REFUSED
    ]


def test_the_answer_fits_the_schema_that_openapi_publishes(desk_url: str) -> None:
    document = httpx.get(f"{desk_url}/api/v2/openapi.json", timeout=300).json()
    schema = {"$ref": "#/components/schemas/SignalsFound", "components": document["components"]}
    answer = httpx.get(f"{desk_url}/api/v2/analysis/signals", timeout=300).json()
    assert len(answer["signals"]) == 12
    Draft202012Validator(schema).validate(answer)


@pytest.mark.asyncio
async def test_a_desk_that_has_not_run_has_none(failing_doors: Any) -> None:
    ((body, failed),) = await failing_doors.ask("rest", [("get_signals", {})])
    assert (json.loads(body)["code"], failed) == ("not_found", True)
