"""The analyst that asks a model: the analyst room's functions, with one configuration and one set of tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chanflow.analyst.answers import abstention
from chanflow.analyst.briefing import Briefing
from chanflow.analyst.check import check_for
from chanflow.analyst.config import AgentConfig, analyst_hash
from chanflow.analyst.llm import meta_of, prompts_of, proposal_of, question_of
from chanflow.analyst.mask import mask_of
from chanflow.analyst.masked_question import masked_question
from chanflow.domain.opinion import AbstainReason, TradeProposal
from chanflow.domain.question import Check, Question, Reply, Toolbox, ToolSpec
from chanflow.runtime.watched_toolbox import OnFuture, WatchedToolbox

MakeToolbox = Callable[[Briefing, OnFuture], Toolbox]
"""Gives the tools of one briefing: they read, and tell of each row that was not known at its moment."""


@dataclass(frozen=True, slots=True)
class AskedAnalyst:
    """Asks as `config` says; `tools` are the specs of what `make_toolbox` gives."""

    config: AgentConfig
    account: str
    tools: tuple[ToolSpec, ...]
    make_toolbox: MakeToolbox
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", analyst_hash(self.config, prompts_of(self.config), self.tools))

    def question(self, briefing: Briefing) -> tuple[Question, Check]:
        """Return what is asked, and what is wrong with an answer. Raises BudgetSpent where it is too long."""
        if self.config.masked:
            return masked_question(briefing, self.config, account=self.account)
        return question_of(briefing, self.config, account=self.account), check_for(briefing, self.config)

    def toolbox(self, briefing: Briefing) -> Toolbox:
        """Return what may be looked up on the way."""
        return WatchedToolbox(lambda on_future: self.make_toolbox(briefing, on_future))

    def proposal(self, briefing: Briefing, question: Question, reply: Reply) -> TradeProposal:
        """Return what a sound reply proposes. Raises OpinionInvalid for a draft that is none."""
        del question
        if self.config.masked and reply.draft is not None:
            reply = replace(reply, draft=mask_of(briefing).true_draft(reply.draft))
        return proposal_of(briefing, reply, self.config, analyst=self.hash)

    def abstention(
        self, briefing: Briefing, reason: AbstainReason, why: str, *, question: Question | None = None,
        reply: Reply | None = None,
    ) -> TradeProposal:  # fmt: skip
        """Return the proposal that abstains, with its reason, and with what was spent where a model was asked."""
        del question
        asked = reply or Reply(None, model=self.config.model)
        return abstention(briefing, reason, why, meta=meta_of(briefing, asked, self.config, analyst=self.hash))
