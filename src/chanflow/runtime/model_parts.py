"""What a desk needs to let a model decide: who is asked, by which words, and what happens where nothing comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chanflow.domain.question import Mind
from chanflow.runtime.deliberation import ModelAnalyst
from chanflow.runtime.model_room import Remember, no_memory

if TYPE_CHECKING:
    from chanflow.runtime.settings import Settings


Follow = Callable[[str, str, str, Any], None]
"""Listens to a journal: kind, time, correlation id and body of each record."""


@dataclass(frozen=True, slots=True)
class ModelParts:
    """One strategy's model.

    `mind` None asks nobody: replies come from the journal alone. `latency_ms` stands for every reply's own where it is
    given. `keep` says why another analyst than before keeps the ladder's level; empty where it does not.
    """

    analyst: ModelAnalyst
    mind: Mind | None
    strategy: str = "default"
    fallback_rules: bool = False
    memory_down_halves: bool = True
    latency_ms: int | None = None
    keep: str = ""
    remember: Remember = field(default=no_memory)
    follow: Follow | None = None
    """Listens to the desk's journal, so that memory knows what was decided."""


Models = Callable[[], AbstractAsyncContextManager["MakeModel"]]
"""Opens what makes models, and closes their connections at the end."""

MakeModel = Callable[["Settings", str], ModelParts | None]
"""Gives the model that decides on a symbol, None where the rules do."""


def no_model(_settings: Settings, _symbol: str) -> ModelParts | None:
    """Return None: the rules decide."""
    return None


@asynccontextmanager
async def no_models() -> AsyncIterator[MakeModel]:
    """Give what makes no model."""
    yield no_model
