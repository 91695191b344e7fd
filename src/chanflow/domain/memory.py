"""What the desk remembers, as values: decisions, their outcomes, and what a look into memory gives.

A decision's outcome is known from the moment its trade closed. Whoever looks back from `as_of_ns` sees only what was
known strictly before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.interval import Interval
from chanflow.domain.lesson import LearningSummary, Lesson
from chanflow.domain.market_state import MarketState

Result = Literal["pending", "success", "failure"]
Fate = Literal["proposed", "approved", "refused", "abstained", "held"]
"""What became of a decision: still a proposal, an order, a refusal by the gate, or nothing the analyst wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a decision: profit after cost in quote units, and the same in units of the risk first taken."""

    decision_id: str
    closed_ns: int
    pnl_quote: Decimal
    r_multiple: float | None

    @property
    def result(self) -> Result:
        """Success is a profit after cost."""
        return "success" if self.pnl_quote > 0 else "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision as memory keeps it, abstentions and refusals too; `outcome` is None until its trade has closed.

    `memory_said` is what memory told at the time, in one line; `claims` are the types of claim its evidence made.
    """

    decision_id: str
    at_ns: int
    symbol: str
    level: str
    action: str
    setup: str
    regime: str | None = None
    confidence: float | None = None
    leverage: int = 1
    position_id: str | None = None
    strategy: str = "default"
    analyst: str = "rules"
    model: str = ""
    fate: Fate = "proposed"
    reason: str = ""
    reasoning_short: str = ""
    claims: tuple[str, ...] = ()
    memory_said: str = ""
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        if not self.decision_id or not self.symbol or not self.level:
            raise InvalidArgument("a decision to remember needs an id, a symbol and a level")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise InvalidArgument(f"confidence is {self.confidence}, allowed is 0 to 1")

    @property
    def result(self) -> Result:
        """What came of it so far."""
        return "pending" if self.outcome is None else self.outcome.result

    def known_before(self, as_of_ns: int) -> Decision:
        """Return the decision as it was known strictly before a moment: without an outcome that came later."""
        late = self.outcome is not None and self.outcome.closed_ns >= as_of_ns
        return replace(self, outcome=None) if late else self


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A round trip and the decision that opened it. `risk_quote` is what its stop would have cost, None if unknown."""

    position_id: str
    decision_id: str
    symbol: str
    side: Literal["long", "short"]
    opened_ns: int
    closed_ns: int
    gross_quote: Decimal
    fees_quote: Decimal
    net_quote: Decimal
    risk_quote: Decimal | None = None
    exit_leg: str = ""
    strategy: str = "default"

    @property
    def r_multiple(self) -> float | None:
        """Profit after cost in units of the risk first taken."""
        return float(self.net_quote / self.risk_quote) if self.risk_quote else None

    @property
    def outcome(self) -> Outcome:
        """What it means for its decision."""
        return Outcome(
            decision_id=self.decision_id, closed_ns=self.closed_ns, pnl_quote=self.net_quote, r_multiple=self.r_multiple
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A decision with what the market looked like."""

    decision: Decision
    state: MarketState


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A closed decision that was taken in a like market; similarity is the cosine, at most 1."""

    decision: Decision
    similarity: float


@dataclass(frozen=True, slots=True)
class SimilarCases:
    """The cases most like the moment, the most similar first, and what came of those that are comparable.

    `n`, `mean_r`, `hit_rate` and `hit_interval` (Wilson, 95 %) are of the cases above the least similarity whose R is
    known. `comparable` is False where fewer than five are that similar: then the figures are None. `exact` tells
    whether all cases were compared, or an index was asked that may miss some.
    """

    cases: tuple[SimilarCase, ...] = ()
    comparable: bool = False
    n: int = 0
    mean_r: float | None = None
    hit_rate: float | None = None
    hit_interval: Interval | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What is asked of memory before a decision. `state` None leaves similar cases out.

    `as_of_ns` has no default on purpose: a question without a moment is refused.
    """

    decision_id: str
    as_of_ns: int | None
    symbol: str
    level: str
    setup: str | None = None
    regime: str | None = None
    position_id: str | None = None
    strategy: str | None = None
    state: MarketState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What memory told, as of a moment. `skipped` says in a sentence each which layer could not be asked, and why.

    An empty memory is legal: `empty` tells it from one that did not answer.
    """

    as_of_ns: int
    recent: tuple[Decision, ...] = ()
    """The newest first, at most ten."""
    similar: SimilarCases = field(default_factory=SimilarCases)
    lessons: tuple[Lesson, ...] = ()
    """In force, and those on trial that this decision is to be shown; at most seven."""
    summary: LearningSummary | None = None
    skipped: tuple[str, ...] = ()
    not_compared: str = ""
    """Why the market was compared with no other, although every layer answered; empty where it was."""

    @property
    def empty(self) -> bool:
        """Whether every layer answered and none had anything."""
        return not (self.recent or self.similar.cases or self.lessons or self.summary or self.skipped)
