"""`exchangeInfo`: the rules of every symbol as Binance USD-M writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.venues.emulator.rules import SymbolRules

RATE_LIMITS: Final[Sequence[Mapping[str, object]]] = (
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
)
"""The venue's usual limits."""

_MAX_PRICE: Final = 10_000_000
_DELIVERY_MS: Final = 4_133_404_800_000
"""The year 2100, which says that a contract is perpetual."""
_ONBOARD_MS: Final = 1_569_398_400_000
_ORDER_TYPES: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip
_TIMES: Final = ("GTC", "IOC", "FOK", "GTX", "GTD")


def exchange_info(
    rules: Mapping[str, SymbolRules], server_ms: int, rate_limits: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    """Return the reply; without `rate_limits` it shows the venue's usual ones."""
    quotes = sorted({one.quote for one in rules.values()})
    return {
        "timezone": "UTC",
        "serverTime": server_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [dict(limit) for limit in rate_limits or RATE_LIMITS],
        "exchangeFilters": [],
        "assets": [{"asset": quote, "marginAvailable": True, "autoAssetExchange": "-10000"} for quote in quotes],
        "symbols": [_symbol(one) for one in rules.values()],
    }


def _symbol(rules: SymbolRules) -> dict[str, Any]:
    first = rules.brackets[0] if rules.brackets else None
    return {
        "symbol": rules.symbol,
        "pair": rules.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _DELIVERY_MS,
        "onboardDate": _ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": _percent(first.maintenance if first else Decimal(0)),
        "requiredMarginPercent": _percent(Decimal(1) / first.max_leverage if first else Decimal(1)),
        "baseAsset": rules.base,
        "quoteAsset": rules.quote,
        "marginAsset": rules.quote,
        "pricePrecision": rules.price_decimals,
        "quantityPrecision": rules.qty_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": f"{rules.trigger_protect:.4f}",
        "liquidationFee": f"{rules.liquidation_fee:.6f}",
        "marketTakeBound": f"{rules.market_take_bound:.2f}",
        "filters": _filters(rules),
        "orderTypes": list(_ORDER_TYPES),
        "timeInForce": list(_TIMES),
    }


def _filters(rules: SymbolRules) -> list[dict[str, Any]]:
    tick, qty = rules.price_text(rules.tick), rules.qty_text
    least, step = qty(rules.min_qty), qty(rules.step)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": str(_MAX_PRICE), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": qty(rules.max_qty), "stepSize": step},
        {
            "filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": qty(rules.max_market_qty), "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": rules.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": rules.max_algo_orders},
        {"filterType": "MIN_NOTIONAL", "notional": f"{rules.min_notional:f}"},
        {
            "filterType": "PERCENT_PRICE", "multiplierUp": f"{rules.multiplier_up:.4f}",
            "multiplierDown": f"{rules.multiplier_down:.4f}", "multiplierDecimal": "4",
        },
    ]  # fmt: skip


def _percent(share: Decimal) -> str:
    return f"{share * 100:.4f}"
