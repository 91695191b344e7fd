from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.params import Params, read_params


def refusal(read: object, *args: object) -> int:
    with pytest.raises(Fault) as caught:
        read(*args)  # type: ignore[operator]
    return caught.value.code


def test_query_and_body_are_read_together_and_the_first_of_a_name_counts() -> None:
    assert read_params("a=1&b=x%20y", "b=2&c=") == {"a": "1", "b": "x y", "c": ""}


@given(st.text("ab=&%2+", max_size=20))
def test_every_query_is_read_as_a_form_is(query: str) -> None:
    wanted = parse_qsl(query, keep_blank_values=True)
    assert read_params(query, "") == dict(reversed(wanted))


def test_what_is_missing_or_empty_was_not_sent() -> None:
    params = Params({"a": ""})
    assert params.optional("a") is None
    assert refusal(params.text, "a") == -1102
    assert refusal(params.integer, "b") == -1102


@pytest.mark.parametrize("word", ["x", "1.0", "-", "--1", "٣", "9" * 20])
def test_a_whole_number_is_one(word: str) -> None:
    assert refusal(Params({"n": word}).integer, "n") == -1102


def test_too_many_decimals_are_another_fault_than_no_number() -> None:
    assert Params({"p": "1.50"}).units("p", 1) == 15
    assert refusal(Params({"p": "1.55"}).units, "p", 1) == -1111
    assert refusal(Params({"p": "x"}).units, "p", 1) == -1130


def test_flags_are_true_or_false() -> None:
    assert Params({"f": "TRUE"}).flag("f")
    assert not Params({}).flag("f")
    assert refusal(Params({"f": "1"}).flag, "f") == -1130
