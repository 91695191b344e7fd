"""How an operation is declared: once, for all doors."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from chanflow.operations.principal import Door, Principal
from chanflow.operations.services import Services

RateClass = Literal["read", "write", "heavy", "trade", "safety"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
_SEGMENT = r"/(?:[a-z-]+|\{[a-z_]+\})"
ALL_DOORS: frozenset[Door] = frozenset({"cli", "rest", "mcp", "ws"})


class Arguments(BaseModel):
    """Base of all inputs: unknown arguments are refused, and text is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """Base of all outputs. Every field is always present; what is not known is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)


InputT = TypeVar("InputT", bound=Arguments)
OutputT = TypeVar("OutputT", bound=Answer)


@dataclass(frozen=True, slots=True)
class Asked(Generic[InputT]):
    """One call as its handler sees it."""

    args: InputT
    principal: Principal
    services: Services
    request_id: str
    offered: Sequence[AnyOperation] = ()
    """All that the caller's door offers."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What an agent may assume before calling."""

    read_only: bool
    destructive: bool = False
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """A long answer in short: a line, the newest rows, and the cursor to the rest."""

    line: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A way to an operation over REST, below /api/v2.

    `path` may name arguments, as in `/alerts/{alert_id}`; `fixed` are those that the way itself says. GET and DELETE
    take the others from the query, the rest from a JSON body. `name` is its id in the API description.
    """

    method: Method
    path: str
    name: str
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        """The arguments that stand in the path."""
        return tuple(re.findall(r"\{([a-z_]+)\}", self.path))

    @property
    def queried(self) -> bool:
        """Whether arguments come from the query, not from a body."""
        return self.method in ("GET", "DELETE")


@dataclass(frozen=True, slots=True)
class Operation(Generic[InputT, OutputT]):
    """Something that may be asked of the desk.

    `plans` are the plans that have it, `charges` the cost per quota with the leading one first, `path` its own REST
    route below /api/v2. Raises ValueError when a part is missing that a door or the policy relies on.
    """

    name: str
    title: str
    doc_en: str
    doc_zh: str
    scope: str
    plans: frozenset[str]
    charges: Mapping[str, int]
    rate_class: RateClass
    input: type[InputT]
    output: type[OutputT]
    hints: Hints
    timeout_s: float
    path: str
    handler: Callable[[Asked[InputT]], Awaitable[OutputT]]
    digest: Callable[[OutputT], Digest]
    doors: frozenset[Door] = field(default=ALL_DOORS)
    costs_of: Callable[[InputT], Mapping[str, int]] | None = None
    """What a call costs where that depends on its arguments; `charges` is what the plainest one does."""
    keeps: Callable[[OutputT], bool] | None = None
    """Whether an answer may be kept under an idempotency key, as all may where it is None. A secret is not kept."""
    posted: bool = False
    """Whether its arguments are too much for a query string, although it only reads."""
    kept_for: Callable[[InputT], str | None] | None = None
    """The symbol on whose stored bars alone the answer rests, so that it may be kept; None where it may not."""
    verb: Method | None = None
    """The HTTP method of its own route, where GET for what reads and POST for the rest does not fit."""
    more_routes: tuple[Route, ...] = ()
    """Other ways to it over REST."""
    private: frozenset[str] = frozenset()
    """Arguments of which nothing is kept, not even a hash: passwords and codes."""
    before_notice: bool = False
    """Whether it may be called by who has yet to accept the notice."""

    def costs(self, args: InputT) -> Mapping[str, int]:
        """Return what a call with these arguments costs, per quota."""
        return self.charges if self.costs_of is None else self.costs_of(args)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every way to it over REST, its own first."""
        read = self.hints.read_only and not self.posted
        head, *tail = self.name.split("_")
        name = head + "".join(word.capitalize() for word in tail)
        return (Route(self.verb or ("GET" if read else "POST"), self.path, name), *self.more_routes)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z_]{2,40}", self.name):
            raise ValueError("an operation's name is snake_case, 3 to 41 letters")
        for part in ("title", "doc_en", "doc_zh", "plans", "doors"):
            if not getattr(self, part):
                raise ValueError(f"operation {self.name} has no {part}")
        if not re.fullmatch(r"[a-z]+:[a-z]+", self.scope):
            raise ValueError(f"operation {self.name} needs a scope such as market:read")
        if not _is_a(self.input, Arguments):
            raise ValueError(f"operation {self.name} needs an input model that descends from Arguments")
        if not _is_a(self.output, Answer):
            raise ValueError(f"operation {self.name} needs an output model that descends from Answer")
        for route in self.routes:
            if not re.fullmatch(f"({_SEGMENT})+", route.path):
                raise ValueError(f"operation {self.name} needs a path such as /market/klines")
            if unknown := {*route.named, *route.fixed} - set(self.input.model_fields):
                raise ValueError(f"operation {self.name} has a route with {', '.join(sorted(unknown))}, no argument")
        if self.timeout_s <= 0:
            raise ValueError(f"operation {self.name} has a timeout of {self.timeout_s} s, it must be positive")


AnyOperation = Operation[Any, Any]


def _is_a(model: object, base: type[BaseModel]) -> bool:
    return isinstance(model, type) and issubclass(model, base) and model is not base
