"""What a desk left in its data directory, as the operations read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.order import OrderEvent
from chanflow.review.journal import Record, read_records
from chanflow.runtime.codec import decode
from chanflow.runtime.home import Home, RunFolder


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account read back from a journal: the last snapshot, the orders then open, the triggers then armed."""

    snapshot: AccountSnapshot
    open_orders: tuple[OrderEvent, ...]
    armed_triggers: dict[str, int]


def account_from(records: Iterable[Record]) -> AccountState | None:
    """Return the account as a journal's records leave it, or None before the first snapshot."""
    snapshot: AccountSnapshot | None = None
    orders: dict[str, OrderEvent] = {}
    armed: dict[str, tuple[str, set[str]]] = {}
    for record in records:
        body: Any = record.body
        match record.kind:
            case "account":
                snapshot = decode(AccountSnapshot, body)
            case "order_event":
                event = decode(OrderEvent, body)
                orders[event.client_order_id] = event
            case "register_triggers":
                armed[body["position_id"]] = (body["symbol"], {t["trigger_id"] for t in body["triggers"]})
            case "re_analysis_trigger" if body["position_id"] in armed:
                armed[body["position_id"]][1].discard(body["trigger"]["trigger_id"])
            case "triggers_disarmed":
                armed.pop(body["position_id"], None)
    if snapshot is None:
        return None
    counts: dict[str, int] = {}
    for symbol, triggers in armed.values():
        counts[symbol] = counts.get(symbol, 0) + len(triggers)
    still_open = tuple(event for event in orders.values() if not event.state.terminal)
    return AccountState(snapshot, still_open, {s: n for s, n in sorted(counts.items()) if n})


class NewestRun:
    """Reads the newest run of a data directory, whichever that is at the moment of asking."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def _folder(self) -> RunFolder:
        folder = self._home.newest_run()
        if folder is None:
            raise NotFound(f"no desk has run in {self._home.root} yet: start one with chanflow demo")
        return folder

    def account(self) -> AccountState:
        """Return the account as the newest journal leaves it. Raises NotFound when no desk has run yet."""
        folder = self._folder()
        state = account_from(read_records(folder.journal_path, torn_tail=True))
        if state is None:
            raise NotFound(f"run {folder.number} has not opened its books yet")
        return state

    def _lakes(self) -> list[Path]:
        lake = self._folder().lake_dir
        return sorted(p for p in lake.iterdir() if p.is_dir()) if lake.is_dir() else []

    def symbols(self) -> list[str]:
        """Return the symbols that the newest run's lake holds, sorted."""
        from chanflow.adapters.storage.lake_reader import LakeReader

        return sorted({symbol for lake in self._lakes() for symbol in LakeReader(lake).symbols()})

    def klines(
        self, symbol: str, interval_ms: int, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[Bar]:
        """Return closed bars of the newest run's lake. Raises NotFound for an unknown symbol."""
        from chanflow.adapters.storage.lake_reader import LakeReader

        for lake in self._lakes():
            reader = LakeReader(lake)
            if symbol in reader.symbols():
                return reader.klines(symbol, interval_ms, start_ms=start_ms, end_ms=end_ms, limit=limit)
        raise NotFound(f"there are no bars of {symbol}; known here: {', '.join(self.symbols()) or 'none'}")
