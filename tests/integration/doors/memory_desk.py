"""A desk in memory behind the ports of the operations. Run as a program it serves MCP over stdio, or HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import polars as pl

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.canonical import plain
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.order import FillView, OrderEvent, OrderState, OrderView
from chanflow.domain.signal import Signal
from chanflow.market.feed import Feed
from chanflow.operations.jobs import Jobs
from chanflow.operations.services import Services

MINUTE_MS = 60_000
FIRST_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
BARS = 600
NOW_NS = (FIRST_MS + BARS * MINUTE_MS + 20_000) * 1_000_000
REQUEST_ID = "019b7500-0000-7000-8000-000000000001"


class StillClock:
    """A clock that stands 20 s after the last bar closed."""

    def now_ns(self) -> int:
        return NOW_NS

    def monotonic_ns(self) -> int:
        return 0

    async def sleep_until(self, at_ns: int) -> None:
        raise AssertionError("no operation sleeps")


class OneId:
    """Gives every request the same name, so that error bodies can be compared whole."""

    def uuid7(self) -> UUID:
        return UUID(REQUEST_ID)


def minute_bars(count: int = BARS) -> list[Bar]:
    """A price that rises 23 bars and falls 17, by 7.3 a bar."""
    bars, price = [], 42_000.1
    for at in range(count):
        step = 7.3 if at % 40 < 23 else -7.3
        opened, price = price, round(price + step, 1)
        high, low = round(max(opened, price) + 1.1, 1), round(min(opened, price) - 1.2, 1)
        volume = 1.5 + at % 7
        bars.append(
            Bar(
                FIRST_MS + at * MINUTE_MS,
                MINUTE_MS,
                opened,
                high,
                low,
                price,
                volume,
                round(volume * price, 4),
                10,
                1.0,
            )
        )
    return bars


def wandering_bars(count: int = BARS, seed: int = 11) -> list[Bar]:
    """A price that wanders by chance, so that its structure has points of many types."""
    chance, price, bars = Random(seed), 2_000.0, []
    for at in range(count):
        opened, price = price, round(price + chance.uniform(-6, 6), 2)
        high = round(max(opened, price) + chance.uniform(0, 2), 2)
        low = round(min(opened, price) - chance.uniform(0, 2), 2)
        bars.append(
            Bar(FIRST_MS + at * MINUTE_MS, MINUTE_MS, opened, high, low, price, 3.0, round(3 * price, 4), 10, 1.0)
        )
    return bars


class MemoryKlines:
    """Minute bars of BTCUSDT and ETHUSDT, and a symbol that has none yet."""

    def __init__(self, count: int = BARS) -> None:
        self._bars = {"BTCUSDT": minute_bars(count), "EMPTY": [], "ETHUSDT": wandering_bars(count)}

    def klines(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        fill: bool = False,
        adjust: str = "none",
    ) -> list[Bar]:
        if symbol not in self._bars or level != "1m" or adjust != "none":
            raise NotFound(f"no bars of {symbol} of {level}, {adjust}")
        found = [
            bar
            for bar in self._bars[symbol]
            if (start_ms is None or bar.ts_ms >= start_ms) and (end_ms is None or bar.ts_ms < end_ms)
        ]
        return found[-limit:] if start_ms is None else found[:limit]

    def symbols(self) -> list[str]:
        return sorted(self._bars)


def memory_row(ts_ms: int, seq: int, **values: Any) -> dict[str, Any]:
    """A row of BTCUSDT, known 5 ms after it happened."""
    row = {"ts_ms": ts_ms, "event_ms": ts_ms, "known_ns": (ts_ms + 5) * 1_000_000, "symbol": "BTCUSDT"}
    return (
        row
        | {"kind": "trade", "price": 42_000.1, "qty": 0.5, "side": "buy", "seq_first": None, "seq_last": seq}
        | values
    )


class MemorySource:
    """Ten trades of BTCUSDT a second apart, with a gap among them, and its newest values."""

    LAST_MS = NOW_NS // 1_000_000 - 100

    def symbols(self) -> list[str]:
        return ["BTCUSDT"]

    def has(self, symbol: str) -> bool:
        return symbol == "BTCUSDT"

    def frames(self, symbols: Any, start_ms: int, end_ms: int, *, kinds: Any, columns: Any, tails: Any) -> Any:
        if "wings" in (columns or ()):
            raise InvalidArgument("column 'wings' is unknown", field="columns")
        rows = [memory_row(FIRST_MS + at * 1_000, at) for at in range(10)]
        lost = {"kind": "gap", "price": None, "qty": None, "side": None, "seq_first": 4, "event_ms": FIRST_MS + 4_200}
        rows.insert(5, memory_row(FIRST_MS + 4_800, 5, **lost))
        frame = pl.DataFrame(rows, infer_schema_length=None)
        yield frame.filter(pl.col("ts_ms").is_between(start_ms, end_ms, closed="left"))

    def bars(
        self, symbol: str, interval: str, *, start_ms: int, end_ms: int, limit: int, fill: bool, adjust: str
    ) -> Any:
        if interval != "1m":
            raise NotFound(f"no bars of {interval}")
        bars = [bar for bar in minute_bars() if start_ms <= bar.ts_ms < end_ms][:limit]
        return pl.DataFrame(
            {
                "ts_ms": pl.Series([bar.ts_ms for bar in bars], dtype=pl.Int64),
                "close_ms": pl.Series([bar.close_ms for bar in bars], dtype=pl.Int64),
                "close": pl.Series([bar.close for bar in bars], dtype=pl.Float64),
            }
        )

    def newest(self, symbol: str) -> dict[str, Any] | None:
        if symbol != "BTCUSDT":
            return None
        at = {"event_ms": self.LAST_MS, "known_ns": self.LAST_MS * 1_000_000, "dq_codes": []}
        return {
            "quote": at | {"bid": 42_000.0, "ask": 42_000.2, "bid_qty": 1.0, "ask_qty": 2.0},
            "trade": at | {"price": 42_000.1, "qty": 0.5, "side": "buy"},
            "mark": at | {"price": 42_000.3},
            "book": at | {"state": "synced"},
        }


class BrokenFeed:
    """A feed with a bug that would tell a secret."""

    def live_snapshot(self, symbols: Any) -> Any:
        raise RuntimeError("password=hunter2")

    def historical_slice(self, query: Any, *, limit: Any = None, cursor: Any = None) -> Any:
        raise RuntimeError("password=hunter2")


@dataclass(frozen=True)
class MemoryDesk:
    """A desk that stands at the third rung."""

    mode: str = "paper"
    ladder_level: str = "L3"
    halted: bool = False
    halt_reason: str | None = None

    def desk(self) -> MemoryDesk:
        return self


class MemoryCertificates:
    """A certificate of points 1 and 2 that end a stroke."""

    def cell(
        self, symbol: str, level: str, *, of: str, point_type: str, side: str, preset: str
    ) -> dict[str, Any] | None:
        if (symbol, level, of, preset) != ("ETHUSDT", "1m", "stroke", "default") or point_type not in ("1", "2"):
            return None
        n = 400 if side == "buy" else 300
        return {
            "permanence": {"survival": 0.111, "lag_p50_bars": 64},
            "from_first_seen": {"n": n, "hit_rate": 0.41, "hit_low": 0.36, "hit_high": 0.46},
            "from_confirmed": {"n": n // 10, "hit_rate": 0.5, "hit_low": 0.34, "hit_high": 0.66},
        }


class MemorySignals:
    """Twelve decisions, one a minute, on two symbols; every third is confirmed."""

    def signals(self, source: str, run_id: str | None) -> Iterator[dict[str, Any]]:
        for at in range(12):
            ts_ms, confirm = FIRST_MS + at * MINUTE_MS, at % 3 == 0
            yield plain(
                Signal(
                    ts_ms=ts_ms,
                    known_ms=ts_ms,
                    symbol="BTCUSDT" if at % 2 else "ETHUSDT",
                    signal_id=f"r1-{at}",
                    signal_type="buy",
                    side_hint="buy" if confirm else "flat",
                    score=0.6 - at / 100,
                    confirm=confirm,
                    gating_blocked=not confirm,
                    decision_code="OK" if confirm else ("LOW_SCORE", "COOLDOWN")[at % 2],
                    reasons=() if confirm else (f"|score| is {at}",),
                    consistency=0.5,
                    expiry_ms=60_000,
                    config_hash="c" * 64,
                    run_id="r1",
                )
            )


@dataclass(frozen=True)
class MemoryView:
    """An account that was given."""

    snapshot: AccountSnapshot
    open_orders: tuple[OrderEvent, ...]
    armed_triggers: dict[str, int]


class MemoryAccount:
    """One long position with its stop, in a paper account."""

    def account(self) -> MemoryView:
        position = Position(
            position_id="p-1",
            symbol="BTCUSDT",
            base="BTC",
            qty_base=Decimal("0.0150"),
            entry_price=Decimal("42000.10"),
            mark_price=Decimal("42150.5"),
            leverage=2,
            opened_ns=NOW_NS - 10**12,
            stop_price=Decimal(41500),
            take_profit_price=None,
            protected=True,
        )
        snapshot = AccountSnapshot(
            as_of_ns=NOW_NS - 5 * 10**9,
            wallet_quote=Decimal(10000),
            equity_quote=Decimal("10002.256"),
            high_water_quote=Decimal(10010),
            day_start_equity_quote=Decimal(10000),
            transfers_today_quote=Decimal(0),
            positions=(position,),
            resting=(),
            opening_trades_today=1,
            reconciled=True,
        )
        stop = OrderEvent(
            client_order_id="cf-0001-stop",
            symbol="BTCUSDT",
            leg="stop",
            state=OrderState.ACCEPTED,
            filled_base=Decimal(0),
            leaves_base=Decimal("0.0150"),
            at_ns=NOW_NS - 9 * 10**11,
        )
        return MemoryView(snapshot, (stop,), {"BTCUSDT": 2})


class MemoryOrders:
    """A filled entry of BTCUSDT with its stop, and eight orders of ETHUSDT that ended, one a minute."""

    def orders(self) -> tuple[list[OrderView], int]:
        def order(number: int, **changes: Any) -> OrderView:
            at_ns = (FIRST_MS + number * MINUTE_MS) * 1_000_000
            base = {
                "client_order_id": f"q{number:026}", "command_id": None, "proposal_id": f"p{number}",
                "symbol": "ETHUSDT", "side": "sell", "leg": "entry", "qty_base": Decimal("1.50"),
                "limit_price": Decimal("2000.10"), "stop_price": None, "take_profit_price": None, "reduce_only": False,
                "state": OrderState.EXPIRED, "filled_base": Decimal(0), "leaves_base": Decimal(0), "detail": "",
                "sent_ns": at_ns, "updated_ns": at_ns,
            }  # fmt: skip
            return OrderView(**(base | changes))

        fills = tuple(
            FillView(str(n), Decimal(42_000) + n, Decimal("0.1"), Decimal("2.1"), bool(n), NOW_NS) for n in range(3)
        )
        entry = order(
            8, symbol="BTCUSDT", side="buy", command_id="mine-0001", state=OrderState.FILLED, fills=fills,
            filled_base=Decimal("0.3"), qty_base=Decimal("0.3"),
        )  # fmt: skip
        stop = order(
            9, symbol="BTCUSDT", client_order_id=f"{entry.client_order_id}-sl", leg="stop", reduce_only=True,
            limit_price=None, stop_price=Decimal(41_000), state=OrderState.ACCEPTED, leaves_base=Decimal("0.3"),
        )  # fmt: skip
        return [*(order(n) for n in range(8)), entry, stop], NOW_NS


class NoAccount:
    """A desk that has not run yet."""

    def account(self) -> MemoryView:
        raise NotFound("no desk has run in /somewhere/private")


class BrokenKlines(MemoryKlines):
    """A reader with a bug that would tell a secret."""

    def klines(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        fill: bool = False,
        adjust: str = "none",
    ) -> list[Bar]:
        raise RuntimeError("password=hunter2")

    def symbols(self) -> list[str]:
        raise RuntimeError("password=hunter2")


class NothingRecorded(MemoryKlines):
    """A data directory without a run."""

    def klines(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        fill: bool = False,
        adjust: str = "none",
    ) -> list[Bar]:
        raise NotFound("no desk has run in /somewhere/private")

    def symbols(self) -> list[str]:
        raise NotFound("no desk has run in /somewhere/private")


class SevenTrials:
    """However often one asks, seven were tried: answers of several processes can be compared."""

    def count(self, trial: str) -> int:
        del trial
        return 7


def memory_services() -> Services:
    return Services(
        klines=MemoryKlines(),
        account=MemoryAccount(),
        clock=StillClock(),
        ids=OneId(),
        certificates=MemoryCertificates(),
        feed=Feed([MemorySource()], StillClock()),
        desk=MemoryDesk(),
        signals=MemorySignals(),
        orders=MemoryOrders(),
        trials=SevenTrials(),
        jobs=Jobs(clock=StillClock()),
    )


def failing_services() -> Services:
    return Services(klines=BrokenKlines(), account=NoAccount(), clock=StillClock(), ids=OneId(), feed=BrokenFeed())


def new_services() -> Services:
    return Services(klines=NothingRecorded(), account=NoAccount(), clock=StillClock(), ids=OneId())


if __name__ == "__main__":
    import sys
    from dataclasses import replace

    from chanflow.interfaces.cli.serve import mcp_stdio, serve
    from chanflow.runtime.clock import SystemClock

    match sys.argv[1:]:
        case ["live"]:
            mcp_stdio(replace(memory_services(), clock=SystemClock()))
        case ["failing"]:
            mcp_stdio(failing_services())
        case ["serve", host]:
            serve(memory_services(), host=host, port=0, out=sys.stdout)
        case _:
            mcp_stdio(memory_services())
