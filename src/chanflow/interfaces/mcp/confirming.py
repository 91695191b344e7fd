"""Asks the person at a client to confirm what an operation asks a confirmation for (elicitation).

An answer that carries a `confirmation_token` is not the end: the same call with the token is. Where the client can ask
its person, the question is put there and the second call is made here; the token never passes through the model.
Where it cannot, the answer goes out as it is. A yes given here proves care. It counts as a person's approval only for
a key that is marked `elicitation_trusted`, which the operation judges.

The 2026 protocol answers the call with the question and gets the call again with the person's answer; what this side
must remember travels sealed and bound to caller, tool and arguments. The 2025 protocol asks over the open connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types
from mcp.server.mcpserver import Context
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field

from chanflow.operations.outcome import Done, Outcome, body_of

CONFIRMABLE = frozenset({"confirmation_required", "approval_required"})
QUESTION = "confirm"
TOKEN = "confirmation_token"  # noqa: S105  # the argument's name
Asking = Context[Any, Any]


class Confirmed(BaseModel):
    """What the person says."""

    confirm: bool = Field(description="true to go ahead, false to leave it")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the token that a yes carries back."""

    text: str
    token: str
    answer: Mapping[str, Any]
    """The operation's answer, for a person who says no: without the token."""


def question_of(outcome: Outcome) -> Question | None:
    """Return what is to be asked about an outcome, None where nothing is."""
    if not isinstance(outcome, Done):
        return None
    body = body_of(outcome)
    token = body.get(TOKEN)
    if body.get("status") not in CONFIRMABLE or not isinstance(token, str):
        return None
    return Question(_words(body), token, {**body, TOKEN: None})


def can_ask(context: Asking | None) -> bool:
    """Return whether the client says that it can ask its person with a form."""
    declared = context.client_capabilities if context is not None else None
    found = declared.elicitation if declared is not None else None
    # A client that names neither mode means forms; so it was before there were two.
    return found is not None and (found.form is not None or found.url is None)


def asks_by_answer(context: Asking) -> bool:
    """Return whether the protocol puts the question into the answer, as since 2026."""
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


def asked_in_answer(question: Question) -> mcp_types.InputRequiredResult:
    """Return the answer that puts the question."""
    form = mcp_types.ElicitRequestFormParams(message=question.text, requested_schema=Confirmed.model_json_schema())
    return mcp_types.InputRequiredResult(
        input_requests={QUESTION: mcp_types.ElicitRequest(params=form)},
        request_state=json.dumps({TOKEN: question.token, "answer": dict(question.answer)}),
    )


def returned(context: Asking | None) -> tuple[Question, bool] | None:
    """Return the question that a call brings back with whether it was confirmed, None for a call that brings none.

    What was remembered was sealed by this desk; what is missing or of another shape is no yes.
    """
    if context is None or context.request_state is None:
        return None
    kept = json.loads(context.request_state)
    said = (context.input_responses or {}).get(QUESTION)
    yes = isinstance(said, mcp_types.ElicitResult) and said.action == "accept"
    confirmed = yes and isinstance(said, mcp_types.ElicitResult) and (said.content or {}).get("confirm") is True
    return Question("", kept[TOKEN], kept["answer"]), confirmed


async def confirmed_by_asking(context: Asking, question: Question) -> bool:
    """Ask over the open connection, and return whether the person confirmed."""
    answer = await context.elicit(question.text, Confirmed)
    return answer.action == "accept" and answer.data.confirm


def _words(body: Mapping[str, Any]) -> str:
    """Return the question: what would be done, and what it may cost."""
    preview = body.get("preview") or {}
    told = [f"{name}: {value}" for name, value in preview.items() if isinstance(value, str | int | float)]
    limits = [
        f"{row.get('name')}: {row.get('value')} of {row.get('bound')}"
        for row in preview.get("limits") or () if isinstance(row, Mapping)
    ]  # fmt: skip
    until = f" until {body['expires_at']}" if body.get("expires_at") else ""
    return "\n".join(["This order has not been sent. Send it?" + until, *told, *limits])
