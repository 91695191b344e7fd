"""One exchange a module, with a market of its own; each test trades on an account of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_exchange import RunningExchange, running_exchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with running_exchange("--source", "synthetic", "--symbols", "BTCUSDT,ETHUSDT", "--seed", "7") as running:
        yield running


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """An API key that no other test has."""
    name = request.node.nodeid.rpartition("::")[2]
    return "".join(letter if letter.isalnum() else "-" for letter in name)[:100]
