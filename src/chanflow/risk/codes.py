"""Every code the gate can refuse by, in the order of its checks. Codes are stable: programs read them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chanflow.risk.constraints import HARD_CONSTRAINTS

_HARD = {
    "margin_ratio": "equity over notional after the trade is too low",
    "total_drawdown": "equity stands too far below its high-water mark",
    "daily_loss": "the UTC day has lost too much",
    "leverage": "the order's or the account's leverage is too high",
    "cash_reserve": "too little equity would be left unclaimed",
    "asset_exposure": "too much of the equity would stand in one base asset",
    "single_trade_loss": "the trade would lose too much at its stop",
    "stop_before_liquidation": "the venue would liquidate the position too near to its stop",
    "price_collar": "the order reaches too far from the mark, or the book is too thin for it",
    "order_rate": "too many opening orders in a minute, or resting in one symbol",
}

_STEPS = ("halt", "strategy_mode", "inputs", "form", "authority", "projection", "loss_wall", "soft_rules", "sizing")

CODES: Mapping[str, str] = MappingProxyType({
    # 0, 1
    "halt": "the desk is halted",
    "strategy_mode": "the mode opens nothing now",
    # 2
    "reconciled": "the books are not reconciled with the venue",
    "account_age_s": "the account is too old, or its time is unknown or ahead",
    "wallet_missing": "the wallet is no number",
    "equity_missing": "equity is no number",
    "high_water_missing": "the high-water mark is no positive number",
    "day_start_equity_missing": "the day's starting equity is no positive number",
    "transfers_today_missing": "the day's transfers are no number",
    "position_missing": "a position's quantity or mark is no number",
    "resting_missing": "a resting order's quantity or price is no number",
    "equity": "equity is not above 0",
    "mark_missing": "there is no mark price",
    "mark_age_s": "the mark is too old, or its time is unknown or ahead",
    "rules_age_s": "the instrument's rules are too old, or were never read",
    "book_ok": "the order book is not synchronised",
    "sigma_missing": "volatility is not known: six hours of one-minute bars are needed",
    "volume_missing": "the median volume of a minute is not known",
    "funding_missing": "the expected funding is not known",
    "clock_offset_missing": "our clock was not compared with the venue's",
    "depth_missing": "a market order needs the book, and it is empty",
    # 3
    "unknown_symbol": "the symbol has no instrument rules here",
    "action": "the action opens nothing",
    "side": "the side does not fit the action",
    "seen_before": "the proposal was judged already",
    "expired": "the proposal is past its time",
    "leverage_form": "the leverage is below 1",
    "size_form": "the wished size is not positive, or a reduce names none",
    "flip": "a position stands the other way and is not being closed",
    "stop_loss": "the stop is missing, not positive or not on the tick",
    "take_profit": "the take-profit is missing, not positive or not on the tick",
    "entry": "the entry is not positive or not on the tick",
    "stop_side": "stop, entry, mark and take-profit are in the wrong order",
    # 4
    "authority": "the ladder stands at L0",
    "live_scope": "whoever asks may not trade live",
    "live_keys": "there are no venue keys",
    "live_flag": "live trading is not allowed by settings",
    "approval_needed": "a person's approval is waited for",
    "approval_expired": "nobody approved it in time",
    "approval_denied": "a person denied it",
    "approval_lapsed": "the process ended between its approval and its order",
    # 5, 9
    **_HARD,
    # 6, 7, 8
    "loss_wall": "the loss wall stands",
    "confidence": "the confidence is too low, or no share of one",
    "trades_per_day": "the day's opening trades are used up",
    "below_minimum": "the size left is below what the venue takes",
    # reducing
    "no_position": "there is no such position",
    "reducing": "nothing of the position is left to close",
    "changes": "an adjust names no stop and no target, or a size",
    "stop_tightens": "the stop would not risk less than the one that stands",
    "target_side": "the market is beyond the take-profit already",
    # any
    **{f"check_failed:{name}": f"{name} could not be evaluated" for name in (*_STEPS, *dict(HARD_CONSTRAINTS))},
})  # fmt: skip
"""What each code means."""
