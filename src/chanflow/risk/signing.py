"""The signature of an approval: one text of everything it says, and a keyed hash of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chanflow.domain.canonical import canonical_json, decimal_text
from chanflow.domain.order import OrderTerms
from chanflow.domain.trigger import Trigger


def sign(key: bytes, parts: Mapping[str, Any]) -> str:
    """Return the hex HMAC-SHA-256 of an approval's parts. Raises ValueError for a number that is not finite."""
    return hmac.digest(key, _text(parts).encode(), hashlib.sha256).hex()


def _text(parts: Mapping[str, Any]) -> str:
    """Return all fields as one text that no other approval shares: joined, or with lengths where a field has NULs."""
    terms: OrderTerms = parts["terms"]
    fields: list[str] = [
        parts["approved_id"], parts["proposal_id"], parts["decision_id"], parts["strategy"], parts["account"],
        parts["venue"], parts["limits_hash"], str(parts["at_ns"]), str(parts["expires_ns"]),
        terms.symbol, terms.side, decimal_text(terms.qty_base), str(terms.leverage), str(terms.reduce_only),
        _price(terms.limit_price), _price(terms.stop_price), _price(terms.take_profit_price),
        terms.time_in_force,
    ]  # fmt: skip
    triggers = [text for t in parts["triggers"] for text in _trigger(t)]
    fields.append(str(len(triggers)))
    fields += triggers
    for c in parts["checks"]:
        fields += (c.name, c.value, c.bound, "1" if c.ok else "0")
    fields.append(str(len(parts["clips"])))
    fields += parts["clips"]
    text = "\0".join(fields)
    if text.count("\0") == len(fields) - 1:
        return text
    return "".join([f"\0{len(field)}:{field}" for field in fields])


def _trigger(t: Trigger) -> tuple[str, ...]:
    return (t.trigger_id, t.kind, canonical_json(t.params), str(t.expires_ns), t.note, str(t.priority))


def _price(value: Decimal | None) -> str:
    return "" if value is None else decimal_text(value)
