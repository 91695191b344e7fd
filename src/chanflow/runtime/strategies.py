"""Which strategy owns a symbol: its name, its level, who decides, and how much of the equity it trades."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from chanflow.analyst.config import RULES
from chanflow.domain.errors import SettingsInvalid

if TYPE_CHECKING:
    from chanflow.runtime.settings import Settings

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy; `level` is None where it takes the desk's."""

    name: str
    level: str | None
    analyst: Literal["rules", "llm"]
    equity_share: Decimal = Decimal(1)


def strategy_for(settings: Settings, symbol: str) -> Strategy:
    """Return the strategy that a symbol belongs to; without any in the settings, one called default has everything.

    Raises SettingsInvalid where there are some and none has the symbol.
    """
    if not settings.strategies:
        asked = settings.agents.analyst.model != RULES
        return Strategy(DEFAULT, None, "llm" if asked else "rules")
    found = next((each for each in settings.strategies if symbol in each.symbols), None)
    if found is None:
        raise SettingsInvalid(f"strategies names no strategy that has {symbol}: add it to one, or leave them all out")
    return Strategy(found.name, found.level, found.analyst, found.equity_share)


def owner_of(settings: Settings, symbol: str) -> Strategy | None:
    """Return the strategy that a symbol belongs to, None where there are some and none has it."""
    owned = not settings.strategies or any(symbol in each.symbols for each in settings.strategies)
    return strategy_for(settings, symbol) if owned else None


def shares_of(settings: Settings) -> dict[str, Decimal]:
    """Return the share of equity of each strategy; the one called default has all of it and is not named."""
    return {each.name: each.equity_share for each in settings.strategies}


def asks_models(settings: Settings) -> bool:
    """Return whether any decision is a model's."""
    if not settings.strategies:
        return settings.agents.analyst.model != RULES
    return any(each.analyst == "llm" for each in settings.strategies)


def without_models(settings: Settings) -> Settings:
    """Return the settings with the rules as the analyst of every strategy, and all else the same."""
    analyst = settings.agents.analyst.model_copy(update={"model": RULES, "fallback": ()})
    strategies = tuple(each.model_copy(update={"analyst": "rules"}) for each in settings.strategies)
    agents = settings.agents.model_copy(update={"analyst": analyst})
    return settings.model_copy(update={"agents": agents, "strategies": strategies})
