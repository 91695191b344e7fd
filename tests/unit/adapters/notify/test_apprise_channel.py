from __future__ import annotations

import pytest

from chanflow.adapters.notify.apprise_channel import AppriseChannel
from chanflow.domain.errors import InvalidArgument


@pytest.mark.parametrize(
    ("url", "service", "receiver"),
    [
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "Telegram", "12315544"),
        (f"twilio://AC{'a' * 32}:{'b' * 32}@15551233456/15559876543", "Twilio", "15559876543"),
        (f"vonage://{'a' * 8}:{'b' * 16}@15551233456/15559876543", "Vonage", "15559876543"),
    ],
)
def test_telegram_and_sms_addresses_are_understood_without_being_reached(url: str, service: str, receiver: str) -> None:
    channel = AppriseChannel(url)
    assert channel._plugin.service_name == service
    assert receiver in channel._plugin.url()
    assert channel.address.endswith("://…")


def test_no_secret_stands_in_a_channels_repr() -> None:
    assert repr(AppriseChannel("json://me:s3cret@127.0.0.1/s3cret")) == "AppriseChannel(json://127.0.0.1)"


@pytest.mark.parametrize("url", ["nothing://me:s3cret@host", "tgram://s3cret", "mailto://"])
def test_an_address_nobody_can_tell_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        AppriseChannel(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_channel_waits_for_no_pause_of_the_librarys() -> None:
    assert AppriseChannel("tgram://123456789:abcdefg_hijklmnop/12315544/")._plugin.request_rate_per_sec == 0
