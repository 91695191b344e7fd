"""Completes arguments of prompts and of URIs while they are typed: symbols, strategies, and what has few values."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from chanflow.domain.errors import NotFound
from chanflow.operations.bars import known_symbols
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.principal import Principal
from chanflow.operations.research import BacktestStrategy

MOST = 100
_FEW = {
    "lang": ("en", "zh"), "level": ("1m", "5m", "30m", "1d", "1w", "1M"), "side": ("buy", "sell"),
    "account": ("paper", "live"),
}  # fmt: skip


class Completions:
    """What may follow what was typed so far, as far as the caller may know it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def of(
        self, principal: Principal | None, ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument, context: CompletionContext | None,
    ) -> Completion:  # fmt: skip
        """Return at most 100 values; of a list by comma, the last is completed."""
        del ref, context
        typed = argument.value
        if argument.name == "symbols":
            head, comma, last = typed.rpartition(",")
            return _shown([head + comma + each for each in await self._symbols(principal) if _fits(each, last)])
        match argument.name:
            case "symbol":
                values = await self._symbols(principal)
            case "strategy":
                values = strategies()
            case name:
                values = list(_FEW.get(name, ()))
        return _shown([value for value in values if _fits(value, typed)])

    async def _symbols(self, principal: Principal | None) -> list[str]:
        if principal is None:
            return []
        request_id = self._catalogue.new_request_id()
        if await self._catalogue.admit(principal, "market:read", door="mcp", request_id=request_id) is not None:
            return []
        try:
            return sorted(await anyio.to_thread.run_sync(known_symbols, self._catalogue.services.klines))
        except NotFound:
            return []


def strategies() -> list[str]:
    """Return the strategies that can be backtested."""
    schema: dict[str, Any] = BacktestStrategy.model_json_schema()["properties"]["strategy"]
    return list(schema.get("enum", [schema.get("const")]))


def _fits(value: str, typed: str) -> bool:
    return value.lower().startswith(typed.lower())


def _shown(values: list[str]) -> Completion:
    return Completion(values=values[:MOST], total=len(values), has_more=len(values) > MOST)
