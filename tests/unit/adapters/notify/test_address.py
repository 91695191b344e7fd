from __future__ import annotations

import pytest

from chanflow.adapters.notify.address import shown_address


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mailto://me:s3cret@mail.example.com?to=you@example.com", "mailto://mail.example.com"),
        ("json://127.0.0.1:8080/hook/s3cret", "json://127.0.0.1"),
        ("jsons://me:s3cret@[::1]:8443/", "jsons://[::1]"),
        ("https://hc.example.com/s3cret-uuid", "https://hc.example.com"),
        ("tgram://123456:s3cret/-1001", "tgram://…"),
        ("twilio://ACs3cret:tokens3cret@15551230000/15557650000", "twilio://…"),
        ("mailto://me:s3/cret@mail.example.com", "mailto://…"),
        ("mailto://me:s3cret", "mailto://…"),
        ("s3cret without a scheme", "no address"),
        ("s3 cret://host", "no address"),
    ],
)
def test_scheme_and_host_are_shown_and_nothing_else(url: str, shown: str) -> None:
    assert shown_address(url) == shown
