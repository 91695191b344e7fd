"""How the desk and its markets stand now."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
import numpy as np
from pydantic import Field, FiniteFloat

from chanflow.domain.errors import NotFound
from chanflow.domain.time import NS_PER_MS
from chanflow.market.calendar import CnCalendar
from chanflow.market.feed import Snapshot
from chanflow.market.markets import market_of
from chanflow.market.quality import CHAIN_BREAK
from chanflow.operations.bars import known_symbols
from chanflow.operations.fields import Symbol, time_of_ms
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.services import DeskState, Services

MOST_SYMBOLS = 20


class GetMarketStatus(Arguments):
    """Of which symbols; left out, the first that the desk knows."""

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=MOST_SYMBOLS)] | None = None


class DeskRow(Answer):
    """The desk; null where none has run."""

    mode: str
    ladder_level: str | None
    halted: bool
    halt_reason: str | None


class SymbolRow(Answer):
    """One symbol. `gap` says that its book lost events and is not whole again."""

    symbol: str
    session: Literal["open", "closed"]
    last_price: FiniteFloat | None
    age_ms: int | None
    spread_bps: FiniteFloat | None
    gap: bool


class MarketStatus(Answer):
    """`clock_skew_ms` is the desk's clock against the venue's, null while none is measured."""

    desk: DeskRow | None
    symbols: list[SymbolRow]
    clock_skew_ms: FiniteFloat | None
    known_at: str


async def get_market_status(asked: Asked[GetMarketStatus]) -> MarketStatus:
    """Return the desk's state, and price, age and session of each symbol."""
    return await anyio.to_thread.run_sync(partial(_status, asked.services, asked.args.symbols), abandon_on_cancel=True)


def _status(services: Services, symbols: list[str] | None) -> MarketStatus:
    wanted = known_symbols(services.klines)[:MOST_SYMBOLS] if symbols is None else list(dict.fromkeys(symbols))
    found = services.feed.live_snapshot(wanted) if wanted else []
    now_ms = services.clock.now_ns() // NS_PER_MS
    return MarketStatus(
        desk=_desk_row(services),
        symbols=[_symbol_row(each, now_ms) for each in found],
        clock_skew_ms=None,
        known_at=time_of_ms(now_ms),
    )


def _desk_row(services: Services) -> DeskRow | None:
    try:
        state: DeskState = services.desk.desk()
    except NotFound:
        return None
    return DeskRow(mode=state.mode, ladder_level=state.ladder_level, halted=state.halted, halt_reason=state.halt_reason)


def _symbol_row(found: Snapshot, now_ms: int) -> SymbolRow:
    quote, trade = found.quote, found.trade
    mid = None if quote is None else (quote["bid"] + quote["ask"]) / 2
    return SymbolRow(
        symbol=found.symbol,
        session="open" if _is_open(found.symbol, now_ms) else "closed",
        last_price=mid if trade is None else trade["price"],
        age_ms=found.age_ms,
        spread_bps=1e4 * (quote["ask"] - quote["bid"]) / mid if quote is not None and mid else None,
        gap=CHAIN_BREAK in found.dq_codes or (found.book is not None and found.book["state"] != "synced"),
    )


def _is_open(symbol: str, now_ms: int) -> bool:
    """Return whether the symbol's market trades now; of holidays nobody told us."""
    if market_of(symbol) == "crypto":
        return True
    try:
        CnCalendar().edges(np.array([now_ms]), "1m")
    except ValueError:
        return False
    return True


def _digest(status: MarketStatus) -> Digest:
    desk = "no desk" if status.desk is None else f"{status.desk.mode}, ladder {status.desk.ladder_level}"
    rows = tuple((row.symbol, row.session, row.last_price, row.age_ms) for row in status.symbols[-5:])
    return Digest(f"{desk}; {len(status.symbols)} symbols", ("symbol", "session", "last_price", "age_ms"), rows)


GET_MARKET_STATUS = Operation(
    name="get_market_status",
    title="Market status",
    doc_en="Desk mode and ladder; session, last price, age, spread and gaps (缺口) of symbols.",
    doc_zh="交易台模式与权限阶梯；标的的时段、最新价、时效、价差与缺口。",
    scope="market:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=GetMarketStatus,
    output=MarketStatus,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/market/status",
    handler=get_market_status,
    digest=_digest,
)
