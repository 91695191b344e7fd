"""Hyperliquid's doors stand over the exchange's present world."""

from __future__ import annotations

from decimal import Decimal

from chanflow.adapters.venues.emulator.exchange import Exchange, ExchangeSettings
from chanflow.adapters.venues.emulator.hyperliquid.server import HyperliquidServer
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.runtime.clock import SystemClock

USER = "0x" + "ab" * 20


async def test_after_a_reset_the_doors_show_the_new_world() -> None:
    settings = ExchangeSettings(speed="step", seed=3, warm_ns=0)
    exchange = Exchange(
        lambda start_ns: open_tape("synthetic", symbols=["BTCUSDT"], seed=3, start_ns=start_ns, loop=False),
        SystemClock(), settings,
    )  # fmt: skip
    server = HyperliquidServer(exchange)
    ask = {"type": "clearinghouseState", "user": USER}
    exchange.world.deposit(exchange.world.accounts[server.wallets.open(USER)], Decimal(500))
    assert Decimal(server.info.answer(ask)["marginSummary"]["accountValue"]) == 10_500
    await exchange.reset()
    server.wallets.open(USER)
    assert Decimal(server.info.answer(ask)["marginSummary"]["accountValue"]) == 10_000
