"""What the broker takes from a line of signals, and what it makes of one."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeGuard, cast

from chanflow.adapters.storage.signal_tail import MAX_LINE_BYTES
from chanflow.domain.opinion import Side
from chanflow.domain.signal import SignalType, side_of

BadCode = Literal["too_long", "no_json", "no_object", "bad_field", "no_side", "no_price"]
"""Why a line is passed over; the words go with the counts."""

SAMPLE_BITS = 48

_TYPES = ("strong_buy", "buy", "neutral", "sell", "strong_sell")
_SYMBOL = re.compile(r"[A-Za-z0-9:._-]{1,32}")
_PRICES = ("price", "mid_price", "mid")
"""Where a price stands; the earlier services had other names for it."""
_MAX_PRICE_DIGITS = 15
_MAX_PRICE_DECIMALS = 8
_LAST_MS = 4_102_444_800_000


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is passed over, and why in words."""

    code: BadCode
    why: str


@dataclass(frozen=True, slots=True)
class BrokerSignal:
    """A confirmed signal with a side. `price` in quote; times are Unix ms."""

    signal_id: str
    symbol: str
    signal_type: SignalType
    score: float | None
    ts_ms: int
    known_ms: int
    price: Decimal

    @property
    def strong(self) -> bool:
        """Whether it is always ordered."""
        return self.signal_type.startswith("strong_")

    @property
    def side(self) -> Side:
        """Which way it points."""
        return cast("Side", side_of(self.signal_type))


def read_line(line: bytes | None) -> BrokerSignal | BadLine | None:
    """Return the confirmed signal that a line spells, what is wrong with it, or None for one that is not confirmed.

    `None` stands for a line of over 1 MiB. Lines of the earlier service have no `signal_id`: symbol, time and type name
    such a signal.
    """
    if line is None:
        return BadLine("too_long", f"has over {MAX_LINE_BYTES} bytes")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return BadLine("no_json", "is no JSON")
    if not isinstance(row, dict):
        return BadLine("no_object", "is no JSON object")
    if not isinstance(row.get("confirm"), bool):
        return BadLine("bad_field", "has no confirm of true or false")
    return _confirmed(row) if row["confirm"] else None


def _confirmed(row: Mapping[str, Any]) -> BrokerSignal | BadLine:
    kind, symbol, ts_ms, score = row.get("signal_type"), row.get("symbol"), row.get("ts_ms"), row.get("score")
    if kind not in _TYPES:
        return BadLine("bad_field", f"has no signal_type of {', '.join(_TYPES)}")
    if not isinstance(symbol, str) or _SYMBOL.fullmatch(symbol) is None:
        return BadLine("bad_field", "has no symbol of 1 to 32 letters, digits, ':', '.', '_' or '-'")
    known_ms = row.get("known_ms", ts_ms)
    if not _is_time(ts_ms) or not _is_time(known_ms):
        return BadLine("bad_field", "has no ts_ms, or no known_ms, in Unix milliseconds")
    if score is not None and not _is_figure(score):
        return BadLine("bad_field", "has a score that is no finite number")
    own_id = row.get("signal_id", f"{symbol}-{ts_ms}-{kind}")
    if not isinstance(own_id, str) or not 0 < len(own_id) <= 200 or not own_id.isprintable():
        return BadLine("bad_field", "has a signal_id that is no text of 1 to 200 printable characters")
    if kind == "neutral":
        return BadLine("no_side", "is confirmed, but neutral")
    price = _price(row)
    if price is None:
        return BadLine("no_price", f"has no price above 0 under {' or '.join(_PRICES)}")
    return BrokerSignal(
        own_id, symbol, kind, None if score is None else float(score), ts_ms, max(ts_ms, known_ms), price
    )


def _is_time(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LAST_MS


def _is_figure(value: object) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _price(row: Mapping[str, Any]) -> Decimal | None:
    given = next((row[name] for name in _PRICES if row.get(name) is not None), None)
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    text = given if isinstance(given, str) else repr(given)
    try:
        price = Decimal(text) if len(text) <= 40 else Decimal(0)
    except InvalidOperation:
        return None
    if not price.is_finite() or not 0 < price < 10**_MAX_PRICE_DIGITS:
        return None
    places = cast("int", price.normalize().as_tuple().exponent)
    return price if places >= -_MAX_PRICE_DECIMALS and price.adjusted() - places < _MAX_PRICE_DIGITS else None


def is_sampled(signal: BrokerSignal, *, seed: int, sample_rate: float) -> bool:
    """Return whether a signal is ordered: a strong one always, another by a hash of the seed and its own id alone.

    So neither the order in which signals come nor a restart changes which are taken, and a higher rate takes all that
    a lower one does. The hash is the first 48 bits of SHA-256(seed | signal_id) as a share of one.
    """
    if signal.strong:
        return True
    digest = hashlib.sha256(f"{seed}|{signal.signal_id}".encode()).digest()
    return int.from_bytes(digest[: SAMPLE_BITS // 8], "big") / (1 << SAMPLE_BITS) < sample_rate
