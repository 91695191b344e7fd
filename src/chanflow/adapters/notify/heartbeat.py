"""The sign of life: an address of a dead-man service that is asked for while the desk runs."""

from __future__ import annotations

from chanflow.adapters.notify.address import shown_address
from chanflow.domain.errors import DeliveryFailed


async def ping(url: str, *, cap_s: float) -> None:
    """Ask for `url` once, within `cap_s`; follows nowhere else. Raises DeliveryFailed without the address's secrets."""
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=cap_s)) as http,
            http.get(url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as fault:
        raise DeliveryFailed(f"{shown_address(url)} could not be reached: {type(fault).__name__}") from None
    if not 200 <= status < 300:
        raise DeliveryFailed(f"{shown_address(url)} answered {status}")
