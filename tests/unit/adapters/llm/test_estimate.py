from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.llm.estimate import bytes_of, tokens_at_most


@pytest.mark.parametrize(
    ("text", "tokens"),
    # What cl100k_base, o200k_base and DeepSeek's tokenizer make of such text is at most the second number.
    [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("30分钟二买确认，回踩不破中枢上沿，资金流转正", 32),
        (json.dumps({"action": "open_long", "leverage": 2, "price": "61250.5"}), 26),
        ("point:buy2@30m#88 61250.5 2026-11-20T12:35:00Z", 34),
    ],
)
def test_the_estimate_covers_text_as_the_desk_writes_it(text: str, tokens: int) -> None:
    assert tokens <= tokens_at_most(text, 0) <= bytes_of(text, 0)


@given(st.text(max_size=200))
def test_no_estimate_is_negative_and_messages_add_to_it(text: str) -> None:
    assert 0 <= tokens_at_most(text, 0) < tokens_at_most(text, 1)
    assert bytes_of(text, 0) == len(text.encode("utf-8", "surrogatepass"))


@given(st.text(max_size=100), st.text(max_size=100))
def test_more_text_is_never_fewer_tokens(left: str, right: str) -> None:
    assert tokens_at_most(left + right, 0) >= max(tokens_at_most(left, 0), tokens_at_most(right, 0)) - 1
