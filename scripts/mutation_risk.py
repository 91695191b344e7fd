"""Spoil the risk room one small way at a time, and see whether its tests notice.

    .venv/bin/python scripts/mutation_risk.py [--only ladder.py,constraints] [--every 10] [--list]

A mutant changes one comparison, sign, bound, `and`, `not`, `min` or constant. Each runs in a child process forked
from one that has loaded pytest already; the child imports the spoilt module and runs the unit tests that belong to
the file, then, where those pass, all of the room's. A test that fails kills the mutant, and so does a child that
takes over a minute. Survivors are printed with their line, and their reason where `REASONS` has one: a change that
cannot be told from outside, which does not count. The exit code is 1 where a score is below its bound.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.machinery import ModuleSpec
from itertools import islice
from pathlib import Path
from types import ModuleType

import hypothesis
import pydantic
import pytest

PRELOADED = (hypothesis, pydantic)
"""What every child would load for itself."""

ROOT = Path(__file__).resolve().parent.parent
RISK = ROOT / "src" / "chanflow" / "risk"
TESTS = ROOT / "tests" / "unit" / "risk"
TIMEOUT_S = 60
BOUNDS = {"constraints": 100.0, "ladder.py": 100.0}
WHOLE_BOUND = 95.0

NEAREST: dict[str, tuple[str, ...]] = {
    "constraints": ("test_constraints.py",), "ladder.py": ("test_ladder.py",), "record.py": ("test_record.py",),
    "loss_wall.py": ("test_loss_wall.py",), "mode.py": ("test_mode_and_halt.py",),
    "halt.py": ("test_mode_and_halt.py",),
    "guardian.py": ("test_guardian.py",), "guardian_alerts.py": ("test_guardian.py",), "sizing.py": ("test_sizing.py",),
    "projection.py": ("test_projection.py",), "volatility.py": ("test_volatility.py",),
    "approvals.py": ("test_approvals.py",), "dry_run.py": ("test_dry_run.py",), "limits.py": ("test_constraints.py",),
}  # fmt: skip
"""Which tests are tried first."""

REASONS: dict[tuple[str, str], str] = {}
"""Why a survivor, by file and change, cannot be told from outside."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, in words, and the source it gives."""

    file: str
    line: int
    change: str
    tree: ast.Module


def mutants(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    source = path.read_text("utf-8")
    count = sum(1 for _ in _sites(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        node, index = list(_sites(tree))[number]
        before = _words(node)
        _spoil(node, index)
        ast.fix_missing_locations(tree)
        yield Mutant(str(path.relative_to(RISK)), getattr(node, "lineno", 0), f"{before} -> {_words(node)}", tree)


def _words(node: ast.AST) -> str:
    return f"if {ast.unparse(node.test)}" if isinstance(node, ast.If | ast.IfExp) else ast.unparse(node)


def _sites(tree: ast.Module) -> Iterator[tuple[ast.AST, int]]:
    """Yield each node that can be spoilt, once for each way."""
    skipped = {id(n) for top in _not_code(tree) for n in ast.walk(top)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        match node:
            case ast.Compare():
                yield from ((node, at) for at, op in enumerate(node.ops) if type(op) in _COMPARISONS)
            case ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.USub()):
                yield node, 0
            case ast.BinOp() if type(node.op) in _OPERATORS:
                yield node, 0
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield node, 0
            case ast.Constant() if _number(node.value) is not None:
                yield node, 0
            case ast.If() | ast.IfExp() if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
                yield node, 0


def _spoil(node: ast.AST, index: int) -> None:
    """Change `node` where it stands."""
    match node:
        case ast.Compare():
            node.ops[index] = _COMPARISONS[type(node.ops[index])]()
        case ast.BoolOp():
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        case ast.UnaryOp(op=ast.Not()):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.UnaryOp():
            node.op = ast.UAdd()
        case ast.BinOp():
            node.op = _OPERATORS[type(node.op)]()
        case ast.Call(func=ast.Name() as called):
            called.id = _CALLS[called.id]
        case ast.Constant():
            node.value = _other(node.value)
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)


def _not_code(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what no test can tell apart, or means to: types, words for people, decorators."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef():
                yield from node.decorator_list
                yield from (a.annotation for a in ast.walk(node) if isinstance(a, ast.arg) and a.annotation)
                if node.returns:
                    yield node.returns
            case ast.ClassDef():
                yield from node.decorator_list
            case ast.AnnAssign():
                yield node.annotation
            case ast.JoinedStr():
                yield node
            case ast.Assign(value=ast.Subscript(value=ast.Name(id="Literal"))):
                yield node
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield node


def _number(value: object) -> Decimal | None:
    """Return the number that a constant is, also one in quotes; None for all else."""
    if isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, int | float):
        return Decimal(str(value))
    if isinstance(value, str) and value[:1] in "0123456789-." and value:
        try:
            return Decimal(value)
        except InvalidOperation:
            return None
    return None


def _other(value: object) -> str | int:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    number = _number(value)
    assert number is not None
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return str(number + Decimal(1).scaleb(exponent))


class _Spoilt(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves one module from a spoilt tree."""

    def __init__(self, mutant: Mutant) -> None:
        dotted = mutant.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        self._name = "chanflow.risk" if dotted == "__init__" else f"chanflow.risk.{dotted}"
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return our spec for the one name, None for others."""
        del path, target
        if fullname != self._name:
            return None
        where = RISK / self._mutant.file
        return importlib.util.spec_from_file_location(
            fullname, where, loader=self,
            submodule_search_locations=[str(where.parent)] if where.name == "__init__.py" else None,
        )  # fmt: skip

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave that to Python."""
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the spoilt tree."""
        exec(compile(self._mutant.tree, str(RISK / self._mutant.file), "exec"), module.__dict__)


def killed(mutant: Mutant) -> bool:
    """Return whether some test notices `mutant`."""
    first = NEAREST.get(mutant.file.split("/")[0], ("test_gate.py",))
    rest = sorted(p.name for p in TESTS.glob("test_*.py") if p.name not in first)
    return _fails(mutant, first) or _fails(mutant, rest)


def _fails(mutant: Mutant, files: Sequence[str]) -> bool:
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        signal.alarm(TIMEOUT_S)
        sys.meta_path.insert(0, _Spoilt(mutant))
        code = 1
        try:
            plugins = ("no:cacheprovider", "no:randomly", "no:xdist", "no:timeout", "no:socket", "no:asyncio")
            code = pytest.main([
                "-x", "-q", "--no-header", "-c", os.devnull, "--rootdir", str(ROOT), "--import-mode=importlib",
                "--noconftest", *(part for name in plugins for part in ("-p", name)), *(str(TESTS / f) for f in files),
            ])  # fmt: skip
        finally:
            os._exit(int(code))
    _, status = os.waitpid(child, 0)
    return status != 0


def _wanted(only: str) -> list[Path]:
    found = sorted(RISK.rglob("*.py"))
    parts = [part for part in only.split(",") if part]
    return [p for p in found if not parts or any(part in p.relative_to(RISK).as_posix() for part in parts)]


def main() -> int:
    """Print the score of each part with its survivors; 1 where one is below its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of file names, with commas between")
    parser.add_argument("--every", type=int, default=1, help="try one mutant of so many: a sample")
    parser.add_argument("--list", action="store_true", help="say what would be tried, and stop")
    given = parser.parse_args()
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "support")]
    if not given.list and not _ready():
        return 1
    tried: dict[str, list[tuple[Mutant, bool]]] = {}
    for path in _wanted(given.only):
        if not given.list:
            print(f"{path.relative_to(RISK)} ...", flush=True)
        for mutant in islice(mutants(path), given.every // 2, None, given.every):
            if given.list:
                print(f"{mutant.file}:{mutant.line}: {mutant.change}")
                continue
            dead = killed(mutant)
            tried.setdefault(mutant.file.split("/")[0], []).append((mutant, dead))
            reason = REASONS.get((mutant.file, mutant.change))
            if not dead:
                print(f"survived {mutant.file}:{mutant.line}: {mutant.change}" + (f"  [{reason}]" if reason else ""),
                      flush=True)  # fmt: skip
    return _report(tried)


def _ready() -> bool:
    """See that the tests pass on the code as it is."""
    whole = Mutant("__init__.py", 0, "", ast.parse((RISK / "__init__.py").read_text("utf-8")))
    if _fails(whole, sorted(p.name for p in TESTS.glob("test_*.py"))):
        print("the tests fail on the code as it is: nothing can be learnt from mutants", file=sys.stderr)
        return False
    return True


def _report(tried: dict[str, list[tuple[Mutant, bool]]]) -> int:
    low = False
    everything = [each for found in tried.values() for each in found]
    for name, found, bound in [
        *((name, found, BOUNDS.get(name)) for name, found in sorted(tried.items())), ("all", everything, WHOLE_BOUND),
    ]:  # fmt: skip
        counted = [(m, dead) for m, dead in found if dead or (m.file, m.change) not in REASONS]
        score = 100 * sum(dead for _, dead in counted) / len(counted) if counted else 100.0
        low = low or (bound is not None and score < bound)
        print(f"{name:<22} {len(found):>5} mutants  {score:6.2f} % killed" + (f"  bound {bound} %" if bound else ""))
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
