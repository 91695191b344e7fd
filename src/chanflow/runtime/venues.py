"""The real venue that the settings name, with its keys taken out of the encrypted file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chanflow.adapters.storage.key_store import KeyStore, Lock, key_file_lock, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.binance.addresses import LIVE, TESTNET, Addresses
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.time import Clock, Randomness
from chanflow.runtime.settings import keys_passphrase
from chanflow.runtime.venue_settings import VenueSettings


def stored_keys(settings: VenueSettings, home: Path) -> VenueKeys:
    """Return the keys of the venue and environment in the settings.

    Raises SettingsInvalid where nothing opens the file, NotFound where it has no such keys, InvalidArgument where it
    cannot be opened.
    """
    return KeyStore(home, _lock(settings)).keys(settings.name, settings.environment)


def _lock(settings: VenueSettings) -> Lock:
    if settings.key_file:
        return key_file_lock(Path(settings.key_file).expanduser())
    passphrase = keys_passphrase()
    if passphrase is None:
        raise SettingsInvalid(
            f"nothing opens the keys of {settings.name}: set CHANFLOW_KEYS_PASSPHRASE, or execution.venue.key_file"
        )
    return passphrase_lock(passphrase, "CHANFLOW_KEYS_PASSPHRASE")


def real_venue(
    settings: VenueSettings, *, symbols: Sequence[str], home: Path, clock: Clock, randomness: Randomness
) -> BinanceVenue:
    """Return the venue that the settings name, not opened yet. Raises as `stored_keys`, SettingsInvalid for simulated.

    That real money takes `real_money` as well as `environment: live` was checked when the settings were read.
    """
    if settings.name != "binance":
        raise SettingsInvalid(f"execution.venue.name is {settings.name}: real orders go to binance in this version")
    usual = LIVE if settings.environment == "live" else TESTNET
    return BinanceVenue(
        symbols=symbols,
        keys=stored_keys(settings, home),
        addresses=Addresses(settings.rest_url or usual.rest, settings.stream_url or usual.stream),
        sandbox=settings.environment != "live",
        clock=clock,
        connector=PicowsConnector(clock),
        random=randomness.stream("venue"),
        margin_type=settings.margin,
    )
