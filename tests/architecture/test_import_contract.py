"""The import contract bites: a planted violation of each rule fails the check that `make check` runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(tree / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_as_it_stands_keeps_the_contract(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("analyst/rules.py", "chanflow.execution.router"),
        ("market/quality.py", "chanflow.features.orderflow"),
        ("domain/order.py", "chanflow.risk.gate"),
        ("domain/order.py", "pydantic"),
        ("analyst/rules.py", "pydantic"),
        ("risk/gate.py", "chanflow_native"),
        ("risk/gate.py", "chanflow.adapters.venues.simulated"),
        ("execution/router.py", "chanflow.runtime.settings"),
        ("adapters/storage/lake.py", "chanflow.runtime.home"),
        ("runtime/run.py", "chanflow.operations.services"),
        ("operations/market.py", "chanflow.interfaces.cli.app"),
        ("client/client.py", "chanflow.domain.errors"),
    ],
)
def test_an_import_that_points_up_or_sideways_breaks_it(tree: Path, importer: str, imported: str) -> None:
    path = tree / "src" / "chanflow" / importer
    path.write_text(path.read_text("utf-8") + f"\nimport {imported}  # planted\n", "utf-8")
    done = lint(tree)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout


@pytest.mark.slow
def test_a_new_top_level_folder_must_be_placed(tree: Path) -> None:
    (tree / "src" / "chanflow" / "utils").mkdir()
    (tree / "src" / "chanflow" / "utils" / "__init__.py").write_text('"""Not a noun."""\n')
    done = lint(tree)
    assert done.returncode != 0
    assert "utils" in done.stdout
