from __future__ import annotations

from typing import Any

import pytest
from made_setup import signal

from chanflow.domain.canonical import plain
from chanflow.domain.signal import Signal
from chanflow.runtime.codec import decode


@pytest.mark.parametrize(
    "changes",
    [
        {"confirm": False, "gating_blocked": True},
        {"decision_code": "LOW_SCORE"},
        {"gating_blocked": True},
        {"side_hint": "flat"},
        {"side_hint": "sell"},
        {"signal_type": "neutral"},
        {"confirm": False, "gating_blocked": True, "decision_code": "LOW_SCORE"},
    ],
)
def test_a_signal_that_contradicts_itself_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"confirm|gating_blocked|side_hint"):
        signal(**changes)


def test_a_blocked_signal_keeps_its_type_and_is_flat() -> None:
    blocked = signal(confirm=False, gating_blocked=True, side_hint="flat", decision_code="COOLDOWN", signal_type="sell")
    assert blocked.signal_type == "sell"


def test_a_message_gives_the_signal_back() -> None:
    assert decode(Signal, plain(signal())) == signal()


def test_the_fields_are_those_of_the_contract() -> None:
    assert list(plain(signal()))[:21] == [
        "schema_version", "ts_ms", "known_ms", "symbol", "signal_id", "signal_type", "side_hint", "score", "confirm",
        "gating_blocked", "decision_code", "reasons", "z_ofi", "z_cvd", "consistency", "div_type", "regime",
        "strategy_mode", "expiry_ms", "config_hash", "run_id",
    ]  # fmt: skip
