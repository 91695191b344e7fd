"""Statuses and refusals: every documented one stands in the tables."""

from __future__ import annotations

import pytest

from chanflow.adapters.venues.hyperliquid.words import OTHER, refusal, state_of
from chanflow.domain.order import OrderState
from chanflow.execution.ports import Action

# Hyperliquid documentation, "Info endpoint: query order status".
DOCUMENTED = [
    "open", "filled", "canceled", "triggered", "rejected", "marginCanceled", "vaultWithdrawalCanceled",
    "openInterestCapCanceled", "selfTradeCanceled", "reduceOnlyCanceled", "siblingFilledCanceled", "delistedCanceled",
    "liquidatedCanceled", "scheduledCancel", "tickRejected", "minTradeNtlRejected", "perpMarginRejected",
    "reduceOnlyRejected", "badAloPxRejected", "iocCancelRejected", "badTriggerPxRejected",
    "marketOrderNoLiquidityRejected", "positionIncreaseAtOpenInterestCapRejected",
    "positionFlipAtOpenInterestCapRejected", "tooAggressiveAtOpenInterestCapRejected", "openInterestIncreaseRejected",
    "insufficientSpotBalanceRejected", "oracleRejected", "perpMaxPositionRejected",
]  # fmt: skip


@pytest.mark.parametrize("status", DOCUMENTED)
def test_every_documented_status_means_what_its_family_says(status: str) -> None:
    expected = {"open": OrderState.ACCEPTED, "triggered": OrderState.ACCEPTED, "filled": OrderState.FILLED}.get(status)
    if expected is None:
        expected = OrderState.REJECTED if status.lower().endswith("rejected") else OrderState.CANCELED
    assert state_of(status) is expected


def test_a_status_of_later_is_judged_by_its_family() -> None:
    assert state_of("moonPhaseCanceled") is OrderState.CANCELED
    assert state_of("moonPhaseRejected") is OrderState.REJECTED
    assert state_of("moonPhase") is None


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("Price must be divisible by tick size. asset=3", Action.FIX_RULES),
        ("Order must have minimum value of $10. asset=0", Action.FIX_RULES),
        ("Insufficient margin to place order. asset=4", Action.REFRESH_ACCOUNT),
        ("Reduce only order would increase position. asset=0", Action.RECONCILE),
        ("Post only order would have immediately matched, bbo was 98450@98451. asset=0", Action.REPLAN),
        ("Order could not immediately match against any resting orders. asset=0", Action.REPLAN),
        ("Invalid TP/SL price. asset=0", Action.REPLAN),
        ("No liquidity available for market order.", Action.REPLAN),
        ("Order would increase open interest while open interest is capped", Action.STOP_OPENING),
        ("Order would increase open interest too quickly", Action.STOP_OPENING),
        ("Order rejected due to price more aggressive than oracle while at open interest cap", Action.STOP_OPENING),
        ("Order has insufficient spot balance to trade", Action.REFRESH_ACCOUNT),
        ("Order price too far from oracle", Action.REPLAN),
        ("Order would cause position to exceed margin tier limit at current leverage", Action.REFRESH_ACCOUNT),
        ("Order was never placed, already canceled, or filled. asset=0", Action.ASK_ORDER),
        ("Cannot modify canceled or filled order", Action.ASK_ORDER),
        ("Too many cumulative requests sent (15401 > 14642) for cumulative volume traded $4643.", Action.PAUSE),
        ("Action already expired", Action.RESYNC_CLOCK),
        ("Invalid nonce: duplicate nonce 1700000000000", Action.RESYNC_CLOCK),
        ("User or API Wallet 0x0000000000000000000000000000000000000001 does not exist.", Action.HALT_ACCOUNT),
        ("Must deposit before performing actions. User: 0x01", Action.HALT_ACCOUNT),
    ],
)
def test_a_refusal_says_what_is_to_be_done(message: str, action: Action) -> None:
    told = refusal(message)
    assert told.action is action
    assert told.message == message
    assert told.code != OTHER


def test_a_refusal_nobody_knows_is_refused() -> None:
    assert refusal("the moon is full").action is Action.REFUSED
