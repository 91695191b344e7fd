"""What an analyst may look up while it thinks: the desk's own reading operations, as they stood at its question.

Every call goes through `Catalogue.execute`, as everyone's does, under a principal that may only read. Operations that
take a moment are held to the question's; of all answers, rows known later are dropped and told to whoever journals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.evidence import short_time
from chanflow.domain.point_in_time import FutureRow, known_by
from chanflow.domain.question import ToolResult, ToolSpec
from chanflow.domain.time import parse_rfc3339
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Failed, Outcome, body_of, compact_json, failure
from chanflow.operations.principal import Door, Principal
from chanflow.operations.schema import input_schema
from chanflow.operations.tool_parts import part_of
from chanflow.operations.tool_rows import OUTLETS, PINNED, Moment, Rows, Told, ToolRow, latest_ns

DOOR: Door = "rest"
"""The door whose operations an analyst has: those for programs."""

READ_SCOPES = frozenset({"market:read", "analysis:read", "account:read"})

ANALYST = Principal(
    kind="service", id="analyst", user_id=None, plan="enterprise", roles=("agent",), scopes=READ_SCOPES
)  # fmt: skip
"""As whom an analyst asks."""

MORE = "read_more"
_MORE_SPEC = ToolSpec(
    MORE,
    "The rest of an answer that was cut, by its handle.",
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {"handle": {"type": "string"}},
        "required": ["handle"],
    },
)


def tool_specs(catalogue: Catalogue, tools: Sequence[str]) -> tuple[ToolSpec, ...]:
    """Return the tools of these names as a model is told of them, and the one that reads on.

    Raises SettingsInvalid for a name that is none, or one that does more than read.
    """
    specs = tuple(
        ToolSpec(operation.name, operation.doc_en, input_schema(operation))
        for operation in (_readable(catalogue, name) for name in tools)
    )
    return (*specs, _MORE_SPEC) if specs else ()


class DeskToolbox:
    """The tools of one question; a `Toolbox`."""

    def __init__(
        self,
        catalogue: Catalogue,
        tools: Sequence[str],
        *,
        symbol: str,
        as_of_ns: int,
        on_future: Callable[[FutureRow], None],
    ) -> None:
        """Serve a question about `symbol`; `on_future` hears of each row that was not known. Raises SettingsInvalid."""
        self._specs = tool_specs(catalogue, tools)
        self._catalogue = catalogue
        self._moment = Moment(symbol, as_of_ns)
        self._on_future = on_future
        self._rest: dict[str, tuple[Told, int]] = {}

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools in the order of the setting."""
        return self._specs

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        """Return what a tool gives. Raises InvalidArgument for arguments it does not take or a name it has not."""
        if name not in (spec.name for spec in self._specs):
            known = ", ".join(spec.name for spec in self._specs) or "none"
            raise InvalidArgument(f"there is no tool of that name, there are: {known}", field="name")
        if name == MORE:
            return self._more(args)
        outcome = await self._catalogue.execute(
            ANALYST, name, self._pinned(name, args), door=DOOR, request_id=self._catalogue.new_request_id()
        )
        if isinstance(outcome, Failed):
            return _failed(outcome)
        return self._told(name, outcome)

    def _pinned(self, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the moment held to the question's; an earlier one that is asked for stays."""
        field = PINNED.get(name)
        if field is None:
            return dict(args)
        asked = args.get(field)
        if asked is not None and not _later(asked, self._moment.as_of_ns):
            return dict(args)
        return {**args, field: short_time(self._moment.as_of_ns)}

    def _told(self, name: str, outcome: Outcome) -> ToolResult:
        told = OUTLETS[name](body_of(outcome), self._moment)
        if max(told.known_ns, latest_ns(told.head)) > self._moment.as_of_ns:
            self._on_future(FutureRow(name, name, max(told.known_ns, latest_ns(told.head)), self._moment.as_of_ns))
            return _refused()
        lists = tuple(self._known(name, part) for part in told.lists)
        left_out = sum(len(part.rows) for part in told.lists) - sum(len(part.rows) for part in lists)
        return self._part(replace(told, lists=lists), left_out)

    def _known(self, name: str, part: Rows) -> Rows:
        """Return a list without rows from the question's future; a bar that was merely open is no fault."""
        dated = [_Dated(row, f"{part.name}[{at}]") for at, row in enumerate(part.rows) if not row.open]
        kept, future = known_by(dated, self._moment.as_of_ns, outlet=name)
        for fault in future:
            self._on_future(fault)
        return replace(part, rows=tuple(each.row for each in kept))

    def _part(self, told: Told, left_out: int) -> ToolResult:
        handle = f"more-{len(self._rest) + 1}"
        part = part_of(told, left_out=left_out, handle=handle)
        if part.rest is not None:
            self._rest[handle] = (part.rest, left_out)
        return ToolResult(part.text, part.refs, part.known_ns or None)

    def _more(self, args: Mapping[str, Any]) -> ToolResult:
        handle = args.get("handle")
        if set(args) != {"handle"} or not isinstance(handle, str) or handle not in self._rest:
            known = ", ".join(self._rest) or "none yet"
            raise InvalidArgument(f"read_more takes a handle that an answer gave; there are: {known}", field="handle")
        return self._part(*self._rest[handle])


class _Dated:
    """A row with the moment it was known by its outlet, or by any time that stands in it, whichever is later."""

    def __init__(self, row: ToolRow, place: str) -> None:
        self.row = row
        self.ref = row.refs[0] if row.refs else place
        self.known_ns = max(row.known_ns, latest_ns(row.shown))


def _readable(catalogue: Catalogue, name: str) -> AnyOperation:
    operation = catalogue.get(name, DOOR)
    if operation is None or name not in OUTLETS:
        raise SettingsInvalid(f"there is no tool {name!r} for an analyst, there are: {', '.join(OUTLETS)}")
    if not operation.hints.read_only or operation.scope not in READ_SCOPES:
        raise SettingsInvalid(f"the tool {name!r} does more than read, so no analyst may have it")
    return operation


def _later(asked: object, as_of_ns: int) -> bool:
    """Return whether a moment asked for is after the question's; what is no moment is the operation's to refuse."""
    try:
        return isinstance(asked, str) and parse_rfc3339(asked) > as_of_ns
    except (ValueError, OverflowError):
        return False


def _failed(outcome: Failed) -> ToolResult:
    """Return a failure as a model sees it. Raises InvalidArgument where other arguments would help."""
    error = outcome.error
    if error.code == "invalid_argument":
        raise InvalidArgument(error.message, field=error.field)
    body = {"error": {"code": error.code, "message": error.message, "suggestion": error.suggestion}}
    return ToolResult(compact_json(body), failed=True)


def _refused() -> ToolResult:
    message = "the answer was not known yet at the moment of the question; the briefing has what was"
    return _failed(failure("data_stale", "", message))
