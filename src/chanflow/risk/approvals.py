"""Proposals that wait for a person: live trading below L3. Each waits 120 s, and is judged anew when approved."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_S

WAIT_NS = 120 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Waiting:
    """One proposal and until when it may be approved."""

    proposal: TradeProposal
    until_ns: int


@dataclass(frozen=True, slots=True)
class Approvals:
    """What waits, oldest first."""

    waiting: tuple[Waiting, ...] = ()


def wait(state: Approvals, proposal: TradeProposal, now_ns: int) -> Approvals:
    """Return the state with one more proposal waiting; one that waits already keeps its time."""
    if any(w.proposal.proposal_id == proposal.proposal_id for w in state.waiting):
        return state
    return replace(state, waiting=(*state.waiting, Waiting(proposal, now_ns + WAIT_NS)))


def expire(state: Approvals, now_ns: int) -> tuple[Approvals, tuple[TradeProposal, ...]]:
    """Return the state without those whose time has passed, and them."""
    gone = tuple(w.proposal for w in state.waiting if w.until_ns < now_ns)
    return replace(state, waiting=tuple(w for w in state.waiting if w.until_ns >= now_ns)), gone


def not_waiting(proposal_id: str) -> Reason:
    """Return why a proposal that waits no more, or never did, cannot be approved."""
    return Reason("not_waiting", f"no proposal {proposal_id} waits for approval")


def take(state: Approvals, proposal_id: str, *, who: str, now_ns: int) -> tuple[Approvals, TradeProposal] | Reason:
    """Take out what a person approves or denies. Returns the state and the proposal, or why that cannot be."""
    if not who.strip():
        return Reason("name_missing", "an approval needs the name of a person")
    found = next((w for w in state.waiting if w.proposal.proposal_id == proposal_id), None)
    if found is None:
        return not_waiting(proposal_id)
    rest = replace(state, waiting=tuple(w for w in state.waiting if w is not found))
    if now_ns > found.until_ns:
        return Reason("approval_expired", f"proposal {proposal_id} waited for 120 s and is past its time")
    return rest, found.proposal
