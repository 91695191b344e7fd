"""A masked model is told the same situation, and nothing that it could remember; its answer comes back exact."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_briefing import care, draft, full, managed

from chanflow.analyst.config import AgentConfig
from chanflow.analyst.draft import draft_of
from chanflow.analyst.mask import ALIAS, Mask, mask_of
from chanflow.analyst.masked_briefing import masked_briefing
from chanflow.analyst.masked_question import TOO_CLOSE, masked_question
from chanflow.analyst.rendering import rendered
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.evidence import short_time
from chanflow.domain.time import NS_PER_DAY, parse_rfc3339

CONFIG = AgentConfig(model="scripted/one", tools=(), masked=True)
TICKS = st.sampled_from(["0.00000001", "0.0001", "0.01", "0.05", "0.1", "0.25", "1", "5"]).map(Decimal)


def masked_draft(mask: Mask, made: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as a masked model would write it: the true one's prices, moments and ids, hidden."""

    def hidden(part: Any, name: str = "") -> Any:
        if isinstance(part, dict):
            return {key: hidden(value, key) for key, value in part.items()}
        if isinstance(part, list):
            return [hidden(each, name) for each in part]
        if name in ("price", "stop_price"):
            return f"{mask.price(Decimal(part)):f}"
        if name in ("valid_until", "expires_at"):
            return short_time(mask.ns(parse_rfc3339(part)))
        return {"symbol": ALIAS}.get(name) or (mask.ref(part) if name == "ref" else part)

    found: dict[str, Any] = hidden(made)
    return found


@settings(max_examples=300)
@given(
    tick=TICKS, steps=st.integers(1, 10**9), quoted=st.integers(1, 10**9),
    decision=st.text("0123456789abcdef-", min_size=1, max_size=36), at_ns=st.integers(10**18, 2 * 10**18),
)  # fmt: skip
def test_every_price_and_moment_comes_back_as_it_was(
    tick: Decimal, steps: int, quoted: int, decision: str, at_ns: int
) -> None:
    base = full(decision_id=decision, ask=quoted * tick)
    mask = mask_of(replace(base, instrument=replace(base.instrument, tick=tick)))
    price = steps * tick
    assert mask.true_price(mask.price(price)) == price
    assert mask.true_ns(mask.ns(at_ns)) == at_ns
    assert (mask.ns(at_ns) - at_ns) % NS_PER_DAY == 0
    assert 49 < mask.price(quoted * tick) < 201


@pytest.mark.parametrize("made", [full(), managed()])
def test_every_id_comes_back_as_it_was(made: Any) -> None:
    mask = mask_of(made)
    shown = rendered(masked_briefing(made, mask)).refs
    true = {mask.true_ref(ref) for ref in shown}
    assert len(true) == len(shown)
    dated = [ref for ref in rendered(made).refs if not ref.startswith(("lesson", "summary", "news"))]
    assert true >= set(dated)


@settings(max_examples=100)
@given(decision=st.uuids(version=4).map(str), management=st.booleans())
def test_nothing_of_name_date_or_price_is_in_the_text(decision: str, management: bool) -> None:
    made = managed(decision_id=decision) if management else full(decision_id=decision)
    text = masked_question(made, CONFIG, account="paper")[0].text
    # A masked time in ms may hold the digits of the year by chance, as 1202601595000 does.
    assert not re.search(r"(?<![0-9.])2026", text)
    for telling in ("SIM", "news", "lesson", "case#d", "position-1", "1R reached", "wire"):
        assert telling not in text, telling
    numbers = {Decimal(found) for found in re.findall(r"(?<![\w.#@-])\d+\.\d+(?![\w-])", rendered(made).text)}
    prices = {n for n in numbers if 90 < n < 110}
    assert prices, "the true text must hold prices, or this shows nothing"
    told = {Decimal(found) for found in re.findall(r"(?<![\w.#@-])\d+\.\d+(?![\w-])", text)}
    mask = mask_of(made)
    # A masked price may happen to be a true one of another row.
    assert not (prices & told) - {mask.price(price) for price in prices}


def test_two_decisions_have_two_masks_and_one_has_one() -> None:
    one, again, other = (mask_of(full(decision_id=name)) for name in ("a", "a", "b"))
    assert one == again
    assert (one.factor, one.days) != (other.factor, other.days)


@pytest.mark.parametrize(("made", "answered"), [(full(), draft()), (managed(), care())])
def test_an_answer_is_judged_and_taken_in_true_terms(made: Any, answered: dict[str, Any]) -> None:
    mask = mask_of(made)
    _, check = masked_question(made, CONFIG, account="paper")
    hidden = masked_draft(mask, answered)
    assert hidden != answered
    assert check(hidden, ()) == ()
    assert draft_of(mask.true_draft(hidden)) == draft_of({**answered, **_spelt(answered)})


def _spelt(answered: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of an answer with each price written on its tick, as it comes back."""

    def spelt(part: Any, name: str = "") -> Any:
        if isinstance(part, dict):
            return {key: spelt(value, key) for key, value in part.items()}
        if isinstance(part, list):
            return [spelt(each, name) for each in part]
        return f"{Decimal(part).quantize(Decimal('0.01')):f}" if name in ("price", "stop_price") else part

    found: dict[str, Any] = spelt(answered)
    return found


def test_a_wrong_answer_is_told_in_masked_words_only() -> None:
    made = full()
    _, check = masked_question(made, CONFIG, account="paper")
    faults = check(draft(), ())
    assert any("the question is about MASKED" in fault for fault in faults)
    assert not any("2026" in fault and "until" in fault and "must be" not in fault for fault in faults)


def test_an_answer_that_only_its_true_terms_void_says_nothing_of_them() -> None:
    made = full()
    mask = mask_of(made)
    _, check = masked_question(made, CONFIG, account="paper")
    answered = masked_draft(mask, draft())
    entry = Decimal(answered["strategy_details"]["entry"]["price"])
    answered["strategy_details"]["stop_loss"]["price"] = f"{entry - mask.tick:f}"
    assert check(answered, ()) == (TOO_CLOSE,)


def test_a_masked_analyst_with_tools_does_not_start() -> None:
    with pytest.raises(SettingsInvalid, match="which tell names and dates"):
        AgentConfig(model="scripted/one", masked=True)
