"""What makes a desk's model: the analyst room, the tools it may use, and a mind that asks.

It stands here because the tools are the desk's own operations, under a principal that may only read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chanflow.analyst.briefing import Briefing
from chanflow.domain.question import Mind, Toolbox
from chanflow.operations.catalogue import Policy
from chanflow.operations.offered import build_catalogue
from chanflow.operations.toolbox import DeskToolbox, tool_specs
from chanflow.runtime.asked_analyst import AskedAnalyst
from chanflow.runtime.minds import analyst_config, rules_stand_in
from chanflow.runtime.model_parts import MakeModel, ModelParts
from chanflow.runtime.model_room import no_memory
from chanflow.runtime.strategies import strategy_for
from chanflow.runtime.watched_toolbox import OnFuture

if TYPE_CHECKING:
    from chanflow.operations.services import Services
    from chanflow.runtime.desk_memory import DeskMemory
    from chanflow.runtime.settings import Settings


def model_maker(
    open_services: Callable[[], Services], mind: Mind | None, *, account: str = "paper",
    memory: DeskMemory | None = None,
) -> MakeModel:  # fmt: skip
    """Return what gives a symbol's model, None where its strategy is decided by the rules.

    The services are opened for the first model, no sooner. Without a `mind` nobody is asked: a replay needs none.
    """

    def made(settings: Settings, symbol: str) -> ModelParts | None:
        strategy = strategy_for(settings, symbol)
        if strategy.analyst == "rules":
            return None
        config, catalogue = analyst_config(settings), build_catalogue(open_services(), Policy())

        def toolbox(briefing: Briefing, on_future: OnFuture) -> Toolbox:
            return DeskToolbox(
                catalogue, config.tools, symbol=briefing.symbol, as_of_ns=briefing.as_of_ns, on_future=on_future
            )

        return ModelParts(
            AskedAnalyst(config, account, tool_specs(catalogue, config.tools), toolbox), mind,
            strategy=strategy.name, fallback_rules=rules_stand_in(settings),
            memory_down_halves=settings.analyst.memory_down_halves,
            latency_ms=settings.analyst.latency_ms or None,
            remember=no_memory if memory is None else memory.remember,
            follow=None if memory is None else memory.take,
            keep=settings.analyst.on_change_reason if settings.analyst.on_change == "keep" else "",
        )  # fmt: skip

    return made
