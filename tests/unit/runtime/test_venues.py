from __future__ import annotations

import os
from pathlib import Path

import pytest

from chanflow.adapters.storage.key_store import KeyStore, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.adapters.venues.hyperliquid.venue import HyperliquidVenue
from chanflow.adapters.venues.okx.venue import OkxVenue
from chanflow.domain.errors import DeskBusy, NotFound, SettingsInvalid
from chanflow.runtime.clock import SeededRandomness, SimulatedClock
from chanflow.runtime.settings import load_settings
from chanflow.runtime.venue_settings import VenueSettings
from chanflow.runtime.venues import real_venue, stored_keys

PASSPHRASE = "correct horse battery"
HERE = ["execution.venue.rest_url=http://127.0.0.1:1", "execution.venue.stream_url=ws://127.0.0.1:2"]


def settings(*overrides: str) -> VenueSettings:
    said = [f"execution.venue.{one}" if "execution" not in one else one for one in overrides]
    return load_settings(config=None, overrides=said, environ={}).settings.execution.venue


def test_the_default_is_the_simulated_venue() -> None:
    assert (settings().name, settings().real_money) == ("simulated", False)


def test_live_without_the_flag_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="environment is live and real_money is false"):
        settings("name=binance", "environment=live")


def test_live_with_the_flag_is_taken() -> None:
    assert settings("name=binance", "environment=live", "real_money=true").environment == "live"


@pytest.mark.parametrize("url", ["http://example.com", "ws://10.0.0.1", "ftp://127.0.0.1", "example.com", "https://"])
def test_an_address_that_would_show_keys_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"execution\.venue\.rest_url"):
        settings(f"rest_url={url}")


def test_loopback_needs_both_addresses() -> None:
    with pytest.raises(SettingsInvalid, match="must both name this machine"):
        settings("environment=loopback", HERE[0])
    assert settings("environment=loopback", *HERE).rest_url == "http://127.0.0.1:1"


def test_keys_are_those_of_the_venue_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANFLOW_KEYS_PASSPHRASE", PASSPHRASE)
    KeyStore(tmp_path, passphrase_lock(PASSPHRASE), os.urandom).add("binance", "testnet", VenueKeys("k", "s"))
    assert stored_keys(settings("name=binance"), tmp_path) == VenueKeys("k", "s")
    with pytest.raises(NotFound, match="no keys for binance live"):
        stored_keys(settings("name=binance", "environment=live", "real_money=true"), tmp_path)


def test_without_anything_to_open_the_keys_the_settings_are_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHANFLOW_KEYS_PASSPHRASE", raising=False)
    with pytest.raises(SettingsInvalid, match="nothing opens the keys of binance"):
        stored_keys(settings("name=binance"), tmp_path)


@pytest.mark.parametrize(("name", "kind"), [("binance", BinanceVenue), ("okx", OkxVenue)])
def test_the_venue_is_the_one_that_the_settings_name(
    name: str, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANFLOW_KEYS_PASSPHRASE", PASSPHRASE)
    KeyStore(tmp_path, passphrase_lock(PASSPHRASE), os.urandom).add(name, "testnet", VenueKeys("k", "s", "p"))
    made = real_venue(
        settings(f"name={name}"), symbols=["BTCUSDT"], home=tmp_path, clock=SimulatedClock(0),
        randomness=SeededRandomness(1),
    )  # fmt: skip
    assert isinstance(made, kind)


def test_the_simulated_venue_is_no_real_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"venue\.name is simulated"):
        real_venue(
            settings(), symbols=["BTCUSDT"], home=tmp_path, clock=SimulatedClock(0), randomness=SeededRandomness(1)
        )


AGENT = VenueKeys("0x" + "ab" * 20, "0x" + "22" * 32)


def hyperliquid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> HyperliquidVenue:
    monkeypatch.setenv("CHANFLOW_KEYS_PASSPHRASE", PASSPHRASE)
    store = KeyStore(tmp_path, passphrase_lock(PASSPHRASE), os.urandom)
    for environment in ("testnet", "live", "loopback"):
        store.add("hyperliquid", environment, AGENT)
    said = settings("name=hyperliquid", *overrides)
    clock = SimulatedClock(0)
    venue = real_venue(said, symbols=["BTC"], home=tmp_path, clock=clock, randomness=SeededRandomness(1))
    assert isinstance(venue, HyperliquidVenue)
    return venue


@pytest.mark.parametrize(
    ("overrides", "url"),
    [
        ((), "https://api.hyperliquid-testnet.xyz"),
        (("environment=live", "real_money=true"), "https://api.hyperliquid.xyz"),
        (("environment=loopback", *HERE), "http://127.0.0.1:1"),
    ],
)
async def test_hyperliquid_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...], url: str
) -> None:
    venue = hyperliquid(tmp_path, monkeypatch, *overrides)
    assert venue.url == url
    with pytest.raises(DeskBusy):
        hyperliquid(tmp_path, monkeypatch, *overrides)
    await venue.close()


@pytest.mark.parametrize(
    "overrides",
    [
        ("rest_url=https://api.hyperliquid.xyz",),
        ("environment=live", "real_money=true", "rest_url=https://api.hyperliquid-testnet.xyz"),
    ],
)
def test_the_main_net_is_signed_for_only_when_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsInvalid, match="real orders need live and"):
        hyperliquid(tmp_path, monkeypatch, *overrides)
