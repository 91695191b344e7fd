from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.names import network_of, shown_client, sound_email, sound_name
from chanflow.domain.errors import InvalidArgument


@pytest.mark.parametrize("text", ["ann@example.org", "a@b.co", "ann.b-c_d+e@mail.example.org", f"{'a' * 64}@x.org"])
def test_an_address_is_taken_in_small_letters(text: str) -> None:
    assert sound_email(text.upper()) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "ann", "ann@localhost", "@example.org", "ann@", "ann@@example.org", "a..b@example.org", ".a@example.org",
        "a.@example.org", "ann@-example.org", "ann@example-.org", "ann@exa mple.org", "änn@example.org",
        "ann@example.org\n",
        "ann@example.org\r\nBcc: eve@example.org", "ann@example.org,eve@example.org", "ann@example.org\x00",
        "Ann <ann@example.org>", f"{'a' * 65}@example.org", f"a@{'b' * 250}.org", "ann@example.org?to=eve@x.org",
        "ann@127.0.0.1", '"ann"@example.org', "ann%40x@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        sound_email(text)
    assert "eve" not in str(caught.value)
    assert caught.value.field == "email"


@given(st.text(max_size=80))
def test_what_is_taken_can_forge_no_line(text: str) -> None:
    for check in (sound_name, sound_email):
        try:
            found = check(text)
        except InvalidArgument as fault:
            found = str(fault).replace(" ", "")
        assert found.isascii()
        assert found.isprintable()
        assert not set(found) & set('\t;<>"\\/?#&%')


@given(st.text(max_size=300))
def test_what_a_program_says_of_itself_is_short_and_printable(text: str) -> None:
    shown = shown_client(text)
    assert shown is None or (0 < len(shown) <= 120 and shown.isascii() and shown.isprintable())


@pytest.mark.parametrize("name", ["erased-1", "Erased-x", "a@b", "-ann", "a b", "a\n", ""])
def test_a_chosen_name_imitates_nothing(name: str) -> None:
    with pytest.raises(InvalidArgument):
        sound_name(name, chosen=True)


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff", "2001:db8::/64"), (None, "unknown"), ("nonsense", "unknown"),
    ],
)  # fmt: skip
def test_an_address_counts_by_what_one_caller_has(ip: str | None, network: str) -> None:
    assert network_of(ip) == network
