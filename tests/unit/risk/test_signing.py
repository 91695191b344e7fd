"""The signature of an approval is of all that it says, and stays what it was: kept approvals are admitted again."""

from __future__ import annotations

from typing import Any

import pytest
from made_desk import NOW, D

from chanflow.domain.order import Check, OrderTerms
from chanflow.domain.trigger import PriceCross, TimeAt, Trigger
from chanflow.risk.signing import sign

KEY = b"k" * 32
TERMS = OrderTerms(
    symbol="SIMUSDT", side="buy", qty_base=D("14.8510"), leverage=2, reduce_only=False, limit_price=D("100.05"),
    stop_price=D(99), take_profit_price=D(102), time_in_force="gtc",
)  # fmt: skip
PARTS: dict[str, Any] = {
    "approved_id": "a" * 32, "proposal_id": "p1", "decision_id": "d1", "strategy": "default", "account": "paper",
    "venue": "simulated", "terms": TERMS,
    "triggers": (
        Trigger("t1", "price_cross", PriceCross(D("101.50"), "up"), NOW, "near"),
        Trigger("t2", "time_at", TimeAt(5), NOW, ""),
    ),
    "checks": (Check("halt", "False", "False", ok=True), Check("equity", "-1.00", "above 0", ok=False)),
    "clips": ("quantity 14.851 SIM, bound by ladder",), "limits_hash": "f" * 64, "at_ns": NOW, "expires_ns": NOW + 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "signature"),
    [
        ({}, "a050b2fcc697dc9467563577b264fc88235cac919671eba83c11889756d9589f"),
        ({"clips": ("a\0b",)}, "732764fce4d842ad0424243330774c20633636c0f278167ab0d9c674edcc8306"),
        ({"triggers": (), "clips": ()}, "10e31f583c8eeaab7c0b4aff03c04424816a393789bed723135cf3a492e853db"),
    ],
)
def test_a_signature_stays_what_it_was(changes: dict[str, Any], signature: str) -> None:
    assert sign(KEY, {**PARTS, **changes}) == signature


CHANGES: list[dict[str, Any]] = [
    *({name: "other"} for name in ("approved_id", "proposal_id", "decision_id", "strategy", "account", "venue",
                                   "limits_hash")),
    {"at_ns": NOW + 1}, {"expires_ns": NOW + 2}, {"triggers": ()}, {"triggers": PARTS["triggers"][:1]}, {"clips": ()},
    {"clips": ("quantity 14.851 SIM, bound by ladder", "")}, {"checks": PARTS["checks"][:1]},
    {"checks": (PARTS["checks"][0], Check("equity", "-1.00", "above 0", ok=True))},
    {"clips": ("a\0b",)}, {"clips": ("a", "b")},
]  # fmt: skip


def test_whatever_is_changed_changes_the_signature() -> None:
    signatures = {sign(KEY, {**PARTS, **changes}) for changes in ({}, *CHANGES)}
    assert len(signatures) == len(CHANGES) + 1
    assert sign(b"j" * 32, PARTS) not in signatures
