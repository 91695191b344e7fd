"""Proposals that wait for a person, in a live desk below L3: journaled, told of, and never sent after their time.

`approval_wanted` stands in the journal before anybody is told, `approval_ended` before anything is done about it. What
was approved and not sent when a process ended has lapsed, and is refused by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chanflow.domain.journal import Journal
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Reason, Refused
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.records import Recorded
from chanflow.risk.approvals import WAIT_NS, Approvals, Waiting, expire, take, wait
from chanflow.risk.ladder import Level
from chanflow.runtime.codec import decode
from chanflow.runtime.risk_hands import Publish
from chanflow.runtime.risk_words import alert_of_waiting, payload_of


class ApprovalDesk:
    """What waits for a person at one desk."""

    def __init__(self, journal: Journal, clock: Clock, publish: Publish) -> None:
        self._journal, self._clock, self._publish = journal, clock, publish
        self._state = Approvals()
        self._lapsed: tuple[TradeProposal, ...] = ()

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What waits, oldest first."""
        return self._state.waiting

    def recall(self, records: Iterable[Recorded]) -> None:
        """Go on with what waited when the last process ended; what it approved and did not send has lapsed."""
        waiting: dict[str, Waiting] = {}
        begun: dict[str, TradeProposal] = {}
        for record in records:
            body = record.body
            match record.kind:
                case "approval_wanted":
                    found = decode(Waiting, body)
                    waiting[found.proposal.proposal_id] = found
                case "approval_ended" if body["proposal_id"] in waiting:
                    ended = waiting.pop(body["proposal_id"])
                    if body["how"] == "approved":
                        begun[body["proposal_id"]] = ended.proposal
                case "refusal" | "order_intent" | "order_denied" | "protection_moved":
                    begun.pop(str(body["proposal_id"]), None)
        self._state, self._lapsed = Approvals(tuple(waiting.values())), tuple(begun.values())

    async def wait(self, proposal: TradeProposal, level: Level) -> None:
        """Let a proposal wait for a person, and tell people."""
        now_ns = self._clock.now_ns()
        after = wait(self._state, proposal, now_ns)
        if after == self._state:
            return
        self._journal.append("approval_wanted", after.waiting[-1], durable=True)
        self._state = after
        alert = alert_of_waiting(proposal, level, until_ns=now_ns + WAIT_NS, at_ns=now_ns)
        await self._publish("alert", payload_of(alert), correlation=proposal.decision_id)

    async def take(self, proposal_id: str, *, who: str, deny: bool) -> TradeProposal | Reason:
        """Take out what a person approves or denies. Returns the proposal, or why that cannot be."""
        done = take(self._state, proposal_id, who=who, now_ns=self._clock.now_ns())
        if isinstance(done, Reason):
            return done
        after, proposal = done
        self._end(proposal, "denied" if deny else "approved", who)
        self._state = after
        if deny:
            await self.refuse(proposal, Reason("approval_denied", f"{who} denied it"))
        return proposal

    async def expire(self) -> None:
        """Refuse what has waited for too long, and what lapsed with an earlier process."""
        lapsed, self._lapsed = self._lapsed, ()
        for proposal in lapsed:
            why = "the process ended between its approval and its order: it is not sent later"
            await self.refuse(proposal, Reason("approval_lapsed", why))
        after, gone = expire(self._state, self._clock.now_ns())
        self._state = after
        for proposal in gone:
            self._end(proposal, "expired", "")
            await self.refuse(
                proposal, Reason("approval_expired", f"nobody approved it within {WAIT_NS // NS_PER_S} s")
            )

    async def refuse(self, proposal: TradeProposal, reason: Reason) -> Refused:
        """Journal and tell a refusal that is not the gate's."""
        refused = Refused(
            proposal.proposal_id, proposal.decision_id, proposal.symbol, self._clock.now_ns(), (reason,), ()
        )
        await self.tell_refused(refused)
        return refused

    async def tell_refused(self, refused: Refused) -> None:
        """Journal and tell a refusal."""
        await self._publish("refusal", refused, correlation=refused.decision_id)

    def _end(self, proposal: TradeProposal, how: str, who: str) -> None:
        body: Mapping[str, Any] = {"proposal_id": proposal.proposal_id, "how": how, "who": who}
        self._journal.append("approval_ended", body, correlation_id=proposal.decision_id, durable=True)
