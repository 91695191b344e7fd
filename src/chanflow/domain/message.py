"""What travels between stages: one envelope for every topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

Topic = Literal[
    "signal",
    "analysis_request",
    "trade_proposal",
    "approved_order",
    "refusal",
    "order_event",
    "fill",
    "register_triggers",
    "re_analysis_trigger",
    "risk_event",
    "lesson",
    "learning_summary",
    "alert",
    "account_state",
    "market_state",
    "risk_state",
]

TOPICS: tuple[Topic, ...] = (
    "signal",
    "analysis_request",
    "trade_proposal",
    "approved_order",
    "refusal",
    "order_event",
    "fill",
    "register_triggers",
    "re_analysis_trigger",
    "risk_event",
    "lesson",
    "learning_summary",
    "alert",
    "account_state",
    "market_state",
    "risk_state",
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message. `key` orders delivery: one in flight per key. `payload` is plain JSON data.

    `ts_ns` is when what it tells of happened, `known_ns` when we could know; both Unix ns.
    """

    id: UUID
    topic: Topic
    schema_version: int
    ts_ns: int
    known_ns: int
    correlation_id: str
    causation_id: UUID | None
    producer: str
    key: str
    payload: Mapping[str, Any]
