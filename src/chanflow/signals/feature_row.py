"""A row of features as the core algorithm reads it, checked: new and older column names, nothing trusted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from chanflow.signals.activity import Activity

OLDER_NAMES = {"ofi_z": "z_ofi", "cvd_z": "z_cvd", "fusion_score": "fusion", "price": "mid"}
"""Names that earlier feature files had; a new name beside them wins."""

OLDER_LAG = "lag_ms_"
"""Earlier files had one such column in ms for each leg; the slowest counts."""

NEEDED = ("z_ofi", "z_cvd", "spread_bps", "lag_sec")
USED = (
    "ts_ms", "known_ms", "symbol", *NEEDED, *OLDER_NAMES, "fusion", "consistency", "book_ok", "warmup", "reasons",
    "mid", "move_5m_bps", "trades_per_min", "quotes_per_s", "sigma_bps", "volume_quote", "trades", "quotes", "buy_qty",
    "sell_qty", "divergences", "div_type",
)  # fmt: skip
"""Every column that is read, besides those that begin with `OLDER_LAG`."""

FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_800_000
"""2000-01-01 and 2100-01-01: a time outside them is in another unit than ms."""

_SYMBOL = re.compile(r"[A-Za-z0-9:._-]{1,32}")
_WORD = re.compile(r"[a-z_]{1,40}")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be judged. `symbol` is empty and `ts_ms` 0 where they cannot be read either."""

    reasons: tuple[str, ...]
    ts_ms: int = 0
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A bin's features. Times are Unix ms, `lag_s` the age of the older leg, `move_bps` that of the mid in 5 min.

    A z is None only in warm-up or beside a book that is not ok. `score` is None where the features call the row not
    eligible. `trades`, `quotes` and `volume_quote` count this bin alone; `activity` has what the row says of the last
    minute.
    """

    ts_ms: int
    known_ms: int
    symbol: str
    z_ofi: float | None
    z_cvd: float | None
    spread_bps: float | None
    lag_s: float | None
    score: float | None
    consistency: float
    book_ok: bool | None
    warming: bool
    mid: float | None
    move_bps: float | None
    activity: Activity
    trades: float | None
    quotes: float | None
    volume_quote: float | None
    div_type: str | None


def read_row(raw: Mapping[str, Any]) -> FeatureRow | BadRow:
    """Return the row that `raw` spells, or what is wrong with it, all of it.

    A figure that is null or NaN is absent. Of the needed ones, a row may lack any while it warms up, and the z of a bin
    whose book was not ok; otherwise they must be finite numbers.
    """
    values = _renamed(raw)
    wrong: list[str] = []
    ts_ms, symbol = _time(values.get("ts_ms"), "ts_ms", wrong), _symbol(values.get("symbol"), wrong)
    figures = {name: _figure(values, name, wrong) for name in _FIGURES}
    known_ms = ts_ms if values.get("known_ms") is None else _time(values["known_ms"], "known_ms", wrong)
    book_ok, warming = _flag(values, "book_ok", wrong), _warming(values, wrong)
    for name in NEEDED:
        excused = warming or (book_ok is False and name.startswith("z_"))
        if figures[name] is None and not excused and not any(word.startswith(f"{name} ") for word in wrong):
            wrong.append(f"{name} is missing")
    if wrong:
        return BadRow(tuple(wrong), ts_ms, symbol)
    z_ofi, z_cvd = figures["z_ofi"], figures["z_cvd"]
    consistency = figures["consistency"]
    return FeatureRow(
        ts_ms=ts_ms,
        known_ms=max(ts_ms, known_ms),
        symbol=symbol,
        z_ofi=z_ofi,
        z_cvd=z_cvd,
        spread_bps=figures["spread_bps"],
        lag_s=figures["lag_sec"],
        score=figures["fusion"] if "fusion" in values else fused(z_ofi, z_cvd),
        consistency=agreement(z_ofi, z_cvd) if consistency is None else consistency,
        book_ok=book_ok,
        warming=warming,
        mid=_middle(figures),
        move_bps=figures["move_5m_bps"],
        activity=Activity(
            figures["trades_per_min"], figures["quotes_per_s"], figures["spread_bps"], figures["sigma_bps"],
            figures["volume_quote"],
        ),
        trades=figures["trades"],
        quotes=figures["quotes"],
        volume_quote=_traded(figures),
        div_type=_divergence(values),
    )  # fmt: skip


def fused(z_ofi: float | None, z_cvd: float | None) -> float | None:
    """Return the fusion score of two z-scores: .6 and .4 of them, each clipped to ±4."""
    if z_ofi is None or z_cvd is None:
        return None
    return 0.6 * min(max(z_ofi, -4.0), 4.0) + 0.4 * min(max(z_cvd, -4.0), 4.0)


def agreement(z_ofi: float | None, z_cvd: float | None) -> float:
    """Return the consistency of two z-scores: min/max of their sizes, 0 where signs differ or one is 0 or absent."""
    if z_ofi is None or z_cvd is None or z_ofi * z_cvd <= 0:
        return 0.0
    return min(abs(z_ofi), abs(z_cvd)) / max(abs(z_ofi), abs(z_cvd))


_FIGURES = (
    *NEEDED, "fusion", "consistency", "mid", "move_5m_bps", "trades_per_min", "quotes_per_s", "sigma_bps",
    "volume_quote", "trades", "quotes", "buy_qty", "sell_qty",
)  # fmt: skip
_NEVER_NEGATIVE = ("spread_bps", "lag_sec", "consistency", "trades_per_min", "quotes_per_s", "sigma_bps",
                   "volume_quote", "trades", "quotes", "buy_qty", "sell_qty")  # fmt: skip


def _renamed(raw: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(raw)
    for older, name in OLDER_NAMES.items():
        if older in values and name not in values:
            values[name] = values[older]
    if "lag_sec" not in values:
        lags = [values[name] for name in values if name.startswith(OLDER_LAG)]
        if lags:
            values["lag_sec"] = max(map(_as_float, lags)) / 1_000 if all(map(_is_number, lags)) else None
    return values


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124  (NaN)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _figure(values: Mapping[str, Any], name: str, wrong: list[str]) -> float | None:
    value = values.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    number = _as_float(value) if _is_number(value) else math.inf
    if not math.isfinite(number):
        wrong.append(f"{name} is {_shown(value)}, a finite number is needed")
        return None
    if number < 0 and name in _NEVER_NEGATIVE:
        wrong.append(f"{name} is {_shown(value)}, it is never negative")
        return None
    return number


def _time(value: object, name: str, wrong: list[str]) -> int:
    if _is_number(value):
        number = cast("float", value)
        if FIRST_MS <= number < LAST_MS and number == int(number):
            return int(number)
    wrong.append(f"{name} is {_shown(value)}, Unix milliseconds of 2000 to 2099 are needed")
    return 0


def _symbol(value: object, wrong: list[str]) -> str:
    if isinstance(value, str) and _SYMBOL.fullmatch(value):
        return value
    wrong.append(f"symbol is {_shown(value)}, 1 to 32 letters, digits, ':', '.', '_' or '-' are needed")
    return ""


def _flag(values: Mapping[str, Any], name: str, wrong: list[str]) -> bool | None:
    value = values.get(name)
    if value is None or isinstance(value, bool):
        return value
    # The compiled core writes 1, 0, and -1 where there is no depth stream.
    if isinstance(value, int | float) and value in (1, 0, -1):
        return None if value < 0 else bool(value)
    wrong.append(f"{name} is {_shown(value)}, true or false is needed")
    return None


def _warming(values: Mapping[str, Any], wrong: list[str]) -> bool:
    reasons = values.get("reasons") or ()
    if isinstance(reasons, str):
        reasons = reasons.split(",")
    return bool(_flag(values, "warmup", wrong)) or (isinstance(reasons, list | tuple) and "warmup" in reasons)


def _middle(figures: Mapping[str, float | None]) -> float | None:
    mid = figures["mid"]
    return mid if mid is not None and mid > 0 else None


def _traded(figures: Mapping[str, float | None]) -> float | None:
    buy, sell, mid = figures["buy_qty"], figures["sell_qty"], _middle(figures)
    return None if buy is None or sell is None or mid is None else (buy + sell) * mid


def _divergence(values: Mapping[str, Any]) -> str | None:
    """Return the type of the strongest divergence that the row tells of."""
    kind = values.get("div_type")
    if isinstance(kind, str):
        return kind if _WORD.fullmatch(kind) else None
    found = values.get("divergences")
    told = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []
    named = [each for each in told if _is_number(each.get("score")) and isinstance(each.get("type"), str)]
    kind = max(named, key=lambda each: _as_float(each["score"]))["type"] if named else ""
    return kind if _WORD.fullmatch(kind) else None


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**_SHOWN else "a number of many digits"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
