"""Joins the parts of thinking: settings in; a purse, a price list and a mind that asks models out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from chanflow.analyst.budget import Budget, Limit
from chanflow.analyst.config import RULES, AgentConfig, Quota
from chanflow.analyst.prices import PriceList
from chanflow.domain.errors import BudgetSpent, SettingsInvalid
from chanflow.runtime.price_file import load_prices

if TYPE_CHECKING:
    from chanflow.adapters.llm.cassette import Tape
    from chanflow.adapters.llm.mind import ModelMind
    from chanflow.adapters.storage.database.database import Database
    from chanflow.domain.alert import Alert
    from chanflow.domain.question import Purse
    from chanflow.domain.time import Clock, Ids, Randomness
    from chanflow.runtime.settings import Settings

THINKERS = ("analyst", "learner", "chat")
"""The agents that may have a model."""


def analyst_config(settings: Settings) -> AgentConfig:
    """Return how the analyst is set up."""
    agent, quota = settings.agents.analyst, settings.agents.analyst.quota
    return AgentConfig(
        model=agent.model, fallback=agent.fallback, tools=agent.tools, temperature=agent.temperature,
        quota=Quota(quota.max_requests_per_hour, quota.max_usd_per_day, quota.max_tokens_per_run),
        language=settings.analyst.language, timeout_s=agent.timeout_s, masked=settings.analyst.masked,
    )  # fmt: skip


def asking(settings: Settings, model: str) -> Settings:
    """Return the settings with `model` as the analyst's, to ask that one alone.

    Raises SettingsInvalid where its provider is not in the settings.
    """
    provider = model.partition("/")[0]
    if provider not in settings.providers:
        known = ", ".join(sorted(settings.providers)) or "none"
        raise SettingsInvalid(f"the model is {model}, and providers has no {provider}: known are {known}")
    analyst = settings.agents.analyst.model_copy(update={"model": model, "fallback": ()})
    return settings.model_copy(update={"agents": settings.agents.model_copy(update={"analyst": analyst})})


def rules_stand_in(settings: Settings) -> bool:
    """Return whether the rules decide where no model gave an answer."""
    return settings.analyst.fallback == RULES or RULES in settings.agents.analyst.fallback


def limits_of_models(settings: Settings) -> tuple[Limit, ...]:
    """Return all limits on what models may cost, each named by its setting."""
    found = []
    for agent in THINKERS:
        quota, place = getattr(settings.agents, agent).quota, f"agents.{agent}.quota"
        found += [
            Limit("tokens", "run", Decimal(quota.max_tokens_per_run), f"{place}.max_tokens_per_run", agent),
            Limit("requests", "hour", Decimal(quota.max_requests_per_hour), f"{place}.max_requests_per_hour", agent),
            Limit("usd", "day", quota.max_usd_per_day, f"{place}.max_usd_per_day", agent),
        ]
    budget, account = settings.budget, settings.budget.account
    return (
        *found,
        Limit("usd", "hour", budget.max_usd_per_hour, "budget.max_usd_per_hour"),
        Limit("usd", "day", budget.max_usd_per_day, "budget.max_usd_per_day"),
        Limit("usd", "month", budget.max_usd_per_month, "budget.max_usd_per_month"),
        Limit(
            "requests", "hour", Decimal(account.max_requests_per_hour), "budget.account.max_requests_per_hour",
            each_account=True,
        ),
        Limit("usd", "day", account.max_usd_per_day, "budget.account.max_usd_per_day", each_account=True),
    )  # fmt: skip


def build_budget(
    settings: Settings, *, database: Database, clock: Clock, ids: Ids, on_alert: Callable[[Alert], Awaitable[None]]
) -> Budget:
    """Return the purse over the desk's database. `clock` is the wall's: money is spent in real hours."""
    from chanflow.adapters.storage.llm_ledger import LlmLedger

    return Budget(
        limits=limits_of_models(settings), ledger=LlmLedger(database), clock=clock, ids=ids, on_alert=on_alert
    )


def price_list(settings: Settings) -> PriceList:
    """Return the prices in force. Raises SettingsInvalid for a price file that cannot be."""
    file = Path(settings.budget.prices).expanduser() if settings.budget.prices else None
    kinds = {name: each.kind for name, each in settings.providers.items()}
    return load_prices(file, kinds=kinds, free=(name for name, each in settings.providers.items() if each.free))


def unpriced(settings: Settings, prices: PriceList) -> tuple[str, ...]:
    """Return a sentence for each model in use that has no price, and so would never be asked."""
    found = []
    for key, name in settings.agents.models():
        try:
            prices.price(name)
        except BudgetSpent as fault:
            found.append(f"{key}: {fault}")
    return tuple(found)


def build_mind(
    settings: Settings, purse: Purse, *, clock: Clock, randomness: Randomness, tape: Tape | None = None
) -> ModelMind | None:
    """Return what asks the models of the settings, None where no agent has one. Close it when it is no longer needed.

    Raises SettingsInvalid where a model has no price, MissingExtra where what asking needs is not installed.
    """
    if not settings.agents.models():
        return None
    prices = price_list(settings)
    if wrong := unpriced(settings, prices):
        raise SettingsInvalid(wrong[0])
    from chanflow.adapters.llm.mind import ModelMind

    providers = [each.provider(name) for name, each in sorted(settings.providers.items())]
    return ModelMind(providers, purse=purse, price=prices.cost, clock=clock, randomness=randomness, tape=tape)
