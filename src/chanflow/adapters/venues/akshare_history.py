"""A-shares from AKShare (extra `[akshare]`). Replies are pandas tables with Chinese column names; volume is in lots."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread

from chanflow.domain.errors import InvalidArgument, MissingExtra, VenueBusy
from chanflow.market.cn_bars import LOT_SHARES, MINUTES, CnBar, cn_code, cn_columns, cn_date, cn_factors, cn_last_date

_PERIODS = {"1d": "daily", "1w": "weekly", "1M": "monthly"}


class AkshareHistory:
    """AKShare as a `HistorySource`. `client` is its module, imported when first needed."""

    venue = "cn-akshare"
    kinds = frozenset({"klines", "factors"})

    def __init__(self, client: Any = None) -> None:
        self._client = client

    async def fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        """Return unadjusted bars, or the cumulative factors. Raises InvalidArgument, MissingExtra, VenueBusy."""
        return await anyio.to_thread.run_sync(self._fetch, kind, symbol, interval, start_ms, end_ms)

    def _fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        client, (digits, exchange) = self._module(), cn_code(symbol)
        if kind == "factors":
            rows = _records(client.stock_zh_a_daily, symbol=exchange.lower() + digits, adjust="hfq-factor")
            return cn_factors(((str(row["date"])[:10], row["hfq_factor"]) for row in rows), start_ms, end_ms)
        if interval in _PERIODS:
            rows = _records(
                client.stock_zh_a_hist, symbol=digits, period=_PERIODS[interval], start_date=cn_date(start_ms),
                end_date=cn_last_date(end_ms), adjust="",
            )  # fmt: skip
            return cn_columns((_bar(row, str(row["日期"])[:10]) for row in rows), interval, start_ms, end_ms)
        if interval in MINUTES:
            rows = _records(
                client.stock_zh_a_hist_min_em, symbol=digits, period=str(MINUTES[interval]), adjust="",
                start_date=cn_date(start_ms, pattern="%Y-%m-%d 09:00:00"),
                end_date=cn_last_date(end_ms, pattern="%Y-%m-%d 16:00:00"),
            )  # fmt: skip
            return cn_columns((_bar(row, str(row["时间"])) for row in rows), interval, start_ms, end_ms)
        raise InvalidArgument(
            f"interval is {interval}, AKShare has {', '.join([*MINUTES, *_PERIODS])}", field="interval"
        )

    def _module(self) -> Any:
        if self._client is None:
            try:
                module = importlib.import_module("akshare")
            except ImportError as fault:
                raise MissingExtra("AKShare is not installed: pip install 'chanflow[akshare]'") from fault
            self._client = module
        return self._client


def _records(ask: Any, **query: Any) -> list[dict[str, Any]]:
    try:
        table = ask(**query)
    except Exception as fault:  # whatever the vendor's client raises
        raise VenueBusy(f"AKShare did not answer: {type(fault).__name__}; try again") from fault
    return list(table.to_dict("records"))


def _bar(row: Mapping[str, Any], stamp: str) -> CnBar:
    return CnBar(
        stamp, float(row["开盘"]), float(row["最高"]), float(row["最低"]), float(row["收盘"]),
        float(row["成交量"]) * LOT_SHARES, float(row["成交额"]),
    )  # fmt: skip
