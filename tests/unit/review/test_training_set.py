from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chanflow.domain.canonical import canonical_json
from chanflow.domain.time import rfc3339
from chanflow.review.decisions import Decision, Outcome
from chanflow.review.journal import Record
from chanflow.review.training_set import label_of, training_set

AT = 1_795_262_400_000_000_000
PROMPT = """## task
entry of BTCUSDT, level 30m
asked by manual, anna.smith
## permission
paper L3, position room 29.7%
loss room: day 4.8%, equity 10023.4567
## structure
point:buy2@30m#88 at 10023.46
## position
long 0.163 BTC at 61000
## memory
lesson#1: with 10,023.46 in the account, go on
"""


def _record(kind: str, body: dict[str, Any], seq: int = 0, at_ns: int = AT) -> Record:
    return Record(seq, rfc3339(at_ns), kind, None, body, "", "")


def _journal(draft: Any = None, *, text: str = PROMPT, at_ns: int = AT, **proposal: Any) -> list[Record]:
    said = {"action": "open_long", "reasoning": "up"} if draft is None else draft
    return [
        _record("head", {"account": "binance-live", "settings": {"execution": {"capital_quote": "10000"}}}),
        _record("mark", {"price": "61000", "equity_quote": "10023.4567"}),
        _record("account", {"account": "binance-live", "high_water_quote": "7000.5", "equity_quote": "1e999"}),
        _record("decision_started", {"decision_id": "d1", "signal_id": None, "asked_by": "anna.smith"}),
        _record("llm_request", {"decision_id": "d1", "instructions": "Propose.", "text": text, "prompt_hash": "0"}),
        _record("llm_response", {"decision_id": "d1", "draft": said, "model": "deepseek/deepseek-chat"}),
        _record(
            "trade_proposal",
            {"decision_id": "d1", "symbol": "BTCUSDT", "level": "30m", "kind": "entry", "action": "open_long",
             "setup": "buy2_flow", "strategy": "default", "analyst": "llm", "confidence": 0.7, "evidence": [],
             "abstain_reason": None, "entry_price": None, "stop_price": "60000", "take_profit_price": "63000",
             **proposal},
            at_ns=at_ns,
        ),
    ]  # fmt: skip


def _only(records: list[Record], since_ns: int = 0) -> Any:
    import json

    (line,) = training_set(records, since_ns=since_ns, secret=lambda text: text.replace("hunter2", "[secret]")).lines
    assert canonical_json(json.loads(line)) == line
    return json.loads(line)


def test_an_example_is_a_chat_with_its_label() -> None:
    example = _only(_journal())
    assert [message["role"] for message in example["messages"]] == ["system", "user", "assistant"]
    assert example["messages"][0]["content"] == "Propose."
    assert example["messages"][2]["content"] == '{"action":"open_long","reasoning":"up"}'
    assert example["label"] == "open"
    assert example["decision"]["model"] == "deepseek/deepseek-chat"
    assert example["decision"]["at"] == rfc3339(AT)


def test_what_is_of_the_account_is_left_out_of_the_prompt() -> None:
    assert _only(_journal())["messages"][1]["content"] == (
        "## task\nentry of BTCUSDT, level 30m\nasked by manual, [person]\n"
        "## permission\n(left out)\n"
        "## structure\npoint:buy2@30m#88 at 10023.46\n"
        "## position\n(left out)\n"
        "## memory\nlesson#1: with [amount] in the account, go on\n"
    )


PLANTED = [
    ("equity is 10023.4567 now", "equity is [amount] now"),
    ("equity is 10,023.46, well", "equity is [amount], well"),
    ("about 10023 left", "about [amount] left"),
    ("it began with 10000.00", "it began with [amount]"),
    ("cash $7000.5!", "cash $[amount]!"),
    ("on binance-live, for anna.smith", "on [account], for [person]"),
    ("wallet 0x52908400098527886E0F7030069857D2E4169EE7", "wallet [account]"),
    ("the password is hunter2", "the password is [secret]"),
    ("stop at 61000, not 60000.5", "stop at 61000, not 60000.5"),
]


@pytest.mark.parametrize(("said", "kept"), PLANTED)
def test_what_a_model_repeats_of_the_account_is_masked(said: str, kept: str) -> None:
    draft = {"action": "open_long", "reasoning": said, "evidence": [{"claim": said}], said: "x"}
    content = _only(_journal(draft))["messages"][2]["content"]
    assert f'"reasoning":"{kept}"' in content
    assert f'"claim":"{kept}"' in content
    if kept != said and "amount" not in kept:
        assert said not in content


def test_a_draft_keeps_its_prices_and_loses_its_size() -> None:
    draft = {"action": "open_long", "size_quote": "10023.46", "stop_loss": {"price": "10023.46"}}
    assert _only(_journal(draft))["messages"][2]["content"] == (
        '{"action":"open_long","stop_loss":{"price":"10023.46"}}'
    )


def test_only_answers_of_models_since_then_are_examples() -> None:
    records = _journal()
    none = training_set(records, since_ns=AT + 1, secret=str)
    assert (none.lines, none.unanswered) == ((), 0)
    assert training_set([r for r in records if r.kind != "llm_request"], since_ns=0, secret=str).lines == ()
    silent = [r for r in records if r.kind != "llm_response"]
    assert training_set(silent, since_ns=0, secret=str).unanswered == 1
    empty = [*silent[:-1], _record("llm_response", {"decision_id": "d1", "draft": None}), silent[-1]]
    assert training_set(empty, since_ns=0, secret=str).unanswered == 1


def _ended(net: str) -> Outcome:
    return Outcome(AT, Decimal(net), Decimal(net), 1.0, None, "manual")


def _decision(**changes: Any) -> Decision:
    return Decision(
        **{"decision_id": "d", "at_ns": AT, "symbol": "S", "level": "1m", "kind": "entry", "action": "open_long",
           "setup": "other", "strategy": "default", "analyst": "llm", "verdict": "approved", **changes}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "label"),
    [
        (_decision(outcome=_ended("0.01")), "success"),
        (_decision(outcome=_ended("-0.01")), "failure"),
        (_decision(outcome=_ended("0")), "flat"),
        (_decision(), "open"),
        (_decision(verdict="refused"), "refused"),
        (_decision(action="hold", verdict="none"), "held"),
        (_decision(action="close"), "managed"),
        (_decision(action="abstain", abstain_reason="invalid_output"), "invalid"),
        (_decision(action="abstain", abstain_reason="stale_data"), "late"),
    ],
)
def test_a_label_says_how_it_ended(decision: Decision, label: str) -> None:
    assert label_of(decision, {"action": "open_long"}) == label


def test_a_model_that_abstains_is_labelled_so() -> None:
    decision = _decision(action="abstain", abstain_reason="no_setup")
    assert label_of(decision, {"action": "abstain"}) == "abstained"
