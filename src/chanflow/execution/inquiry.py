"""The fate of a command that nobody answered: what to ask, when, and what counts as proof.

Nothing here sends anything, and nothing here reads a clock: `due` says what to ask at a moment, `answered` and `heard`
take in what came back, `verdict` says what is known. Absence is a proof and not a silence: an order is absent only when

- two answers, to questions asked at least 2 s apart, say "no such order", and the first of them was asked after the
  last moment at which the venue could still have taken the order (`sent + receive window + 1 s`), and
- since then, the venue's fills have none of that order, and
- since then, the venue's position equals the ledger's.

A question that fails proves nothing either way. Until the verdict the order stays unknown, and is never sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.ports import NotFound, OrderRef, Unknown, VenueOrderState

Question = Literal["order", "fills", "position"]
Verdict = Literal["found", "absent", "gone"]

ASK_AFTER_NS = (500 * NS_PER_MS, NS_PER_S, 2 * NS_PER_S, 5 * NS_PER_S)
"""When to ask for the order, after its fate became unknown. The user stream has the first half second to itself."""
ASK_EVERY_NS = 10 * NS_PER_S
GRACE_NS = NS_PER_S
"""How long past its receive window an order could still turn up in answers."""
APART_NS = 2 * NS_PER_S


@dataclass(slots=True)
class Inquiry:
    """One command whose fate is unknown.

    `sent_ns` is the latest moment at which its bytes can have left, by the venue's clock; after a restart that is the
    restart. `window_ns` is how long after that the venue still takes it (receive window, or `expiresAfter`).
    A `submit` ends `found` or `absent`. A `cancel` ends `found`: over, or still alive once the cancel can no longer
    arrive; or `gone` after one answer that knows no such order and the fill check: that order was there before, so it
    need not be proven never to have been. An `amend` ends as a cancel does.
    """

    ref: OrderRef
    what: Literal["submit", "cancel", "amend"]
    sent_ns: int
    opened_ns: int
    window_ns: int = 5 * NS_PER_S
    verdict: Verdict | None = None
    found: VenueOrderState | None = None
    asked: int = 0
    """How many times the order was asked for."""
    _next_ns: int = field(init=False)
    _absent_since_ns: int | None = None
    _absent_twice_ns: int | None = None
    _checked: dict[Question, int] = field(default_factory=dict)
    _position_next_ns: int = 0

    def __post_init__(self) -> None:
        if self.opened_ns < self.sent_ns:
            raise ValueError(f"the fate of {self.ref.client_order_id} cannot be unknown before it was sent")
        self._next_ns = self.opened_ns + ASK_AFTER_NS[0]

    @property
    def deadline_ns(self) -> int:
        """After this the venue can no longer take the order, and what it has shows in its answers."""
        return self.sent_ns + self.window_ns + GRACE_NS

    @property
    def next_ns(self) -> int | None:
        """When there is something to ask; None once the verdict is in."""
        if self.verdict is not None:
            return None
        return self._position_next_ns if self._absent_enough() else self._next_ns

    def due(self, now_ns: int) -> tuple[Question, ...]:
        """Return what to ask at `now_ns`. Each question asked must be told of with `ask` before its answer is."""
        if self.verdict is not None:
            return ()
        questions: list[Question] = []
        if now_ns >= self._next_ns:
            questions.append("order")
        if self._absent_enough() and now_ns >= self._position_next_ns:
            missing: tuple[Question, ...] = ("fills",) if self.what != "submit" else ("fills", "position")
            questions += [q for q in missing if q not in self._checked]
        return tuple(questions)

    def ask(self, question: Question, now_ns: int) -> None:
        """Note that a question leaves now, so that it is not asked again before its time."""
        if question != "order":
            self._position_next_ns = now_ns + NS_PER_S
            return
        self.asked += 1
        # One more turn as soon as an answer counts: proof of absence need not wait for the next of the long turns.
        turns = sorted([*(self.opened_ns + after for after in ASK_AFTER_NS), self.deadline_ns + 1])
        self._next_ns = next((at_ns for at_ns in turns if at_ns > now_ns), now_ns + ASK_EVERY_NS)

    def order_answered(self, asked_ns: int, answer: VenueOrderState | NotFound | Unknown) -> None:
        """Take the answer to the order question that left at `asked_ns`."""
        if self.verdict is not None or isinstance(answer, Unknown):
            return
        if isinstance(answer, VenueOrderState):
            if self.what == "submit" or answer.state.terminal or asked_ns > self.deadline_ns:
                self.verdict, self.found = "found", answer
            # Else the order lives, and the command may still be on its way.
            return
        if self.what != "submit":
            self._absent_since_ns = self._absent_twice_ns = asked_ns
        elif asked_ns > self.deadline_ns:
            if self._absent_since_ns is None:
                self._absent_since_ns = asked_ns
                # One more such answer would do: it need not wait for its turn.
                self._next_ns = min(self._next_ns, asked_ns + APART_NS)
            elif abs(asked_ns - self._absent_since_ns) >= APART_NS:
                self._absent_twice_ns = max(asked_ns, self._absent_since_ns)
        self._conclude()

    def fills_answered(self, asked_ns: int, *, any_of_it: bool) -> None:
        """Take the venue's fills as asked for at `asked_ns`: whether any belongs to this order."""
        if any_of_it and self.what == "submit":
            # It has traded, so it arrived, whatever the answers about the order say.
            self.verdict = "found"
            return
        self._check("fills", asked_ns)

    def position_answered(self, asked_ns: int, *, agrees: bool) -> None:
        """Take the venue's position as asked for at `asked_ns`: whether it equals the ledger's."""
        if agrees:
            self._check("position", asked_ns)
        else:
            # Something moved the position that we have not heard of: it may be this order. All proof starts again.
            self._absent_since_ns = self._absent_twice_ns = None
            self._checked.clear()

    def heard(self) -> None:
        """Take word of this order from the user stream: it arrived."""
        if self.verdict is None:
            self.verdict = "found"

    def _absent_enough(self) -> bool:
        return self._absent_twice_ns is not None

    def _check(self, question: Question, asked_ns: int) -> None:
        if self.verdict is None and self._absent_twice_ns is not None and asked_ns >= self._absent_twice_ns:
            self._checked[question] = asked_ns
            self._conclude()

    def _conclude(self) -> None:
        needed: tuple[Question, ...] = ("fills",) if self.what != "submit" else ("fills", "position")
        if self._absent_enough() and all(q in self._checked for q in needed):
            self.verdict = "absent" if self.what == "submit" else "gone"
