"""The life of an order: one table of legal steps, and nothing else moves a state.

Fills are a set keyed by (venue, symbol, trade id); filled quantity and average price are recomputed from the set. What
the venue tells may repeat and arrive in any order: the end is the same. `docs/orders.md` is drawn from this table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, Literal

from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill, FillKey, Leg, OrderState

S = OrderState


class Step(StrEnum):
    """What can happen to an order."""

    DENY = "deny"
    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"
    LOSE = "lose"
    ABSENT = "absent"
    FILL_PART = "fill_part"
    FILL_ALL = "fill_all"
    REQUEST_CANCEL = "request_cancel"
    CANCEL_REFUSED = "cancel_refused"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REQUEST_AMEND = "request_amend"
    AMENDED = "amended"
    AMEND_REFUSED = "amend_refused"
    TRIGGER = "trigger"
    LINK = "link"

    @property
    def meaning(self) -> str:
        """One line for the table's page."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    Step.DENY: "we refuse it ourselves",
    Step.SEND: "its intent is on disk and its bytes leave",
    Step.ACCEPT: "the venue has it",
    Step.REJECT: "the venue refuses it",
    Step.LOSE: "no answer that says whether the venue has it",
    Step.ABSENT: "proven never to have arrived",
    Step.FILL_PART: "a fill that leaves something to fill",
    Step.FILL_ALL: "the fill that completes it",
    Step.REQUEST_CANCEL: "our cancel is sent",
    Step.CANCEL_REFUSED: "the venue refuses our cancel",
    Step.CANCEL: "the venue has cancelled it",
    Step.EXPIRE: "the venue let the rest go",
    Step.REQUEST_AMEND: "our amendment is sent",
    Step.AMENDED: "it has new terms",
    Step.AMEND_REFUSED: "the venue refuses our amendment",
    Step.TRIGGER: "a stop's price was touched",
    Step.LINK: "the order that a triggered stop became is known",
}

RESUME: Final = "resume"
"""Back to where the order was before the command that is pending, with what has been heard since."""

Next = OrderState | Literal["resume"]

_FILLS: Final[dict[Step, Next]] = {Step.FILL_PART: S.PARTIALLY_FILLED, Step.FILL_ALL: S.FILLED}
_ENDS: Final[dict[Step, Next]] = {Step.CANCEL: S.CANCELED, Step.EXPIRE: S.EXPIRED}
_LIVES: Final[dict[Step, Next]] = {
    **_FILLS, **_ENDS, Step.REJECT: S.REJECTED, Step.TRIGGER: S.TRIGGERED, Step.LINK: S.ACCEPTED,
    Step.AMENDED: S.ACCEPTED,
}  # fmt: skip
_ASKS: Final[dict[Step, Next]] = {Step.REQUEST_CANCEL: S.PENDING_CANCEL, Step.REQUEST_AMEND: S.PENDING_AMEND}


def _stay(state: OrderState, *steps: Step) -> dict[Step, Next]:
    """News that changes nothing here, because what came later was heard before it."""
    return dict.fromkeys(steps, state)


def _pending(state: OrderState) -> dict[Step, Next]:
    """While an answer to our command is awaited: parts, triggers and late news are taken in, the wait goes on."""
    news = _stay(state, Step.FILL_PART, Step.ACCEPT, Step.TRIGGER, Step.LINK)
    return {**news, Step.FILL_ALL: S.FILLED, **_ENDS, Step.REJECT: S.REJECTED}


TRANSITIONS: Final[dict[OrderState, dict[Step, Next]]] = {
    S.INITIALIZED: {Step.DENY: S.DENIED, Step.SEND: S.SUBMITTED},
    S.SUBMITTED: {**_LIVES, Step.ACCEPT: S.ACCEPTED, Step.LOSE: S.UNKNOWN},
    S.UNKNOWN: {**_LIVES, Step.ACCEPT: S.ACCEPTED, Step.ABSENT: S.REJECTED},
    S.ACCEPTED: {**_LIVES, **_ASKS, **_stay(S.ACCEPTED, Step.AMEND_REFUSED)},
    S.PARTIALLY_FILLED: {
        **_FILLS, **_ENDS, **_ASKS,
        **_stay(S.PARTIALLY_FILLED, Step.ACCEPT, Step.TRIGGER, Step.LINK, Step.AMENDED, Step.AMEND_REFUSED),
    },
    S.PENDING_CANCEL: {
        **_pending(S.PENDING_CANCEL), Step.CANCEL_REFUSED: RESUME,
        **_stay(S.PENDING_CANCEL, Step.AMENDED, Step.AMEND_REFUSED),
    },
    S.PENDING_AMEND: {
        **_pending(S.PENDING_AMEND), Step.AMENDED: RESUME, Step.AMEND_REFUSED: RESUME,
        Step.REQUEST_CANCEL: S.PENDING_CANCEL,
    },
    S.TRIGGERED: {
        **_FILLS, **_ENDS, Step.REJECT: S.REJECTED, Step.LINK: S.ACCEPTED,
        **_stay(S.TRIGGERED, Step.ACCEPT, Step.AMENDED, Step.AMEND_REFUSED),
    },
    S.CANCELED: {Step.FILL_ALL: S.FILLED, **_stay(S.CANCELED, Step.FILL_PART, Step.AMENDED, Step.AMEND_REFUSED)},
    S.EXPIRED: {Step.FILL_ALL: S.FILLED, **_stay(S.EXPIRED, Step.FILL_PART, Step.AMENDED, Step.AMEND_REFUSED)},
    S.DENIED: {},
    S.FILLED: _stay(S.FILLED, Step.AMENDED, Step.AMEND_REFUSED),
    S.REJECTED: _stay(S.REJECTED, Step.AMENDED, Step.AMEND_REFUSED),
}  # fmt: skip
"""From each state, what each step leads to. What is not here is refused: an anomaly, the state unchanged."""

_WAITING: Final = (S.PENDING_CANCEL, S.PENDING_AMEND)
_SETTLED: Final = (S.FILLED, S.DENIED, S.REJECTED)


@dataclass(slots=True)
class Order:
    """One order of ours and all that became of it. Quantities in base units."""

    client_order_id: str
    symbol: str
    side: Side
    leg: Leg
    qty_base: Decimal
    reduce_only: bool
    approved_id: str
    position_id: str
    state: OrderState = OrderState.INITIALIZED
    fills: dict[FillKey, Fill] = field(default_factory=dict)
    linked: bool = False
    """Whether a triggered stop's child is known: a trigger heard after that is old news."""
    before: OrderState | None = None
    """While a command of ours is pending: the state without it."""
    asked_qty_base: Decimal | None = None
    """The quantity of an amendment that has been asked for and not answered."""
    terms_ns: int = -1
    """When the venue last changed the terms; older news of them is ignored."""
    trigger_price: Decimal | None = None
    """Of a stop or take-profit that is an order of its own: the mark price at which it goes off."""
    acknowledged: bool = field(default=False, compare=False)
    """Whether the venue answered its submission with yes: it stands there, whatever was heard of it since."""

    @property
    def filled_base(self) -> Decimal:
        """Sum of all fills."""
        return sum((f.qty_base for f in self.fills.values()), Decimal(0))

    @property
    def average_price(self) -> Fraction | None:
        """What one unit cost or brought, in quote, exact; None before the first fill."""
        filled = Fraction(self.filled_base)
        worth = sum((Fraction(f.price) * Fraction(f.qty_base) for f in self.fills.values()), Fraction(0))
        return worth / filled if filled else None

    @property
    def leaves_base(self) -> Decimal:
        """What may still fill; 0 once the order has ended."""
        return Decimal(0) if self.state.terminal else max(Decimal(0), self.qty_base - self.filled_base)

    @property
    def most_base(self) -> Decimal:
        """The most that can fill: the quantity, or what an unanswered amendment asks for where that is more."""
        return max(self.qty_base, self.asked_qty_base or Decimal(0))

    def may(self, step: Step) -> bool:
        """Return whether the table has `step` from here."""
        return step in TRANSITIONS[self.state]

    def step(self, step: Step) -> bool:
        """Take a step of the table. Returns False, state unchanged, where the table has no such step."""
        after = TRANSITIONS[self.state].get(step)
        if after is None:
            return False
        if step is Step.LINK:
            self.linked = True
        if step is Step.TRIGGER and self.linked:
            return True
        if self.before is not None and after in _WAITING:
            self._take_in(step)
        elif after in _WAITING:
            self.before = self.state
        if after == RESUME:
            after = self.before or S.ACCEPTED
        if after not in _WAITING:
            self.before = None
        self.state = S(after)
        return True

    def _take_in(self, step: Step) -> None:
        """Let the state behind a pending command follow what was heard."""
        behind = TRANSITIONS[self.before or S.ACCEPTED].get(step)
        if behind is not None and behind not in _WAITING:
            self.before = S(behind)

    def fill(self, fill: Fill) -> str | None:
        """Book a fill. Returns None, `repeated` for one already known, or what is impossible about it."""
        known = self.fills.get(fill.key)
        if known is not None:
            same = (known.side, known.price, known.qty_base) == (fill.side, fill.price, fill.qty_base)
            again = f"trade {fill.trade_id} was {_told(known)} and is told again as {_told(fill)}"
            return "repeated" if same else again
        self.fills[fill.key] = fill
        filled = self.filled_base
        impossible = None
        if not self.step(Step.FILL_ALL if filled >= self.most_base else Step.FILL_PART):
            impossible = f"a fill of {fill.qty_base} arrived for an order that is {self.state}"
        if filled > self.most_base:
            impossible = f"fills sum to {filled}, the order was for {self.qty_base}"
        return impossible

    def ask(self, qty_base: Decimal | None) -> bool:
        """Take the step of an amendment that is being sent; `qty_base` is the new quantity where that changes."""
        if not self.step(Step.REQUEST_AMEND):
            return False
        self.asked_qty_base = qty_base
        return True

    def amended(self, qty_base: Decimal, event_ns: int) -> bool:
        """Take the venue's word that the order is for `qty_base` as of `event_ns`. False where the table refuses."""
        if not self.step(Step.AMENDED):
            return False
        self.asked_qty_base = None
        if event_ns >= self.terms_ns:
            self.qty_base, self.terms_ns = qty_base, event_ns
        self._settle()
        return True

    def amend_refused(self) -> bool:
        """Take the venue's no to an amendment: the old terms hold. False where the table refuses."""
        if not self.step(Step.AMEND_REFUSED):
            return False
        self.asked_qty_base = None
        self._settle()
        return True

    def _settle(self) -> None:
        """Fills that came before the terms they belong to may already be all there is."""
        if self.fills and self.state not in _SETTLED and self.filled_base >= self.qty_base:
            self.state, self.before = S.FILLED, None


def _told(fill: Fill) -> str:
    return f"{fill.side} {fill.qty_base} at {fill.price}"


def legal() -> tuple[tuple[OrderState, Step, Next], ...]:
    """Return every legal (state, step, next), in the table's order."""
    return tuple((state, step, TRANSITIONS[state][step]) for state in S for step in Step if step in TRANSITIONS[state])


def table_markdown() -> str:
    """Return the table as Markdown: one row a state, and what each step means."""
    lines = ["| from | step → to |", "|---|---|"]
    for state in S:
        steps = [f"{step} → {TRANSITIONS[state][step]}" for step in Step if step in TRANSITIONS[state]]
        lines.append(f"| {state}{' *' if state.terminal else ''} | {' · '.join(steps) or 'none'} |")
    lines += ["", "| step | what happened |", "|---|---|", *(f"| {step} | {step.meaning} |" for step in Step)]
    return "\n".join(lines) + "\n"
