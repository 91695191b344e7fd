"""The desk's own tokens, over a database: short, refreshed once, and gone with their family, user or key."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from made_access import HandClock, SystemBytes

from chanflow.access.books import AccessBooks
from chanflow.access.keys import User
from chanflow.access.own_tokens import ACCESS_S, CACHED_MS, FAMILY_NS, REFRESH_NS, OwnTokens, TokenPair
from chanflow.access.principals import Principal
from chanflow.access.scopes import scopes_of
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.home import Home

NAME = "https://desk.example/mcp"


@dataclass
class Desk:
    home: Home
    clock: HandClock
    books: AccessBooks
    ann: User

    @property
    def tokens(self) -> OwnTokens:
        assert self.books.tokens is not None
        return self.books.tokens

    async def read(self, token: str) -> Principal | str:
        return await self.books.bearers.principal(token, "198.51.100.7")

    def wait(self, ns: int) -> None:
        self.clock.at_ns += ns

    async def another(self) -> "AccessBooks":
        """Return the books as another process has them."""
        return open_books(self.home, self.clock, SystemBytes(), name=NAME)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    home, clock = Home(tmp_path), HandClock()
    make_pepper(home, SystemBytes())
    books = open_books(home, clock, SystemBytes(), name=NAME)
    async with books.serving():
        ann = User("user-ann", "ann", ("trader",), "pro", clock.now_ns())
        assert isinstance(books.shelf, AccountShelf)
        await books.shelf.add_user(ann)
        yield Desk(home, clock, books, ann)


async def refreshed(desk: Desk, pair: TokenPair) -> TokenPair:
    new = await desk.tokens.refresh(pair.refresh_token)
    assert isinstance(new, TokenPair)
    return new


async def test_an_access_token_acts_as_its_user_for_a_quarter_of_an_hour(desk: Desk) -> None:
    pair = await desk.tokens.issue(desk.ann)
    found = await desk.read(pair.access_token)
    assert isinstance(found, Principal)
    assert (found.kind, found.user_id, found.plan, found.scopes) == ("user", "user-ann", "pro", scopes_of(["trader"]))
    assert (found.issuer, found.expires_ns) == (NAME, pair.access_expires_ns)
    desk.wait(ACCESS_S * NS_PER_S - 1)
    assert isinstance(await desk.read(pair.access_token), Principal)
    desk.wait(NS_PER_S)
    assert await desk.read(pair.access_token) == "unauthenticated"


async def test_what_a_user_may_is_what_they_may_now(desk: Desk) -> None:
    pair = await desk.tokens.issue(desk.ann)
    assert isinstance(await desk.read(pair.access_token), Principal)
    await desk.books.shelf.change_user("user-ann", roles=["viewer"])  # type: ignore[attr-defined]
    desk.wait(CACHED_MS * NS_PER_MS)
    found = await desk.read(pair.access_token)
    assert isinstance(found, Principal)
    assert found.scopes == scopes_of(["viewer"])
    await desk.books.shelf.change_user("user-ann", disabled_at=desk.clock.now_ns())  # type: ignore[attr-defined]
    desk.wait(CACHED_MS * NS_PER_MS)
    assert await desk.read(pair.access_token) == "unauthenticated"
    assert await desk.tokens.refresh(pair.refresh_token) == "unauthenticated"


async def test_a_refresh_token_is_good_once_and_the_second_time_ends_the_family(desk: Desk) -> None:
    stolen = await desk.tokens.issue(desk.ann)
    other = await desk.tokens.issue(desk.ann)
    new = await refreshed(desk, stolen)
    newest = await refreshed(desk, new)
    assert isinstance(await desk.read(newest.access_token), Principal)
    assert await desk.tokens.refresh(stolen.refresh_token) == "unauthenticated"
    for pair in (stolen, new, newest):
        assert await desk.read(pair.access_token) == "unauthenticated"
        assert await desk.tokens.refresh(pair.refresh_token) == "unauthenticated"
    assert isinstance(await desk.read(other.access_token), Principal)
    await refreshed(desk, other)


async def test_a_family_that_ended_elsewhere_ends_here_within_a_second(desk: Desk) -> None:
    pair = await desk.tokens.issue(desk.ann)
    assert isinstance(await desk.read(pair.access_token), Principal)
    other = await desk.another()
    async with other.serving():
        assert other.tokens is not None
        assert await other.tokens.revoke("user-ann") == 1
    desk.wait(CACHED_MS * NS_PER_MS)
    assert await desk.read(pair.access_token) == "unauthenticated"


async def test_a_refresh_token_ends_by_itself_and_with_its_family(desk: Desk) -> None:
    ends_ns = desk.clock.now_ns() + FAMILY_NS
    idle = await desk.tokens.issue(desk.ann)
    pair = await desk.tokens.issue(desk.ann)
    desk.wait(REFRESH_NS - 1)
    pair = await refreshed(desk, pair)
    desk.wait(1)
    assert await desk.tokens.refresh(idle.refresh_token) == "unauthenticated"
    desk.wait(REFRESH_NS - 2)
    pair = await refreshed(desk, pair)
    assert pair.refresh_expires_ns == ends_ns
    desk.wait(ends_ns - desk.clock.now_ns())
    assert await desk.tokens.refresh(pair.refresh_token) == "unauthenticated"


@pytest.mark.parametrize("text", ["", "cfr_", "cfr_" + "a" * 43, "cfr_" + "a" * 44, "cf_' OR 1=1 --", "\0"])
async def test_what_is_no_refresh_token_of_ours_gives_nothing(desk: Desk, text: str) -> None:
    assert await desk.tokens.refresh(text) == "unauthenticated"


async def test_a_rotated_key_lets_old_tokens_live_out_their_time(desk: Desk) -> None:
    old = await desk.tokens.issue(desk.ann)
    other = await desk.another()
    async with other.serving():
        assert other.tokens is not None
        key = await other.tokens.rotate_key()
        fresh = await other.tokens.issue(desk.ann)
    assert jwt.decode(fresh.access_token, OKPKey.import_key(dict(key.public)), ["Ed25519"]).header["kid"] == key.kid
    for pair in (old, fresh):
        assert isinstance(await desk.read(pair.access_token), Principal)
    newest, *older = await desk.tokens.public_keys()
    assert (newest["kid"], len(older)) == (key.kid, 1)
    desk.wait((ACCESS_S + 31) * NS_PER_S)
    assert [each["kid"] for each in await desk.tokens.public_keys()] == [key.kid]


async def test_public_keys_are_public_and_named_by_their_thumbprint(desk: Desk) -> None:
    await desk.tokens.issue(desk.ann)
    (key,) = await desk.tokens.public_keys()
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x")}).thumbprint() == key["kid"]


async def _forged(desk: Desk, **changed: Any) -> str:
    """Return a token that another key signed, as ours would be."""
    now_s = desk.clock.now_ns() // NS_PER_S
    (public,) = await desk.tokens.public_keys()
    claims = {"iss": NAME, "aud": NAME, "sub": "user-ann", "sid": "0" * 32, "exp": now_s + 60}
    key = OKPKey.generate_key("Ed25519", {"kid": public["kid"]})
    return jwt.encode({"alg": "Ed25519", "kid": public["kid"]}, claims | changed, key, algorithms=["Ed25519"])


async def test_a_token_signed_by_another_key_is_refused(desk: Desk) -> None:
    pair = await desk.tokens.issue(desk.ann)
    assert await desk.read(await _forged(desk, sid=pair.family_id)) == "unauthenticated"
    head, body, seal = pair.access_token.split(".")
    assert await desk.read(f"{head}.{body}.{seal[::-1]}") == "unauthenticated"


async def test_a_refresh_token_opens_no_door_and_an_access_token_refreshes_nothing(desk: Desk) -> None:
    pair = await desk.tokens.issue(desk.ann)
    assert not desk.books.bearers.known_shape(pair.refresh_token)
    assert await desk.read(pair.refresh_token) == "unauthenticated"
    assert await desk.tokens.refresh(pair.access_token) == "unauthenticated"


async def test_the_database_holds_neither_token_nor_private_key(desk: Desk) -> None:
    pair = await desk.tokens.issue(desk.ann)
    with sqlite3.connect(desk.home.database_path) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "sealed" in dump
    assert pair.refresh_token not in dump
    assert pair.access_token not in dump
    assert '"d"' not in dump
    assert pair.refresh_token not in repr(pair)
    assert pair.access_token not in repr(pair)


async def test_a_private_key_moved_to_another_row_does_not_open(desk: Desk) -> None:
    await desk.tokens.issue(desk.ann)
    with sqlite3.connect(desk.home.database_path) as database:
        database.execute("UPDATE signing_key SET kid = 'another'")
    database.close()
    other = await desk.another()
    async with other.serving():
        assert other.tokens is not None
        with pytest.raises(StorageUnwritable, match="does not open"):
            await other.tokens.issue(desk.ann)
