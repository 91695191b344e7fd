from __future__ import annotations

import base64
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.second_factor import new_recovery_codes, new_secret, recovery_hmac, step_of
from chanflow.domain.time import NS_PER_S

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    # RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
     (2_000_000_000, "279037"), (20_000_000_000, "353130")],
)  # fmt: skip
def test_the_codes_of_the_standard_are_taken(at_s: int, code: str) -> None:
    assert step_of(SECRET, code, at_s * NS_PER_S) == at_s // 30


def test_a_code_of_the_step_beside_is_taken_and_one_further_off_is_not() -> None:
    at_s = 1_111_111_111
    for off_s, found in ((-60, None), (-30, at_s // 30), (0, at_s // 30), (30, at_s // 30), (60, None)):
        assert step_of(SECRET, "050471", (at_s + off_s) * NS_PER_S) == found


@given(st.text(max_size=12))
def test_what_is_no_six_digits_is_no_code(text: str) -> None:
    if not (len(text) == 6 and text.isascii() and text.isdigit()):
        assert step_of(SECRET, text, 59 * NS_PER_S) is None


def test_recovery_codes_differ_and_are_kept_by_user() -> None:
    codes = new_recovery_codes(Random(1))
    assert len(set(codes)) == 10
    kept = recovery_hmac(b"p" * 32, "ann", codes[0])
    assert kept is not None
    assert kept == recovery_hmac(b"p" * 32, "ann", f" {codes[0].upper()} ")
    assert kept != recovery_hmac(b"p" * 32, "bob", codes[0])
    assert recovery_hmac(b"p" * 32, "ann", "287082") is None


def test_a_secret_has_160_bits() -> None:
    assert len(base64.b32decode(new_secret(Random(1)))) == 20
