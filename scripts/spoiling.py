"""Mutants of a Python file: each changes one comparison, sign, bound, `and`, `not`, `min` or constant."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

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
    text: str
    """The source of that line."""
    change: str
    function: tuple[str, int] | None
    """Name and first line of the outermost function that it lies in; None where it runs as the module is imported."""
    statement: ast.stmt | None
    """Else: the assignment, class or function with a default, which alone is to be run again."""
    tree: ast.Module


def mutants(path: Path, root: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file, which is named from `root`."""
    source = path.read_text("utf-8")
    lines, count = source.splitlines(), sum(1 for _ in _sites(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        node, index = list(_sites(tree))[number]
        before = _words(node)
        function = next((where for where, parts in _bodies(tree) if id(node) in parts), None)
        alone = None
        if function is None:
            alone = next(s for s in tree.body if any(part is node for part in ast.walk(s)))
        _spoil(node, index)
        ast.fix_missing_locations(tree)
        change = f"{before} -> {_words(node)}"
        name, line = path.relative_to(root).as_posix(), getattr(node, "lineno", 0)
        yield Mutant(name, line, lines[line - 1].strip(), change, function, alone, tree)


def _bodies(tree: ast.Module) -> Iterator[tuple[tuple[str, int], set[int]]]:
    """Yield the outermost functions and methods, with the ids of the nodes that run when they are called."""
    owners: list[ast.Module | ast.ClassDef] = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for owner in owners:
        for node in owner.body:
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                yield (node.name, first), {id(part) for statement in node.body for part in ast.walk(statement)}


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
