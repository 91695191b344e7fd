"""What survives a restart of the emulated exchange: accounts with money, positions, settings, orders and history.

A restored order waits anew, behind what the book then shows; a restored position has its cost. Secrets are not kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from chanflow.adapters.venues.emulator.accounts import Account
from chanflow.adapters.venues.emulator.floor import core_account
from chanflow.adapters.venues.emulator.records import (
    AlgoRecord,
    IncomeRecord,
    Leg,
    OrderRecord,
    PlaceOrder,
    TradeRecord,
)
from chanflow.adapters.venues.emulator.world import World
from chanflow.domain.errors import InvalidArgument

VERSION: Final = 1
_SETTINGS: Final = ("is_hedged", "is_multi_assets", "is_called")


def save(world: World, path: Path) -> None:
    """Write a world's accounts to a file, whole or not at all."""
    text = json.dumps(snapshot(world), separators=(",", ":"))
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)


def load(world: World, path: Path, secrets: Mapping[str, str], default_secret: str) -> None:
    """Take up the accounts of a file; InvalidArgument where it is none of ours or names symbols that are not listed."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if tree["version"] != VERSION:
            raise InvalidArgument(f"{path} is of version {tree['version']}, this program reads {VERSION}")
        restore(world, tree, secrets, default_secret)
    except (ValueError, KeyError, TypeError) as wrong:
        raise InvalidArgument(f"{path} is no state of an exchange: {wrong!r}") from wrong


def snapshot(world: World) -> dict[str, Any]:
    """Return a world's accounts as plain data."""
    return {
        "version": VERSION,
        "now_ns": world.now_ns,
        "next_order": world.next_order,
        "next_algo": world.next_algo,
        "next_payment": world.next_payment,
        "last_trades": world.last_trades(),
        "accounts": [_account(account) for account in world.accounts],
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "key": account.key,
        "settings": {name: getattr(account, name) for name in _SETTINGS},
        "leverage": account.leverage,
        "isolated": sorted(account.isolated),
        "countdowns": account.countdowns,
        "margin_changes": [list(row) for row in account.margin_changes],
        "books": [
            [symbol, int(leg), book.position, book.cost, book.wallet, book.isolated, book.update_ms, book.realized,
             book.fees]
            for (symbol, leg), book in account.books.items()
        ],
        "orders": [asdict(order) for order in account.orders],
        "algos": [
            {**asdict(algo), "order": algo.order.order_id if algo.order is not None else None}
            for algo in account.algos
        ],
        "trades": [asdict(trade) for trade in account.trades],
        "incomes": [asdict(income) for income in account.incomes],
    }  # fmt: skip


def restore(world: World, tree: Mapping[str, Any], secrets: Mapping[str, str], default_secret: str) -> None:
    """Let a world without accounts have those of a snapshot; its listeners hear nothing of it."""
    world.count_trades_from(tree["last_trades"])
    told, world.on_user_event = world.on_user_event, lambda _account, _event: None
    try:
        for row in tree["accounts"]:
            _restore_account(world, row, secrets.get(row["key"], default_secret))
    finally:
        world.on_user_event = told
    world.next_order, world.next_algo = tree["next_order"], tree["next_algo"]
    world.next_payment = tree["next_payment"]


def _restore_account(world: World, row: Mapping[str, Any], secret: str) -> None:
    account = Account(len(world.accounts), row["key"], secret)
    world.accounts.append(account)
    for name in _SETTINGS:
        setattr(account, name, bool(row["settings"][name]))
    account.leverage = {symbol: int(value) for symbol, value in row["leverage"].items()}
    account.isolated = set(row["isolated"])
    account.countdowns = {symbol: int(value) for symbol, value in row["countdowns"].items()}
    account.margin_changes = [(name, Leg(leg), *rest) for name, leg, *rest in row["margin_changes"]]
    for symbol, leg, *figures in row["books"]:
        _restore_book(world, account, symbol, Leg(leg), figures)
    account.trades = [TradeRecord(**(one | {"leg": Leg(one["leg"])})) for one in row["trades"]]
    account.incomes = [IncomeRecord(**one) for one in row["incomes"]]
    for one in row["orders"]:
        _restore_order(world, account, OrderRecord(**(one | {"asked": _asked(one["asked"])})))
    for one in row["algos"]:
        order = world.orders.get(one["order"]) if one["order"] is not None else None
        _restore_algo(world, account, AlgoRecord(**(one | {"asked": _asked(one["asked"]), "order": order})))


def _asked(row: Mapping[str, Any]) -> PlaceOrder:
    return PlaceOrder(**{**row, "leg": Leg(row["leg"])})


def _restore_book(world: World, account: Account, symbol: str, leg: Leg, figures: list[int]) -> None:
    if symbol not in world.listings:
        raise InvalidArgument(f"the state has a position of {symbol}, which is not listed now")
    book = world.book(account, symbol, leg)
    position, cost, wallet, isolated, update_ms, realized, fees = figures
    world.move(account, book, wallet)
    refusal = world.listings[symbol].core.adopt(core_account(account.number, leg), position, cost, isolated)
    assert refusal is None, "a new book holds nothing"
    book.position, book.cost, book.isolated = position, cost, isolated
    book.update_ms, book.realized, book.fees = update_ms, realized, fees


def _restore_order(world: World, account: Account, order: OrderRecord) -> None:
    world.orders[order.order_id] = order
    account.orders.append(order)
    account.client_orders[order.symbol, order.client_id] = order
    if order.is_open:
        account.open_orders[order.order_id] = order
        times = order.time_ms, order.update_ms
        world.place_again(account, order)
        if order.is_open:
            order.time_ms, order.update_ms = times


def _restore_algo(world: World, account: Account, algo: AlgoRecord) -> None:
    world.algos[algo.algo_id] = algo
    account.algos.append(algo)
    account.client_algos[algo.client_id] = algo
    if algo.is_open:
        account.open_algos[algo.algo_id] = algo
        times = algo.time_ms, algo.update_ms
        world.arm_again(account, algo)
        if algo.is_open:
            algo.time_ms, algo.update_ms = times
