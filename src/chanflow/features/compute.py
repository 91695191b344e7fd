"""Features of a batch of unified rows of one symbol, with a state that carries them to the next batch.

`compute_features` is the core behind the operation of that name: what a caller keeps between two batches is one plain
document, and the bins do not depend on how the rows were cut into batches.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import chanflow_native
import numpy as np
from numpy.typing import NDArray

SCHEMA = 1
KINDS = {"trade": 0, "book_ticker": 1, "agg_trade": 2, "book": 3, "mark": 4, "liquidation": 5, "kline": 6, "gap": 7}
"""Kinds of unified rows by the number that the core gives them."""

_CARRYING = ("trade", "book_ticker", "agg_trade", "book", "gap")
_TOP_LEVELS = 5
_FLOATS = ("price", "qty", "bid", "ask", "bid_qty", "ask_qty")


class RowsRefused(ValueError):
    """Rows, settings or a state that cannot be used; the sentence names the value."""


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What the features are computed with; `engine` names further settings of the core."""

    price_decimals: int
    qty_decimals: int
    bin_ms: int = 1_000
    engine: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """Return the hash of the settings and of the code that uses them."""
        plain = {
            "price_decimals": self.price_decimals,
            "qty_decimals": self.qty_decimals,
            "bin_ms": self.bin_ms,
            "engine": dict(self.engine),
            "schema": SCHEMA,
            "code": chanflow_native.__source_digest__,
        }
        return hashlib.sha256(json.dumps(plain, sort_keys=True, default=list).encode()).hexdigest()

    def new_engine(self) -> chanflow_native.FlowEngine:
        """Return an engine without history."""
        own = {"all_columns": True} | dict(self.engine)
        try:
            return chanflow_native.FlowEngine(self.price_decimals, self.qty_decimals, self.bin_ms, **own)
        except (ValueError, TypeError) as error:
            raise RowsRefused(f"the settings cannot be used: {error}") from error


@dataclass(frozen=True, slots=True)
class Computed:
    """Bins closed by a batch, and what the next batch needs."""

    bins: tuple[dict[str, Any], ...]
    state: dict[str, Any]


def compute_features(
    rows: Sequence[Mapping[str, Any]],
    settings: FeatureSettings,
    state: Mapping[str, Any] | None = None,
    *,
    finish: bool = False,
    max_bins: int | None = None,
) -> Computed:
    """Return the bins that `rows` close, and the next state.

    `rows` are unified rows in order of arrival; one whose `dq_ok` is False is left out and makes its bin's book not ok;
    `finish` closes the bins still open, as the end of a file does; `max_bins` bounds how many bins the rows may span,
    those still open in the state included. Each bin has ts_ms, z_ofi, z_cvd, fusion {side, score, consistency,
    reasons}, divergence (the strongest, or None), book_ok and fp: a hash of settings, code, and all rows up to the
    bin's end. Raises RowsRefused.
    """
    engine, reader, fingerprint = _restored(settings, state)
    columns_of(rows)  # a batch is refused whole, before anything is computed
    if max_bins is not None:
        _check_span(rows, settings, state, max_bins)
    fingerprint.add(rows, settings.bin_ms)
    parts = []
    for clean, bad in _pieces(rows):
        columns, books = columns_of(clean)
        try:
            batch = reader.take(columns, books)
        except ValueError as error:
            raise RowsRefused(str(error)) from error
        parts.append(engine.push(batch))
        if bad is not None:
            engine.spoil(bad["ts_ms"])
    if finish:
        parts.append(engine.finish())
    bins = tuple({**found, "fp": fingerprint.of_bin(found["ts_ms"])} for part in parts for found in bins_of(part))
    kept = {
        "schema": SCHEMA,
        "settings": settings.digest(),
        "engine": base64.b64encode(engine.save()).decode(),
        "reader": base64.b64encode(reader.save()).decode(),
        "fingerprint": fingerprint.plain(),
    }
    return Computed(bins, kept)


def bins_of(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the engine's columns as the bins that `compute_features` gives."""
    found = []
    for at, ts_ms in enumerate(columns["ts_ms"].tolist()):
        book_ok = int(columns["book_ok"][at])
        events = columns["divergences"][at] if "divergences" in columns else ()
        strongest = max(events, key=lambda event: event["score"], default=None)
        fusion = {
            "side": columns["signal"][at],
            "score": _known(columns["fusion"][at]),
            "consistency": _known(columns["consistency"][at]),
            "reasons": list(columns["reasons"][at]),
        }
        found.append(
            {
                "ts_ms": ts_ms,
                "z_ofi": _known(columns["z_ofi"][at]),
                "z_cvd": _known(columns["z_cvd"][at]),
                "fusion": fusion,
                "divergence": strongest,
                "book_ok": None if book_ok < 0 else bool(book_ok),
            }
        )
    return found


def columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return unified rows as the columns that `chanflow_native.RowEvents` takes, and the levels of book rows.

    Raises RowsRefused for an unknown kind, a row without ts_ms, or rows of two symbols.
    """
    symbols = sorted({str(row["symbol"]) for row in rows if row.get("symbol") is not None})
    if len(symbols) > 1:
        raise RowsRefused(f"rows of one symbol are expected, these are of {', '.join(symbols)}")
    kinds, stamps, makers = [], [], []
    for at, row in enumerate(rows):
        if row.get("kind") not in KINDS:
            raise RowsRefused(f"row {at}: kind {row.get('kind')!r} is not one of {', '.join(KINDS)}")
        kinds.append(KINDS[row["kind"]])
        stamps.append(_whole(row, at, "ts_ms"))
        maker = row.get("is_maker")
        makers.append(-1 if maker is None else int(bool(maker)))
    columns: dict[str, NDArray[Any]] = {
        "ts_ms": np.array(stamps, dtype=np.int64),
        "kind": np.array(kinds, dtype=np.uint8),
        "is_maker": np.array(makers, dtype=np.int8),
        **{
            name: np.array([_whole(row, at, name, absent=-1) for at, row in enumerate(rows)], dtype=np.int64)
            for name in ("seq_first", "seq_last")
        },
        "known_ns": np.array([_whole(row, at, "known_ns", absent=0) for at, row in enumerate(rows)], dtype=np.int64),
    }
    for name in _FLOATS:
        columns[name] = np.array([_number(row, at, name) for at, row in enumerate(rows)], dtype=np.float64)
    return columns, _books(rows)


def _books(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    numbers = [at for at, row in enumerate(rows) if row["kind"] == "book"]
    flat: dict[str, list[float]] = {"bid_price": [], "bid_qty": [], "ask_price": [], "ask_qty": []}
    for at in numbers:
        for side, levels in (("bid", rows[at].get("bids")), ("ask", rows[at].get("asks"))):
            pairs = [(float(level["p"]), float(level["q"])) for level in list(levels or ())[:_TOP_LEVELS]]
            pairs += [(math.nan, math.nan)] * (_TOP_LEVELS - len(pairs))
            flat[f"{side}_price"] += [price for price, _ in pairs]
            flat[f"{side}_qty"] += [qty for _, qty in pairs]
    columns: dict[str, NDArray[Any]] = {name: np.array(values, dtype=np.float64) for name, values in flat.items()}
    return columns | {"row": np.array(numbers, dtype=np.int64)}


def _pieces(
    rows: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]]:
    """Yield runs of rows, each with the quarantined row that ends it; the last has none."""
    run: list[Mapping[str, Any]] = []
    for row in rows:
        if row.get("dq_ok") is not False:
            run.append(row)
        elif row["kind"] in _CARRYING:
            yield run, row
            run = []
    yield run, None


class _Fingerprint:
    """A hash chain over bins: each link covers the rows of its bin and everything before it."""

    def __init__(self, settings_digest: str) -> None:
        self.link = hashlib.sha256(settings_digest.encode()).hexdigest()
        self.by_bin: dict[int, str] = {}
        self.closed_ms: int | None = None

    def add(self, rows: Sequence[Mapping[str, Any]], bin_ms: int) -> None:
        """Hash each row that carries flow into the bin of its time; one whose bin has closed is late, like its flow."""
        for row in rows:
            if row["kind"] not in _CARRYING:
                continue
            end_ms = (int(row["ts_ms"]) // bin_ms + 1) * bin_ms
            if self.closed_ms is not None and end_ms <= self.closed_ms:
                continue
            text = json.dumps({name: row[name] for name in sorted(row) if row[name] is not None}, default=str)
            self.by_bin[end_ms] = hashlib.sha256((self.by_bin.get(end_ms, "") + text).encode()).hexdigest()

    def of_bin(self, ts_ms: int) -> str:
        """Return the fingerprint of a bin as it closes."""
        ended = sorted(end_ms for end_ms in self.by_bin if end_ms <= ts_ms)
        text = "".join([self.link, str(ts_ms), *(self.by_bin.pop(end_ms) for end_ms in ended)])
        self.link = hashlib.sha256(text.encode()).hexdigest()
        self.closed_ms = ts_ms
        return self.link[:32]

    def plain(self) -> dict[str, Any]:
        """Return what the next batch needs, as JSON holds it."""
        by_bin = {str(end_ms): digest for end_ms, digest in sorted(self.by_bin.items())}
        return {"link": self.link, "closed_ms": self.closed_ms, "by_bin": by_bin}

    def take_up(self, plain: Mapping[str, Any]) -> None:
        """Go on from what an earlier batch kept."""
        self.link, self.closed_ms = str(plain["link"]), plain["closed_ms"]
        self.by_bin = {int(end_ms): str(digest) for end_ms, digest in plain["by_bin"].items()}


def _restored(
    settings: FeatureSettings, state: Mapping[str, Any] | None
) -> tuple[chanflow_native.FlowEngine, chanflow_native.RowEvents, _Fingerprint]:
    engine, digest = settings.new_engine(), settings.digest()
    reader = chanflow_native.RowEvents(settings.price_decimals, settings.qty_decimals)
    fingerprint = _Fingerprint(digest)
    if state is None:
        return engine, reader, fingerprint
    if state.get("schema") != SCHEMA or state.get("settings") != digest:
        raise RowsRefused("the state is of other settings or another version: begin without it")
    try:
        engine.load(base64.b64decode(str(state["engine"]), validate=True))
        reader.load(base64.b64decode(str(state["reader"]), validate=True))
        fingerprint.take_up(state["fingerprint"])
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise RowsRefused(f"the state is damaged: {error}") from error
    return engine, reader, fingerprint


def _check_span(
    rows: Sequence[Mapping[str, Any]], settings: FeatureSettings, state: Mapping[str, Any] | None, max_bins: int
) -> None:
    """Refuse rows whose times lie too far apart: every bin between them would exist."""
    stamps = [int(row["ts_ms"]) for row in rows if row["kind"] in _CARRYING]
    if not stamps:
        return
    # Asked of the engine, since the rest of a state is the caller's word.
    open_from_ms = _restored(settings, state)[0].open_from_ms
    stamps += [] if open_from_ms is None else [open_from_ms]
    if (max(stamps) - min(stamps)) // settings.bin_ms >= max_bins:
        raise RowsRefused(f"rows span more than {max_bins} bins, with those still open in the state: send less at once")


def _whole(row: Mapping[str, Any], at: int, name: str, *, absent: int | None = None) -> int:
    value = row.get(name)
    if value is None and absent is not None:
        return absent
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
        raise RowsRefused(f"row {at}: {name} {value!r} is not a whole number below 2^63")
    return value


def _number(row: Mapping[str, Any], at: int, name: str) -> float:
    value = row.get(name)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowsRefused(f"row {at}: {name} {value!r} is not a number")
    return float(value)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
