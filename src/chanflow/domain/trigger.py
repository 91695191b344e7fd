"""Triggers: one-shot conditions that code watches over a position, so that nobody need look all the time.

A kind says what is watched, its params say how far. `Trigger` checks them against their bounds, in this one place,
however it was made. Times are Unix ns of the market's clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast, get_args
from uuid import NAMESPACE_OID, uuid5

from chanflow.domain.errors import OpinionInvalid
from chanflow.domain.time import parse_rfc3339
from chanflow.domain.trigger_bounds import (
    BOUNDS,
    MAX_ID_CHARS,
    MAX_NS,
    Bound,
    Channel,
    Comparison,
    Direction,
    FinalState,
    FlowField,
    StructureEvent,
    TriggerKind,
)

MAX_DRAFTED = 12
"""So many triggers one proposal may ask for."""
MAX_NOTE_CHARS = 120
MAX_PRIORITY = 2
_MAX_DIGITS = 40


@dataclass(frozen=True, slots=True)
class PriceCross:
    """The last trade crosses `price`; a gap across it counts. Price in quote."""

    price: Decimal
    direction: Direction


@dataclass(frozen=True, slots=True)
class PriceMove:
    """The price is `frac` of itself away from where it stood within the last `window_s` seconds, up or down."""

    frac: float
    window_s: int


@dataclass(frozen=True, slots=True)
class MarkDistanceToStop:
    """The mark is nearer to the stop than `r` times the risk that the position began with."""

    r: float


@dataclass(frozen=True, slots=True)
class ProfitGiveback:
    """The profit has stood at `peak_r` times the risk or more, and `giveback_frac` of its peak is gone."""

    peak_r: float
    giveback_frac: float


@dataclass(frozen=True, slots=True)
class StructureChange:
    """The structure engine emits `event` at `level`; for points, of `type` where one is named."""

    level: str
    event: StructureEvent
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Divergence:
    """A divergence (背驰) of `channel` is detected: the moment of detection counts, not that of the pivot."""

    channel: Channel
    kind: Literal["bull", "bear"]


@dataclass(frozen=True, slots=True)
class FlowHolds:
    """`field` is beyond `value` for `bars` flow bins in a row."""

    field: FlowField
    op: Comparison
    value: float
    bars: int


@dataclass(frozen=True, slots=True)
class SpreadBeyond:
    """The spread of the best quotes, in bps of their middle, is beyond `value`."""

    op: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class VolatilityRatio:
    """Volatility is at least `ratio` times what it was when the trigger was armed."""

    ratio: float


@dataclass(frozen=True, slots=True)
class FundingBeyond:
    """The funding rate, as a share of the position's value, is beyond `value`."""

    op: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class TimeAt:
    """The clock reaches `at_ns`."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class PositionAge:
    """The position has stood for `seconds`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class CandleClose:
    """A candle of `level` closes after the trigger was armed."""

    level: str


@dataclass(frozen=True, slots=True)
class OrderReaches:
    """The order `client_order_id` comes to `state`."""

    client_order_id: str
    state: FinalState


@dataclass(frozen=True, slots=True)
class DataStale:
    """The symbol's last quote is older than `max_age_ms`."""

    max_age_ms: int


@dataclass(frozen=True, slots=True)
class ProtectiveMissing:
    """The position stands without a protective order at the venue."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The account's equity is `frac` or more below its high water."""

    frac: float


Params = (
    PriceCross | PriceMove | MarkDistanceToStop | ProfitGiveback | StructureChange | Divergence | FlowHolds
    | SpreadBeyond | VolatilityRatio | FundingBeyond | TimeAt | PositionAge | CandleClose | OrderReaches | DataStale
    | ProtectiveMissing | Drawdown
)  # fmt: skip

PARAMS: Mapping[TriggerKind, type[Params]] = dict(zip(get_args(TriggerKind), get_args(Params), strict=True))
"""The params of each kind."""

SAFETY_KINDS: frozenset[TriggerKind] = frozenset({"data_stale", "protective_missing", "drawdown"})
"""Kinds that the guardian is told of as well."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A one-shot condition on a position; it is forgotten after `expires_ns`. A higher `priority` is looked at first.

    Raises OpinionInvalid, naming value and bound, for anything that is not one.
    """

    trigger_id: str
    kind: TriggerKind
    params: Params
    expires_ns: int
    note: str
    priority: int = 1

    def __post_init__(self) -> None:
        _check_text("trigger_id", self.trigger_id, MAX_ID_CHARS, least=1)
        where = f"trigger {self.trigger_id}"
        _known_kind(where, self.kind)
        if type(self.params) is not PARAMS[self.kind]:
            raise OpinionInvalid(f"{where}: params of {self.kind} are {PARAMS[self.kind].__name__}")
        for name, bound in BOUNDS[self.kind].items():
            _check(f"{where}: {self.kind}.{name}", getattr(self.params, name), bound)
        if isinstance(self.params, StructureChange) and self.params.type and not self.params.event.startswith("point"):
            raise OpinionInvalid(f"{where}: structure_event.type is {self.params.type!r}, only points have a type")
        _check(f"{where}: expires_ns", self.expires_ns, Bound(int, 1, MAX_NS))
        _check(f"{where}: priority", self.priority, Bound(int, 0, MAX_PRIORITY))
        _check_text(f"{where}: note", self.note, MAX_NOTE_CHARS, least=0)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> dict[str, Any]:
        """Let whoever reads messages with pydantic read a trigger by `trigger_of`, which is stricter."""
        return {"type": "function-plain", "function": {"type": "no-info", "function": trigger_of}}


def trigger_of(payload: Any) -> Trigger:
    """Return the trigger that a message or journal spells. Raises OpinionInvalid, also for unknown fields."""
    if isinstance(payload, Trigger):
        return payload
    given = _object("a trigger", payload, required=("trigger_id", "kind", "params", "expires_ns", "note", "priority"))
    where = f"trigger {_shown(given['trigger_id'])}"
    return Trigger(
        given["trigger_id"], given["kind"], _params(where, given["kind"], given["params"]), given["expires_ns"],
        given["note"], given["priority"],
    )  # fmt: skip


def drafted(drafts: Any, *, decision_id: str) -> tuple[Trigger, ...]:
    """Return the triggers that an analyst drafted: `{kind, params, expires_at, note, priority?}`, times as RFC 3339.

    Their ids follow from the decision. One that is wrong voids them all: raises OpinionInvalid, saying which and why.
    """
    if isinstance(drafts, str | Mapping) or not isinstance(drafts, Sequence):
        raise OpinionInvalid("monitoring_triggers must be a list")
    if len(drafts) > MAX_DRAFTED:
        raise OpinionInvalid(f"there are {len(drafts)} monitoring_triggers, at most {MAX_DRAFTED} are allowed")
    names = [str(uuid5(NAMESPACE_OID, f"trigger:{decision_id}:{i}")) for i in range(len(drafts))]
    return tuple(_drafted(f"monitoring_triggers[{i}]", draft, names[i]) for i, draft in enumerate(drafts))


def _drafted(where: str, draft: Any, trigger_id: str) -> Trigger:
    given = _object(where, draft, required=("kind", "params", "expires_at", "note"), optional=("priority",))
    params = given["params"]
    if given["kind"] == "time_at":
        at = _object(f"{where}: params of time_at", params, required=("at",))["at"]
        params = {"at_ns": _time(f"{where}: time_at.at", at)}
    try:
        return Trigger(
            trigger_id, given["kind"], _params(where, given["kind"], params),
            _time(f"{where}: expires_at", given["expires_at"]), given["note"], given.get("priority", 1),
        )  # fmt: skip
    except OpinionInvalid as error:
        raise OpinionInvalid(str(error).replace(f"trigger {trigger_id}", where, 1)) from None


def _known_kind(where: str, kind: Any) -> TriggerKind:
    if not isinstance(kind, str) or kind not in PARAMS:
        raise OpinionInvalid(f"{where}: kind is {_shown(kind)}, it must be one of {' '.join(PARAMS)}")
    return cast("TriggerKind", kind)


def _params(where: str, kind: Any, given: Any) -> Params:
    of_kind = _known_kind(where, kind)
    wanted = BOUNDS[of_kind]
    needed = [name for name, bound in wanted.items() if not bound.optional]
    found = _object(f"{where}: params of {kind}", given, required=needed, optional=tuple(wanted))
    read = {name: _read(value, wanted[name]) for name, value in found.items()}
    return PARAMS[of_kind](**read)


def _read(value: Any, bound: Bound) -> Any:
    """Return a number in its own type; anything else stays as it is, for the check to refuse."""
    if bound.number is Decimal and isinstance(value, str) and len(value) <= _MAX_DIGITS:
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    if bound.number is float and type(value) is int:
        return float(value) if abs(value) < MAX_NS else math.inf
    return value


def _check(where: str, value: Any, bound: Bound) -> None:
    if value is None and bound.optional:
        return
    if bound.choices:
        if value not in bound.choices:
            raise OpinionInvalid(f"{where} is {_shown(value)}, it must be {bound}")
    elif bound.number is None:
        _check_text(where, value, MAX_ID_CHARS, least=1)
    elif type(value) is not bound.number:
        words = {int: "a whole number", float: "a number", Decimal: "a decimal number written as text"}
        raise OpinionInvalid(f"{where} is {_shown(value)}, it must be {words[bound.number]} {bound}")
    elif not _finite(value) or not bound.low <= value <= bound.high or (bound.above and value == bound.low):
        raise OpinionInvalid(f"{where} is {_shown(value)}, it must be {bound}")


def _finite(value: float | Decimal) -> bool:
    return value.is_finite() if isinstance(value, Decimal) else isinstance(value, int) or math.isfinite(value)


def _check_text(where: str, value: Any, most: int, *, least: int) -> None:
    if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
        raise OpinionInvalid(f"{where} is {_shown(value)}, it must be {least} to {most} printable characters")


def _object(where: str, given: Any, *, required: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise OpinionInvalid(f"{where} must be an object with {', '.join(required) or 'no fields'}")
    missing = [name for name in required if name not in given]
    if missing:
        raise OpinionInvalid(f"{where} lacks {missing[0]!r}")
    unknown = sorted(str(name) for name in given if name not in required and name not in optional)
    if unknown:
        raise OpinionInvalid(f"{where} has no field {_shown(unknown[0])}")
    return given


def _time(where: str, value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_rfc3339(value)
        except (ValueError, OverflowError):
            pass
    raise OpinionInvalid(f"{where} is {_shown(value)}, it must be an RFC 3339 time such as 2026-11-21T12:00:00Z")


def _shown(value: Any) -> str:
    """Return a value as a message may show it: short, whatever it is."""
    try:
        text = repr(value)
    except ValueError:
        return "a number too long to show"
    return text if len(text) <= 60 else text[:57] + "..."
