"""The library's model for a provider of ours. Imports pydantic-ai."""

from __future__ import annotations

import httpx2
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.deepseek import DeepSeekProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from chanflow.adapters.llm.client import timeouts
from chanflow.adapters.llm.providers import Provider

_COMPATIBLE = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
"""Servers that are only like OpenAI's know the bound of a reply by its older name, max_tokens; some ignore the new."""
_NO_KEY = "no-key"
"""Sent where a local server asks for none; the library insists on one."""


def library_model(provider: Provider, name: str, http: httpx2.AsyncClient) -> Model:
    """Return the model `name` of a provider, asked over `http`; it never repeats a request by itself."""
    if provider.kind == "anthropic":
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=_anthropic(provider, http)))
    client = _openai(provider, http)
    if provider.kind == "deepseek":
        return OpenAIChatModel(name, provider=DeepSeekProvider(openai_client=client))
    if provider.kind == "openai":
        return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
    if provider.kind == "ollama":
        return OllamaModel(name, provider=OllamaProvider(openai_client=client), profile=_COMPATIBLE)
    return OpenAIChatModel(
        name, provider=OpenAICompatibleProvider(provider.name, openai_client=client), profile=_COMPATIBLE
    )


def _openai(provider: Provider, http: httpx2.AsyncClient) -> AsyncOpenAI:
    client = AsyncOpenAI(
        api_key=provider.api_key or _NO_KEY,
        base_url=provider.address,
        max_retries=0,
        timeout=timeouts(connect_s=provider.connect_s, stall_s=provider.stall_s),
        http_client=http,
    )
    # The library fills these from the environment, and would send them to whatever server is asked.
    client.organization = None
    client.project = None
    return client


def _anthropic(provider: Provider, http: httpx2.AsyncClient) -> AsyncAnthropic:
    return AsyncAnthropic(
        api_key=provider.api_key,
        base_url=provider.address,
        max_retries=0,
        timeout=timeouts(connect_s=provider.connect_s, stall_s=provider.stall_s),
        http_client=http,
    )
