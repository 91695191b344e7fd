"""How the analyst is set up: its model, what it may look up, what it may spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.prompt import LANGUAGES, Prompt
from chanflow.domain.question import ToolSpec

RULES = "rules"
"""The model's name where none is asked."""

ROLE_TOOLS = (
    "analyze_structure",
    "query_buy_sell_points",
    "get_klines",
    "get_market_status",
    "get_position",
    "get_signals",
    "get_live_snapshot",
)
"""What an analyst may use at most; all of it only reads."""

DEFAULT_TOOLS = ROLE_TOOLS[:5]


@dataclass(frozen=True, slots=True)
class Quota:
    """What an analyst may spend."""

    max_requests_per_hour: int = 100
    max_usd_per_day: Decimal = Decimal("2.00")
    max_tokens_per_run: int = 24_000


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """One analyst. `model` is `rules` or provider/name, `fallback` what is asked next, rules last if at all.

    `timeout_s` bounds the whole answer. Raises SettingsInvalid where a part is outside its bounds: a tool list may only
    shrink what the role may use.
    """

    model: str = RULES
    fallback: tuple[str, ...] = ()
    tools: tuple[str, ...] = DEFAULT_TOOLS
    quota: Quota = Quota()
    temperature: float = 0.0
    language: str = "en"
    timeout_s: float = 60.0
    evidence_bars: int = 20
    """How many bars of the decision level a reading of order flow may be cited for."""
    masked: bool = False
    """Whether symbol, dates and prices are hidden from the model; it may look nothing up then."""

    def __post_init__(self) -> None:
        if unknown := [tool for tool in self.tools if tool not in ROLE_TOOLS]:
            raise SettingsInvalid(
                f"an analyst may not use {', '.join(unknown)}: it only reads, with {', '.join(ROLE_TOOLS)}"
            )
        if len(frozenset(self.tools)) < len(self.tools):
            raise SettingsInvalid(f"the analyst's tools are {', '.join(self.tools)}: name each once")
        for model in (self.model, *self.fallback):
            if model != RULES and not all(model.partition("/")):
                raise SettingsInvalid(f"an analyst's model is {model!r}: give rules, or provider/name")
        if RULES in self.fallback[:-1]:
            raise SettingsInvalid("rules always answer, so they come last among the analyst's fallbacks")
        if not 0 <= self.temperature <= 2:
            raise SettingsInvalid(f"the analyst's temperature is {self.temperature}, it must be from 0 to 2")
        if self.language not in LANGUAGES:
            raise SettingsInvalid(f"the analyst's language is {self.language!r}, it must be {' or '.join(LANGUAGES)}")
        if not 1 <= self.timeout_s <= 600:
            raise SettingsInvalid(f"the analyst's timeout is {self.timeout_s} s, it must be from 1 to 600 s")
        if not 1 <= self.evidence_bars <= 1_000:
            raise SettingsInvalid(f"the analyst's evidence_bars is {self.evidence_bars}, it must be from 1 to 1000")
        if self.masked and self.tools:
            raise SettingsInvalid(
                f"the analyst is masked and may look up {', '.join(self.tools)}, which tell names and dates: give none"
            )
        if self.quota.max_tokens_per_run < 1:
            raise SettingsInvalid(f"max_tokens_per_run is {self.quota.max_tokens_per_run}, it must be positive")

    @property
    def models(self) -> tuple[str, ...]:
        """The models to ask, first choice first; empty where rules decide."""
        return tuple(model for model in (self.model, *self.fallback) if model != RULES) if self.model != RULES else ()

    @property
    def rules_answer(self) -> bool:
        """Whether the rules answer where no model did."""
        return RULES in (self.model, *self.fallback)


def analyst_hash(config: AgentConfig, prompts: Sequence[Prompt], tools: Sequence[ToolSpec]) -> str:
    """Return the SHA-256 that names model, prompts and tools together: another hash is another analyst.

    What it may spend and how long it may take leave it the same.
    """
    hidden = {"masked": True} if config.masked else {}
    return sha256_of(
        hidden
        | {
            "models": config.models or (RULES,),
            "rules_answer": config.rules_answer,
            "temperature": config.temperature,
            "language": config.language,
            "prompts": [prompt.hash for prompt in prompts],
            "tools": [{"name": tool.name, "description": tool.description, "schema": tool.schema} for tool in tools],
        }
    )
