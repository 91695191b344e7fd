"""Passwords: what one may be, and their Argon2id hashes, made and compared in a worker thread, two at a time."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import Randomness

if TYPE_CHECKING:
    from pwdlib import PasswordHash

LEAST, MOST = 12, 256
AT_ONCE = 2
"""One hash takes 64 MiB for as long as it is made."""
_DUMMY_BYTES = 32
_LEAST_DISTINCT = 5


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether a password is the one; `better` is its hash under newer parameters, where the kept one is out of date."""

    ok: bool
    better: str | None = field(default=None, repr=False)


def sound_password(text: str, *, user: str = "", field: str = "password") -> str:
    """Return a password that may be set. Raises InvalidArgument for a short, long or trivial one; repeats none."""
    if not LEAST <= len(text) <= MOST:
        raise InvalidArgument(f"{field} has {len(text)} characters, allowed are {LEAST} to {MOST}", field=field)
    if len(set(text)) < _LEAST_DISTINCT:
        raise InvalidArgument(f"{field} has fewer than {_LEAST_DISTINCT} different characters", field=field)
    if user and user.lower() in text.lower() and len(text) < len(user) + LEAST:
        raise InvalidArgument(f"{field} is little more than the user's name", field=field)
    return text


class Passwords:
    """Hashes and compares. Where there is no hash to compare with, a dummy's is: it takes as long, and never fits."""

    def __init__(self, randomness: Randomness) -> None:
        self._chance = randomness.stream("passwords")
        self._room = anyio.CapacityLimiter(AT_ONCE)
        self._hasher: PasswordHash | None = None
        self._dummy: str | None = None

    async def hashed(self, password: str) -> str:
        """Return the hash of a password, with its parameters and a salt of its own."""
        return await anyio.to_thread.run_sync(self._made, password, limiter=self._room)

    async def verified(self, password: str, kept: str | None) -> Verified:
        """Return whether `kept` is the hash of a password; None stands for a user that there is not."""
        return await anyio.to_thread.run_sync(self._compared, password, kept, limiter=self._room)

    def _made(self, password: str) -> str:
        return self._library().hash(_bytes(password))

    def _compared(self, password: str, kept: str | None) -> Verified:
        library = self._library()
        if self._dummy is None:  # before the first comparison of any kind, so that it tells nothing of this one
            self._dummy = library.hash(self._chance.randbytes(_DUMMY_BYTES))
        fits, better = library.verify_and_update(_bytes(password), self._dummy if kept is None else kept)
        return Verified(fits and kept is not None, better if kept is not None else None)

    def _library(self) -> PasswordHash:
        if self._hasher is None:
            from pwdlib import PasswordHash  # noqa: PLC0415  (loads a compiled library)

            self._hasher = PasswordHash.recommended()
        return self._hasher


def _bytes(password: str) -> bytes:
    """Return what is hashed: the same for all spellings of the same letters, and something for any text at all."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
