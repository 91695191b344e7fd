"""Lines of signals as the signal service writes them, cut to what a broker reads."""

from __future__ import annotations

import json
from typing import Any

from chanflow.domain.canonical import plain
from chanflow.domain.signal import Signal, side_of

AT_MS = 1_767_571_200_000


def line(number: int, kind: str = "buy", **changes: Any) -> bytes:
    """One confirmed signal of BTCUSDT."""
    row = {
        "ts_ms": AT_MS + number, "known_ms": AT_MS + number, "symbol": "BTCUSDT", "signal_id": f"r1-BTCUSDT-{number}",
        "signal_type": kind, "confirm": True, "score": 0.85, "price": str(50_000 + number),
    }  # fmt: skip
    return json.dumps(row | changes).encode() + b"\n"


def setup_line(
    number: int, kind: str = "strong_buy", *, price: str = "50000", stop: str = "49500", **changes: Any
) -> bytes:
    """One confirmed signal as this version writes them, of a rule that reads structure, ten minutes apart."""
    at_ms = AT_MS + number * 600_000
    row = plain(
        Signal(
            ts_ms=at_ms, known_ms=at_ms, symbol="BTCUSDT", signal_id=f"r1-BTCUSDT-{number}", signal_type=kind,
            side_hint=side_of(kind), score=0.85, confirm=True, gating_blocked=False, decision_code="OK", reasons=(),
            consistency=0.5, expiry_ms=60_000, config_hash="c" * 64, run_id="r1", level="5m", setup="confluence",
            refs=(f"point:{number}", "flow:window"), price=price, invalidation_price=stop, trend_agrees=True,
            flow_strong=True,
        )  # type: ignore[arg-type]
    )  # fmt: skip
    return json.dumps(row | changes).encode() + b"\n"
