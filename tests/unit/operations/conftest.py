"""The in-memory desk of the door tests, for the operations alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

_DESK = Path(__file__).parents[2] / "integration" / "doors" / "memory_desk.py"


@pytest.fixture(scope="session")
def desk() -> ModuleType:
    spec = importlib.util.spec_from_file_location("memory_desk", _DESK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
