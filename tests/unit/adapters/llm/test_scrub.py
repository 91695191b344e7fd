from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.llm.scrub import Scrubber

KEY = "planted-key-0123456789"


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "sk-abcdefghijklmnop1234",
        "sk-ant-api03-abcdefghijklmnop",
        "Bearer abcdef0123456789",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
    ],
)
def test_a_secret_is_masked_wherever_it_stands(secret: str) -> None:
    value = {"a": [f"x {secret} y", {secret: secret}], "n": 1, "none": None}
    scrubbed = str(Scrubber([KEY]).value(value))
    assert secret.removeprefix("Bearer ") not in scrubbed
    assert "[secret]" in scrubbed


def test_a_longer_key_is_masked_before_its_own_beginning() -> None:
    assert Scrubber(["abcdef", "abcdefgh"]).text("abcdefgh") == "[secret]"


def test_a_scrubber_shows_no_key() -> None:
    assert KEY not in repr(Scrubber([KEY]))


@given(st.text(alphabet='abc {}"[]:,0123456789-_买', max_size=80))
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert Scrubber([KEY, "ab"]).text(text) == text
