"""What a masked model is asked, and the check of its answer: in its own terms first, then in the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.check import check_for
from chanflow.analyst.config import AgentConfig
from chanflow.analyst.llm import question_of
from chanflow.analyst.mask import mask_of
from chanflow.analyst.masked_briefing import masked_briefing
from chanflow.analyst.rendering import rendered
from chanflow.domain.question import Check, Question, ToolCall, ToolResult

TOO_CLOSE = "prices lie closer together than the market's own steps: leave more room between entry, stop and targets"
"""All that is said of an answer that only its true terms show to be wrong: more would tell them."""


def masked_question(briefing: Briefing, config: AgentConfig, *, account: str) -> tuple[Question, Check]:
    """Return what to ask, and the check of the answer; sentences that the model is told hold nothing true.

    Raises BudgetSpent and SettingsInvalid as `question_of` does.
    """
    mask = mask_of(briefing)
    hidden = masked_briefing(briefing, mask)
    question = replace(question_of(hidden, config, account=account), as_of_ns=briefing.as_of_ns)
    shown, true = check_for(hidden, config), check_for(briefing, config)
    # What the masked text shows may be cited, also where the true one would have had no room for it.
    cited = tuple(mask.true_ref(ref) for ref in rendered(hidden).refs)
    briefed = ToolCall("briefing", {}, ToolResult("", cited, briefing.as_of_ns))

    def check(payload: Mapping[str, Any], calls: Sequence[ToolCall]) -> Sequence[str]:
        faults = shown(payload, calls)
        if faults:
            return faults
        return (TOO_CLOSE,) if true(mask.true_draft(payload), (briefed,)) else ()

    return question, check
