"""A-shares from BaoStock (extra `[baostock]`). Replies are walked row by row, all values text; volume is in shares."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread

from chanflow.domain.errors import InvalidArgument, MissingExtra, VenueBusy, VenueRejected
from chanflow.market.cn_bars import MINUTES, CnBar, cn_code, cn_columns, cn_date, cn_factors, cn_last_date

_DASHED = "%Y-%m-%d"
_PERIODS = {"1d": "d", "1w": "w", "1M": "m"}
_UNADJUSTED = "3"
_FIRST_DATE = "1990-12-19"


class BaostockHistory:
    """BaoStock as a `HistorySource`. `client` is its module, imported and logged in when first needed."""

    venue = "cn-baostock"
    kinds = frozenset({"klines", "factors"})

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self._in = False

    async def fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        """Return unadjusted bars, or the cumulative factors. Raises InvalidArgument, MissingExtra, VenueRejected."""
        return await anyio.to_thread.run_sync(self._fetch, kind, symbol, interval, start_ms, end_ms)

    def _fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        digits, exchange = cn_code(symbol)
        client, code = self._logged_in(), f"{exchange.lower()}.{digits}"
        if kind == "factors":
            # The factor that holds at the start may have begun long before.
            rows = _rows(client.query_adjust_factor, code=code, start_date=_FIRST_DATE, end_date=_last(end_ms))
            told = ((row["dividOperateDate"], float(row["backAdjustFactor"])) for row in rows)
            return cn_factors(told, start_ms, end_ms)
        minutes = interval in MINUTES
        if not minutes and interval not in _PERIODS:
            known = ", ".join([*MINUTES, *_PERIODS])
            raise InvalidArgument(f"interval is {interval}, BaoStock has {known}", field="interval")
        assert interval is not None
        fields = ("date,time," if minutes else "date,") + "open,high,low,close,volume,amount"
        frequency = str(MINUTES[interval]) if minutes else _PERIODS[interval]
        rows = _rows(
            client.query_history_k_data_plus, code, fields, start_date=cn_date(start_ms, pattern=_DASHED),
            end_date=_last(end_ms), frequency=frequency, adjustflag=_UNADJUSTED,
        )  # fmt: skip
        bars = [_bar(row, row["time"] if minutes else row["date"]) for row in rows]
        return cn_columns(bars, interval, start_ms, end_ms)

    def _logged_in(self) -> Any:
        if self._client is None:
            try:
                module = importlib.import_module("baostock")
            except ImportError as fault:
                raise MissingExtra("BaoStock is not installed: pip install 'chanflow[baostock]'") from fault
            self._client = module
        if not self._in:
            answer = self._client.login()
            if answer.error_code != "0":
                raise VenueBusy(f"BaoStock refused the login: {str(answer.error_msg)[:100]}; try again")
            self._in = True
        return self._client


def _last(end_ms: int) -> str:
    return cn_last_date(end_ms, pattern=_DASHED)


def _rows(ask: Any, *args: Any, **query: Any) -> list[dict[str, str]]:
    answer = ask(*args, **query)
    if answer.error_code != "0":
        raise VenueRejected(f"BaoStock refused the question: {str(answer.error_msg)[:100]}")
    rows = []
    while answer.next():
        rows.append(dict(zip(answer.fields, answer.get_row_data(), strict=True)))
    return rows


def _bar(row: Mapping[str, str], stamp: str) -> CnBar:
    # A suspended day has empty values.
    values = {name: float(row[name] or "nan") for name in ("open", "high", "low", "close")}
    return CnBar(stamp, **values, volume=float(row["volume"] or 0), amount=float(row["amount"] or 0))
