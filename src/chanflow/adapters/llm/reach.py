"""Does a provider answer, and does it take the key: asked by listing its models, which costs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chanflow.adapters.llm.providers import Provider

if TYPE_CHECKING:
    import httpx

_MOST_BYTES = 4_000_000
_ANTHROPIC_VERSION = "2023-06-01"
_TOLD = {401: "it does not take the key", 403: "it does not take the key", 404: "it lists no models there"}


async def asked_for_models(provider: Provider) -> tuple[bool, str]:
    """Return whether a provider answered, and what came of it in a few words without the key. Never raises."""
    import httpx

    at = provider.address.rstrip("/")
    headers = {"Accept-Encoding": "identity"}
    if provider.kind == "anthropic":
        at += "" if at.endswith("/v1") else "/v1"
        headers |= {"x-api-key": provider.api_key, "anthropic-version": _ANTHROPIC_VERSION}
    elif provider.api_key:
        headers["Authorization"] = f"Bearer {provider.api_key}"
    timeout = httpx.Timeout(provider.stall_s, connect=provider.connect_s)
    try:
        async with (
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout) as client,
            client.stream("GET", f"{at}/models", headers=headers) as reply,
        ):
            if reply.status_code == 200:
                return await _read(reply)
            why = _TOLD.get(reply.status_code, "it does not answer as one that serves models")
            return False, f"{why} (status {reply.status_code})"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
        return False, f"it cannot be reached ({type(fault).__name__})"


async def _read(reply: httpx.Response) -> tuple[bool, str]:
    body = b""
    async for part in reply.aiter_raw():
        body += part
        if len(body) > _MOST_BYTES:
            return False, f"its list of models is longer than {_MOST_BYTES} bytes"
    try:
        listed = json.loads(body)["data"]
        return True, f"it answers, with {len(listed)} models"
    except (ValueError, KeyError, TypeError, RecursionError):
        return False, "what it answers is no list of models"
