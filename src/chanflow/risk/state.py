"""What the gate judges by beside proposal, account and market: its rules, the desk's standing, and its own memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from chanflow.domain.account import RestingOrder
from chanflow.domain.instrument import Instrument
from chanflow.risk.halt import HaltState
from chanflow.risk.ladder import Level
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallState
from chanflow.risk.mode import ModeState, RunMode


@dataclass(frozen=True, slots=True)
class Rules:
    """What does not change while a desk runs."""

    instruments: Mapping[str, Instrument]
    limits: Limits
    account: str = "paper"
    venue: str = "simulated"
    run_mode: RunMode = "paper"
    quiet_may_open: bool = False
    strategy_shares: Mapping[str, Decimal] = field(default_factory=dict)
    """Share of equity by strategy; one that is not named trades the whole of it."""


@dataclass(frozen=True, slots=True)
class LiveAuthority:
    """What live trading needs beside its level; all of it, or no opening leaves."""

    scope: bool = False
    keys: bool = False
    flag: bool = False


@dataclass(frozen=True, slots=True)
class RiskState:
    """Where the desk stands."""

    level: Level
    mode: ModeState = field(default_factory=ModeState)
    halt: HaltState = field(default_factory=HaltState)
    wall: WallState = field(default_factory=WallState)
    live: LiveAuthority = field(default_factory=LiveAuthority)


@dataclass(frozen=True, slots=True)
class Memory:
    """What the gate remembers of its own verdicts, as far as it touches one proposal."""

    seen: bool = False
    reserved: tuple[RestingOrder, ...] = ()
    """Approvals that are not yet orders."""
    closing_base: Decimal = Decimal(0)
    """What approved closings of this symbol, not yet orders, will take off its position."""
    openings_last_minute: int = 0
    approved_by: str | None = None
    """The person who approved this very proposal."""
