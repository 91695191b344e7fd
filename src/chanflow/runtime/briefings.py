"""Fills a briefing from what a desk knows: one moment, all of it as of now, none of it from later."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.point_in_time import without_future
from chanflow.analyst.sections import Context, FlowView, Holding, OrderLine, Permission, Reading, Task
from chanflow.analyst.sections import FlowDivergence as Diverged
from chanflow.analyst.structure import LevelView
from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.evidence import moment_ref
from chanflow.domain.flow import FlowDivergence, FlowWindow
from chanflow.domain.instrument import Instrument
from chanflow.domain.point_in_time import FutureRow
from chanflow.domain.request import ASKED_ABOUT
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.features.orderflow import FlowNow
from chanflow.features.regime import Regime, Tercile
from chanflow.risk.ladder import LADDER
from chanflow.risk.limits import Limits
from chanflow.risk.state import RiskState
from chanflow.runtime.deliberation import Wake

_HOUR_NS = 3_600 * NS_PER_S
_SESSIONS = ((0, "asia"), (7, "europe"), (13, "america"), (21, "late"))
"""Which session begins at which hour, UTC."""
_FRAC = Decimal("0.0001")
BTC = "BTC"
CHANNELS: dict[str, Literal["ofi", "cvd", "fusion", "macd"]] = {"ofi": "ofi", "cvd": "cvd", "fusion": "fusion"}
"""The channels of order flow, as a briefing calls them."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a strategy: how long an answer is fresh, a position stands, and how far a take-profit lies."""

    strategy: str
    level: str
    valid_for_ns: int
    max_hold_ns: int
    reward_risk: Decimal


@dataclass(frozen=True, slots=True)
class MarketNow:
    """The market of one symbol as a desk sees it now."""

    now_ns: int
    venue: str
    instrument: Instrument
    bid: Decimal | None
    ask: Decimal | None
    flow: FlowWindow | None = None
    flow_now: FlowNow | None = None
    levels: tuple[LevelView, ...] = ()
    funding_frac: Decimal | None = None
    regime: Regime | None = None
    volatility: Tercile | None = None
    divergences: tuple[FlowDivergence, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingNow:
    """Where the desk stands now: its account, its risk, its limits, the orders that are open, what is armed."""

    account: AccountSnapshot
    state: RiskState
    limits: Limits
    run_mode: str
    orders: tuple[OrderLine, ...] = ()
    armed: tuple[str, ...] = ()


def briefing_of(
    wake: Wake, figures: Figures, market: MarketNow, standing: StandingNow, *, changed: tuple[str, ...] = ()
) -> tuple[Briefing, tuple[FutureRow, ...]]:
    """Return the briefing, memory left out, and every row that was given although it lay in the future."""
    symbol, account = market.instrument.symbol, standing.account
    held = next(
        (p for p in account.positions if p.symbol == symbol and wake.position_id in (None, p.position_id)), None
    )
    fired = wake.fired
    kind, note = (None, None) if fired is None else (str(fired.kind), fired.note)
    if fired is None and wake.position_id is not None:
        kind, note = "request", ASKED_ABOUT
    whole = Briefing(
        decision_id=wake.decision_id,
        as_of_ns=market.now_ns,
        symbol=symbol,
        level=figures.level,
        instrument=market.instrument,
        bid=market.bid,
        ask=market.ask,
        flow=market.flow,
        position=held,
        max_leverage=LADDER[standing.state.level].max_leverage,
        valid_for_ns=figures.valid_for_ns,
        max_hold_ns=figures.max_hold_ns,
        reward_risk=figures.reward_risk,
        signal=wake.signal,
        trigger_kind=kind,
        trigger_note=note,
        venue=market.venue,
        strategy=figures.strategy,
        task=Task(wake.why, changed, market.now_ns + figures.valid_for_ns, wake.asked_by),
        permission=permission_of(standing, symbol),
        levels=market.levels,
        flow_view=_flow_view(market.flow_now, market.divergences),
        context=_context(market),
        holding=None if held is None or note is None else _holding(held, wake, standing, market.now_ns),
    )
    return without_future(whole)


def permission_of(standing: StandingNow, symbol: str) -> Permission:
    """Return how far the desk may go now in a symbol."""
    account, state, limits, rung = standing.account, standing.state, standing.limits, LADDER[standing.state.level]
    mode = "hold_manual" if standing.run_mode == "hold" else state.mode.mode
    held = sum((p.notional_quote for p in account.positions if p.symbol == symbol), Decimal(0))
    room = min(rung.max_position_frac, limits.max_asset_exposure_frac)
    equity = account.equity_quote
    halted = state.halt.halted
    return Permission(
        mode="halted" if halted else mode,
        ladder_level=state.level,
        may_open=not halted and state.level != "L0" and not mode.startswith("hold"),
        position_room_frac=_frac(room - held / equity) if equity > 0 else None,
        max_leverage=min(rung.max_leverage, int(limits.max_leverage)),
        min_confidence=rung.min_confidence,
        trades_today=account.opening_trades_today,
        trades_a_day=rung.opening_trades_per_day,
        day_loss_room_frac=_frac(limits.max_day_loss_frac - account.day_loss_frac),
        drawdown_room_frac=_frac(limits.max_drawdown_frac - account.drawdown_frac),
    )


def _frac(value: Decimal) -> Decimal:
    return max(Decimal(0), value).quantize(_FRAC)


def _flow_view(now: FlowNow | None, divergences: tuple[FlowDivergence, ...]) -> FlowView | None:
    if now is None:
        return None
    known_ns = now.ts_ms * NS_PER_MS
    figures = (("ofi_z", now.z_ofi), ("cvd_z", now.z_cvd), ("fusion", now.fusion))
    readings = tuple(
        Reading(moment_ref(name, known_ns), known_ns, name, round(value, 4))
        for name, value in figures
        if value is not None
    )
    return FlowView(
        warm=len(readings) == len(figures), readings=readings, trades_per_min=now.trades_per_min,
        divergences=tuple(map(_divergence, divergences)),
    )  # fmt: skip


def _divergence(found: FlowDivergence) -> Diverged:
    known_ns = found.detected_ms * NS_PER_MS
    ref = moment_ref(f"{found.channel}_div", known_ns)
    return Diverged(ref, known_ns, CHANNELS[found.channel], found.kind, found.pivot_ms * NS_PER_MS)


def _context(market: MarketNow) -> Context:
    hour = market.now_ns // _HOUR_NS % 24
    session = next(name for begins, name in reversed(_SESSIONS) if hour >= begins)
    readings: tuple[Reading, ...] = ()
    if market.funding_frac is not None:
        readings = (
            Reading(moment_ref("funding", market.now_ns), market.now_ns, "funding", float(market.funding_frac)),
        )
    # One trend is known, that of the symbol itself.
    own = next((view.trend for view in market.levels if view.role == "decision"), None)
    return Context(
        regime=market.regime, volatility=market.volatility, btc_trend=own if market.instrument.base == BTC else None,
        session=session, readings=readings,
    )  # fmt: skip


def _holding(held: Position, wake: Wake, standing: StandingNow, now_ns: int) -> Holding:
    risk = None if held.stop_price is None else abs(held.entry_price - held.stop_price)
    gained = (held.mark_price - held.entry_price) * (1 if held.qty_base > 0 else -1)
    fired = wake.fired
    return Holding(
        ref=f"position#{held.position_id}",
        known_ns=min(held.opened_ns, now_ns),
        risk_price=risk,
        open_r=(gained / risk).quantize(_FRAC) if risk else None,
        observed="" if fired is None else fired.observed,
        bound="" if fired is None else fired.bound,
        orders=standing.orders,
        armed=standing.armed,
    )
