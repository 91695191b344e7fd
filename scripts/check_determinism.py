"""Refuse what would make two runs differ.

In the stages, the domain and the backtest: walking a set, `hash()`, `id()`, `as_completed`, and directory listings that
are not sorted. In all of `src/chanflow`: time, chance, names and the environment taken from the system, except in the
modules that hand them out. Aliases are followed. Prints `path:line: message` and exits 1 if it finds any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

REPLAYED = ("access", "analyst", "backtest", "domain", "execution", "features", "market", "monitor", "review", "risk",
            "signals")  # fmt: skip
"""Folders of `src/chanflow` whose results must not depend on the machine."""

SOURCES = ("runtime/clock.py", "runtime/settings.py", "client/surroundings.py")
"""The modules that hand out time, chance, names and the environment; the client has its own."""

BANNED = {
    "time": "take a Clock (domain/time.py)",
    "asyncio.sleep": "take a Clock (domain/time.py)",
    "datetime.datetime.now": "take a Clock (domain/time.py)",
    "datetime.datetime.utcnow": "take a Clock (domain/time.py)",
    "datetime.datetime.today": "take a Clock (domain/time.py)",
    "datetime.date.today": "take a Clock (domain/time.py)",
    "uuid": "take Ids (domain/time.py)",
    "random": "take Randomness (domain/time.py)",
    "secrets": "take Randomness (domain/time.py)",
    "os.urandom": "take Randomness (domain/time.py)",
    "os.environ": "only runtime/settings.py reads the environment",
    "os.environb": "only runtime/settings.py reads the environment",
    "os.getenv": "only runtime/settings.py reads the environment",
    "os.getenvb": "only runtime/settings.py reads the environment",
}
"""Dotted names nobody else may use; a module's name stands for all it holds."""

ALLOWED = ("random.Random", "uuid.UUID", "uuid.uuid5", "uuid.NAMESPACE_")
"""Types and pure functions of banned modules. `random.Random` without a seed is refused all the same."""

SET_METHODS = ("union", "intersection", "difference", "symmetric_difference")
LISTINGS = ("glob", "iglob", "iterdir", "listdir", "rglob", "scandir")
WALKERS = ("enumerate", "filter", "iter", "list", "map", "reduce", "sum", "tuple", "zip")
ORDER_FREE = ("all", "any", "frozenset", "len", "max", "min", "set", "sorted")

Finding = tuple[int, str]


def system_sources(tree: ast.Module) -> Iterator[Finding]:
    """Yield the uses of the machine's time, chance, names and environment."""
    names = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                if reason := _reason(dotted):
                    yield node.lineno, f"{dotted}: {reason}"
        elif isinstance(node, ast.Attribute) and (reason := _reason(used := _dotted(node, names))):
            yield node.lineno, f"{used}: {reason}"
        elif isinstance(node, ast.Call) and _dotted(node.func, names) == "random.Random" and not node.args:
            yield node.lineno, f"random.Random without a seed: {BANNED['random']}"


def order_hazards(tree: ast.Module) -> Iterator[Finding]:
    """Yield what depends on hash seeds, addresses, the file system's order or the order of completion."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    sets = _SetNames(tree, parents)
    for node in ast.walk(tree):
        for walked in _walked_by(node, parents):
            if sets.holds(walked):
                yield walked.lineno, "walks a set, whose order is chance: sort it first"
        if isinstance(node, ast.Call):
            yield from _call_hazards(node, parents)
        if "as_completed" in (getattr(node, "id", None), getattr(node, "attr", None)):
            yield node.lineno, "as_completed: take results in the order they were asked for"  # type: ignore[attr-defined]


def check(root: Path) -> list[str]:
    """Return `path:line: message` for each finding below `root`/src/chanflow, sorted."""
    package = root / "src" / "chanflow"
    findings: list[tuple[str, int, str]] = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        shown = path.relative_to(root).as_posix()
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        except SyntaxError as fault:
            findings.append(
                (shown, fault.lineno or 1, f"no Python that {sys.version.partition(' ')[0]} reads: {fault.msg}")
            )
            continue
        if inside.as_posix() not in SOURCES:
            findings += [(shown, line, message) for line, message in system_sources(tree)]
        if inside.parts[0] in REPLAYED:
            findings += [(shown, line, message) for line, message in order_hazards(tree)]
    return [f"{shown}:{line}: {message}" for shown, line, message in sorted(set(findings))]


def _reason(dotted: str | None) -> str | None:
    if dotted is None or dotted.startswith(ALLOWED):
        return None
    return BANNED.get(dotted) or BANNED.get(dotted.partition(".")[0] if "." in dotted else "")


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, dotted from the top."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value, names)):
        return f"{owner}.{node.attr}"
    return None


def _called(node: ast.AST) -> str | None:
    """Return the last name of what a call calls."""
    if not isinstance(node, ast.Call):
        return None
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", None)


def _call_hazards(node: ast.Call, parents: dict[ast.AST, ast.AST]) -> Iterator[Finding]:
    name = _called(node)
    if name in ("hash", "id") and isinstance(node.func, ast.Name):
        yield node.lineno, f"{name}(): differs from process to process"
    if name in LISTINGS:
        above: ast.AST | None = node
        while above is not None and not isinstance(above, ast.stmt):
            if isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and above.func.id == "sorted":
                return
            above = parents.get(above)
        yield node.lineno, f"{name}() without sorted(): the file system's order is chance"


def _walked_by(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> list[ast.expr]:
    """Return the expressions that `node` walks in an order that can show."""
    match node:
        case ast.For() | ast.AsyncFor():
            return [node.iter]
        case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
            above = parents.get(node)
            if isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and above.func.id in ORDER_FREE:
                return []
            return [generator.iter for generator in node.generators]
        case ast.Starred() | ast.YieldFrom():
            return [node.value]
        case ast.Assign() if isinstance(node.targets[0], ast.Tuple | ast.List):
            return [node.value]
        case ast.Call(func=ast.Name(id=name)) if name in WALKERS:
            return list(node.args)
        case ast.Call(func=ast.Attribute(attr="join" | "extend" | "reduce" | "fromkeys")):
            return list(node.args)
        case ast.Call(func=ast.Attribute(attr="pop", value=value), args=[]):
            return [value]
    return []


class _SetNames:
    """Which names hold sets: by annotation or assignment, within their function, or as `self.…` within the module."""

    def __init__(self, tree: ast.Module, parents: dict[ast.AST, ast.AST]) -> None:
        self._parents = parents
        self._sets: set[tuple[ast.AST | None, str]] = set()
        others: set[tuple[ast.AST | None, str]] = set()
        for node in ast.walk(tree):
            match node:
                case ast.AnnAssign(target=target, annotation=annotation):
                    (self._sets if _says_set(annotation) else others).add(self._key(target))
                case ast.arg(arg=name, annotation=ast.expr() as annotation) if _says_set(annotation):
                    self._sets.add((self._function(node), name))
                case ast.Assign(targets=targets, value=value):
                    keys = {self._key(target) for target in targets}
                    (self._sets if self.holds(value) else others).update(keys)
        self._sets -= others

    def holds(self, node: ast.expr) -> bool:
        """Return whether `node` is surely a set."""
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id="set" | "frozenset")):
                return True
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in SET_METHODS:
                return self.holds(owner)
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return self.holds(left) or self.holds(right)
            case ast.IfExp(body=body, orelse=orelse):
                return self.holds(body) or self.holds(orelse)
            case ast.Name() | ast.Attribute():
                return self._key(node) in self._sets or (None, ast.unparse(node)) in self._sets
        return False

    def _key(self, node: ast.expr) -> tuple[ast.AST | None, str]:
        return (self._function(node) if isinstance(node, ast.Name) else None, ast.unparse(node))

    def _function(self, node: ast.AST) -> ast.AST | None:
        above = self._parents.get(node)
        while above is not None and not isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            above = self._parents.get(above)
        return above


def _says_set(annotation: ast.expr) -> bool:
    named = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return ast.unparse(named).rpartition(".")[2] in ("set", "frozenset", "Set", "AbstractSet", "FrozenSet")


def main(arguments: list[str]) -> int:
    """Check the repository, or the directory named; return 1 if there was a finding."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    findings = check(root)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
