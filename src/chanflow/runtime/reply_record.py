"""A model's reply as the journal holds it, and back. What is acted on is what the record spells.

A reply is hostile: a record of it is always canonical and always fits. Texts that cannot be written are mended, what is
too long is cut and says so with its length and hash; a draft that cannot be kept whole is no draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from chanflow.domain.canonical import canonical_json, plain
from chanflow.domain.errors import InvalidArgument, JournalDiverged
from chanflow.domain.point_in_time import FutureRow
from chanflow.domain.question import Exchange, Reply, ToolCall, ToolResult
from chanflow.review.journal import Record
from chanflow.runtime.codec import decode

KIND = "llm_response"
MAX_DRAFT_CHARS = 64_000
MAX_EXCHANGE_CHARS = 32_000
MAX_EXCHANGES = 8
MAX_TOOL_CHARS = 8_000
MAX_TOOL_CALLS = 20
MAX_DETAIL_CHARS = 2_000
MAX_REFS = 400


def response_body(
    question_id: str, decision_id: str, reply: Reply, at_ns: int, *, future: Sequence[FutureRow] = ()
) -> dict[str, Any]:
    """Return the body of an `llm_response` record; `at_ns` is when it takes effect, Unix ns."""
    kept = _kept(reply)
    return {
        "question_id": question_id, "decision_id": decision_id, "at_ns": at_ns, **plain(kept),
        "tokens_in": kept.tokens_in, "tokens_out": kept.tokens_out, "cost_usd": plain(kept.cost_usd),
        "cassette_keys": [exchange.key for exchange in kept.exchanges],
        "future_rows": [_text(str(row), MAX_DETAIL_CHARS) for row in future[:MAX_TOOL_CALLS]],
    }  # fmt: skip


def reply_of(body: Mapping[str, Any]) -> Reply:
    """Return the reply that a record's body spells. Raises JournalDiverged for one of another version."""
    names = ("draft", "problem", "detail", "model", "latency_ms", "tool_calls", "exchanges")
    try:
        return decode(Reply, {name: body[name] for name in names})
    except (KeyError, InvalidArgument) as fault:
        raise JournalDiverged(f"this version knows no such reply: {fault}") from fault


def asked_of(record: Record) -> tuple[str, int]:
    """Return which question a record answers and when it takes effect. Raises JournalDiverged."""
    try:
        return str(record.body["question_id"]), int(record.body["at_ns"])
    except (KeyError, TypeError, ValueError) as fault:
        raise JournalDiverged(f"record {record.seq}: this version knows no such reply") from fault


def _kept(reply: Reply) -> Reply:
    """Return the reply as it can be kept."""
    kept = replace(
        reply,
        detail=_text(reply.detail, MAX_DETAIL_CHARS),
        model=_text(reply.model, 200),
        latency_ms=max(0, reply.latency_ms),
        tool_calls=tuple(_call(call) for call in reply.tool_calls[:MAX_TOOL_CALLS]),
        exchanges=tuple(_exchange(exchange) for exchange in reply.exchanges[:MAX_EXCHANGES]),
    )
    if reply.draft is None:
        return kept if kept.problem is not None else replace(kept, problem="model_error", detail="an empty reply")
    spelt = _spelt(reply.draft)
    if reply.problem is not None or spelt is None:
        problem = reply.problem or "invalid_output"
        why = kept.detail or "the draft has no canonical form, or is too long to be kept"
        return replace(kept, draft=None, problem=problem, detail=why)
    return kept


def _spelt(value: Mapping[str, Any]) -> str | None:
    """Return the canonical text of a draft, None where it has none or is over the bound."""
    try:
        text = canonical_json(value)
        text.encode()
    except (ValueError, TypeError, RecursionError):
        return None
    return text if len(text) <= MAX_DRAFT_CHARS else None


def _call(call: ToolCall) -> ToolCall:
    args = _spelt(call.args)
    result = call.result
    return ToolCall(
        _text(call.name, 80),
        call.args if args is not None and len(args) <= MAX_TOOL_CHARS else {"cut": True},
        ToolResult(
            _text(result.text, MAX_TOOL_CHARS), tuple(_text(ref, 120) for ref in result.refs[:MAX_REFS]),
            result.known_ns, result.failed,
        ),
    )  # fmt: skip


def _exchange(exchange: Exchange) -> Exchange:
    return replace(
        exchange,
        model=_text(exchange.model, 200),
        key=_text(exchange.key, 80),
        request=_text(exchange.request, MAX_EXCHANGE_CHARS),
        response=None if exchange.response is None else _text(exchange.response, MAX_EXCHANGE_CHARS),
        fault=None if exchange.fault is None else _text(exchange.fault, MAX_DETAIL_CHARS),
    )


def _text(text: str, most: int) -> str:
    """Return a text that can be written, cut to `most` characters; what was cut off is said."""
    mended = text.encode("utf-8", "replace").decode()
    if len(mended) <= most:
        return mended
    told = f"… [cut: {len(mended)} characters, sha256 {sha256(mended.encode()).hexdigest()[:16]}]"
    return mended[: max(0, most - len(told))] + told if most > len(told) else mended[:most]
