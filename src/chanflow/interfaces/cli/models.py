"""The models of a desk that a command runs, or of a run that it runs again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import typer

from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home
from chanflow.runtime.model_parts import MakeModel, ModelParts, no_model
from chanflow.runtime.strategies import asks_models

if TYPE_CHECKING:
    from chanflow.domain.alert import Alert
    from chanflow.domain.question import Mind
    from chanflow.operations.catalogue import Catalogue
    from chanflow.operations.chat import Planner
    from chanflow.operations.principal import Door
    from chanflow.operations.services import Services
    from chanflow.runtime.desk_memory import DeskMemory
    from chanflow.runtime.settings import Loaded, Settings


async def _untold(alert: Alert) -> None:
    """Tell nobody: a command without an alert desk."""
    del alert


@asynccontextmanager
async def models_of(
    loaded: Loaded, *, account: str = "paper", services: Services | None = None, played: bool = False,
    on_alert: Callable[[Alert], Awaitable[None]] = _untold, memory: DeskMemory | None = None,
) -> AsyncIterator[MakeModel]:  # fmt: skip
    """Give what makes the models of the settings; at the end its connections are closed.

    They look back into `memory`, or into one that is opened for them. A `played` day waits for it as long as that
    takes; else a layer that is slow is left out.
    """
    if not asks_models(loaded.settings):
        yield no_model
        return
    from chanflow.interfaces.cli.services import open_services
    from chanflow.operations.model_desk import model_maker
    from chanflow.runtime.desk_memory import desk_memory
    from chanflow.runtime.open_mind import open_mind

    clock, chance = SystemClock(), SystemRandomness()
    opened = open_mind(
        loaded.settings, Home(loaded.home), clock=clock, ids=Uuid7Ids(clock, chance), randomness=chance,
        on_alert=on_alert, taped=True,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        mind = await stack.enter_async_context(opened)
        if memory is None:
            remembering = desk_memory(Home(loaded.home), clock, played=played, tell=on_alert, on_note=_note)
            memory = await stack.enter_async_context(remembering)
        yield model_maker(lambda: services or open_services(loaded), mind, account=account, memory=memory)


def _note(words: str) -> None:
    typer.echo(f"chanflow: {words}", err=True)


def models_again(settings: Settings, symbol: str) -> ModelParts | None:
    """Return the model of a run that is run again: it is known by its words, and nobody is asked."""
    if not asks_models(settings):
        return None
    from chanflow.interfaces.cli.services import open_services
    from chanflow.operations.model_desk import model_maker
    from chanflow.runtime.settings import load_settings

    return model_maker(lambda: open_services(load_settings(config=None, overrides=())), None)(settings, symbol)


@asynccontextmanager
async def mind_for(loaded: Loaded, model: str) -> AsyncIterator[Mind]:
    """Give what asks one model, through the desk's budget and by no tape; at the end its connections are closed.

    Raises SettingsInvalid for a model whose provider is not in the settings, or that has no price.
    """
    from chanflow.runtime.minds import asking
    from chanflow.runtime.open_mind import open_mind

    clock, chance = SystemClock(), SystemRandomness()
    opened = open_mind(
        asking(loaded.settings, model), Home(loaded.home), clock=clock, ids=Uuid7Ids(clock, chance),
        randomness=chance, on_alert=_untold,
    )  # fmt: skip
    async with opened as mind:
        assert mind is not None
        yield mind


@asynccontextmanager
async def planner_of(loaded: Loaded, catalogue: Catalogue, *, door: Door = "rest") -> AsyncIterator[Planner | None]:
    """Give the model of the chat, None where the settings name none; at the end its connections are closed."""
    agent = loaded.settings.agents.chat
    if agent.model == "none":
        yield None
        return
    from chanflow.analyst.planner import ChatConfig
    from chanflow.operations.chat_model import ModelPlanner
    from chanflow.runtime.open_mind import open_mind

    clock, chance = SystemClock(), SystemRandomness()
    opened = open_mind(
        loaded.settings, Home(loaded.home), clock=clock, ids=Uuid7Ids(clock, chance), randomness=chance,
        on_alert=_untold,
    )  # fmt: skip
    config = ChatConfig(agent.model, agent.max_steps, agent.quota.max_tokens_per_run)
    async with opened as mind:
        yield None if mind is None else ModelPlanner(catalogue, mind, config, door=door)
