"""Venue keys at rest: one file, encrypted, which a passphrase or a key file opens.

The file is a line of JSON that says how it is locked, and one that holds the keys under AES-256-GCM. The key is made
from the passphrase by scrypt, so each guess costs 32 MB and a tenth of a second. The first line is sealed with the
second: neither can be changed without it being noticed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chanflow.adapters.storage.publish import unwritable
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.domain.errors import InvalidArgument, NotFound

FILE_NAME: Final = "keys.enc"
LEAST_LETTERS: Final = 12
"""A shorter passphrase is refused: guessing costs little per try, and the file may be copied."""

_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1}
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")


@dataclass(frozen=True, slots=True)
class Lock:
    """What opens the file: a secret that stands in no repr, and in words where it comes from."""

    secret: bytes = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One entry, as it may be shown: only the last letters of the key."""

    venue: str
    environment: str
    ends_in: str


def passphrase_lock(passphrase: str, origin: str = "the passphrase") -> Lock:
    """Return the lock of a passphrase. Raises InvalidArgument for one that is too short."""
    if len(passphrase) < LEAST_LETTERS:
        raise InvalidArgument(
            f"{origin} has {len(passphrase)} letters, at least {LEAST_LETTERS} are needed", field="passphrase"
        )
    return Lock(passphrase.encode(), origin)


def key_file_lock(path: Path) -> Lock:
    """Return the lock of a key file. Raises InvalidArgument unless it is a file of ours that nobody else can read."""
    try:
        found = path.stat()
        secret = path.read_bytes().strip()
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise InvalidArgument(f"the key file {path} cannot be read: {why}", field="key_file") from fault
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise InvalidArgument(
            f"the key file {path} has mode {mode:04o}, others can read it: chmod 600 {path}", field="key_file"
        )
    if len(secret) < LEAST_LETTERS:
        raise InvalidArgument(
            f"the key file {path} holds {len(secret)} bytes, at least {LEAST_LETTERS} are needed", field="key_file"
        )
    return Lock(secret, f"the key file {path}")


class KeyStore:
    """The keys of one data directory. Every call reads the file anew; a change replaces it whole.

    `random_bytes` gives salt and nonce: it has to be the system's, as a nonce used twice gives the keys away.
    """

    def __init__(self, folder: Path, lock: Lock, random_bytes: Callable[[int], bytes]) -> None:
        self._path, self._lock, self._random_bytes = folder / FILE_NAME, lock, random_bytes

    def add(self, venue: str, environment: str, keys: VenueKeys) -> None:
        """Keep a venue's keys, in place of any before. Raises InvalidArgument, StorageUnwritable."""
        for what, word in (("venue", venue), ("environment", environment)):
            if _WORD.fullmatch(word) is None:
                raise InvalidArgument(f"{what} is {word!r}: small letters, digits and hyphens", field=what)
        if not keys.key or not keys.secret:
            raise InvalidArgument(f"the keys of {venue} lack the key or the secret", field="key")
        entries = self._read()
        entries[f"{venue}:{environment}"] = [keys.key, keys.secret, keys.passphrase]
        self._write(entries)

    def keys(self, venue: str, environment: str) -> VenueKeys:
        """Return a venue's keys. Raises NotFound, InvalidArgument where the lock does not open the file."""
        entry = self._read().get(f"{venue}:{environment}")
        if entry is None:
            raise NotFound(
                f"there are no keys for {venue} {environment}: "
                f"chanflow venue-key add {venue} --environment {environment}"
            )
        return VenueKeys(*entry)

    def stored(self) -> list[StoredKey]:
        """Return what is kept, in order, without secrets. Raises as `keys` does."""
        found = []
        for name, (key, *_) in sorted(self._read().items()):
            venue, _, environment = name.partition(":")
            found.append(StoredKey(venue, environment, key[-min(4, len(key) // 3) :]))
        return found

    def remove(self, venue: str, environment: str) -> None:
        """Forget a venue's keys. Raises NotFound, and as `keys` does."""
        entries = self._read()
        if entries.pop(f"{venue}:{environment}", None) is None:
            raise NotFound(f"there are no keys for {venue} {environment}")
        self._write(entries)

    def _read(self) -> dict[str, list[str]]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            head, _, body = self._path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return {}
        except OSError as fault:
            why = (fault.strerror or str(fault)).lower()
            raise InvalidArgument(f"{self._path} cannot be read: {why}", field="keys") from fault
        try:
            told = json.loads(head)
            salt, nonce = base64.b64decode(told["salt"]), base64.b64decode(told["nonce"])
            sealed = base64.b64decode(body.strip(), validate=True)
            plain = AESGCM(self._key(salt, told)).decrypt(nonce, sealed, head)
            entries: dict[str, list[str]] = json.loads(plain)
        except InvalidTag:
            raise InvalidArgument(
                f"{self._lock.origin} does not open {self._path}: it is another one, or the file was changed",
                field="passphrase",
            ) from None
        except (ValueError, KeyError, TypeError, MemoryError):
            raise InvalidArgument(
                f"{self._path} is no file of keys: it was changed or cut short", field="keys"
            ) from None
        return entries

    def _write(self, entries: Mapping[str, list[str]]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt, nonce = self._random_bytes(16), self._random_bytes(12)
        told = {
            "version": 1, "cipher": "AES-256-GCM", "kdf": "scrypt", **_SCRYPT,
            "salt": base64.b64encode(salt).decode(), "nonce": base64.b64encode(nonce).decode(),
        }  # fmt: skip
        head = json.dumps(told, sort_keys=True).encode()
        sealed = AESGCM(self._key(salt, told)).encrypt(nonce, json.dumps(entries, sort_keys=True).encode(), head)
        _replace(self._path, head + b"\n" + base64.b64encode(sealed) + b"\n")

    def _key(self, salt: bytes, told: Mapping[str, Any]) -> bytes:
        """Return the key that a lock makes. Raises ValueError for other parameters than ours: they cost memory."""
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        if {name: told[name] for name in _SCRYPT} != _SCRYPT:
            raise ValueError("the file was locked with other parameters than ours")
        return Scrypt(salt=salt, length=32, **_SCRYPT).derive(self._lock.secret)


def _replace(path: Path, data: bytes) -> None:
    """Put a file that only its owner can read in place of another, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        raise unwritable(path, fault) from fault
