"""Whatever clients and market do, no money is made or lost, and what clients are told is what the cores hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_exchange import MadeExchange

from chanflow.adapters.venues.emulator.floor import core_account

KEYS = ("one", "two", "three")
SYMBOLS = {"BTCUSDT": (6_000_000, 10, 1_000), "ETHUSDT": (300_000, 1, 10)}
"""First price, tick, and lots by which quantities are counted."""

account = st.sampled_from(KEYS)
symbol = st.sampled_from(sorted(SYMBOLS))
side = st.sampled_from(("BUY", "SELL"))
lots = st.integers(1, 400)
away = st.integers(-60, 60)
step = st.one_of(
    st.tuples(st.just("market"), account, symbol, side, lots, st.booleans()),
    st.tuples(st.just("limit"), account, symbol, side, lots, away),
    st.tuples(st.just("stop"), account, symbol, side, lots, away),
    st.tuples(st.just("move"), symbol, st.integers(-3_000, 3_000)),
    st.tuples(st.just("fund"), symbol, st.integers(-2_000_000, 2_000_000)),
    st.tuples(st.just("cancel"), account, symbol),
    st.tuples(st.just("leverage"), account, symbol, st.integers(1, 125)),
    st.tuples(st.just("isolate"), account, symbol),
    st.tuples(st.just("margin"), account, symbol, st.integers(-500, 500)),
)


class Play:
    """Steps on one exchange; refusals are part of the play."""

    def __init__(self) -> None:
        self.made = MadeExchange()
        self.price = {name: first for name, (first, _, _) in SYMBOLS.items()}
        for key in KEYS:
            self.made.balance(key)

    def market(self, key: str, name: str, side: str, qty: int, reduce: bool) -> None:
        self.made.order(side, f"{qty / 1000:.3f}", symbol=name, key=key, reduceOnly="true" if reduce else "false")

    def limit(self, key: str, name: str, side: str, qty: int, away: int) -> None:
        self.made.order(side, f"{qty / 1000:.3f}", self.near(name, away), symbol=name, key=key)

    def stop(self, key: str, name: str, side: str, qty: int, away: int) -> None:
        self.made.stop(side, self.near(name, away * 5), f"{qty / 1000:.3f}", symbol=name, key=key)

    def near(self, name: str, away: int) -> str:
        _, tick, _ = SYMBOLS[name]
        return f"{(self.price[name] + away * tick) / 100:.2f}"

    def move(self, name: str, ticks: int) -> None:
        first, tick, lots = SYMBOLS[name]
        self.price[name] = max(self.price[name] + ticks * tick * 5, first // 3)
        self.made.quote(name, self.price[name], self.price[name] + tick, step=tick, lots=lots)

    def fund(self, name: str, rate_ppb: int) -> None:
        self.made.tell(name, [(8, 0, rate_ppb)])

    def cancel(self, key: str, name: str) -> None:
        self.made.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=name, key=key)
        self.made.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol=name, key=key)

    def leverage(self, key: str, name: str, leverage: int) -> None:
        self.made.ask("POST", "/fapi/v1/leverage", symbol=name, leverage=leverage, key=key)

    def isolate(self, key: str, name: str) -> None:
        self.made.ask("POST", "/fapi/v1/marginType", symbol=name, marginType="ISOLATED", key=key)

    def margin(self, key: str, name: str, amount: int) -> None:
        asked = {"symbol": name, "amount": abs(amount), "type": 1 if amount > 0 else 2, "key": key}
        self.made.ask("POST", "/fapi/v1/positionMargin", **asked)

    def check(self) -> None:
        world = self.made.world
        assert all(missing == (0, 0) for missing in world.imbalance().values())
        for owner in world.accounts:
            for (name, leg), book in owner.books.items():
                held = world.listings[name].core.account(core_account(owner.number, leg))
                mirrored = (book.wallet, book.position, book.cost, book.isolated)
                assert mirrored == tuple(held[f] for f in ("wallet_nano", "position", "cost_nano", "isolated_nano"))
                if book.position == 0:
                    assert book.cost == 0
            paid = sum(row.amount_atto for row in owner.incomes)
            assert owner.wallet_atto == 10_000 * 10**18 + paid

    def check_events(self) -> None:
        """Trades told are trades kept, and an order's fills add up to what it says of itself."""
        for owner in self.made.world.accounts:
            told: dict[int, Decimal] = {}
            for event in self.made.events:
                if event.account == owner.number and event.name == "ORDER_TRADE_UPDATE":
                    order = event.payload["o"]
                    told[order["i"]] = told.get(order["i"], Decimal(0)) + Decimal(order["l"])
                    assert told[order["i"]] == Decimal(order["z"])
            live = self.made.world.live
            assert all(order.is_open for order in owner.open_orders.values())
            assert all(order.core_name in live for order in owner.open_orders.values())


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(step, min_size=1, max_size=60))
def test_no_money_is_made_or_lost(steps: list[tuple[str, ...]]) -> None:
    play = Play()
    for kind, *args in steps:
        getattr(play, kind)(*args)
        play.check()
    play.check_events()
