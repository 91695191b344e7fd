"""Why the desk did what it did: the chain of one decision, from the data it rested on to the last fill it led to."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
from pydantic import StringConstraints

from chanflow.domain.errors import NotFound
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined

Name = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9:._#-]+$")]


class ExplainDecision(Arguments):
    """Which: the id of a signal, decision, proposal, order or position; without one the last that was refused."""

    name: Name | None = None


class LinkRow(Answer):
    """One step of the chain: the number of its record, when it was, its kind, and what it says."""

    seq: int
    at: str
    kind: str
    text: str


class Explained(Answer):
    """The chain, oldest first. Without a name and where nothing was refused, the id is null and the chain empty."""

    decision_id: str | None
    links: list[LinkRow]


async def explain_decision(asked: Asked[ExplainDecision]) -> Explained:
    """Return what led to a decision and what came of it."""
    read = partial(asked.services.decisions.explain, asked.args.name)
    try:
        decision_id, chain = await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
    except NotFound as fault:
        raise Declined("not_found", "no desk has run yet, or nothing in its newest run is called so",
                       field="name") from fault  # fmt: skip
    links = [LinkRow(seq=link.seq, at=link.at, kind=link.kind, text=link.text) for link in chain]
    return Explained(decision_id=decision_id or None, links=links)


def _digest(found: Explained) -> Digest:
    rows = tuple((link.seq, link.at, link.kind, link.text) for link in found.links[-5:])
    return Digest(f"decision {found.decision_id or '-'}: {len(found.links)} steps", ("seq", "at", "kind", "text"), rows)


EXPLAIN_DECISION = Operation(
    name="explain_decision",
    title="Why",
    doc_en="Why the desk decided as it did: the chain of a decision (决定), refusals and abstentions too.",
    doc_zh="解释一次决定：从数据到成交的全过程，含拒绝与弃权；不给 name 则为最近一次拒绝。",
    scope="journal:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=ExplainDecision,
    output=Explained,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/decisions/explain",
    handler=explain_decision,
    digest=_digest,
    doors=NOT_A_TOOL,
)
