"""What the journal keeps of a decision, so that it can be explained, and judged again under another policy.

`decision_started` names what woke the analyst; `judged` is the question that the gate was asked: the account, the
market, where the desk stood and what the gate remembered. The proposal stands in its own record, the limits follow
from the settings in the head.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import JournalCorrupt
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.signal import Signal
from chanflow.monitor.watch import Fired
from chanflow.risk.judgement import Question
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView
from chanflow.risk.reducing import legs
from chanflow.risk.state import Memory, RiskState, Rules
from chanflow.runtime.codec import decode


def journal_decision(
    journal: Journal, decision_id: str, *, signal: Signal | None, fired: Fired | None, at_ns: int,
    more: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write down that a decision has begun, and what woke it: a signal, a trigger of a position, or as `more` says."""
    journal.append(
        "decision_started",
        {
            "decision_id": decision_id,
            "signal_id": None if signal is None else signal.signal_id,
            "position_id": None if fired is None else fired.position_id,
            "trigger_id": None if fired is None else fired.trigger_id,
            "at_ns": at_ns,
            **(more or {}),
        },
        correlation_id=decision_id,
    )


def journal_question(journal: Journal, question: Question) -> None:
    """Write down what the gate is asked, before it answers."""
    p, rules = question.proposal, question.rules
    journal.append(
        "judged",
        {
            "proposal_id": p.proposal_id,
            "decision_id": p.decision_id,
            "symbol": p.symbol,
            "now_ns": question.now_ns,
            "account": question.account,
            "market": question.market,
            "state": question.state,
            "memory": question.memory,
            "instrument": rules.instruments.get(p.symbol),
            "rules": {
                "account": rules.account, "venue": rules.venue, "run_mode": rules.run_mode,
                "quiet_may_open": rules.quiet_may_open, "strategy_shares": rules.strategy_shares,
            },
            "limits_hash": rules.limits.hash,
        },
        correlation_id=p.decision_id,
    )  # fmt: skip


def question_of(proposal: Any, body: Mapping[str, Any], limits: Limits) -> Question:
    """Return the question that a `judged` body and its proposal's body spell, under `limits`.

    Raises JournalCorrupt where the proposal has no such leg.
    """
    account = decode(AccountSnapshot, body["account"])
    whole = decode(TradeProposal, proposal)
    leg = next((leg for leg in legs(whole, account) if leg.proposal_id == body["proposal_id"]), None)
    if leg is None:
        raise JournalCorrupt(f"proposal {whole.proposal_id} has no leg {body['proposal_id']}")
    instrument = None if body["instrument"] is None else decode(Instrument, body["instrument"])
    rules = body["rules"]
    return Question(
        proposal=leg,
        account=account,
        market=decode(MarketView, body["market"]),
        rules=Rules(
            {} if instrument is None else {instrument.symbol: instrument}, limits, rules["account"], rules["venue"],
            rules["run_mode"], rules["quiet_may_open"],
            {name: Decimal(share) for name, share in rules["strategy_shares"].items()},
        ),
        state=decode(RiskState, body["state"]),
        memory=decode(Memory, body["memory"]),
        now_ns=int(body["now_ns"]),
    )  # fmt: skip
