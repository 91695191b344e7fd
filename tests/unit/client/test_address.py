"""Where the client asks, and to whom it shows a key."""

from __future__ import annotations

import pytest

from chanflow.client.address import address


def test_without_arguments_it_is_the_desk_and_key_of_the_environment() -> None:
    found = address(None, None, {"CHANFLOW_URL": "https://desk.example/", "CHANFLOW_API_KEY": "cf_1"})
    assert (found.url, found.api_key) == ("https://desk.example", "cf_1")
    assert found.socket_url == "wss://desk.example/mcp"


def test_without_an_environment_it_is_this_machine() -> None:
    found = address(None, None, {})
    assert (found.url, found.api_key, found.headers) == ("http://127.0.0.1:8000", None, {})


def test_a_key_of_the_environment_goes_to_no_address_that_was_named_without_it() -> None:
    assert address("https://other.example", None, {"CHANFLOW_API_KEY": "cf_1"}).api_key is None


def test_a_key_does_not_travel_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https"):
        address("http://desk.example", "cf_1", {})
    for here in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "https://desk.example"):
        assert address(here, "cf_1", {}).headers == {"Authorization": "Bearer cf_1"}


@pytest.mark.parametrize(
    "url", ["", "desk.example", "ftp://desk.example", "http://", "http://a:b", "http://u:p@desk.example", "http://d?q=1",
            "http://[::1", "http://d:0"]
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url must be like"):
        address(url, None, {})


@pytest.mark.parametrize("key", ["", "cf 1", "cf_1\n", "cf_é"])
def test_a_key_that_is_none_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as refused:
        address("http://127.0.0.1", key, {})
    assert not key or key not in str(refused.value)


def test_the_key_is_not_printed() -> None:
    assert "cf_1" not in repr(address(None, "cf_1", {}))
