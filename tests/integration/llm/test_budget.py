"""No call is made that is not paid for, and what is reserved or spent never passes the cap."""

from __future__ import annotations

import asyncio
import warnings
from decimal import Decimal

import pytest
from made_minds import Box, CountingPurse, Empty, ask, desk, good
from pydantic_ai import CostNotFoundWarning, UsageLimitUnavailableWarning
from pydantic_ai.usage import RunUsage, UsageLimits

from chanflow.adapters.llm.library import set_library

HOLD = "- reply: {json: {action: hold}}"
FAULTS = (
    "server_error", "disconnect", "giant", "cut_json", "empty", "unknown_tool", "max_long",
    "{kind: rate_limit, retry_after: 0}",
)  # fmt: skip


@pytest.mark.server
async def test_a_spent_budget_makes_no_request() -> None:
    async with desk(HOLD, purse=CountingPurse(cap_usd=Decimal("0.001"))) as d:
        reply = await d.mind.answer(ask(fallback=("local/other",)), Empty(), good)
    assert (reply.problem, d.server.heard, d.purse.claims) == ("budget", [], [])
    assert "would pass 0.001" in reply.detail


@pytest.mark.server
async def test_a_model_without_a_price_is_not_asked_unless_it_is_free() -> None:
    async with desk(HOLD) as d:
        mind = d.mind
        mind._price = mind._at_desk()[0]._price = lambda model, i, o: (_ for _ in ()).throw(_no_price(model))
        reply = await mind.answer(ask(), Empty(), good)
    assert (reply.problem, reply.detail, d.server.heard) == ("budget", "local/scripted has no price", [])
    async with desk(HOLD, free=True, kind="ollama") as d:
        d.mind._price = d.mind._at_desk()[0]._price = lambda model, i, o: (_ for _ in ()).throw(_no_price(model))
        reply = await d.mind.answer(ask(), Empty(), good)
    assert (reply.draft, reply.cost_usd) == ({"action": "hold"}, 0)
    assert [claim.cost_usd for claim in d.purse.claims] == [0]
    assert d.purse.claims[0].tokens > 4096


def _no_price(model: str) -> Exception:
    from chanflow.domain.errors import BudgetSpent

    return BudgetSpent(f"{model} has no price")


@pytest.mark.server
async def test_a_claim_covers_what_the_call_then_takes() -> None:
    text = "涨跌 " * 300 + "structure of the market " * 200
    async with desk(HOLD) as d:
        reply = await d.mind.answer(ask(text=text), Box(), good)
    claim = d.purse.claims[0]
    assert (claim.question_id, claim.agent, claim.account, claim.model) == ("q-1", "analyst", "main", "local/scripted")
    assert claim.tokens >= reply.tokens_in + 4096
    assert claim.cost_usd >= (len(text.encode()) + 4 * 4096) / Decimal(1_000_000)


@pytest.mark.server
async def test_a_reply_without_usage_is_settled_as_reserved() -> None:
    async with desk(HOLD + "\n  usage: none") as d:
        reply = await d.mind.answer(ask(), Empty(), good)
    assert reply.draft == {"action": "hold"}
    assert reply.cost_usd == d.purse.claims[0].cost_usd > 0
    assert reply.tokens_in + reply.tokens_out == d.purse.claims[0].tokens


@pytest.mark.server
async def test_a_run_without_room_for_an_answer_asks_nothing_more() -> None:
    script = "- reply: {tool_calls: [{name: look, args: {symbol: BTCUSDT}}]}\n  usage: {tokens_in: 900, tokens_out: 50}"
    async with desk(script) as d:
        reply = await d.mind.answer(ask(max_tokens=3_000), Box(), good)
    assert reply.problem == "budget"
    assert "3000 allowed: no room to answer" in reply.detail
    assert reply.tokens_in + reply.tokens_out <= 3_000
    assert d.server.heard[-1].body["max_tokens"] < d.server.heard[0].body["max_tokens"] < 4096


@pytest.mark.server
@pytest.mark.parametrize("fault", FAULTS)
async def test_twenty_questions_at_once_never_pass_the_cap(fault: str) -> None:
    script = f"- times: 9\n  reply: {{json: {{action: hold}}}}\n  fault: {fault}\n- times: 7\n  fault: {fault}\n{HOLD}"
    purse = CountingPurse(cap_usd=Decimal("0.09"))
    async with desk(script, purse=purse, stall_s=1.0) as d:
        questions = [ask(question_id=f"q-{n}", text=f"question {n}") for n in range(20)]
        replies = await asyncio.gather(*(d.mind.answer(q, Box(), good) for q in questions))
    assert Decimal(0) < purse.highest <= purse.cap_usd
    assert purse.held == {}
    assert purse.spent == sum((reply.cost_usd for reply in replies), Decimal(0))
    assert all((reply.draft is None) == (reply.problem is not None) for reply in replies)
    assert any(reply.problem == "budget" for reply in replies)
    assert len(d.server.heard) == len(purse.claims)


@pytest.mark.parametrize("category", [CostNotFoundWarning, UsageLimitUnavailableWarning])
def test_the_librarys_warnings_about_costs_stop_it(category: type[Warning]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        set_library()
        usage = RunUsage(unmeasured_requests=int(category is UsageLimitUnavailableWarning))
        with pytest.raises(category):
            _limits(usage)


def _limits(usage: RunUsage) -> None:
    limits = UsageLimits(cost_limit=Decimal(1), total_tokens_limit=10)
    limits.check_tokens(usage)
    limits.check_cost(usage)
