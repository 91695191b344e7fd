from __future__ import annotations

import hashlib

import pytest

from chanflow.domain.errors import NotFound, SettingsInvalid
from chanflow.domain.prompt import filled, load_prompt, parse_prompt

HEAD = "---\nversion: 3\nlanguage: en\ninputs: tools, limit\noutput: Draft\nchangelog: shorter\n---\n"
BODY = "Use {{tools}}, at most {{limit}}; a single {brace} stays.\n"


def test_a_file_gives_its_front_matter_and_text() -> None:
    prompt = parse_prompt("entry", HEAD + BODY)
    assert (prompt.name, prompt.version, prompt.language, prompt.output) == ("entry", 3, "en", "Draft")
    assert (prompt.inputs, prompt.changelog, prompt.text) == (("tools", "limit"), "shorter", BODY)


def test_the_hash_is_that_of_the_text_without_data() -> None:
    prompt = parse_prompt("entry", HEAD + BODY)
    assert prompt.hash == hashlib.sha256(BODY.encode()).hexdigest()
    assert parse_prompt("entry", (HEAD + BODY).replace("\n", "\r\n")).hash == prompt.hash
    assert parse_prompt("entry", HEAD + BODY.replace("most", "least")).hash != prompt.hash


def test_inputs_are_put_in_as_they_stand() -> None:
    prompt = parse_prompt("entry", HEAD + BODY)
    assert filled(prompt, {"tools": r"{{limit}}\1", "limit": "6"}) == (
        r"Use {{limit}}\1, at most 6; a single {brace} stays." + "\n"
    )


@pytest.mark.parametrize("values", [{}, {"tools": "a"}, {"tools": "a", "limit": "b", "more": "c"}])
def test_other_inputs_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="takes"):
        filled(parse_prompt("entry", HEAD + BODY), values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BODY, "front matter"),
        (HEAD.replace("output: Draft\n", "") + BODY, "must have version"),
        (HEAD.replace("changelog: shorter", "changelog:") + BODY, "must have version"),
        (HEAD.replace("output: Draft", "output: Draft\noutput: Draft") + BODY, "each once"),
        (HEAD.replace("3", "three") + BODY, "whole number"),
        (HEAD + "Use {{tools}} only", "its text uses"),
        (HEAD + BODY + "{{more}}", "its text uses"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid, match=words):
        parse_prompt("entry", text)


@pytest.mark.parametrize("name", ["entry", "management"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_analyst_has_its_prompts_in_both_languages(name: str, language: str) -> None:
    prompt = load_prompt("chanflow.analyst", name, language)
    assert (prompt.language, prompt.output, prompt.inputs) == (language, "ProposalDraft", ("tools",))
    assert load_prompt("chanflow.analyst", name, language, version=1).version == 1


WORDS = {
    "entry": "open_long open_short stop_loss take_profit valid_until invalidation no_setup conflict stale_data "
             "injection_suspected leverage confidence",
    "management": "close reduce adjust changes.size_quote changes.stop_price changes.take_profit",
}  # fmt: skip
BOTH = "hold abstain evidence counter_evidence monitoring_triggers reasoning reasoning_short <untrusted </untrusted>"


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_language_names_all_that_an_answer_may_need(name: str, language: str) -> None:
    text = load_prompt("chanflow.analyst", name, language).text
    assert [word for word in f"{WORDS[name]} {BOTH}".split() if word not in text] == []


def test_a_prompt_that_is_not_there_says_what_is() -> None:
    with pytest.raises(NotFound, match="languages are en, zh"):
        load_prompt("chanflow.analyst", "entry", "fr")
    with pytest.raises(NotFound, match="has no version 99, it has 1"):
        load_prompt("chanflow.analyst", "entry", "en", version=99)
