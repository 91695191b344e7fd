"""The settings of what thinks: providers of models, agents, strategies, and what models may cost.

Keys are kept as secrets: a dump says only `set`, and no sentence about a wrong setting repeats what was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    model_validator,
)

from chanflow.adapters.llm.providers import RULES, Kind, OutputMode, Provider, split_model
from chanflow.analyst.config import ROLE_TOOLS
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.prompt import Language
from chanflow.runtime.cron import Cron
from chanflow.runtime.setting_fields import Money, Section, Symbol, Texts, Whole, distinct, of_json, split

if TYPE_CHECKING:
    from chanflow.runtime.settings import Settings

NONE = "none"
"""The name of an agent's model where it has none."""

BILLED: tuple[Kind, ...] = ("deepseek", "openai", "anthropic")
"""Kinds whose own addresses cost money."""

ROLES: dict[str, tuple[str, ...]] = {
    "analyst": ROLE_TOOLS,
    "monitor": ("subscribe_alert", "get_market_status"),
    "trader": ("execute_trade", "get_position", "cancel_order"),
    "learner": ("backtest_strategy", "get_performance"),
}
"""What each agent may use at most."""

Level = Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d"]


def _shown(key: SecretStr) -> str:
    return "set" if key.get_secret_value() else ""


def _day(value: object) -> str:
    """Return a day as text; YAML reads a bare one as a date. Raises ValueError."""
    text = value.isoformat() if type(value) is date else value
    try:
        if not isinstance(text, str) or date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError:
        raise ValueError("is no day: write it like 2025-07-31") from None
    return text


Day = Annotated[str, BeforeValidator(_day)]


class ProviderSettings(Section):
    """One place that serves models; `adapters/llm/providers.py` says what each means and what it may be."""

    kind: Kind
    api_key: Annotated[SecretStr, PlainSerializer(_shown, return_type=str)] = SecretStr("")
    base_url: str = ""
    free: bool = False
    output_mode: OutputMode = "tool"
    connect_s: Annotated[float, Field(ge=0.01, le=600, allow_inf_nan=False)] = 5.0
    stall_s: Annotated[float, Field(ge=0.01, le=600, allow_inf_nan=False)] = 20.0
    cutoffs: Annotated[dict[str, Day], Field(max_length=200)] = Field(default={})
    """The day on which each model's training ended, by the model's name without the provider's."""

    def __str__(self) -> str:
        key = "set" if self.api_key.get_secret_value() else "unset"
        said = self.model_dump(exclude={"api_key"}, exclude_defaults=True)
        return " ".join([*(f"{name}={value}" for name, value in said.items()), f"api_key={key}"])

    def provider(self, name: str) -> Provider:
        """Return it as the adapter takes it. Raises InvalidArgument for what cannot be."""
        return Provider(
            name=name, kind=self.kind, api_key=self.api_key.get_secret_value(), base_url=self.base_url, free=self.free,
            output_mode=self.output_mode, connect_s=self.connect_s, stall_s=self.stall_s,
        )  # fmt: skip


def _providers(value: object) -> object:
    """Return the providers by name. Raises ValueError in words of ours: pydantic's would repeat a key."""
    value = of_json(value, {}, 'write it like {"deepseek": {"kind": "deepseek"}}')
    if not isinstance(value, Mapping):
        raise ValueError("is no mapping of names to providers")
    return {name: _provider(name, each) for name, each in value.items()}


def _provider(name: object, value: object) -> ProviderSettings:
    if not isinstance(name, str) or re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name) is None or name in (RULES, NONE):
        raise ValueError(
            f"has a name that is none: a to z, 0 to 9, _ and -, up to 32, a letter first, not {RULES} or {NONE}"
        )
    if isinstance(value, ProviderSettings):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"has no settings at {name}: write at least its kind")
    try:
        found = ProviderSettings.model_validate(dict(value))
        found.provider(name)
    except ValidationError as fault:
        raise ValueError(_wrong(fault, name, ProviderSettings)) from None
    except InvalidArgument as fault:
        raise ValueError(f"is wrong: {fault}") from None
    if found.free and found.kind in BILLED and not found.base_url:
        raise ValueError(f"is wrong at {name}.free: {found.kind} is billed; free is for a server of your own")
    return found


def _wrong(fault: ValidationError, place: str, section: type[Section]) -> str:
    """Return what is wrong with a section, without what was written there."""
    told = fault.errors(include_input=False, include_url=False)
    first = next((each for each in told if each["type"] == "extra_forbidden"), told[0])
    key = str(first["loc"][0]) if first["loc"] else ""
    if key and key not in section.model_fields:
        return f"has an unknown key at {place}: known are {', '.join(section.model_fields)}"
    words = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"].lower()
    return f"is wrong at {place}{'.' if key else ''}{key}: {words}"


Providers = Annotated[dict[str, ProviderSettings], BeforeValidator(_providers)]


def _model(name: str) -> str:
    if name not in (RULES, NONE):
        try:
            split_model(name)
        except InvalidArgument as fault:
            raise ValueError(f"is wrong: {fault}") from None
    return name


def _tools(role: str) -> AfterValidator:
    def check(tools: tuple[str, ...]) -> tuple[str, ...]:
        allowed = ROLES[role]
        for tool in tools:
            if tool not in allowed:
                reads = ", and an analyst only reads" if role == "analyst" else ""
                raise ValueError(f"names {tool}, which the {role} may not use{reads}: allowed are {', '.join(allowed)}")
        if len(set(tools)) < len(tools):
            raise ValueError(f"is {', '.join(tools)}: each tool may be named once")
        return tools

    return AfterValidator(check)


def _no_rules(name: str) -> str:
    if name == RULES:
        raise ValueError(f"is {RULES}, which only an analyst has: write {NONE} or provider/model")
    return name


def _no_none(name: str) -> str:
    if name == NONE:
        raise ValueError(f"is {NONE}, and somebody must decide: write {RULES} or provider/model")
    return name


def _code_only(name: object) -> object:
    if name != NONE:
        raise ValueError(f"is {name!r}, and this agent is code, so that no model can move it: write {NONE}")
    return name


def _chain(names: tuple[str, ...]) -> tuple[str, ...]:
    if RULES in names[:-1]:
        raise ValueError(f"is {', '.join(names)}: {RULES} always answer, so they come last")
    if len(set(names)) < len(names):
        raise ValueError(f"is {', '.join(names)}: each model may be named once")
    return tuple(_no_none(_model(name)) for name in names)


ModelName = Annotated[str, AfterValidator(_model)]
NoModel = Annotated[Literal["none"], BeforeValidator(_code_only)]


class ModelQuota(Section):
    """What one agent may ask of models."""

    max_requests_per_hour: Annotated[Whole, Field(ge=1, le=100_000)]
    max_usd_per_day: Annotated[Money, Field(le=10_000)]
    max_tokens_per_run: Annotated[Whole, Field(ge=1, le=10_000_000)]


class SecuritySettings(Section):
    """Whether a person confirms each trade."""

    require_confirmation: bool


class AnalystAgent(Section):
    """Who proposes trades."""

    model: Annotated[ModelName, AfterValidator(_no_none)]
    fallback: Annotated[Texts, AfterValidator(_chain)]
    tools: Annotated[Texts, _tools("analyst")]
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
    timeout_s: Annotated[float, Field(ge=1, le=600, allow_inf_nan=False)]
    quota: ModelQuota


class AlertQuota(Section):
    """What the monitor may hold."""

    max_active_alerts: Annotated[Whole, Field(ge=0, le=100_000)]


class MonitorAgent(Section):
    """Who watches; pure code."""

    model: NoModel
    tools: Annotated[Texts, _tools("monitor")]
    quota: AlertQuota


class TradeQuota(Section):
    """What the trader may do."""

    max_trades_per_day: Annotated[Whole, Field(ge=0, le=100_000)]


class TraderAgent(Section):
    """Who sends orders; pure code."""

    model: NoModel
    tools: Annotated[Texts, _tools("trader")]
    quota: TradeQuota
    security: SecuritySettings


class LearnerAgent(Section):
    """Who proposes parameters."""

    model: Annotated[ModelName, AfterValidator(_no_rules)]
    tools: Annotated[Texts, _tools("learner")]
    quota: ModelQuota


class ChatAgent(Section):
    """Who answers people."""

    model: Annotated[ModelName, AfterValidator(_no_rules)]
    language: Literal["auto", "en", "zh"]
    max_steps: Annotated[Whole, Field(ge=1, le=8)]
    quota: ModelQuota
    security: SecuritySettings


class AgentsSettings(Section):
    """The desk's agents."""

    analyst: AnalystAgent
    monitor: MonitorAgent
    trader: TraderAgent
    learner: LearnerAgent
    chat: ChatAgent

    def models(self) -> tuple[tuple[str, str], ...]:
        """Return each setting that names a model, and the model, in their order."""
        fallback = [("agents.analyst.fallback", name) for name in self.analyst.fallback]
        named = [
            ("agents.analyst.model", self.analyst.model), *fallback,
            ("agents.learner.model", self.learner.model), ("agents.chat.model", self.chat.model),
        ]  # fmt: skip
        return tuple((key, name) for key, name in named if name not in (RULES, NONE))


class AccountBudget(Section):
    """What models may cost for each account."""

    max_requests_per_hour: Annotated[Whole, Field(ge=1, le=100_000)]
    max_usd_per_day: Annotated[Money, Field(le=10_000)]


class BudgetSettings(Section):
    """What models may cost, all agents together."""

    max_usd_per_hour: Annotated[Money, Field(le=10_000)]
    max_usd_per_day: Annotated[Money, Field(le=10_000)]
    max_usd_per_month: Annotated[Money, Field(le=100_000)]
    account: AccountBudget
    prices: str


def _moment(on: str) -> str:
    if on != "candle_close":
        Cron.parse(on)
    return on


class ScheduleEntry(Section):
    """When a decision is asked for without anybody asking."""

    symbols: Annotated[tuple[Symbol, ...], BeforeValidator(split), AfterValidator(distinct), Field(min_length=1)]
    level: Level
    on: Annotated[str, AfterValidator(_moment)]

    @model_validator(mode="before")
    @classmethod
    def _on_is_a_word(cls, value: Any) -> Any:
        """Take `on` back: YAML reads a bare on as true."""
        return {"on" if key is True else key: each for key, each in value.items()} if isinstance(value, dict) else value


class StrategySettings(Section):
    """One of several strategies; its share of the equity bounds its sizes."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    symbols: Annotated[tuple[Symbol, ...], BeforeValidator(split), AfterValidator(distinct), Field(min_length=1)]
    level: Level
    analyst: Literal["rules", "llm"]
    equity_share: Annotated[Money, Field(le=1)]


def _listed(section: type[Section]) -> BeforeValidator:
    def read(value: object) -> object:
        value = of_json(value, (), "write a list of objects")
        if not isinstance(value, list | tuple):
            raise ValueError("is no list")
        found = []
        for number, each in enumerate(value, 1):
            try:
                found.append(each if isinstance(each, section) else section.model_validate(each))
            except ValidationError as fault:
                raise ValueError(_wrong(fault, f"entry {number}", section)) from None
        return tuple(found)

    return BeforeValidator(read)


def _side_by_side(strategies: tuple[StrategySettings, ...]) -> tuple[StrategySettings, ...]:
    owners: dict[str, str] = {}
    for each in strategies:
        for symbol in each.symbols:
            if symbol in owners:
                raise ValueError(
                    f"has {symbol} in {owners[symbol]} and in {each.name}: a symbol belongs to one strategy at a time"
                )
            owners[symbol] = each.name
    names = [each.name for each in strategies]
    if len(set(names)) < len(names):
        raise ValueError(f"has the names {', '.join(names)}: each may stand once")
    shares = sum((each.equity_share for each in strategies), Decimal(0))
    if shares > 1:
        raise ValueError(f"has shares of equity that sum to {shares}, allowed is up to 1")
    return strategies


Schedule = Annotated[tuple[ScheduleEntry, ...], _listed(ScheduleEntry)]
Strategies = Annotated[tuple[StrategySettings, ...], _listed(StrategySettings), AfterValidator(_side_by_side)]


class AnalystSettings(Section):
    """How decisions are asked for, and what becomes of them where a model fails or is another one."""

    freshness_bars: Annotated[Whole, Field(ge=1)]
    reward_risk: Money
    fallback: Literal["abstain", "rules"]
    on_change: Literal["demote", "keep"]
    on_change_reason: Annotated[str, Field(max_length=200)]
    latency_ms: Annotated[Whole, Field(ge=0, le=600_000)]
    memory_down_halves: bool
    language: Language
    masked: bool
    schedule: Schedule

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.on_change == "keep" and not self.on_change_reason.strip():
            raise ValueError("on_change is keep and on_change_reason is empty: say why another analyst keeps the level")
        return self


def require_agreement(settings: Settings) -> None:
    """Raise ValueError where sections about agents do not agree with each other or with the desk."""
    for key, name in settings.agents.models():
        if split_model(name)[0] not in settings.providers:
            known = ", ".join(sorted(settings.providers)) or "none"
            raise ValueError(f"{key} is {name}, and providers has no {split_model(name)[0]}: known are {known}")
    if settings.analyst.masked and settings.agents.analyst.tools:
        raise ValueError(
            f"analyst.masked is true and agents.analyst.tools is {', '.join(settings.agents.analyst.tools)}: what is "
            "looked up tells names and dates, so set agents.analyst.tools to nothing"
        )
    for strategy in settings.strategies:
        if strategy.analyst == "llm" and settings.agents.analyst.model == RULES:
            raise ValueError(f"strategies has {strategy.name} with analyst llm, and agents.analyst.model is {RULES}")
    confirms = (settings.agents.trader.security, settings.agents.chat.security)
    if settings.execution.venue.environment == "live" and not all(each.require_confirmation for each in confirms):
        raise ValueError(
            "security.require_confirmation of agents is false and execution.venue.environment is live: a desk with "
            "real money begins at L1, and below L3 a person confirms each trade"
        )


def require_references(key: str, value: Any) -> None:
    """Raise ValueError where what a file says, as it is written, holds a key itself: files are shared."""
    if key != "providers" or not isinstance(value, Mapping):
        return
    for name, each in value.items():
        written = each.get("api_key", "") if isinstance(each, Mapping) else ""
        if written and re.fullmatch(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", str(written)) is None:
            raise ValueError(f"holds an api_key itself at {str(name)[:40]}: write api_key: ${{NAME}}, and NAME in .env")
