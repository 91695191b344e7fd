from __future__ import annotations

from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.message import Envelope
from chanflow.runtime.bus.port import Delivery, Subscription


async def nothing(message: Envelope, delivery: Delivery) -> None:
    """Handle by doing nothing."""


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("topic", {"topic": "gossip"}),
        ("group", {"group": ""}),
        ("concurrency", {"concurrency": 0}),
        ("max_attempts", {"max_attempts": 0}),
        ("lease_s", {"lease_s": 0}),
        ("lease_s", {"lease_s": float("nan")}),
        ("lease_s", {"lease_s": 1e9}),
        ("on_dead", {"on_dead": "shrug"}),
        ("on_dead", {"on_dead": "block", "ordered": False}),
    ],
)
def test_a_subscription_outside_its_bounds_is_refused(field: str, changes: dict[str, Any]) -> None:
    sound: dict[str, Any] = {
        "topic": "signal",
        "group": "analyst",
        "handler": nothing,
        "concurrency": 1,
        "ordered": True,
        "max_attempts": 5,
        "lease_s": 30.0,
        "on_dead": "skip",
    }
    assert Subscription(**sound).lease_ns == 30_000_000_000
    with pytest.raises(InvalidArgument) as refusal:
        Subscription(**(sound | changes))
    assert refusal.value.field == field


def test_a_settled_delivery_takes_nothing_more() -> None:
    delivery = Delivery("analyst", 1)
    delivery.also(lambda tx: None)
    outputs, effects = delivery.finish()
    assert (len(outputs), len(effects)) == (0, 1)
    with pytest.raises(InvalidArgument, match="settled"):
        delivery.also(lambda tx: None)
