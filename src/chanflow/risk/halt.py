"""The halt: no opening order leaves while any cause of it stands. Who polls the file and journals is not here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from chanflow.domain.order import Reason

HaltKind = Literal["file", "command", "guardian"]


@dataclass(frozen=True, slots=True)
class HaltCause:
    """One way in which the desk was halted."""

    kind: HaltKind
    reason: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class HaltState:
    """What halts the desk, one cause of a kind; empty where nothing does. It survives a restart."""

    causes: tuple[HaltCause, ...] = ()
    close: bool = False
    """Whether positions are to be closed too."""

    @property
    def halted(self) -> bool:
        """Whether openings are refused."""
        return bool(self.causes)

    @property
    def text(self) -> str:
        """Every cause, in words."""
        return "; ".join(f"{cause.kind}: {cause.reason}" for cause in self.causes)


def halt(state: HaltState, kind: HaltKind, reason: str, now_ns: int, *, close: bool = False) -> HaltState:
    """Return the halted state. A second halt of a kind changes nothing, but may ask for positions to be closed."""
    causes = state.causes
    if all(cause.kind != kind for cause in causes):
        causes = (*causes, HaltCause(kind, reason, now_ns))
    return HaltState(causes, state.close or close)


def poll(state: HaltState, sentinel: bool, now_ns: int) -> HaltState:
    """Take a look at the sentinel file: its presence halts, its absence alone resumes nothing."""
    return halt(state, "file", "the sentinel file is there", now_ns) if sentinel else state


def resume(state: HaltState, *, sentinel: bool, reconciled: bool, note: str) -> HaltState | tuple[Reason, ...]:
    """Return the state with no halt, or every reason why the desk must stay halted."""
    reasons = []
    if sentinel:
        reasons.append(Reason("sentinel", "the sentinel file is still there: remove it first"))
    if not reconciled:
        reasons.append(Reason("reconciled", "the books are not reconciled with the venue"))
    if not note.strip():
        reasons.append(Reason("note_missing", "resuming needs a note"))
    return tuple(reasons) if reasons else replace(state, causes=(), close=False)
