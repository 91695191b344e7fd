"""The in-memory desk of the door tests, for the operations alone."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "integration" / "doors"))


@pytest.fixture(scope="session")
def desk() -> ModuleType:
    return importlib.import_module("memory_desk")
