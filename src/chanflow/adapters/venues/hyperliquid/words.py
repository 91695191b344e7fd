"""What Hyperliquid's order statuses and refusals mean for the desk. Both tables are data.

Refusals have no numbers at the venue: each row here has one of ours, a beginning of its text, and what is to be done. A
refusal that no row knows is refused under `OTHER`.

Source: Hyperliquid documentation, "Error responses" and "Info endpoint: order status"; texts of answers without a row
there are as the venue has been seen to give them.
"""

from __future__ import annotations

from typing import Final

from chanflow.domain.order import OrderState
from chanflow.execution.ports import Action, VenueRefused

STATES: Final[dict[str, OrderState]] = {
    **dict.fromkeys(("open", "resting", "triggered", "waitingForFill", "waitingForTrigger"), OrderState.ACCEPTED),
    "filled": OrderState.FILLED,
    **dict.fromkeys(
        ("canceled", "marginCanceled", "vaultWithdrawalCanceled", "openInterestCapCanceled", "selfTradeCanceled",
         "reduceOnlyCanceled", "siblingFilledCanceled", "delistedCanceled", "liquidatedCanceled", "scheduledCancel"),
        OrderState.CANCELED,
    ),
    **dict.fromkeys(
        ("rejected", "tickRejected", "minTradeNtlRejected", "perpMarginRejected", "reduceOnlyRejected",
         "badAloPxRejected", "iocCancelRejected", "badTriggerPxRejected", "marketOrderNoLiquidityRejected",
         "positionIncreaseAtOpenInterestCapRejected", "positionFlipAtOpenInterestCapRejected",
         "tooAggressiveAtOpenInterestCapRejected", "openInterestIncreaseRejected", "insufficientSpotBalanceRejected",
         "oracleRejected", "perpMaxPositionRejected"),
        OrderState.REJECTED,
    ),
}  # fmt: skip


def state_of(status: str) -> OrderState | None:
    """Return the state a status stands for. One that came later is judged by its family; None where it has none."""
    known = STATES.get(status)
    if known is not None:
        return known
    if status.endswith(("Canceled", "Cancel")):
        return OrderState.CANCELED
    return OrderState.REJECTED if status.endswith("Rejected") else None


OTHER: Final = -1
EXPIRED: Final = -21

REFUSALS: Final[tuple[tuple[int, str, Action], ...]] = (
    (-2, "price must be divisible by tick size", Action.FIX_RULES),
    (-3, "order must have minimum value", Action.FIX_RULES),
    (-4, "insufficient margin", Action.REFRESH_ACCOUNT),
    (-5, "reduce only order would increase position", Action.RECONCILE),
    (-6, "post only order would have immediately matched", Action.REPLAN),
    (-7, "order could not immediately match", Action.REPLAN),
    (-8, "invalid tp/sl price", Action.REPLAN),
    (-9, "no liquidity available", Action.REPLAN),
    (-10, "order would increase open interest", Action.STOP_OPENING),
    (-11, "order rejected due to price more aggressive than oracle", Action.STOP_OPENING),
    (-12, "insufficient spot balance", Action.REFRESH_ACCOUNT),
    (-13, "order has insufficient spot balance", Action.REFRESH_ACCOUNT),
    (-14, "order price too far from oracle", Action.REPLAN),
    (-14, "price too far from oracle", Action.REPLAN),
    (-14, "order price cannot be more than", Action.REPLAN),
    (-15, "order would cause position to exceed margin tier", Action.REFRESH_ACCOUNT),
    (-16, "order was never placed, already canceled, or filled", Action.ASK_ORDER),
    (-17, "cannot modify canceled or filled order", Action.ASK_ORDER),
    (-17, "error placing new order during modify", Action.ASK_ORDER),
    (-18, "order has zero size", Action.FIX_RULES),
    (-18, "order has invalid size", Action.FIX_RULES),
    (-18, "order has invalid price", Action.FIX_RULES),
    (-19, "too many cumulative requests", Action.PAUSE),
    (-19, "too many requests", Action.PAUSE),
    (-20, "too many open orders", Action.PRUNE),
    (EXPIRED, "action already expired", Action.RESYNC_CLOCK),
    (-22, "invalid nonce", Action.RESYNC_CLOCK),
    (-23, "user or api wallet", Action.HALT_ACCOUNT),
    (-23, "must deposit before performing actions", Action.HALT_ACCOUNT),
    (-23, "unable to recover signer", Action.HALT_ACCOUNT),
    (-24, "cannot set scheduled cancel time", Action.REFUSED),
    (-24, "scheduled cancel", Action.REFUSED),
    (-25, "cannot switch leverage type", Action.HALT_SETTINGS),
    (-25, "invalid leverage", Action.FIX_RULES),
)


def refusal(message: str) -> VenueRefused:
    """Return a refusal by its text, with our number for it and what is to be done."""
    begun = message.strip().lower()
    for code, beginning, action in REFUSALS:
        if begun.startswith(beginning):
            return VenueRefused(code, message, action)
    return VenueRefused(OTHER, message, Action.REFUSED)
