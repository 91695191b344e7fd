"""A plan: the operations that answer a person's question, which of them wait for which, and what flows between them.

A step's arguments may refer to an earlier step's result: `$points.points.symbol[:100]` is the distinct `symbol` of each
row of `points` in the result of the step `points`, the first hundred of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.prompt import Language

Agent = Literal["analysis", "learner", "monitor", "account"]
MAX_STEPS = 8
MAX_LIST = 500
"""No reference hands on a longer list."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an operation, made when the steps in `after` have ended."""

    id: str
    agent: Agent
    operation: str
    args: Mapping[str, Any]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which they may run. `intent` names what was understood, `notes` what was assumed.

    Raises InvalidArgument for no or more than 8 steps, a name used twice, and a step that waits for, or refers to, one
    that does not come before it.
    """

    intent: str
    language: Language
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= MAX_STEPS:
            raise InvalidArgument(f"a plan has {len(self.steps)} steps, allowed are 1 to {MAX_STEPS}", field="steps")
        before: set[str] = set()
        for step in self.steps:
            if step.id in before or not step.id.isidentifier():
                raise InvalidArgument(f"step {step.id[:40]!r} needs a name of its own", field="steps")
            for name in (*step.after, *(reference.step for reference in references(step.args))):
                if name not in before:
                    raise InvalidArgument(f"step {step.id} waits for {name[:40]!r}, which is no step before it",
                                          field="steps")  # fmt: skip
            before.add(step.id)

    def waits_for(self, step: Step) -> frozenset[str]:
        """Return the steps that must have ended before `step`: those named, and those it takes values from."""
        return frozenset(step.after) | {reference.step for reference in references(step.args)}


@dataclass(frozen=True, slots=True)
class Reference:
    """A value of an earlier result: its step, the fields that lead to it, and how many of a list; None for all."""

    step: str
    path: tuple[str, ...]
    limit: int | None = None

    @property
    def text(self) -> str:
        """The reference as it is written."""
        return f"${self.step}.{'.'.join(self.path)}" + ("" if self.limit is None else f"[:{self.limit}]")


def read_reference(text: str) -> Reference | None:
    """Return the reference that a text spells, or None for plain text. Raises InvalidArgument for a broken one."""
    if not text.startswith("$"):
        return None
    body, bracket, tail = text[1:].partition("[:")
    limit: int | None = None
    if bracket:
        if not tail.endswith("]") or not tail[:-1].isdecimal():
            raise InvalidArgument(f"{text[:60]!r} is no reference: a list is cut as [:100]", field="args")
        limit = min(int(tail[:-1]), MAX_LIST)
    step, *path = body.split(".")
    if not path or not all(part.isidentifier() for part in (step, *path)):
        raise InvalidArgument(f"{text[:60]!r} is no reference: it is written $step.field.field", field="args")
    return Reference(step, tuple(path), limit)


def references(args: Any) -> Iterator[Reference]:
    """Yield every reference in a step's arguments."""
    match args:
        case str():
            found = read_reference(args)
            if found is not None:
                yield found
        case Mapping():
            for value in args.values():
                yield from references(value)
        case list() | tuple():
            for value in args:
                yield from references(value)


@dataclass(frozen=True, slots=True)
class Filled:
    """Arguments with every reference replaced, and what was cut from lists on the way, in words for a person."""

    args: Any
    cuts: tuple[str, ...]


def fill(args: Any, results: Mapping[str, Any]) -> Filled:
    """Return `args` with references replaced by values of `results`, the JSON bodies of steps that ended well.

    Raises InvalidArgument naming a reference whose step has no result or no such field.
    """
    cuts: list[str] = []
    return Filled(_filled(args, results, cuts), tuple(cuts))


def _filled(args: Any, results: Mapping[str, Any], cuts: list[str]) -> Any:
    match args:
        case str():
            reference = read_reference(args)
            return args if reference is None else look_up(reference, results, cuts)
        case Mapping():
            return {name: _filled(value, results, cuts) for name, value in args.items()}
        case list() | tuple():
            return [_filled(value, results, cuts) for value in args]
    return args


def look_up(reference: Reference, results: Mapping[str, Any], cuts: list[str]) -> Any:
    """Return the value of a reference; of lists each row's, distinct and in order. Raises InvalidArgument."""
    if reference.step not in results:
        raise InvalidArgument(f"{reference.text} has no value: step {reference.step} gave no result", field="args")
    value = results[reference.step]
    for name in reference.path:
        value = _field(value, name, reference)
    if not isinstance(value, list):
        return value
    distinct: list[Any] = []
    for each in value:
        if each not in distinct:
            distinct.append(each)
    cap = MAX_LIST if reference.limit is None else reference.limit
    if len(distinct) > cap:
        cuts.append(f"{reference.text}: {cap} of {len(distinct)}")
    return distinct[:cap]


def _field(value: Any, name: str, reference: Reference) -> Any:
    if isinstance(value, list):
        return [_field(each, name, reference) for each in value]
    if not isinstance(value, Mapping) or name not in value:
        raise InvalidArgument(f"{reference.text} has no value: there is no field {name[:40]}", field="args")
    return value[name]


def steps_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Return the steps that JSON rows spell. Raises InvalidArgument for a row that is none."""
    steps = []
    for row in rows:
        agent, after = row.get("agent", "analysis"), row.get("after", [])
        args, name, operation = row.get("args", {}), row.get("id"), row.get("operation")
        if (
            agent not in ("analysis", "learner", "monitor", "account") or not isinstance(args, Mapping)
            or not isinstance(name, str) or not isinstance(operation, str) or not isinstance(after, list)
            or not all(isinstance(each, str) for each in after)
        ):  # fmt: skip
            raise InvalidArgument("a step has id, agent, operation, args and after", field="steps")
        steps.append(Step(name, agent, operation, args, tuple(after)))
    return tuple(steps)
