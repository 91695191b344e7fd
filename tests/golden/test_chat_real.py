"""The users' flow on recorded bars: find the second buys of the whole market, backtest them, say what came of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from chanflow.domain.errors import NotFound
from chanflow.domain.market_data import Bar
from chanflow.operations.chat import Chat
from chanflow.operations.offered import build_catalogue
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.services import Services

pytestmark = [pytest.mark.golden, pytest.mark.asyncio]

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))


class RecordedBars:
    """Recorded bars by symbol and level, and no account."""

    def __init__(self, bars: Mapping[tuple[str, str], list[Bar]]) -> None:
        self._bars = bars

    def klines(
        self, symbol: str, level: str, *, start_ms: int | None, end_ms: int | None, limit: int, **_: Any
    ) -> list[Bar]:
        if (symbol, level) not in self._bars:
            raise NotFound(symbol)
        bars = [
            bar
            for bar in self._bars[symbol, level]
            if (start_ms is None or bar.ts_ms >= start_ms) and (end_ms is None or bar.ts_ms < end_ms)
        ]
        return bars[:limit] if start_ms is not None else bars[-limit:]

    def symbols(self) -> list[str]:
        return sorted({symbol for symbol, _ in self._bars})

    def account(self) -> Any:
        raise AssertionError("nobody asks for the account")


def bars_of(frame: pl.DataFrame, interval_ms: int) -> list[Bar]:
    """Return the rows of one symbol as bars of an interval."""
    joined = (
        frame.sort("ts_ms")
        .group_by(pl.col("ts_ms") // interval_ms * interval_ms, maintain_order=True)
        .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
             pl.col("volume").sum())
    )  # fmt: skip
    return [Bar(ts, interval_ms, o, h, low, c, volume, 0.0, 0, 0.0) for ts, o, h, low, c, volume in joined.iter_rows()]


class Then:
    """The clock stands after the last bar."""

    def now_ns(self) -> int:
        return int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000

    def monotonic_ns(self) -> int:
        return 0

    async def sleep_until(self, at_ns: int) -> None:
        del at_ns


class OneId:
    def uuid7(self) -> UUID:
        return UUID(int=7)


@pytest.fixture(scope="module")
def chat() -> Chat:
    """Return a chat over a month of four perpetuals, and the days of a share and an index."""
    minutes = DATA / "data" / "klines" / "binance_usdm_1m_14sym_202505_202506.parquet"
    daily = DATA / "data" / "klines" / "ashare_tdx_daily_000001SH_600000SH.parquet"
    for path in (minutes, daily):
        if not path.exists():
            pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    bars: dict[tuple[str, str], list[Bar]] = {}
    frame = pl.read_parquet(minutes)
    for symbol in ("BTCUSDT", "ETHUSDT", "LTCUSDT", "XLMUSDT"):
        bars[symbol, "30m"] = bars_of(frame.filter(pl.col("symbol") == symbol), 30 * 60_000)
    days = pl.read_parquet(daily)
    for symbol in ("000001.SH", "600000.SH"):
        bars[symbol, "1d"] = bars_of(days.filter(pl.col("symbol") == symbol), 1)
        bars[symbol, "1d"] = [replace(bar, interval_ms=86_400_000) for bar in bars[symbol, "1d"]]
    desk = RecordedBars(bars)
    return Chat(build_catalogue(Services(klines=desk, account=desk, clock=Then(), ids=OneId())))


async def answer(chat: Chat, text: str) -> Mapping[str, Any]:
    said = [each async for each in chat.ask(text, LOCAL_OPERATOR, door="cli")]
    assert said[-1].kind == "answer", said[-1]
    return said[-1].body


@pytest.mark.parametrize(
    ("text", "scanned", "tested"),
    [("帮我找到所有 30 分钟级别形成第二类买点的股票，并回测策略", "个标的", "回测："),
     ("find all 30m second buys and backtest them", "symbols scanned", "Backtest: ")],
)  # fmt: skip
async def test_the_second_buys_of_the_market_are_found_and_backtested(
    chat: Chat, text: str, scanned: str, tested: str
) -> None:
    body = await answer(chat, text)
    assert body["failed"] == {}
    assert scanned in body["text"]
    assert tested in body["text"]
    shown = {figure["ref"]: figure["shown"] for figure in body["figures"]}
    assert shown["points.scanned"] == "4"
    assert int(shown["backtest.result.trades"]) > 0
    assert float(shown["backtest.result.costs"].replace(",", "")) > 0


async def test_both_languages_say_the_same_figures(chat: Chat) -> None:
    chinese = await answer(chat, "帮我找到所有 30 分钟级别形成第二类买点的股票，并回测策略")
    english = await answer(chat, "find all 30m second buys and backtest them")
    assert {(f["ref"], f["shown"]) for f in chinese["figures"]} == {(f["ref"], f["shown"]) for f in english["figures"]}


async def test_a_share_is_found_by_its_digits(chat: Chat) -> None:
    body = await answer(chat, "帮我看看 600000 日线有什么买卖点")
    assert body["failed"] == {}
    assert "日线级别第" in body["text"]
    assert "不构成投资建议" in body["text"]
