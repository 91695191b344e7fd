"""The settings of the signals: the desk's rule of structure, the core algorithm, and its modes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chanflow.runtime.setting_fields import Positive, Section, Share, Texts, Whole


class CoreSettings(Section):
    """What the core algorithm asks of a row in every mode."""

    expiry_s: Annotated[Whole, Field(ge=1, le=86_400)]
    min_gap_ms: Annotated[Whole, Field(ge=1, le=60_000)]
    max_lag_s: Positive
    max_spread_bps: Positive
    trend_z: Positive
    revert_z: Positive
    allow_quiet_regime: bool


class MarketTriggerSettings(Section):
    """How lively the last minute must have been to be active."""

    min_trades_per_min: Positive
    min_quotes_per_s: Positive
    max_spread_bps: Positive
    min_volatility_bps: Positive
    min_volume_quote: Positive


class ScheduleSettings(Section):
    """When the desk may be active by the clock on the wall."""

    enabled: bool
    timezone: str
    weekdays: Texts
    holidays: Texts
    windows: Texts

    @model_validator(mode="after")
    def _readable(self) -> Self:
        from chanflow.signals.schedule import Schedule

        Schedule(**self.model_dump())
        return self


class ParameterSettings(Section):
    """What one mode asks of a signal."""

    min_consistency: Share
    buy_score: Positive
    strong_score: Positive
    cooldown_s: Annotated[Whole, Field(ge=0, le=86_400)]

    @model_validator(mode="after")
    def _strong_is_stronger(self) -> Self:
        if self.strong_score < self.buy_score:
            raise ValueError(f"strong_score is {self.strong_score}, allowed is from buy_score, {self.buy_score}")
        return self


class ModeSettings(Section):
    """How the strategy mode is found, and what each asks: a active, q quiet, h high volatility, l lower."""

    setting: Literal["auto", "active", "quiet"]
    combine: Literal["AND", "OR"]
    enter_ticks: Annotated[Whole, Field(ge=1, le=30)]
    leave_ticks: Annotated[Whole, Field(ge=1, le=30)]
    market: MarketTriggerSettings
    schedule: ScheduleSettings
    a_h: ParameterSettings
    a_l: ParameterSettings
    q_h: ParameterSettings
    q_l: ParameterSettings


class SignalsSettings(Section):
    """Which signals are made, and when one is too weak or too old."""

    rule: Literal["stroke_flow", "confluence"]
    sink: Literal["jsonl", "sqlite", "dual", "null"]
    out: str
    level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d"]
    flow_window_bars: Annotated[Whole, Field(ge=1)]
    patience_bars: Annotated[Whole, Field(ge=1)]
    min_consistency: Share
    min_score: Share
    expiry_s: Annotated[Whole, Field(ge=1)]
    core: CoreSettings
    mode: ModeSettings
