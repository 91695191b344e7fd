"""A-shares from Tushare (extra `[tushare]`, with a token). Daily volume is in lots and amount in thousands of CNY."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread

from chanflow.domain.errors import InvalidArgument, MissingExtra, VenueBusy
from chanflow.market.cn_bars import LOT_SHARES, MINUTES, CnBar, cn_code, cn_columns, cn_date, cn_factors, cn_last_date

_PERIODS = {"1d": "daily", "1w": "weekly", "1M": "monthly"}


class TushareHistory:
    """Tushare as a `HistorySource`. `client` is its `pro_api`, made of the token when first needed."""

    venue = "cn-tushare"
    kinds = frozenset({"klines", "factors"})

    def __init__(self, token: str | None = None, client: Any = None) -> None:
        self._token = token
        self._client = client

    async def fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        """Return unadjusted bars, or the cumulative factors. Raises InvalidArgument, MissingExtra, VenueBusy."""
        return await anyio.to_thread.run_sync(self._fetch, kind, symbol, interval, start_ms, end_ms)

    def _fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        client, code = self._api(), ".".join(cn_code(symbol))
        dates = {"start_date": cn_date(start_ms), "end_date": cn_last_date(end_ms)}
        if kind == "factors":
            rows = _records(client.adj_factor, ts_code=code, **dates)
            return cn_factors(((row["trade_date"], row["adj_factor"]) for row in rows), start_ms, end_ms)
        if interval in _PERIODS:
            rows = _records(getattr(client, _PERIODS[interval]), ts_code=code, **dates)
            bars = [_bar(row, row["trade_date"], LOT_SHARES, 1_000) for row in rows]
            return cn_columns(bars, interval, start_ms, end_ms)
        if interval in MINUTES:
            rows = _records(
                client.stk_mins, ts_code=code, freq=f"{MINUTES[interval]}min",
                start_date=cn_date(start_ms, pattern="%Y-%m-%d 09:00:00"),
                end_date=cn_last_date(end_ms, pattern="%Y-%m-%d 16:00:00"),
            )  # fmt: skip
            return cn_columns([_bar(row, row["trade_time"], 1, 1) for row in rows], interval, start_ms, end_ms)
        raise InvalidArgument(
            f"interval is {interval}, Tushare has {', '.join([*MINUTES, *_PERIODS])}", field="interval"
        )

    def _api(self) -> Any:
        if self._client is None:
            if not self._token:
                raise InvalidArgument("Tushare wants a token: give --token-file", field="token")
            try:
                module = importlib.import_module("tushare")
            except ImportError as fault:
                raise MissingExtra("Tushare is not installed: pip install 'chanflow[tushare]'") from fault
            self._client = module.pro_api(self._token)
        return self._client


def _records(ask: Any, **query: Any) -> list[dict[str, Any]]:
    try:
        table = ask(**query)
    except Exception as fault:  # noqa: BLE001  # whatever the vendor's client raises; its words may hold the token
        raise VenueBusy(f"Tushare did not answer: {type(fault).__name__}; try again") from None
    return list(table.to_dict("records"))


def _bar(row: Mapping[str, Any], stamp: Any, share_factor: int, amount_factor: int) -> CnBar:
    return CnBar(
        str(stamp), float(row["open"]), float(row["high"]), float(row["low"]), float(row["close"]),
        float(row["vol"]) * share_factor, float(row["amount"]) * amount_factor,
    )  # fmt: skip
