"""An envelope and its JSON, strictly: every field there and none else, finite numbers, 1 MiB at most.

A reader takes the schema version it was written for and the one before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.message import TOPICS, Envelope, Topic
from chanflow.domain.time import parse_rfc3339, rfc3339

MAX_BODY_BYTES = 1 << 20

_FIELDS = frozenset(
    (
        "id",
        "topic",
        "schema_version",
        "ts",
        "known_at",
        "correlation_id",
        "causation_id",
        "producer",
        "key",
        "payload",
    )
)


@dataclass(frozen=True, slots=True)
class Codec:
    """Reads and writes envelopes. `schemas` has each topic's current schema version; a topic not named is at 1."""

    schemas: Mapping[str, int] = field(default_factory=dict)

    def encode(self, message: Envelope) -> str:
        """Return the canonical JSON of `message`. Raises InvalidArgument, naming the field where there is one."""
        try:
            body = canonical_json(
                {
                    "id": message.id,
                    "topic": message.topic,
                    "schema_version": message.schema_version,
                    "ts": _time_text(message.ts_ns, "ts"),
                    "known_at": _time_text(message.known_ns, "known_at"),
                    "correlation_id": message.correlation_id,
                    "causation_id": message.causation_id,
                    "producer": message.producer,
                    "key": message.key,
                    "payload": message.payload,
                }
            )
            size_bytes = len(body.encode())
        except (ValueError, TypeError, RecursionError) as cause:
            raise InvalidArgument(f"message {message.id} is not plain JSON data: {cause}", field="payload") from cause
        _check_size(size_bytes, message.id)
        self._check_head(message)
        if not isinstance(message.payload, Mapping):
            raise InvalidArgument(f"payload of message {message.id} is no object", field="payload")
        return body

    def decode(self, body: str) -> Envelope:
        """Return the envelope in `body`. Raises InvalidArgument."""
        raw = _loads(body)
        if not isinstance(raw, dict):
            raise InvalidArgument("an envelope is a JSON object")
        if raw.keys() != _FIELDS:
            missing, unknown = sorted(_FIELDS - raw.keys()), sorted(raw.keys() - _FIELDS)
            raise InvalidArgument(f"envelope lacks {missing} and has unknown {unknown}; a new field is a new version")
        if not isinstance(raw["payload"], dict):
            raise InvalidArgument("payload is no object", field="payload")
        cause = raw["causation_id"]
        message = Envelope(
            id=_uuid(raw["id"], "id"),
            topic=cast("Topic", raw["topic"]),
            schema_version=raw["schema_version"],
            ts_ns=_time_ns(raw["ts"], "ts"),
            known_ns=_time_ns(raw["known_at"], "known_at"),
            correlation_id=raw["correlation_id"],
            causation_id=None if cause is None else _uuid(cause, "causation_id"),
            producer=raw["producer"],
            key=raw["key"],
            payload=raw["payload"],
        )
        self._check_head(message)
        return message

    def _check_head(self, message: Envelope) -> None:
        """Refuse an unknown topic, an unreadable version, a text that is none, a key or producer that is empty."""
        texts: dict[str, object] = {
            "topic": message.topic,
            "correlation_id": message.correlation_id,
            "producer": message.producer,
            "key": message.key,
        }
        for name, text in texts.items():
            if not isinstance(text, str) or (not text and name != "correlation_id"):
                raise InvalidArgument(f"{name} is {text!r}, a text is needed", field=name)
        if message.topic not in TOPICS:
            raise InvalidArgument(f"topic {message.topic!r} is unknown, known are {', '.join(TOPICS)}", field="topic")
        version: object = message.schema_version
        current = self.schemas.get(message.topic, 1)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise InvalidArgument(f"schema_version is {version!r}, at least 1 is needed", field="schema_version")
        if version not in (current, current - 1):
            raise InvalidArgument(
                f"{message.topic} has schema_version {version}, readable are {max(1, current - 1)} to {current}",
                field="schema_version",
            )


def _check_size(size_bytes: int, name: object) -> None:
    if size_bytes > MAX_BODY_BYTES:
        raise InvalidArgument(f"message {name} has {size_bytes} bytes, limit is {MAX_BODY_BYTES}", field="payload")


def _loads(body: str) -> Any:
    try:
        _check_size(len(body.encode()), "body")
        return json.loads(body, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as cause:
        raise InvalidArgument(f"envelope is not JSON: {cause}") from cause


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object names a field twice")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def _uuid(text: object, name: str) -> UUID:
    try:
        value = UUID(text) if isinstance(text, str) else None
    except ValueError:
        value = None
    if value is None or str(value) != text:
        raise InvalidArgument(f"{name} is {text!r}, a UUID is needed", field=name)
    return value


def _time_text(at_ns: object, name: str) -> str:
    if not isinstance(at_ns, int) or isinstance(at_ns, bool) or at_ns < 0:
        raise InvalidArgument(f"{name} is {at_ns!r}, Unix time in ns is needed", field=name)
    try:
        return rfc3339(at_ns)
    except OverflowError as cause:
        raise InvalidArgument(f"{name} is {at_ns} ns, beyond the calendar", field=name) from cause


def _time_ns(text: object, name: str) -> int:
    try:
        at_ns = parse_rfc3339(text) if isinstance(text, str) else -1
    except ValueError:
        at_ns = -1
    if at_ns < 0 or rfc3339(at_ns) != text:
        raise InvalidArgument(f"{name} is {text!r}, RFC 3339 UTC with nine decimals is needed", field=name)
    return at_ns
