from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from made_access import SystemBytes
from made_people import CHEAP

from chanflow.access.passwords import AT_ONCE, LEAST, MOST, Passwords, Verified, sound_password
from chanflow.domain.errors import InvalidArgument

GOOD = "correct horse battery staple"


class Spy:
    """The library, with a note of each hash that was compared; it can be held in the midst of that."""

    def __init__(self, library: Any) -> None:
        self._library, self.compared, self.hold = library, list[str](), threading.Event()
        self.hold.set()

    def hash(self, password: bytes) -> str:
        return str(self._library.hash(password))

    def verify_and_update(self, password: bytes, kept: str) -> Any:
        self.hold.wait(30)
        self.compared.append(kept)
        return self._library.verify_and_update(password, kept)


def _spied() -> tuple[Passwords, Spy]:
    passwords, spy = Passwords(SystemBytes()), Spy(CHEAP)
    passwords._hasher = spy  # type: ignore[assignment]
    return passwords, spy


async def test_a_password_opens_its_own_hash_and_no_other() -> None:
    passwords = Passwords(SystemBytes())
    kept = await passwords.hashed(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verified(GOOD, kept) == Verified(True)
    assert await passwords.verified(f"{GOOD}.", kept) == Verified(False)
    assert await passwords.verified("\ud800", kept) == Verified(False)


async def test_an_unknown_user_costs_the_same_hash_as_a_known_one() -> None:
    passwords, spy = _spied()
    kept = spy.hash(GOOD.encode())
    assert await passwords.verified(GOOD, None) == Verified(False)
    assert await passwords.verified("wrong password", kept) == Verified(False)
    dummy, known = spy.compared
    assert known == kept
    assert dummy.split("$")[:4] == known.split("$")[:4]  # the same algorithm, memory, rounds and lanes


async def test_no_more_than_two_hashes_are_made_at_once() -> None:
    passwords, spy = _spied()
    passwords._dummy = "made before"
    spy.hold.clear()
    asked = [asyncio.create_task(passwords.verified(GOOD, CHEAP.hash(GOOD))) for _ in range(5)]
    while passwords._room.statistics().tasks_waiting < 5 - AT_ONCE:  # noqa: ASYNC110  (a limiter tells nobody)
        await asyncio.sleep(0)
    assert passwords._room.borrowed_tokens == AT_ONCE
    spy.hold.set()
    assert [found.ok for found in await asyncio.gather(*asked)] == [True] * 5


async def test_a_hash_under_older_parameters_is_made_anew() -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    old = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)).hash(GOOD)
    found = await Passwords(SystemBytes()).verified(GOOD, old)
    assert found.ok
    assert found.better is not None
    assert "$m=65536,t=3,p=4$" in found.better
    assert "argon2" not in repr(found)


async def test_the_same_letters_in_another_spelling_are_the_same_password() -> None:
    passwords, _ = _spied()
    assert (await passwords.verified("cafe\u0301 au lait", await passwords.hashed("caf\u00e9 au lait"))).ok


@pytest.mark.parametrize("text", ["", "short", "a" * (LEAST - 1), "ab" * LEAST, "x" * (MOST + 1), "ann-the-trader1"])
def test_a_weak_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        sound_password(text, user="ann-the-trader")
    assert caught.value.field == "password"
    assert not text or text not in str(caught.value)
