"""`chanflow venue-key`: keys come in by prompt or standard input, never as arguments that others could see."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from chanflow.adapters.storage.key_store import FILE_NAME, KeyStore, Lock, key_file_lock, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.domain.errors import InvalidArgument
from chanflow.runtime.clock import SystemRandomness
from chanflow.runtime.settings import home_directory, keys_passphrase

_ASKED = {
    "binance": ("API key", "API secret"),
    "okx": ("API key", "API secret", "API passphrase"),
    "hyperliquid": ("master address", "agent wallet's private key"),
}


def run_add(venue: str, environment: str, key_file: Path | None) -> None:
    """Ask for a venue's keys and keep them. Raises InvalidArgument, StorageUnwritable."""
    home = home_directory()
    lock = _lock(key_file, new=not (home / FILE_NAME).exists())
    words = [_secret(f"{venue} {what}") for what in _ASKED[venue]]
    _store(home, lock).add(venue, environment, VenueKeys(*words))
    typer.echo(f"kept the keys of {venue} {environment} in {home / FILE_NAME}")


def run_list(key_file: Path | None) -> None:
    """Print what is kept. Raises InvalidArgument."""
    home = home_directory()
    if not (home / FILE_NAME).exists():
        typer.echo(f"no keys are kept in {home}")
        return
    for one in _store(home, _lock(key_file, new=False)).stored():
        typer.echo(f"{one.venue} {one.environment} …{one.ends_in}")


def run_remove(venue: str, environment: str, key_file: Path | None) -> None:
    """Forget a venue's keys. Raises NotFound, InvalidArgument."""
    _store(home_directory(), _lock(key_file, new=False)).remove(venue, environment)
    typer.echo(f"forgot the keys of {venue} {environment}")


def _store(home: Path, lock: Lock) -> KeyStore:
    return KeyStore(home, lock, SystemRandomness().stream("keys").randbytes)


def _lock(key_file: Path | None, *, new: bool) -> Lock:
    """Return what opens the keys: the key file, the variable, or what is asked for now."""
    if key_file is not None:
        return key_file_lock(key_file)
    given = keys_passphrase()
    if given is not None:
        return passphrase_lock(given, "CHANFLOW_KEYS_PASSPHRASE")
    lock = passphrase_lock(_secret("passphrase of the keys"))
    if new and sys.stdin.isatty() and _secret("the same again").encode() != lock.secret:
        raise InvalidArgument("the two passphrases differ", field="passphrase")
    return lock


def _secret(what: str) -> str:
    """Return a secret from the keyboard without showing it, or the next line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True)).strip()
    line = sys.stdin.readline().strip()
    if not line:
        raise InvalidArgument(f"standard input has no line for {what}", field="key")
    return line
