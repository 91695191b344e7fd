"""Tokens of others: only sound ones of a named issuer, for us, in their time; and a flood asks the issuer once."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey
from made_access import HandClock
from made_tokens import AUDIENCE, ISSUER, JWKS_URL, NOW_S, Login, issuer, part

from chanflow.access.key_sets import BEYOND_S, FRESH_S, REFETCH_S, KeySets
from chanflow.access.plans import PLANS
from chanflow.access.principals import Principal
from chanflow.access.scopes import SCOPES, scopes_of
from chanflow.access.token_issuers import ALGORITHMS, principal_of_claims
from chanflow.access.token_reader import TokenReader
from chanflow.access.token_text import claimed
from chanflow.adapters.tokens.token_check import JoseTokenCheck
from chanflow.domain.time import NS_PER_S


class Desk:
    """A reader of one issuer's tokens, and the clock it goes by."""

    def __init__(self, login: Login, **changed: Any) -> None:
        self.clock = HandClock()
        self.reader = TokenReader(
            [issuer(**changed)], KeySets(login.fetch, self.clock.monotonic_ns), JoseTokenCheck(), PLANS, self.clock
        )

    def wait(self, seconds: int) -> None:
        self.clock.at_ns += seconds * NS_PER_S

    async def read(self, token: str) -> Principal | str:
        return await self.reader.principal(token, "198.51.100.7") if self.reader.known_shape(token) else "unknown"


async def test_a_sound_token_acts_as_its_subject_with_its_scopes() -> None:
    login = Login()
    found = await Desk(login).read(login.token(azp="app-1"))
    assert isinstance(found, Principal)
    assert (found.kind, found.scopes, found.plan, found.roles) == ("user", {"market:read"}, "free", ())
    assert (found.issuer, found.client, found.ip, found.expires_ns) == (
        ISSUER, "app-1", "198.51.100.7", (NOW_S + 600) * NS_PER_S,
    )  # fmt: skip
    assert len(found.id) <= 64
    assert "ann" not in found.id


def _hs_with_public_key(login: Login) -> str:
    """Return the classic forgery: the public key, which anyone can read, taken for a shared secret."""
    public = json.dumps(login.key.as_dict(private=False)).encode()
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "exp": NOW_S + 600, "scope": "market:read"}
    signed = f"{part({'alg': 'HS256', 'kid': login.key.kid})}.{part(claims)}"
    seal = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"


def _without_signature(login: Login, algorithm: str) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "exp": NOW_S + 600, "scope": "market:read"}
    return f"{part({'alg': algorithm, 'kid': login.key.kid})}.{part(claims)}.AA"


def _edited(login: Login) -> str:
    head, body, seal = login.token().split(".")
    assert body
    return f"{head}.{part({'iss': ISSUER, 'aud': AUDIENCE, 'sub': 'eve', 'exp': NOW_S + 600})}.{seal}"


def _signed_by_another(login: Login) -> str:
    return Login(OKPKey.generate_key("Ed25519", {"kid": login.key.kid})).token()


ATTACKS = {
    "expired": lambda login: login.token(exp=NOW_S - 31),
    "without an end": lambda login: login.token(exp=None),
    "not yet begun": lambda login: login.token(nbf=NOW_S + 60),
    "issued in the future": lambda login: login.token(iat=NOW_S + 60),
    "for another audience": lambda login: login.token(aud="https://other.example/"),
    "for an audience that begins like ours": lambda login: login.token(aud=AUDIENCE + "/"),
    "without an audience": lambda login: login.token(aud=None),
    "without a subject": lambda login: login.token(sub=None),
    "with an empty subject": lambda login: login.token(sub=""),
    "with a subject that is a number": lambda login: login.token(sub=7),
    "with an end that is text": lambda login: login.token(exp="9999999999"),
    "with an end beyond time": lambda login: login.token(exp=1e300),
    "with a subject beyond measure": lambda login: login.token(sub="a" * 256),
    "of alg none": lambda login: _without_signature(login, "none"),
    "of alg None": lambda login: _without_signature(login, "None"),
    "with no signature": lambda login: _without_signature(login, "Ed25519"),
    "signed by HMAC with the public key": _hs_with_public_key,
    "edited": _edited,
    "signed by another key of the same name": _signed_by_another,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_is_refused_that_is(attack: str) -> None:
    login = Login()
    desk = Desk(login)
    assert await desk.read(ATTACKS[attack](login)) == "unauthenticated"
    assert isinstance(await desk.read(login.token()), Principal)


async def test_a_token_of_an_issuer_nobody_named_is_not_even_read() -> None:
    login = Login()
    assert await Desk(login).read(login.token(iss="https://evil.example/")) == "unknown"
    assert await Desk(login).read(login.token(iss=ISSUER.rstrip("/"))) == "unknown"
    assert login.fetched == []


async def test_an_algorithm_beyond_the_issuers_own_is_refused_before_a_key_is_asked_for() -> None:
    login = Login()
    assert await Desk(login, algorithms=("RS256",)).read(login.token()) == "unauthenticated"
    assert login.fetched == []


async def test_a_secret_key_in_a_key_set_opens_nothing() -> None:
    login = Login()
    shared = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMw", "kid": login.key.kid}
    told = JoseTokenCheck()
    asked = {"issuer": ISSUER, "audience": AUDIENCE, "now_s": NOW_S, "leeway_s": 30}
    assert told.claims(login.token(), shared, algorithms=["Ed25519"], **asked) is None
    for forbidden in ("HS256", "none"):
        with pytest.raises(ValueError, match="no signature by a public key"):
            told.claims(login.token(), login.key.as_dict(private=False), algorithms=[forbidden], **asked)
    assert not {"HS256", "HS384", "HS512", "none"} & set(ALGORITHMS)


async def test_elliptic_signatures_are_taken_too() -> None:
    login = Login(ECKey.generate_key("P-256", auto_kid=True), "ES256")
    assert isinstance(await Desk(login).read(login.token()), Principal)


async def test_a_flood_of_unknown_key_names_makes_one_fetch() -> None:
    login = Login()
    desk = Desk(login)
    tokens = [login.token({"kid": f"made-up-{number}"}) for number in range(40)]
    assert await asyncio.gather(*map(desk.read, tokens)) == ["unauthenticated"] * 40
    assert login.fetched == [JWKS_URL]
    assert isinstance(await desk.read(login.token()), Principal)
    desk.wait(REFETCH_S)
    assert await asyncio.gather(*map(desk.read, tokens)) == ["unauthenticated"] * 40
    assert len(login.fetched) == 2


async def test_who_comes_while_a_key_set_is_on_its_way_waits_for_it() -> None:
    login, sent = Login(), asyncio.Event()

    async def fetch(url: str) -> Any:
        await sent.wait()
        return await login.fetch(url)

    clock = HandClock()
    reader = TokenReader([issuer()], KeySets(fetch, clock.monotonic_ns), JoseTokenCheck(), PLANS, clock)
    asked = [asyncio.create_task(reader.principal(login.token(sub=f"user-{n}"), None)) for n in range(8)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in asked)
    sent.set()
    assert all(isinstance(found, Principal) for found in await asyncio.gather(*asked))
    assert login.fetched == [JWKS_URL]


async def test_a_new_key_of_the_issuer_is_found_at_once() -> None:
    login = Login()
    desk = Desk(login)
    assert isinstance(await desk.read(login.token()), Principal)
    desk.wait(REFETCH_S)
    login.key = OKPKey.generate_key("Ed25519", auto_kid=True)
    assert isinstance(await desk.read(login.token()), Principal)
    assert len(login.fetched) == 2


async def test_a_key_that_the_issuer_withdrew_is_believed_for_ten_minutes() -> None:
    login = Login()
    desk, old = Desk(login), login.token(exp=NOW_S + 3600)
    assert isinstance(await desk.read(old), Principal)
    login.key = OKPKey.generate_key("Ed25519", auto_kid=True)
    desk.wait(FRESH_S - 1)
    assert isinstance(await desk.read(old), Principal)
    desk.wait(1)
    assert await desk.read(old) == "unauthenticated"


async def test_an_issuer_that_is_silent_is_believed_for_an_hour_more_and_then_not() -> None:
    login = Login()
    desk, token = Desk(login), login.token(exp=NOW_S + 2 * BEYOND_S)
    assert isinstance(await desk.read(token), Principal)
    login.down = True
    desk.wait(FRESH_S + BEYOND_S - 1)
    assert isinstance(await desk.read(token), Principal)
    desk.wait(1)
    assert await desk.read(token) == "unauthenticated"
    login.down = False
    desk.wait(REFETCH_S)
    assert isinstance(await desk.read(token), Principal)


@pytest.mark.parametrize("answer", [[], {}, {"keys": {}}, {"keys": [7, {"kty": "OKP"}]}, {"keys": [{}] * 101}, None])
async def test_a_key_set_that_is_none_refuses(answer: Any) -> None:
    async def fetch(_: str) -> Any:
        return answer

    clock = HandClock()
    reader = TokenReader([issuer()], KeySets(fetch, clock.monotonic_ns), JoseTokenCheck(), PLANS, clock)
    login = Login()
    assert await reader.principal(login.token(), None) == "unauthenticated"
    assert await reader.principal(login.token({"kid": None}), None) == "unauthenticated"


ADMIN = "user:admin plan:admin audit:read"


@pytest.mark.parametrize(("changed", "claims", "scopes", "roles", "plan"), [
    ({}, {"scope": f"market:read {ADMIN} made:up"}, {"market:read"}, (), "free"),
    ({}, {}, set(), (), "free"),
    ({"role_claim": "roles"}, {"scope": "market:read desk:control", "roles": ["viewer"]}, {"market:read"},
     ("viewer",), "free"),
    ({"role_claim": "roles", "scope_claim": ""}, {"roles": ["admin", "made-up"]}, scopes_of(["admin"]),
     ("admin",), "free"),
    ({"role_claim": "roles", "scope_claim": ""}, {"scope": "market:read"}, set(), (), "free"),
    ({"scope_claim": "scp", "plan_claim": "tier", "words": {"gold": "pro", "Read": "market:read"}},
     {"scp": ["Read"], "tier": "gold"}, {"market:read"}, (), "pro"),
    ({"plan_claim": "tier"}, {"scope": "market:read", "tier": "made-up"}, {"market:read"}, (), "free"),
])  # fmt: skip
def test_claims_say_what_a_token_may(
    changed: dict[str, Any], claims: dict[str, Any], scopes: set[str], roles: tuple[str, ...], plan: str
) -> None:
    found = principal_of_claims(issuer(**changed), claims | {"sub": "ann", "exp": NOW_S}, PLANS, None)
    assert (set(found.scopes), found.roles, found.plan) == (set(scopes), roles, plan)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=25)
@given(json_values, json_values, json_values)
def test_no_claim_of_any_kind_gives_a_scope_that_is_none(scope: Any, roles: Any, plan: Any) -> None:
    claims = {"sub": "ann", "exp": NOW_S, "scope": scope, "roles": roles, "plan": plan}
    found = principal_of_claims(issuer(role_claim="roles", plan_claim="plan"), claims, PLANS, None)
    assert found.scopes <= set(SCOPES)
    assert found.scopes <= scopes_of(found.roles)
    assert found.plan in PLANS


@given(
    st.text() | st.from_regex(r"(eyJ)?[A-Za-z0-9_-]{1,9}\.(eyJ)?[A-Za-z0-9_-]{1,9}\.[A-Za-z0-9_-]{1,9}", fullmatch=True)
)
def test_reading_what_a_text_claims_never_fails(text: str) -> None:
    claimed(text)


def test_two_subjects_and_two_issuers_have_accounts_of_their_own() -> None:
    claims = [{"sub": sub, "exp": NOW_S} for sub in ("ann", "bob")]
    issuers = [issuer(), issuer(name="https://other.example/")]
    accounts = {principal_of_claims(one, claim, PLANS, None).account for one in issuers for claim in claims}
    assert len(accounts) == 4
