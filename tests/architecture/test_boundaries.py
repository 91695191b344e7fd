"""What the layers alone cannot say: who makes approvals, what the stub promises, what a start may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import chanflow_native

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "chanflow").rglob("*.py"))


def test_only_the_gate_claims_the_seal_and_makes_approvals() -> None:
    makers = {
        path.relative_to(ROOT / "src" / "chanflow").as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("ApprovedOrder", "claim_approval_seal")
    }
    assert makers == {"risk/gate.py"}


def test_the_router_takes_nothing_but_an_approval() -> None:
    tree = ast.parse((ROOT / "src/chanflow/execution/router.py").read_text("utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef | ast.FunctionDef)]

    def users(name: str) -> dict[str, list[str]]:
        """Return the functions in which `name` is used, with what they take first."""
        return {
            f.name: [ast.unparse(a.annotation) for a in f.args.args[1:2] if a.annotation]
            for f in functions
            if any(isinstance(n, ast.Attribute) and n.attr == name for n in ast.walk(f))
        }

    assert users("submit") == {"_submit": ["Order"]}
    assert users("_submit") == {"_attempt": ["ApprovedOrder"], "prepare": ["Exit"]}
    assert users("_attempt") == {"execute": ["ApprovedOrder"], "try_again": ["ApprovedOrder"]}


def test_what_the_router_sends_without_an_approval_of_its_own_can_only_reduce() -> None:
    tree = ast.parse((ROOT / "src/chanflow/execution/router.py").read_text("utf-8"))
    (prepare,) = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "prepare"]
    sent = [n for n in ast.walk(prepare) if isinstance(n, ast.Call) and ast.unparse(n.func) == "VenueOrder"]
    assert [ast.unparse(call.args[4]) for call in sent] == ["True"]


def stub() -> dict[str, set[str]]:
    """Return the public names of the stub, and for each class its public members."""
    tree = ast.parse((ROOT / "crates/python/chanflow_native.pyi").read_text("utf-8"))
    names: dict[str, set[str]] = {}
    for node in tree.body:
        match node:
            case ast.ClassDef():
                names[node.name] = {
                    n.name if isinstance(n, ast.FunctionDef) else ast.unparse(n.target)
                    for n in node.body
                    if isinstance(n, ast.FunctionDef | ast.AnnAssign)
                }
            case ast.FunctionDef():
                names[node.name] = set()
            case ast.AnnAssign():
                names[ast.unparse(node.target)] = set()
    return names


def test_the_stub_and_the_compiled_module_have_the_same_names() -> None:
    promised = stub()
    extras = {"__all__", "__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__", "__path__",
              "__builtins__", "__cached__", "chanflow_native"}  # fmt: skip
    assert promised.keys() == set(dir(chanflow_native)) - extras
    for name, members in promised.items():
        if members:
            native = {m for m in dir(getattr(chanflow_native, name)) if not m.startswith("_")}
            assert {m for m in members if not m.startswith("_")} == native, name


HEAVY = ("polars", "duckdb", "fastapi", "mcp", "pydantic", "numpy", "uvicorn", "starlette")


def imported_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_help_loads_nothing_heavy() -> None:
    loaded = imported_by(
        "import sys; sys.argv = ['chanflow', '--help']; import runpy; runpy.run_module('chanflow', run_name='__main__')"
    )
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)
