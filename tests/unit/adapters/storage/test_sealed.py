"""Secrets in rows open in their row alone, with the pepper they were sealed under."""

import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.storage.sealed import Seal
from chanflow.domain.errors import StorageUnwritable

SEAL = Seal(b"pepper" * 8, os.urandom)


@given(st.binary(max_size=128), st.text(max_size=40))
def test_what_was_sealed_opens_in_its_row(plain: bytes, row: str) -> None:
    assert SEAL.opened(SEAL.sealed(plain, row), row) == plain


@given(st.binary(min_size=1, max_size=64), st.data())
def test_no_changed_letter_opens(plain: bytes, data: st.DataObject) -> None:
    text = SEAL.sealed(plain, "api_key a")
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCabc012=.").filter(lambda each: each != text[at]))
    with suppress(StorageUnwritable):  # the last letter may carry bits that mean nothing
        assert SEAL.opened(text[:at] + letter + text[at + 1 :], "api_key a") == plain


@pytest.mark.parametrize("seal", [SEAL, Seal(b"another" * 8, os.urandom)])
def test_no_other_row_and_no_other_pepper_opens(seal: Seal) -> None:
    row = "api_key b" if seal is SEAL else "api_key a"
    with pytest.raises(StorageUnwritable, match="does not open"):
        seal.opened(SEAL.sealed(b"secret", "api_key a"), row)
