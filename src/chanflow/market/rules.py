"""Trading rules of symbols whose recordings do not carry them.

Source of the rules: Binance USD-M `GET /fapi/v1/exchangeInfo` (`PRICE_FILTER.tickSize`, `LOT_SIZE.stepSize` and
`minQty`, `MIN_NOTIONAL.notional`), as in force from 2024. Source of the fees: Binance USD-M fee schedule, regular user.
"""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.instrument import Instrument

MAKER_FEE_FRAC = Decimal("0.0002")
TAKER_FEE_FRAC = Decimal("0.0005")

KNOWN = {
    ("binance-usdm", "BTCUSDT"): Instrument(
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick=Decimal("0.10"),
        step=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        min_notional_quote=Decimal(100),
        maker_fee_frac=MAKER_FEE_FRAC,
        taker_fee_frac=TAKER_FEE_FRAC,
    ),
}
"""Instruments by venue and symbol."""

QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "BTC", "ETH", "BNB")
"""Quote currencies that end a symbol, longest first."""


def instrument_of(venue: str, symbol: str, *, price_decimals: int, qty_decimals: int) -> Instrument:
    """Return the known rules of a symbol, or rules as fine as the decimals seen, with no least notional."""
    known = KNOWN.get((venue, symbol))
    if known is not None:
        return known
    quote = next((q for q in QUOTES if symbol.endswith(q) and symbol != q), "")
    step = Decimal(1).scaleb(-qty_decimals)
    return Instrument(
        symbol=symbol,
        base=symbol.removesuffix(quote),
        quote=quote,
        tick=Decimal(1).scaleb(-price_decimals),
        step=step,
        min_qty=step,
        min_notional_quote=Decimal(0),
        maker_fee_frac=MAKER_FEE_FRAC,
        taker_fee_frac=TAKER_FEE_FRAC,
    )
