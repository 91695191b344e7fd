"""Signals: what the rules decided, refusals too, as the desk journaled it or a sink of the signal service keeps it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import BeforeValidator, Field, FiniteFloat, StringConstraints

from chanflow.domain.errors import ChanflowError, NotFound
from chanflow.domain.signal import DecisionCode, Regime, SideHint, SignalType, StrategyMode
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.fields import Cursor, Symbol, TimeNs, make_cursor, read_cursor, time_of_ms, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import Door
from chanflow.operations.services import Services

_LIVE_WITHIN_MS = 60_000

Limit500 = Annotated[int, Field(ge=1, le=500), BeforeValidator(whole)]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]


class GetSignals(Arguments):
    """Which signals: of the desk's newest run, or of a sink's run, the newest if none is named."""

    source: Literal["desk", "sink"] = "desk"
    run_id: RunId | None = None
    symbol: Symbol | None = None
    since: TimeNs | None = None
    decision_code: DecisionCode | None = None
    confirm: bool | None = None
    limit: Limit500 = 50
    cursor: Cursor | None = None


class SignalRow(Answer):
    """One decision. Times are Unix ms; it is stale `expiry_ms` after `known_ms`. Prices are exact text in quote.

    `confirm` is true exactly where `decision_code` is OK; else `reasons` say why, and `side_hint` is flat.
    """

    schema_version: int
    ts_ms: int
    known_ms: int
    symbol: str
    signal_id: str
    signal_type: SignalType
    side_hint: SideHint
    score: FiniteFloat | None
    confirm: bool
    gating_blocked: bool
    decision_code: DecisionCode
    reasons: list[str]
    z_ofi: FiniteFloat | None
    z_cvd: FiniteFloat | None
    consistency: FiniteFloat | None
    div_type: str | None
    regime: Regime | None
    strategy_mode: StrategyMode | None
    expiry_ms: int
    config_hash: str
    run_id: str
    level: str | None
    setup: str | None
    refs: list[str]
    price: str | None
    invalidation_price: str | None
    trend_agrees: bool
    flow_strong: bool


class SignalsFound(Answer):
    """Decisions, newest first, and the cursor to older ones."""

    signals: list[SignalRow]
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


async def get_signals(asked: Asked[GetSignals]) -> SignalsFound:
    """Return a page of the decisions that fit, newest first."""
    args, services = asked.args, asked.services
    if args.run_id is not None and args.source == "desk":
        raise Declined("invalid_argument", "run_id names a run of a sink: ask with source sink", field="run_id")
    before = None
    if args.cursor is not None:
        side, before = read_cursor(args.cursor)
        if side != "before" or before < 0:
            raise Declined("invalid_argument", "cursor is none of ours", field="cursor")
    read = partial(_page, services, args, before)
    page, newest_ms = await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
    shown = page[-args.limit :]
    now_ms = services.clock.now_ns() // NS_PER_MS
    known_ms = now_ms if newest_ms is None else newest_ms
    return SignalsFound(
        signals=[SignalRow.model_validate(row) for _, row in reversed(shown)],
        next_cursor=make_cursor("before", shown[0][0]) if len(page) > args.limit else None,
        known_at=time_of_ms(known_ms),
        stale_ms=now_ms - known_ms if now_ms - known_ms > _LIVE_WITHIN_MS else None,
    )


def _page(
    services: Services, args: GetSignals, before: int | None
) -> tuple[list[tuple[int, Mapping[str, Any]]], int | None]:
    """Return the last decisions that fit, one more than asked if there are more, and when the newest was known."""
    found: deque[tuple[int, Mapping[str, Any]]] = deque(maxlen=args.limit + 1)
    newest_ms: int | None = None
    try:
        for number, row in enumerate(services.signals.signals(args.source, args.run_id)):
            newest_ms = row["known_ms"] if newest_ms is None else max(newest_ms, row["known_ms"])
            if (before is None or number < before) and _fits(args, row):
                found.append((number, row))
    except NotFound as fault:
        where = "no desk has run yet" if args.source == "desk" else "there is no sink with such a run"
        hint = "start one: chanflow demo" if args.source == "desk" else "set signals.out to the folder of its files"
        raise Declined("not_found", where, suggestion=hint) from fault
    except (KeyError, TypeError) as fault:
        raise ChanflowError("a stored signal lacks a field") from fault
    return list(found), newest_ms


def _fits(args: GetSignals, row: Mapping[str, Any]) -> bool:
    return (
        args.symbol in (None, row["symbol"])
        and args.decision_code in (None, row["decision_code"])
        and args.confirm in (None, row["confirm"])
        and (args.since is None or row["ts_ms"] * NS_PER_MS >= args.since)
    )


def _digest(found: SignalsFound) -> Digest:
    columns = ("ts_ms", "symbol", "signal_type", "side_hint", "score", "decision_code", "setup")
    return Digest(
        f"{len(found.signals)} signals, newest first; flow is contemporaneous, no forecast",
        columns,
        tuple(tuple(getattr(row, name) for name in columns) for row in found.signals[:5]),
        found.next_cursor,
    )


DOORS: frozenset[Door] = frozenset({"cli", "rest", "ws"})
"""Not over MCP: its tools are twelve, and this is none of them."""

GET_SIGNALS = Operation(
    name="get_signals",
    title="Signals",
    doc_en="Signals (信号) of the desk or of a sink, newest first, refusals with their reasons too.",
    doc_zh="查询信号，最新在前；被拒绝的也附原因。",
    scope="analysis:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=GetSignals,
    output=SignalsFound,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/analysis/signals",
    handler=get_signals,
    digest=_digest,
    doors=DOORS,
)
