"""Words by a model for what code has counted. Whatever it answers is checked; without a sound answer there are none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.question import Mind, Question, ToolResult, ToolSpec

Prompt = Literal["learning_summary", "lesson"]
_OUTPUT = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 1200}},
    "required": ["text"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Words:
    """A wording that passed its check, and the hash of the prompt that asked for it."""

    text: str
    prompt_hash: str


class _NoTools:
    """Words need no look-ups."""

    def specs(self) -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:  # noqa: ARG002  (the protocol's)
        raise InvalidArgument(f"there is no tool {name}")


@dataclass(frozen=True, slots=True)
class Wording:
    """Asks a model, named as in the settings, for words."""

    mind: Mind
    model: str
    account: str = "desk"

    async def of(
        self, prompt: Prompt, facts: Mapping[str, Any], fault: Callable[[str], str | None], *, name: str, as_of_ns: int
    ) -> Words | None:
        """Return words for `facts` in which `fault` finds nothing wrong, or None; `name` tells this question apart."""
        instructions, prompt_hash = _prompt(prompt)
        reply = await self.mind.answer(
            Question(
                question_id=f"review-{name}", agent="review", account=self.account, model=self.model,
                instructions=instructions, prompt_hash=prompt_hash, text=canonical_json(facts), output_name="wording",
                output=_OUTPUT, as_of_ns=as_of_ns, max_requests=2, max_tool_calls=0, max_tokens=6_000,
            ),
            _NoTools(),
            lambda draft, _: _faults(draft, fault),
        )  # fmt: skip
        if reply.draft is None or _faults(reply.draft, fault):
            return None
        return Words(reply.draft["text"].strip(), prompt_hash)


def _faults(draft: Mapping[str, Any], fault: Callable[[str], str | None]) -> Sequence[str]:
    text = draft.get("text")
    if not isinstance(text, str):
        return ("the answer has no text",)
    found = fault(text.strip())
    return () if found is None else (f"the text cannot be kept: {found}",)


@cache
def _prompt(name: Prompt) -> tuple[str, str]:
    """Return the instructions of a prompt file, and its hash."""
    whole = files("chanflow.review").joinpath("prompts", f"{name}.md").read_text("utf-8")
    return whole.split("---\n", 2)[2].strip(), hashlib.sha256(whole.encode()).hexdigest()
