"""Messages back into domain values: strict, and closed to unknown fields."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.order import Check, OrderTerms
from chanflow.domain.trigger import Trigger

T = TypeVar("T")


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def decode(kind: type[T], payload: Any) -> T:
    """Return the `kind` that a message's payload spells. Raises InvalidArgument naming the field, not its value."""
    from pydantic import ValidationError

    if is_dataclass(kind) and isinstance(payload, Mapping):
        unknown = sorted(payload.keys() - {f.name for f in fields(kind)})
        if unknown:
            raise InvalidArgument(f"{kind.__name__} has no field {unknown[0]!r}", field=unknown[0])
    try:
        value: T = _adapter(cast("Hashable", kind)).validate_python(payload)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidArgument(f"{getattr(kind, '__name__', kind)}.{where}: {first['msg']}", field=where) from error
    return value


def decode_approval(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an `ApprovedOrder` that a message carries; the gate checks that it signed them."""
    return {
        **{
            name: str(payload[name])
            for name in ("approved_id", "proposal_id", "decision_id", "strategy", "account", "venue", "limits_hash")
        },
        "terms": decode(OrderTerms, payload["terms"]),
        "triggers": decode(tuple[Trigger, ...], payload["triggers"]),
        "checks": decode(tuple[Check, ...], payload["checks"]),
        "clips": tuple(str(c) for c in payload["clips"]),
        "at_ns": int(payload["at_ns"]),
        "expires_ns": int(payload["expires_ns"]),
    }
