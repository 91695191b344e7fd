"""The real venue that the settings name, with its keys taken out of the encrypted file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chanflow.adapters.storage.key_store import KeyStore, Lock, key_file_lock, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.binance.addresses import LIVE, TESTNET, Addresses
from chanflow.adapters.venues.binance.quotes import BinanceQuotes
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.adapters.venues.hyperliquid import client as hyperliquid
from chanflow.adapters.venues.hyperliquid.nonces import Nonces
from chanflow.adapters.venues.hyperliquid.quotes import HyperliquidQuotes
from chanflow.adapters.venues.hyperliquid.venue import HyperliquidVenue
from chanflow.adapters.venues.okx import rest as okx
from chanflow.adapters.venues.okx.quotes import OkxQuotes
from chanflow.adapters.venues.okx.venue import OkxVenue
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.time import Clock, Randomness
from chanflow.market.quotes import Quotes
from chanflow.runtime.clock import SystemRandomness
from chanflow.runtime.settings import keys_passphrase
from chanflow.runtime.venue_settings import VenueSettings

RealVenue = BinanceVenue | HyperliquidVenue | OkxVenue
"""A venue that is opened before anything else and closed at the end."""


def venue_quotes(settings: VenueSettings) -> Quotes:
    """Return the public market data of the venue that the settings name. Raises SettingsInvalid for simulated."""
    is_live, rest = settings.environment == "live", settings.rest_url
    match settings.name:
        case "binance":
            return BinanceQuotes(rest or (LIVE if is_live else TESTNET).rest)
        case "okx":
            return OkxQuotes(rest or (okx.LIVE if is_live else okx.DEMO).rest)
        case "hyperliquid":
            return HyperliquidQuotes(rest or (hyperliquid.MAIN_URL if is_live else hyperliquid.TEST_URL))
        case "simulated":
            raise SettingsInvalid("execution.venue.name is simulated: its market is asked by the desk itself")


def stored_keys(settings: VenueSettings, home: Path) -> VenueKeys:
    """Return the keys of the venue and environment in the settings.

    Raises SettingsInvalid where nothing opens the file, NotFound where it has no such keys, InvalidArgument where it
    cannot be opened.
    """
    return KeyStore(home, _lock(settings), SystemRandomness().stream("keys").randbytes).keys(
        settings.name, settings.environment
    )


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
) -> RealVenue:
    """Return the venue that the settings name, not opened yet. Raises as `stored_keys`, SettingsInvalid for simulated.

    That real money takes `real_money` as well as `environment: live` was checked when the settings were read.
    """
    if settings.name == "simulated":
        raise SettingsInvalid("execution.venue.name is simulated: real orders go to binance, hyperliquid or okx")
    connector = PicowsConnector(clock)
    keys, random = stored_keys(settings, home), randomness.stream("venue")
    sandbox, rest, stream = settings.environment != "live", settings.rest_url, settings.stream_url
    match settings.name:
        case "binance":
            usual = TESTNET if sandbox else LIVE
            return BinanceVenue(
                symbols=symbols, keys=keys, addresses=Addresses(rest or usual.rest, stream or usual.stream),
                sandbox=sandbox, clock=clock, connector=connector, random=random, margin_type=settings.margin,
            )  # fmt: skip
        case "okx":
            there = okx.DEMO if sandbox else okx.LIVE
            return OkxVenue(
                symbols=symbols, keys=keys, addresses=okx.Addresses(rest or there.rest, stream or there.stream),
                sandbox=sandbox, clock=clock, connector=connector, random=random, margin_type=settings.margin,
            )  # fmt: skip
        case "hyperliquid":
            return _hyperliquid(settings, keys, home, clock, randomness)


def _hyperliquid(
    settings: VenueSettings, keys: VenueKeys, home: Path, clock: Clock, randomness: Randomness
) -> HyperliquidVenue:
    """Return Hyperliquid with the agent's file of nonces in `home`, locked.

    What is signed follows from the address: only the main net's own is the main net's, so settings and address must
    agree.
    """
    is_live = settings.environment == "live"
    url = settings.rest_url or (hyperliquid.MAIN_URL if is_live else hyperliquid.TEST_URL)
    if (url == hyperliquid.MAIN_URL) != is_live:
        raise SettingsInvalid(
            f"execution.venue.environment is {settings.environment} and its rest_url {url}: "
            f"real orders need live and {hyperliquid.MAIN_URL}, all others another address"
        )
    agent = hyperliquid.wallet_of(keys.secret).address.lower()
    home.mkdir(parents=True, exist_ok=True)
    client = hyperliquid.Client(
        url, hyperliquid.Keys(keys.key, keys.secret), Nonces(home / f"hyperliquid-{agent}.nonce", clock), clock
    )
    connector, random = PicowsConnector(clock), randomness.stream("venue")
    return HyperliquidVenue(client, connector, clock, random, cross=settings.margin == "cross")
