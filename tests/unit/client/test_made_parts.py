"""The parts that a script makes are those that the catalogue says; the client knows nothing else of the desk."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from chanflow.client.calls import READS, SAME_TWICE, Calls
from chanflow.client.sync_calls import SyncCalls
from chanflow.operations.offered import OPERATIONS

ROOT = Path(__file__).parents[3]


def test_the_made_files_are_what_the_catalogue_says() -> None:
    spec = importlib.util.spec_from_file_location("write_client", ROOT / "scripts" / "write_client.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    different = [name for name, text in script.files().items() if (ROOT / name).read_text("utf-8") != text]
    assert different == [], "run scripts/write_client.py"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "rest" in each.doors], ids=lambda each: each.name)
def test_each_operation_is_a_method_with_its_arguments(operation: object) -> None:
    name, model = operation.name, operation.input  # type: ignore[attr-defined]
    for calls in (Calls, SyncCalls):
        given = inspect.signature(getattr(calls, name)).parameters
        assert set(given) - {"self"} == set(model.model_fields)
        needed = {key for key, part in given.items() if part.default is inspect.Parameter.empty} - {"self"}
        assert needed == {key for key, part in model.model_fields.items() if part.is_required()}
    assert (name in READS) == operation.hints.read_only  # type: ignore[attr-defined]
    assert name not in READS & SAME_TWICE


def test_importing_the_client_brings_no_desk_and_no_network() -> None:
    program = "import sys, chanflow.client; print(' '.join(sorted(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(shown.stdout.split())
    assert not loaded & {"httpx", "websockets", "pydantic", "chanflow.domain", "chanflow.operations", "numpy"}
    ours = {name for name in loaded if name.startswith("chanflow.")}
    assert all(name.startswith("chanflow.client") for name in ours)
