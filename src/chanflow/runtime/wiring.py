"""Joins the parts. The one file that knows which adapter stands behind which port."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chanflow_native

from chanflow.adapters.storage.trigger_store import SqliteTriggers
from chanflow.adapters.venues.simulated import SimulatedVenue
from chanflow.domain.canonical import sha256_of
from chanflow.domain.market_data import LEVEL_MS, LEVEL_UP, Bar
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.domain.trigger_bounds import TriggerKind
from chanflow.execution.router import Router
from chanflow.features.level import LevelStructure
from chanflow.features.orderflow import FlowTracker
from chanflow.market.ports import MarketSource
from chanflow.market.sink import NoRows, RowSink
from chanflow.monitor.fast_slow import FastSlow
from chanflow.monitor.inputs import Inputs
from chanflow.monitor.watch import Watch
from chanflow.review.journal import JournalWriter
from chanflow.risk.gate import Gate
from chanflow.risk.limits import Limits
from chanflow.risk.volatility import MinuteStats
from chanflow.runtime.analysis_schedule import AnalysisSchedule
from chanflow.runtime.briefings import Figures
from chanflow.runtime.bus.port import Dead
from chanflow.runtime.bus.sqlite import SqliteBus
from chanflow.runtime.clock import SeededRandomness, SimulatedClock, Uuid7Ids
from chanflow.runtime.judged import journal_question
from chanflow.runtime.model_room import ModelRoom
from chanflow.runtime.pipeline import Pipeline, Plan, Stages
from chanflow.runtime.registration import MARKET_KINDS
from chanflow.runtime.strategies import shares_of, strategy_for
from chanflow.signals.confluence import Confluence
from chanflow.signals.flow_wait import FlowRule
from chanflow.signals.ports import SetupRule
from chanflow.signals.stroke_flow import StrokeFlow

if TYPE_CHECKING:
    from chanflow.runtime.model_parts import ModelParts
    from chanflow.runtime.settings import RiskSettings, Settings
    from chanflow.runtime.signal_settings import SignalsSettings

MIN_FLOW_BINS = 10
"""A window of fewer bins says nothing."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a run is made of; the same spec gives the same run."""

    run_id: str
    seed: int
    level: str
    settings: Settings


def open_source(described: dict[str, Any], *, file: Path | None, settings: Settings) -> MarketSource:
    """Return the market that a journal's head describes; `file` is where a recording lies now.

    Raises RecordingInvalid where the file is another one.
    """
    if described["kind"] == "synthetic":
        from chanflow.market.synthetic import SyntheticSource

        return SyntheticSource.from_description(described)
    from chanflow.market.recorded import RecordedSource

    assert file is not None
    return RecordedSource.open(file, max_bytes=settings.market.max_recording_mb << 20, expect=described)


def limits_of(risk: RiskSettings) -> Limits:
    """Return the gate's limits as settings tighten them."""
    return Limits(
        min_margin_ratio=risk.min_margin_ratio,
        max_drawdown_frac=risk.max_drawdown,
        max_day_loss_frac=risk.max_daily_loss,
        max_leverage=risk.max_leverage,
        min_cash_reserve_frac=risk.min_cash_reserve,
        max_asset_exposure_frac=risk.max_asset_exposure,
        max_trade_loss_frac=risk.max_trade_loss,
        price_collar_frac=risk.price_collar,
        slippage_frac=risk.slippage_bps / 10_000,
        target_trade_loss_frac=risk.target_trade_loss,
        approval_ttl_s=Decimal(risk.approval_ttl_s),
        sigma_target_frac=risk.sizing.sigma_target,
        max_volume_share_frac=risk.sizing.max_volume_share,
        soft_wall_frac=risk.wall.soft,
        wall_release_share=risk.wall.release_share,
        wall_hold_min=Decimal(risk.wall.hold_min),
    )


def signals_hash(signals: SignalsSettings) -> str:
    """Return the SHA-256 of the settings that shape signals; where they are written changes none."""
    return sha256_of(signals.model_dump(mode="json", exclude={"sink", "out"}))


def open_bus(path: Path, clock: SimulatedClock, spec: RunSpec, on_death: Callable[[Dead], None]) -> SqliteBus:
    """Return the message log of a run at `path`; `on_death` is told of each message that a stage gave up."""
    jitter, retention_s = SeededRandomness(spec.seed).stream("bus"), spec.settings.bus.retention_s
    return SqliteBus(path, clock=clock, jitter=jitter, on_death=on_death, retention_s=retention_s)


def build_pipeline(
    spec: RunSpec,
    *,
    source: MarketSource,
    journal: JournalWriter,
    clock: SimulatedClock,
    bus: SqliteBus,
    lake: RowSink | None = None,
    on_bar: Callable[[Bar], None] = lambda _: None,
    model: ModelParts | None = None,
) -> Pipeline:
    """Return the desk of one symbol, wired, its books open. Where a `model` is given it decides, else the rules do."""
    settings, chance = spec.settings, SeededRandomness(spec.seed)
    instrument, level_ms = source.instrument, LEVEL_MS[spec.level]
    upper_ms, bin_ms = LEVEL_MS[LEVEL_UP[spec.level]], settings.market.bin_ms
    decimals = (source.price_decimals, source.qty_decimals)
    flow_bins = max(MIN_FLOW_BINS, settings.signals.flow_window_bars * level_ms // bin_ms)
    venue = SimulatedVenue(
        instrument, clock, price_decimals=decimals[0], qty_decimals=decimals[1],
        order_latency_ns=settings.execution.order_latency_ms * NS_PER_MS,
        response_latency_ns=settings.execution.response_latency_ms * NS_PER_MS,
    )  # fmt: skip
    router = Router(
        account="paper", venue=venue, instruments={instrument.symbol: instrument}, journal=journal, clock=clock,
        capital_quote=settings.execution.capital_quote,
    )  # fmt: skip
    router.open_books()
    stages = Stages(
        source=source,
        lake=lake or NoRows(),
        flow=FlowTracker(
            price_decimals=decimals[0], qty_decimals=decimals[1], bin_ms=bin_ms,
            window_ms=settings.market.z_window_s * 1_000, warmup_ms=settings.market.z_warmup_s * 1_000,
            keep_bins=flow_bins + 10,
        ),
        bars=chanflow_native.BarBuilder(level_ms, *decimals),
        upper_bars=chanflow_native.BarBuilder(upper_ms, *decimals),
        minute_bars=chanflow_native.BarBuilder(60_000, *decimals),
        minutes=MinuteStats(prior_frac=settings.risk.sizing.sigma_prior or None),
        structure=LevelStructure(spec.level),
        upper_structure=LevelStructure(LEVEL_UP[spec.level]),
        setups=_setup_rule(spec, instrument.symbol),
        gate=Gate(
            instruments={instrument.symbol: instrument}, limits=limits_of(settings.risk),
            key=gate_key(chance), level=settings.risk.ladder.paper_start, mode=settings.execution.mode,
            quiet_may_open=settings.risk.quiet_may_open, account="paper", venue=venue.name,
            on_question=partial(journal_question, journal),
            strategy_shares=shares_of(settings),
        ),
        router=router,
        venue=venue,
        watch=Watch(inputs_of(spec.level)),
        triggers=SqliteTriggers(),
        swing=FastSlow(),
        bus=bus,
        journal=journal,
        clock=clock,
        ids=Uuid7Ids(clock, chance),
    )  # fmt: skip
    plan = Plan(
        run_id=spec.run_id,
        level=spec.level,
        flow_bins=flow_bins,
        freshness_ns=min(settings.analyst.freshness_bars * level_ms, 1_800_000) * NS_PER_MS,
        max_hold_ns=settings.execution.max_hold_s * NS_PER_S,
        reward_risk=settings.analyst.reward_risk,
        active_step_ns=bin_ms * NS_PER_MS,
        daily_loss_closes=settings.risk.daily_loss_closes,
        strategy=strategy_for(settings, instrument.symbol).name,
    )
    pipeline = Pipeline(plan, stages, on_bar)
    if settings.analyst.schedule:
        pipeline.schedule = AnalysisSchedule(
            settings.analyst.schedule, symbol=instrument.symbol, level=spec.level, start_ns=clock.now_ns()
        )
    if model is not None:
        figures = Figures(plan.strategy, spec.level, plan.freshness_ns, plan.max_hold_ns, plan.reward_risk)
        pipeline.room = ModelRoom(
            pipeline,
            journal,
            model.analyst,
            figures,
            fallback_rules=model.fallback_rules,
            memory_down_halves=model.memory_down_halves,
            remember=model.remember,
        )
    return pipeline


def inputs_of(level: str) -> Inputs:
    """Return what the desk of one symbol can watch: all but funding, which its market does not tell."""
    more: frozenset[TriggerKind] = frozenset(
        {"structure_event", "divergence", "flow", "spread", "volatility", "candle_close", "data_stale"}
    )
    return Inputs(
        kinds=MARKET_KINDS | more,
        structure_levels=(level, LEVEL_UP[level]),
        candle_levels=tuple(dict.fromkeys(("1m", level, LEVEL_UP[level]))),
        channels=("ofi", "cvd", "fusion", "macd"),
    )


def _setup_rule(spec: RunSpec, symbol: str) -> SetupRule:
    """Return the rule of structure that feeds the analyst."""
    signals = spec.settings.signals
    rule = FlowRule(
        min_consistency=signals.min_consistency,
        min_score=signals.min_score,
        patience_bars=signals.patience_bars,
        expiry_ms=signals.expiry_s * 1_000,
    )
    kinds: dict[str, type[StrokeFlow | Confluence]] = {"stroke_flow": StrokeFlow, "confluence": Confluence}
    return kinds[signals.rule](
        rule, symbol=symbol, level=spec.level, run_id=spec.run_id, config_hash=signals_hash(signals)
    )


def gate_key(chance: SeededRandomness) -> bytes:
    """Return the key that signs approvals on the run's own bus; a paper run draws it from its seed, to repeat."""
    return hashlib.sha256(chance.stream("gate").randbytes(32)).digest()
