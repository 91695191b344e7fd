from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.adapters.llm.scripted.script import FAULTS, Call, Fault, Rule, Usage, When, read_script
from chanflow.adapters.llm.scripted.server import default_script
from chanflow.domain.errors import InvalidArgument


def test_a_rule_is_read_in_full() -> None:
    text = """
- when: {contains: BTC, turn: 2, tool_result: look, model: m}
  times: 3
  reply: {tool_calls: [{name: look, args: {a: 1}}], json: {b: 2}, text: t, thinking: h, sense: true}
  usage: {tokens_in: 5, tokens_out: 6}
  fault: {kind: rate_limit, retry_after: 2}
- fault: stall
  usage: none
"""
    first, second = read_script(text)
    assert first == Rule(
        When("BTC", 2, "look", "m"), (Call("look", {"a": 1}),), {"b": 2}, "t", "h", True, Usage(5, 6), False,
        Fault("rate_limit", retry_after=2.0), 3,
    )  # fmt: skip
    assert second == Rule(fault=Fault("stall"), silent_usage=True)


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_has_its_word(kind: str) -> None:
    assert read_script(f"- fault: {kind}")[0].fault == Fault(kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a list of 1 to 1000 rules"),
        ("[]", "must be a list of 1 to 1000 rules"),
        ("a: [", "is no YAML"),
        ("- 1", "rule 1 must be a mapping of when, times, reply"),
        ("- {}", "rule 1: it has neither reply nor fault"),
        ("- fault: explode", "rule 1, fault: kind 'explode' is none of delay, rate_limit"),
        ("- {fault: {kind: delay, seconds: -1}}", "seconds is -1, allowed is 0 to 3600 s"),
        ("- {fault: {kind: delay, seconds: .nan}}", "seconds is nan, allowed is 0 to 3600 s"),
        ("- {fault: stall, whan: {}}", "rule 1: 'whan' is unknown"),
        ("- {reply: {text: 5}}", "rule 1, reply: text must be a text"),
        ("- {reply: {json: [1]}}", "json must be a mapping"),
        ("- {reply: {tool_calls: [{name: a, args: 3}]}}", "the args of a tool call must be a mapping"),
        ("- {fault: stall, times: 0}", "rule 1: times is 0, allowed is a whole number from 1"),
        ("- {fault: stall, when: {turn: yes}}", "rule 1, when: turn is True"),
        ("- {fault: stall, usage: {tokens_in: -1, tokens_out: 0}}", "tokens_in is -1"),
        ("- fault: stall\n" * 1001, "must be a list of 1 to 1000 rules"),
        ("#" * 1_000_001, "the script has 1000001 bytes, allowed are 1000000"),
    ],
)
def test_a_script_that_cannot_be_is_refused_with_its_rule(text: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as told:
        read_script(text)
    assert words in str(told.value)


def test_the_script_that_comes_with_the_program_ends_with_a_rule_for_everything() -> None:
    assert default_script()[-1] == Rule(sense=True)


def test_the_script_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[5] / "docs" / "models.md").read_text(encoding="utf-8")
    block = page.split("```yaml\n# talk.yaml")[1].split("```")[0]
    first, second, third = read_script(f"#{block}")
    assert first.calls[0].name == second.when.tool_result == "get_klines"
    assert third.fault == Fault("rate_limit", retry_after=2.0)
    assert all(f"`{kind}`" in page for kind in FAULTS)
