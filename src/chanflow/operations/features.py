"""Order-flow features of rows that the caller gives, batch after batch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, ValidationError, WithJsonSchema

from chanflow.operations.fields import Symbol, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined, compact_json
from chanflow.operations.principal import Door

MAX_ROWS = 5_000
MAX_BINS = 20_000
"""Most bins that one batch may close: rows far apart would make as many as their distance in time."""

MAX_STATE = 900_000
"""Longest state, in characters: what one request holds beside some rows."""

_LAST_MS = 4_102_444_800_000
_LEVELS = 1_000

Count = Annotated[int, Field(ge=0, le=(1 << 63) - 1), BeforeValidator(whole)]
TimeMs = Annotated[int, Field(ge=0, lt=_LAST_MS), BeforeValidator(whole)]
Decimals = Annotated[int, Field(ge=0, le=12), BeforeValidator(whole)]
BinMs = Annotated[int, Field(ge=1, le=3_600_000), BeforeValidator(whole)]


class BookLevel(Arguments):
    """A price and the quantity there."""

    p: FiniteFloat
    q: FiniteFloat


Levels = Annotated[list[BookLevel], Field(max_length=_LEVELS)]


class UnifiedRow(BaseModel):
    """A row of market data as the lake has it; columns that no feature reads are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    ts_ms: TimeMs
    symbol: Symbol
    kind: Literal["trade", "book_ticker", "agg_trade", "book", "mark", "liquidation", "kline", "gap"]
    price: FiniteFloat | None = None
    qty: FiniteFloat | None = None
    is_maker: bool | None = None
    bid: FiniteFloat | None = None
    ask: FiniteFloat | None = None
    bid_qty: FiniteFloat | None = None
    ask_qty: FiniteFloat | None = None
    bids: Levels | None = None
    asks: Levels | None = None
    known_ns: Count | None = None
    seq_first: Count | None = None
    seq_last: Count | None = None
    seq_prev: Count | None = None
    dq_ok: bool | None = None


Rows = Annotated[
    list[UnifiedRow],
    Field(max_length=MAX_ROWS),
    WithJsonSchema({"type": "array", "items": {"type": "object"}, "maxItems": MAX_ROWS}),
]


class ComputeFeatures(Arguments):
    """Unified rows of one symbol in order of arrival, and the state that the batch before gave; none to begin.

    The decimals are those of the venue's prices and quantities. `finish` closes the bins still open.
    """

    rows: Rows
    price_decimals: Decimals
    qty_decimals: Decimals
    bin_ms: BinMs = 1_000
    z: Literal["robust", "ew"] = "robust"
    finish: bool = False
    state: Annotated[str, Field(max_length=MAX_STATE)] | None = None


class Fusion(Answer):
    """Score of a bin; null, with the reasons, where it is not eligible."""

    side: Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"]
    score: FiniteFloat | None
    consistency: FiniteFloat | None
    reasons: list[str]


class FlowDivergence(Answer):
    """A divergence of price and flow; only `detected_ts` may be acted on. Times are Unix ms."""

    type: str
    channel: str
    score: FiniteFloat
    grade: str
    pivot_ts: int
    detected_ts: int


class FeatureBin(Answer):
    """A bin that closed. `ts_ms` is its end, exclusive, Unix ms; `fp` hashes settings, code and all rows up to it."""

    ts_ms: int
    z_ofi: FiniteFloat | None
    z_cvd: FiniteFloat | None
    fusion: Fusion
    divergence: FlowDivergence | None
    book_ok: bool | None
    fp: str


class FeaturesComputed(Answer):
    """Bins that the rows closed, and what the next batch needs. Contemporaneous: features do not predict."""

    bins: list[FeatureBin]
    state: str


class _Fingerprint(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    link: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    closed_ms: int | None
    by_bin: dict[Annotated[str, Field(pattern=r"^[0-9]{1,15}$")], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


class _State(BaseModel):
    """What a state holds; the engine's own part is judged by the engine."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: Annotated[int, Field(alias="schema")]
    settings: str
    engine: str
    reader: str
    fingerprint: _Fingerprint


async def compute_features(asked: Asked[ComputeFeatures]) -> FeaturesComputed:
    """Return the bins that the rows close, and the next state. Raises Declined for rows or a state that do not fit."""
    state = None if asked.args.state is None else _read_state(asked.args.state)
    return await anyio.to_thread.run_sync(partial(_computed, asked.args, state))


def _computed(args: ComputeFeatures, state: Mapping[str, Any] | None) -> FeaturesComputed:
    from chanflow.features import compute  # noqa: PLC0415  # the compiled core and numpy wait for the first call

    settings = compute.FeatureSettings(
        args.price_decimals, args.qty_decimals, args.bin_ms, engine={"z": args.z} if args.z != "robust" else {}
    )
    rows = [row.model_dump(exclude_none=True) for row in args.rows]
    try:
        found = compute.compute_features(rows, settings, state, finish=args.finish, max_bins=MAX_BINS)
    except compute.RowsRefused as fault:
        exact = all(row.dq_ok is not False for row in args.rows)
        raise _declined(str(fault), exact=exact) from fault
    kept = compact_json(found.state)
    if len(kept) > MAX_STATE:
        raise Declined(
            "invalid_argument", f"the state would be longer than {MAX_STATE}: send rows oftener", field="rows"
        )
    return FeaturesComputed(bins=[FeatureBin.model_validate(each) for each in found.bins], state=kept)


_ROW = re.compile(r"row (\d+)")
_SENTENCES = (
    ("the state is of other", "state", "state is of other settings or another version: begin without it"),
    ("the state", "state", "state is damaged"),
    ("the settings", "bin_ms", "bin_ms must divide a day, and 300,000 ms hold at least one bin"),
    ("rows of one symbol", "rows", "rows must be of one symbol"),
    (
        "rows span",
        "rows",
        f"rows span more than {MAX_BINS} bins, with those still open in the state: send less at once",
    ),
)


def _declined(reason: str, *, exact: bool) -> Declined:
    """Return a reason in words that do not repeat the caller's values; `exact` says that its row counts them all."""
    for begin, field, words in _SENTENCES:
        if reason.startswith(begin):
            return Declined("invalid_argument", words, field=field)
    match = _ROW.match(reason) if exact else None
    where = f"row {match[1]}" if match else "a row"
    words = (
        f"{where} cannot be used: a price or quantity is absent where its kind needs it, below 0, or has more decimals "
        "than price_decimals and qty_decimals say"
    )
    return Declined("invalid_argument", words, field=f"rows.{match[1]}" if match else "rows")


def _read_state(text: str) -> dict[str, Any]:
    try:
        plain = json.loads(text)
        _State.model_validate(plain)
    except (ValueError, RecursionError, ValidationError) as fault:
        raise Declined(
            "invalid_argument", "state is none of ours", field="state", suggestion="pass state as it was answered"
        ) from fault
    found: dict[str, Any] = plain
    return found


def _digest(found: FeaturesComputed) -> Digest:
    columns = ("ts_ms", "z_ofi", "z_cvd", "book_ok")
    return Digest(
        f"{len(found.bins)} bins; order flow is contemporaneous, no forecast",
        columns,
        tuple(tuple(getattr(each, name) for name in columns) for each in found.bins[-5:]),
    )


DOORS: frozenset[Door] = frozenset({"cli", "rest", "ws"})
"""Not over MCP: its tools are twelve, and this is none of them."""

COMPUTE_FEATURES = Operation(
    name="compute_features",
    title="Order-flow features",
    doc_en="Order-flow features (订单流特征) of market rows, batch by batch. Contemporaneous: they predict nothing.",
    doc_zh="由行情行计算订单流特征，可分批；只描述当下，不预测。",
    scope="analysis:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=ComputeFeatures,
    output=FeaturesComputed,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/analysis/features",
    handler=compute_features,
    digest=_digest,
    doors=DOORS,
    posted=True,
)
