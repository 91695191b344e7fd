"""Proves who somebody is: by password and code, with a wait after too many failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chanflow.access.attempts import Attempts
from chanflow.access.identity_ports import PeopleShelf
from chanflow.access.names import network_of
from chanflow.access.passwords import Passwords
from chanflow.access.people import Person
from chanflow.access.second_factor import new_recovery_codes, new_secret, provisioning_uri, recovery_hmac, step_of
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import Clock, Randomness


@dataclass(frozen=True, slots=True)
class Unproved:
    """Why nobody was let in. `user_id` is for the audit alone: a caller must not learn whether there is such a user."""

    code: str
    user_id: str | None = None
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """An authenticator's secret, shown once, until a code of it confirms it."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


class Proofs:
    """Passwords and codes of people, judged. All of a person's failures from an address count together."""

    def __init__(
        self, shelf: PeopleShelf, passwords: Passwords, pepper: bytes, clock: Clock, randomness: Randomness
    ) -> None:
        self._shelf, self._passwords, self._pepper, self._clock = shelf, passwords, pepper, clock
        self._chance = randomness.stream("second factor")
        self._attempts = Attempts(clock.monotonic_ns)

    async def of_login(self, login: str, password: str, code: str | None, ip: str | None) -> Person | Unproved:
        """Return who logs in by a name or an address, or why they may not.

        An unknown user takes as long and hears the same as a wrong password.
        """
        person = await self._shelf.person_called(login)
        key = self._key(person, login, ip)
        if wait_ms := self._attempts.begin(key):
            return Unproved("rate_limited", person.user.id if person else None, wait_ms)
        found = await self._passwords.verified(password, person.password_hash if person else None)
        if person is None or not found.ok or person.user.disabled_ns is not None:
            return Unproved("unauthenticated", person.user.id if person else None)
        if person.needs_code:
            if code is None:
                return Unproved("second_factor_required", person.user.id)
            if not await self._takes(person, code):
                return Unproved("unauthenticated", person.user.id)
        self._attempts.forgive(key)
        if found.better is not None:
            await self._shelf.change_person(person.user.id, self._clock.now_ns(), password_hash=found.better)
        return person

    async def again(
        self, user_id: str, *, password: str | None = None, code: str | None = None, ip: str | None = None
    ) -> Person | Unproved:
        """Return who is logged in already, once they prove it again by password or by code. Raises NotFound."""
        person = await self.person(user_id)
        key = self._key(person, "", ip)
        if wait_ms := self._attempts.begin(key):
            return Unproved("rate_limited", user_id, wait_ms)
        good = False
        if password is not None:
            good = (await self._passwords.verified(password, person.password_hash)).ok
        elif code is not None:
            good = person.needs_code and await self._takes(person, code)
        if not good:
            return Unproved("proof_required", user_id)
        self._attempts.forgive(key)
        return person

    async def person(self, user_id: str) -> Person:
        """Return a user. Raises NotFound."""
        found = await self._shelf.person(user_id)
        if found is None:
            raise NotFound("there is no such user")
        return found

    async def offer(self, person: Person) -> Offered:
        """Make an authenticator's secret. Raises InvalidArgument where there is one in use: end that first."""
        if person.needs_code:
            raise InvalidArgument("an authenticator is in use already: end it first", field="code")
        secret = new_secret(self._chance)
        await self._shelf.offer_factor(person.user.id, secret, self._clock.now_ns())
        return Offered(secret, provisioning_uri(secret, person.user.name))

    async def confirm(self, person: Person, code: str, ip: str | None) -> Sequence[str] | Unproved:
        """Put an offered authenticator in use by a code of it; return recovery codes, shown once."""
        key = self._key(person, "", ip)
        if wait_ms := self._attempts.begin(key):
            return Unproved("rate_limited", person.user.id, wait_ms)
        factor = person.factor
        step = None if factor is None or factor.confirmed else step_of(factor.secret, code, self._clock.now_ns())
        if step is None:
            return Unproved("proof_required", person.user.id)
        codes = new_recovery_codes(self._chance)
        kept = [hashed for text in codes if (hashed := recovery_hmac(self._pepper, person.user.id, text))]
        if not await self._shelf.take_step(person.user.id, step, confirming=kept):
            return Unproved("proof_required", person.user.id)
        self._attempts.forgive(key)
        return codes

    async def end_factor(self, person: Person) -> None:
        """Forget a person's authenticator."""
        await self._shelf.end_factor(person.user.id)

    async def _takes(self, person: Person, code: str) -> bool:
        """Return whether a code is good, and use it up."""
        assert person.factor is not None
        now_ns = self._clock.now_ns()
        step = step_of(person.factor.secret, code, now_ns)
        if step is not None:
            return await self._shelf.take_step(person.user.id, step)
        hashed = recovery_hmac(self._pepper, person.user.id, code)
        return hashed is not None and await self._shelf.take_recovery(person.user.id, hashed, now_ns)

    def _key(self, person: Person | None, login: str, ip: str | None) -> str:
        who = f"nobody {login.casefold()}" if person is None else person.user.id
        return f"{who} {network_of(ip)}"
