"""Spoil the risk room one small way at a time, and see whether its tests notice.

    .venv/bin/python scripts/mutation_risk.py [--only ladder.py,constraints] [--results FILE] [--write] [--list]

Which tests run which lines is found first, by running them all once. Then each mutant lives in a child process: the
code of its function is put in the place of the sound one, and the tests that ran it are run, those that ran the very
line first, the quickest first. A constant of a module is given its other value wherever it was imported, a default of a
field or an argument where it is kept, and all tests are run, those of the file first. A test that fails kills the
mutant, and so does a child that takes over a minute. Properties are tried on few cases.

Survivors are printed with their line, and their reason where `REASONS` has one: a change that cannot be told from
outside, which does not count. The exit code is 1 where a score is below its bound. `--results` keeps what was found by
file, and a file whose source and tests are as they were is not tried again; `--write` puts the table into
docs/mutants.md.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol

from same_from_outside import REASONS
from spoiling import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent
RISK = ROOT / "src" / "chanflow" / "risk"
TESTS = ROOT / "tests" / "unit" / "risk"
PROPERTIES = ROOT / "tests" / "property" / "risk"
PAGE = ROOT / "docs" / "mutants.md"
TIMEOUT_S = 60
CASES = 20
"""How often a property is tried on a mutant."""

BOUNDS = {"constraints": 100.0, "ladder.py": 100.0}
WHOLE_BOUND = 95.0

NEAREST: dict[str, tuple[str, ...]] = {
    "constraints": ("test_constraints.py",), "ladder.py": ("test_ladder.py",), "record.py": ("test_record.py",),
    "loss_wall.py": ("test_loss_wall.py",), "mode.py": ("test_mode_and_halt.py",),
    "halt.py": ("test_mode_and_halt.py",), "verdict.py": ("test_verdict.py",),
    "guardian.py": ("test_guardian.py",), "guardian_alerts.py": ("test_guardian.py",), "sizing.py": ("test_sizing.py",),
    "projection.py": ("test_projection.py",), "volatility.py": ("test_volatility.py",),
    "approvals.py": ("test_approvals.py",), "dry_run.py": ("test_dry_run.py",), "limits.py": ("test_constraints.py",),
}  # fmt: skip
"""Which tests are tried first where no function tells which ran it."""

PLUGINS = ("no:cacheprovider", "no:randomly", "no:xdist", "no:timeout", "no:socket", "no:asyncio")
ARGUMENTS = [
    "-x", "-q", "--no-header", "-c", os.devnull, "--rootdir", str(ROOT), "--import-mode=importlib", "--noconftest",
    "--disable-warnings",
    *(part for name in PLUGINS for part in ("-p", name)),
]  # fmt: skip


def _child(work: Any) -> bool:
    """Return whether `work`, called in a child process, gives True; also where the child dies or takes too long."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(TIMEOUT_S)
        code = 1
        try:
            code = int(work())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status != 0


class Room:
    """A pytest plugin: instead of running the tests once, it runs those that matter on each mutant."""

    def __init__(self, wanted: list[Mutant]) -> None:
        self._wanted = wanted
        self.killed: list[bool] = []
        self._items: list[pytest.Item] = []
        self._ran: dict[str, dict[tuple[str, int], set[int]]] = {}
        """By test: the lines that it ran, by function."""
        self._took: dict[str, float] = {}
        self._functions: dict[tuple[str, str, int], list[FunctionType]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every test once to see what it runs, then the mutants."""
        self._items = session.items
        few = hypothesis.settings(max_examples=CASES, deadline=None, database=None, derandomize=True,
                                  suppress_health_check=list(hypothesis.HealthCheck))  # fmt: skip
        for item in self._items:
            sound: Any = getattr(item, "obj", None)
            if hasattr(sound, "_hypothesis_internal_use_settings"):
                sound._hypothesis_internal_use_settings = few  # noqa: SLF001 - what the decorator itself writes
        for item in self._items:
            if not self._watch(item):
                raise pytest.UsageError(f"{item.nodeid} fails on the code as it is: nothing can be learnt from mutants")
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(str(RISK)):
                code = each.__code__
                self._functions.setdefault((code.co_filename, code.co_name, code.co_firstlineno), []).append(each)
        gc.freeze()
        for mutant in self._wanted:
            self.killed.append(self._fails(mutant))
            _tell(mutant, dead=self.killed[-1])
        return True

    def _watch(self, item: pytest.Item) -> bool:
        ran: dict[tuple[str, int], set[int]] = {}
        room = str(RISK)
        # A property is run last in any case; which lines it ran is not worth the time.
        by_line = not hasattr(getattr(item, "obj", None), "hypothesis")

        def enter(frame: FrameType, event: str, arg: Any) -> Any:
            del event, arg
            code = frame.f_code
            if not code.co_filename.startswith(room):
                return None
            lines = ran.setdefault((code.co_filename, code.co_firstlineno), set())
            if not by_line:
                return None

            def step(frame: FrameType, event: str, arg: Any) -> Any:
                del event, arg
                lines.add(frame.f_lineno)
                return step

            return step

        began = time.perf_counter()
        sys.settrace(enter)
        try:
            reports = runtestprotocol(item, nextitem=None, log=False)
        finally:
            sys.settrace(None)
        self._ran[item.nodeid], self._took[item.nodeid] = ran, time.perf_counter() - began
        return not any(report.failed for report in reports)

    def _fails(self, mutant: Mutant) -> bool:
        where = str(RISK / mutant.file)
        nearest = NEAREST.get(mutant.file.split("/", maxsplit=1)[0], ("test_gate.py",))
        tests = []
        for item in self._items:
            if mutant.function is None:
                tests.append((item.path.name not in nearest, self._took[item.nodeid], item.nodeid, item))
                continue
            lines = self._ran[item.nodeid].get((where, mutant.function[1]))
            if lines is not None:
                tests.append((mutant.line not in lines, self._took[item.nodeid], item.nodeid, item))
        tests.sort(key=lambda each: each[:3])

        def work() -> bool:
            self._put(mutant)
            return any(r.failed for *_, item in tests for r in runtestprotocol(item, nextitem=None, log=False))

        return bool(tests) and _child(work)

    def _put(self, mutant: Mutant) -> None:
        """Put what is spoilt in the place of what is sound."""
        where = str(RISK / mutant.file)
        if mutant.function is not None:
            code = _code_of(compile(mutant.tree, where, "exec"), *mutant.function)
            for function in self._functions.get((where, *mutant.function), []):
                function.__code__ = code
            return
        assert mutant.statement is not None
        dotted = f"chanflow.risk.{mutant.file.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")
        sound = vars(sys.modules[dotted])
        after = dict(sound)
        exec(compile(ast.Module(_with_dependants(mutant.statement, mutant.tree), []), where, "exec"), after)
        for name, before in sound.items():
            if after[name] is before:
                continue
            if isinstance(before, FunctionType | type):
                _put_defaults(before, after[name])
                continue
            for module in list(sys.modules.values()):
                if getattr(module, "__dict__", {}).get(name) is before:
                    setattr(module, name, after[name])


def _with_dependants(statement: ast.stmt, tree: ast.Module) -> list[ast.stmt]:
    """Return a statement and the later assignments of its module that are made of what it assigns."""
    found, names = [statement], _assigned(statement)
    for later in tree.body[tree.body.index(statement) + 1 :]:
        used = {node.id for node in ast.walk(later) if isinstance(node, ast.Name)}
        if isinstance(later, ast.Assign | ast.AnnAssign) and used & names:
            found.append(later)
            names |= _assigned(later)
    return found


def _assigned(statement: ast.stmt) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _put_defaults(sound: Any, spoilt: Any) -> None:
    """Give a function, or the functions and fields of a class, the defaults of another."""
    if isinstance(sound, FunctionType):
        sound.__defaults__, sound.__kwdefaults__ = spoilt.__defaults__, spoilt.__kwdefaults__
        return
    for name, each in vars(sound).items():
        if isinstance(each, FunctionType):
            _put_defaults(each, vars(spoilt)[name])
    for name, field in getattr(sound, "__dataclass_fields__", {}).items():
        field.default = spoilt.__dataclass_fields__[name].default


def _code_of(code: CodeType, name: str, first: int) -> CodeType:
    """Return the code of a function out of its module's; raises LookupError where it is not there."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if (each.co_name, each.co_firstlineno) == (name, first):
                return each
            try:
                return _code_of(each, name, first)
            except LookupError:
                continue
    raise LookupError(name)


def _tell(mutant: Mutant, *, dead: bool) -> None:
    if not dead:
        reason = REASONS.get((mutant.file, mutant.text, mutant.change))
        print(
            f"survived {mutant.file}:{mutant.line}: {mutant.change}" + (f"  [{reason}]" if reason else ""), flush=True
        )


def try_all(wanted: list[Mutant]) -> list[bool]:
    """Return of each mutant whether it was killed. Raises RuntimeError where the tests fail on sound code."""
    room = Room(wanted)
    files = [
        *sorted(TESTS.glob("test_*.py")), PROPERTIES / "test_gate_invariants.py", PROPERTIES / "test_risk_states.py",
    ]  # fmt: skip
    if wanted and pytest.main([*ARGUMENTS, *map(str, files)], plugins=[room]) != 0:
        raise RuntimeError("the tests could not be run on the code as it is")
    return room.killed


def _wanted(only: str) -> list[Path]:
    found = sorted(RISK.rglob("*.py"))
    parts = [part for part in only.split(",") if part]
    return [p for p in found if not parts or any(part in p.relative_to(RISK).as_posix() for part in parts)]


def _print_of(path: Path) -> str:
    """Return what a file's result hangs on: its source and every test."""
    tests = (*sorted(TESTS.glob("*.py")), *sorted(PROPERTIES.glob("*.py")), *sorted(ROOT.glob("tests/support/*.py")))
    return hashlib.sha256(b"".join(p.read_bytes() for p in (path, *tests))).hexdigest()


def main() -> int:
    """Print the score of each file with its survivors; 1 where one is below its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of file names, with commas between")
    parser.add_argument("--results", type=Path, help="where to keep what was found, and to go on from")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md; all files must be tried")
    parser.add_argument("--list", action="store_true", help="say what would be tried, and stop")
    given = parser.parse_args()
    paths = _wanted(given.only)
    of_file = {p.relative_to(RISK).as_posix(): list(mutants(p, RISK)) for p in paths}
    if given.list:
        for mutant in (each for found in of_file.values() for each in found):
            print(f"{mutant.file}:{mutant.line}: {mutant.change}")
        return 0
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "support")]
    known: dict[str, Any] = {}
    if given.results and given.results.exists():
        known = json.loads(given.results.read_text("utf-8"))
    prints = {p.relative_to(RISK).as_posix(): _print_of(p) for p in paths}
    fresh = [name for name in of_file if known.get(name, {}).get("print") != prints[name]]
    told = try_all([mutant for name in fresh for mutant in of_file[name]])
    at = iter(told)
    for name in fresh:
        survivors = [[m.line, m.text, m.change] for m in of_file[name] if not next(at)]
        known[name] = {"print": prints[name], "tried": len(of_file[name]), "survivors": survivors}
    if given.results:
        given.results.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    table, low = _table({name: known[name] for name in of_file if known[name]["tried"]})
    print(table)
    if given.write and not given.only:
        PAGE.write_text(_page(table, {name: known[name] for name in of_file}), "utf-8")
    return int(low)


def _table(found: dict[str, Any]) -> tuple[str, bool]:
    """Return the scores as a table, and whether one is below its bound."""
    low = False
    lines = ["| file | mutants | killed | the same from outside | score | bound |", "|---|---:|---:|---:|---:|---:|"]
    parts = {"all": list(found)}
    for name in found:
        parts.setdefault(name.split("/")[0], []).append(name)
    for part in (*sorted(set(parts) - {"all"}), "all"):
        tried = sum(found[name]["tried"] for name in parts[part])
        same = sum((name, *rest) in REASONS for name in parts[part] for _, *rest in found[name]["survivors"])
        alive = sum(len(found[name]["survivors"]) for name in parts[part])
        bound = WHOLE_BOUND if part == "all" else BOUNDS.get(part)
        score = 100 * (tried - alive) / (tried - same) if tried > same else 100.0
        low = low or (bound is not None and score < bound)
        least = "" if bound is None else f"{bound:g} %"
        lines.append(f"| {part} | {tried} | {tried - alive} | {same} | {score:.2f} % | {least} |")
    return "\n".join(lines), low


def _page(table: str, found: dict[str, Any]) -> str:
    """Return docs/mutants.md."""
    rows = [
        f"| {name} | {line} | `{change}` | {REASONS.get((name, text, change), 'no test tells it apart yet')} |"
        for name in found for line, text, change in found[name]["survivors"]
    ]  # fmt: skip
    return (
        "# Mutants of the risk room\n\n"
        "Made by `make mutants WRITE=1`; do not edit. A mutant changes one comparison, sign, bound, `and`, `not`,\n"
        "`min` or constant of `src/chanflow/risk/`, and is killed where a test of the room fails on it. What nothing\n"
        "tells apart from outside does not count; it stands below with its reason.\n\n"
        f"{table}\n\n## Survivors\n\n| file | line | change | why |\n|---|---:|---|---|\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
