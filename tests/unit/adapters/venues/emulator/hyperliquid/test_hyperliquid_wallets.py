"""Who may sign for whom, and which nonces are good."""

from __future__ import annotations

import pytest

from chanflow.adapters.venues.emulator.hyperliquid.refusals import Refusal, Unreadable
from chanflow.adapters.venues.emulator.hyperliquid.wallets import AHEAD_MS, BACK_MS, KEPT_NONCES, Wallets
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.world import World

MASTER, AGENT, OTHER = ("0x" + digit * 40 for digit in "abc")
NOW = 1_700_000_000_000


def wallets(*, strict: bool = False, agents: dict[str, str] | None = None) -> Wallets:
    world = World({"BTCUSDT": SymbolRules("BTCUSDT", "BTC")}, start_ns=NOW * 1_000_000)
    return Wallets(world, strict=strict, agents=agents or {})


def test_an_agent_acts_for_its_master() -> None:
    made = wallets(agents={AGENT: MASTER})
    assert made.acting(AGENT) == made.number(MASTER)
    assert made.role(AGENT) == {"role": "agent", "data": {"user": MASTER}}
    assert made.role(MASTER) == {"role": "user"}
    assert made.role(OTHER) == {"role": "missing"}


def test_who_is_unknown_opens_an_account_unless_strict() -> None:
    made = wallets()
    assert made.address(made.acting(OTHER)) == OTHER
    with pytest.raises(Refusal, match="does not exist"):
        wallets(strict=True, agents={AGENT: MASTER}).acting(OTHER)


def test_an_agent_is_never_used_again() -> None:
    made = wallets()
    made.approve(MASTER, AGENT, "desk")
    made.approve(MASTER, OTHER, "desk")
    with pytest.raises(Refusal, match="does not exist"):
        made.acting(AGENT)
    with pytest.raises(Refusal, match="already used"):
        made.approve(MASTER, AGENT, "desk")


def test_an_address_that_is_none_cannot_be_read() -> None:
    with pytest.raises(Unreadable):
        wallets().number("0x12")


def test_a_nonce_is_good_once_whatever_the_order() -> None:
    made = wallets()
    for nonce in (NOW, NOW + 5, NOW + 2):
        made.use_nonce(AGENT, nonce, NOW)
    with pytest.raises(Refusal, match="duplicate"):
        made.use_nonce(AGENT, NOW + 5, NOW)
    made.use_nonce(OTHER, NOW + 5, NOW)


@pytest.mark.parametrize("nonce", [NOW - BACK_MS, NOW + AHEAD_MS])
def test_a_nonce_out_of_bounds_is_refused(nonce: int) -> None:
    with pytest.raises(Refusal, match="out of bounds"):
        wallets().use_nonce(AGENT, nonce, NOW)


def test_a_nonce_below_the_hundred_kept_is_refused() -> None:
    made = wallets()
    for nonce in range(NOW + 10, NOW + 10 + KEPT_NONCES):
        made.use_nonce(AGENT, nonce, NOW)
    with pytest.raises(Refusal, match="too low"):
        made.use_nonce(AGENT, NOW + 9, NOW)
