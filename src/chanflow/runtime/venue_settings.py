"""Which venue a desk trades at, and where it is reached."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from chanflow.runtime.setting_fields import Section

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _address(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname or parts.query):
        raise ValueError(f"is {url!r}, an address like https://host:port is needed")
    if url and parts.scheme in ("http", "ws") and parts.hostname not in _LOOPBACK:
        raise ValueError(f"is {url!r}: beyond this machine only https and wss keep keys secret")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]


class VenueSettings(Section):
    """The venue of real orders. Real money takes two settings that agree: `environment` live and `real_money` true."""

    name: Literal["simulated", "binance", "hyperliquid", "okx"]
    environment: Literal["testnet", "live", "loopback"]
    real_money: bool
    margin: Literal["isolated", "cross"]
    key_file: str
    rest_url: Address
    stream_url: Address

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.environment == "live" and not self.real_money:
            raise ValueError("environment is live and real_money is false: real orders need both, or set testnet")
        hosts = [urlsplit(url).hostname for url in (self.rest_url, self.stream_url)]
        if self.environment == "loopback" and any(host not in _LOOPBACK for host in hosts):
            raise ValueError("environment is loopback: rest_url and stream_url must both name this machine")
        return self
