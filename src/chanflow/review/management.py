"""What was done about positions, in words: the part that was to leave, the stop and target that were to stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def wished(proposal: Mapping[str, Any]) -> str:
    """Return what a `reduce` or an `adjust` wants of its position; blank for other actions."""
    changes = proposal.get("changes") or {}
    if proposal["action"] == "reduce":
        size = changes.get("size_quote") or proposal["size_quote"]
        return f"{size} quote are to leave {proposal['position_id']}"
    if proposal["action"] != "adjust":
        return ""
    targets = ", ".join(f"{each['fraction']} at {each['price']}" for each in changes.get("take_profits") or ())
    parts = (f"stop to {changes.get('stop_price')}" if changes.get("stop_price") else "",
             f"targets to {targets}" if targets else "")  # fmt: skip
    return f"{proposal['position_id']}: " + ("; ".join(filter(None, parts)) or "nothing")


def protects(terms: Mapping[str, Any]) -> bool:
    """Return whether approved terms, as journaled, are no order but what a position is to stand under."""
    return bool(terms["reduce_only"] and (terms["stop_price"] or terms["take_profit_price"]))


def prices(body: Mapping[str, Any]) -> str:
    """Return the prices that a position is to stand under."""
    told = (("stop", body["stop_price"]), ("take-profit", body["take_profit_price"]))
    return ", ".join(f"{name} to {price}" for name, price in told if price is not None)


def moved(body: Mapping[str, Any]) -> str:
    """Return a `protection_moved` record in one line."""
    position = body["position_id"] or body["symbol"]
    if body["denied"]:
        return f"the protection of {position} is not moved ({prices(body)}): {body['denied']}"
    how = "the venue is asked to amend what stands" if body["how"] == "amend" else "the new stands before the old goes"
    return f"the protection of {position} moves, {prices(body)}: {how}"
