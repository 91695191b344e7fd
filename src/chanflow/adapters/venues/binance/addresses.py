"""Where Binance USD-M is reached: the real one, its testnet, and anything that speaks as it does on loopback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Environment = Literal["live", "testnet", "loopback"]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The bases of REST and of sockets, without a slash at the end."""

    rest: str
    stream: str


LIVE: Final = Addresses("https://fapi.binance.com", "wss://fstream.binance.com")
TESTNET: Final = Addresses("https://demo-fapi.binance.com", "wss://fstream.binancefuture.com")


def ccxt_urls(addresses: Addresses) -> dict[str, str]:
    """Return ccxt's names of all addresses this adapter uses; what is not named here cannot be reached at all."""
    rest = addresses.rest
    return {
        "fapiPublic": f"{rest}/fapi/v1", "fapiPublicV2": f"{rest}/fapi/v2", "fapiPublicV3": f"{rest}/fapi/v3",
        "fapiPrivate": f"{rest}/fapi/v1", "fapiPrivateV2": f"{rest}/fapi/v2", "fapiPrivateV3": f"{rest}/fapi/v3",
        "fapiData": f"{rest}/futures/data",
    }  # fmt: skip
