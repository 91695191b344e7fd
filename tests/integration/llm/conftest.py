"""Models are asked on loopback only, and only by the tests that say so."""

from __future__ import annotations

import pytest
from pydantic_ai import models


@pytest.fixture(autouse=True)
def _no_requests(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(models, "ALLOW_MODEL_REQUESTS", request.node.get_closest_marker("server") is not None)
