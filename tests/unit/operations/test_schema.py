"""Published schemas accept what the models accept, and describe what they answer."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import OPERATIONS, build_catalogue
from chanflow.operations.outcome import Done, Failed, body_of
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.schema import full_output_schema, input_schema, output_schema

CALLS: list[dict[str, Any]] = [
    {"symbol": "BTCUSDT", "level": "1m"},
    {"symbol": "BTCUSDT", "level": "1m", "limit": 7.0},
    {"symbol": "BTC USDT", "level": "1m"},
    {"symbol": "BTCUSDT", "level": "1m", "limit": 0},
    {"symbol": "BTCUSDT", "level": "1m", "limit": "7"},
    {"symbol": "BTCUSDT", "level": "1m", "sneaky": True},
    {},
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_a_published_schema_is_valid(operation: Any) -> None:
    for schema in (input_schema(operation), output_schema(operation), full_output_schema(operation)):
        Draft202012Validator.check_schema(schema)


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("args", CALLS, ids=range(len(CALLS)))
async def test_the_published_input_refuses_what_the_model_refuses(
    desk: Any, operation: Any, args: dict[str, Any]
) -> None:
    catalogue: Catalogue = build_catalogue(desk.memory_services())
    door = "cli" if "cli" in operation.doors else "rest"
    outcome = await catalogue.execute(LOCAL_OPERATOR, operation.name, args, door=door, request_id="r-1")
    refused = isinstance(outcome, Failed) and outcome.error.code == "invalid_argument"
    assert Draft202012Validator(input_schema(operation)).is_valid(args) != refused
    if isinstance(outcome, Done):
        for schema in (output_schema(operation), full_output_schema(operation)):
            Draft202012Validator(schema).validate(body_of(outcome))
