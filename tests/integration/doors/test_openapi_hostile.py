"""Calls that are made from the API description itself, good and bad: each answer is one that it describes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import memory_desk
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from made_trading import HandMarket, hand_trading
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chanflow.domain.command import Command, CommandAnswer, PreviewCommand, TradeCommand
from chanflow.domain.errors import NotFound
from chanflow.interfaces.rest.entry import PUBLIC
from chanflow.interfaces.rest.openapi import BASE, openapi_document
from chanflow.operations.offered import OPERATIONS, build_catalogue
from chanflow.operations.outcome import CODES
from chanflow.operations.services import Services

pytestmark = [pytest.mark.server, pytest.mark.slow]

EXAMPLES = int(os.environ.get("CHANFLOW_SCHEMA_EXAMPLES", "4"))
"""Of each operation, both good and bad; `make schemathesis` asks for more."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance]
JUDGED = [response_schema_conformance, negative_data_rejection]
STREAMED = "POST /api/v2/chat"
"""Its answer is a text to OpenAPI 3.1, and schemathesis reads the events in it as objects."""

SYMBOL = r"^[A-Za-z0-9:._-]{1,32}$"


def _about_what_is_there(node: Any) -> Any:
    """Return a description in which symbols are those of the desk: what is made at random is not found, and no more."""
    if isinstance(node, dict):
        if node.get("pattern") == SYMBOL:
            return {"type": "string", "enum": ["BTCUSDT", "ETHUSDT", "EMPTY", "NOSUCH"]}
        return {name: _about_what_is_there(part) for name, part in node.items()}
    return [_about_what_is_there(part) for part in node] if isinstance(node, list) else node


@dataclass
class Asking:
    """A client that makes its calls from the description, and what came of them."""

    url: str
    headers: Mapping[str, str]
    document: dict[str, Any]
    statuses: dict[str, Counter[int]] = field(default_factory=dict)

    def all(self) -> None:
        """Ask every operation. Raises what schemathesis found wrong."""
        with requests.Session() as session:
            for mode in GenerationMode:
                good = mode is GenerationMode.POSITIVE
                document = _about_what_is_there(self.document) if good else self.document
                for found in schemathesis.openapi.from_dict(document).get_all_operations():
                    self._ask(found.ok(), mode, session)

    def _ask(self, operation: Any, mode: GenerationMode, session: requests.Session) -> None:
        checks = CHECKS if operation.label == STREAMED else [*CHECKS, *JUDGED]
        statuses = self.statuses.setdefault(operation.label, Counter())

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            answer = case.call(base_url=self.url, headers=dict(self.headers), session=session, timeout=300)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=checks)

        try:
            one()
        except Unsatisfiable:  # what takes no argument cannot be asked wrongly
            assert mode is GenerationMode.NEGATIVE
            assert not operation.query
            assert not operation.body


def _document(services: Services) -> dict[str, Any]:
    return openapi_document(build_catalogue(services))


@pytest.fixture(scope="module")
def open_desk(tmp_path_factory: pytest.TempPathFactory, doors_to: Any) -> Iterator[tuple[str, Services]]:
    """A desk that asks for no key: whoever is there is its operator, and trades."""
    root = tmp_path_factory.mktemp("open")
    services = anyio.run(_trading, root)
    with doors_to(services) as doors:
        yield doors.url, services


class TradesAlone(HandMarket):
    """A desk that takes trades by hand, and none of the other commands."""

    async def submit(self, command: Command) -> CommandAnswer:
        if not isinstance(command, TradeCommand | PreviewCommand):
            raise NotFound("this desk knows trades alone")
        return await super().submit(command)


async def _trading(root: Path) -> Services:
    async with hand_trading(root, memory_desk.memory_services()) as trading:
        desk = TradesAlone(trading.desk.clock)
        return replace(trading.services, trading=desk, risk=desk)


def test_the_operator_of_a_desk_without_keys_meets_only_what_is_described(open_desk: tuple[str, Services]) -> None:
    url, services = open_desk
    asking = Asking(url, {}, _document(services))
    asking.all()
    assert len(asking.statuses) == sum(len(methods) for methods in asking.document["paths"].values())
    answered = [label for label, found in asking.statuses.items() if 200 in found]
    assert len(answered) >= 12, answered


@pytest.mark.parametrize("who", ["ann", "eve"])
def test_who_shows_a_key_meets_only_what_is_described(keyed_desk: Any, who: str) -> None:
    asking = Asking(
        keyed_desk.url, {"Authorization": f"Bearer {keyed_desk.keys[who]}"}, _document(memory_desk.memory_services())
    )
    asking.all()
    assert httpx.get(f"{keyed_desk.url}/api/v2/user/quota", headers=asking.headers, timeout=300).status_code == 200


def test_who_shows_no_key_is_told_nothing_but_that(keyed_desk: Any) -> None:
    asking = Asking(keyed_desk.url, {}, _document(memory_desk.memory_services()))
    asking.all()
    inside = [
        (path, method) for path, ways in asking.document["paths"].items() if path not in PUBLIC for method in ways
    ]
    assert len(inside) > 60
    for path, method in inside:
        assert set(asking.statuses[f"{method.upper()} {path}"]) <= {401, 429}, path


def test_each_status_of_a_code_is_described_for_each_operation(open_desk: tuple[str, Services]) -> None:
    everywhere = {"401", "403", "408", "413", "421", "422", "429", "500", "503"}
    ways = {BASE + route.path for each in OPERATIONS if "rest" in each.doors for route in each.routes}
    for path, methods in _document(open_desk[1])["paths"].items():
        for method, operation in methods.items():
            due = {str(row.status) for row in CODES.values()} if path in ways else everywhere
            assert due <= set(operation["responses"]), (path, method)
