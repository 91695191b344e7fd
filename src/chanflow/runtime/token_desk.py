"""Joins keys, tokens and signed requests to the database and its sealed secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chanflow.access.key_sets import FetchJson, KeySets
from chanflow.access.keyring import Keyring
from chanflow.access.keys import KeyRecord
from chanflow.access.own_tokens import OwnTokens
from chanflow.access.plans import Plan
from chanflow.access.ports import KeyShelf
from chanflow.access.signed_requests import SignedRequests, signing_key
from chanflow.access.token_issuers import Issuer
from chanflow.access.token_reader import TokenReader
from chanflow.adapters.net.outward import Outward
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.sealed import Seal
from chanflow.adapters.storage.token_shelf import TokenShelf
from chanflow.adapters.tokens.token_check import JoseTokenCheck
from chanflow.adapters.tokens.token_signer import EdSigner
from chanflow.domain.errors import SettingsInvalid, StorageUnwritable
from chanflow.domain.time import Clock, Randomness

OWN_NAME = "chanflow"
"""The issuer of our own tokens where no public URL names the desk."""


def open_keyring(shelf: KeyShelf, pepper: bytes, clock: Clock, randomness: Randomness) -> Keyring:
    """Return the keys of a desk."""
    seal = Seal(pepper, randomness.stream("seal").randbytes)

    def sealed(secret: str, key_id: str) -> str:
        return seal.sealed(signing_key(secret), _row(key_id))

    return Keyring(shelf, pepper, clock, randomness, sealed)


def open_signed(
    keyring: Keyring, database: Database, pepper: bytes, clock: Clock, randomness: Randomness
) -> SignedRequests:
    """Return what judges signed requests."""
    seal = Seal(pepper, randomness.stream("seal").randbytes)

    def opened(record: KeyRecord) -> bytes:
        if record.sealed is None:
            raise StorageUnwritable(f"key {record.id} asks for signatures and has no key for them: revoke it")
        return seal.opened(record.sealed, _row(record.id))

    return SignedRequests(keyring, opened, TokenShelf(database), clock)


def open_tokens(
    database: Database, pepper: bytes, clock: Clock, randomness: Randomness, *, name: str = OWN_NAME
) -> OwnTokens:
    """Return the desk's own tokens."""
    random_bytes = randomness.stream("seal").randbytes
    signer = EdSigner(Seal(pepper, random_bytes), random_bytes)
    return OwnTokens(name, TokenShelf(database), signer, JoseTokenCheck(), pepper, clock, randomness)


def open_reader(
    issuers: Sequence[Issuer], plans: Mapping[str, Plan], clock: Clock, *, own_name: str, fetch: FetchJson | None = None
) -> TokenReader:
    """Return what reads tokens of others. Raises SettingsInvalid for an issuer that goes by our own name."""
    if any(issuer.name == own_name for issuer in issuers):
        raise SettingsInvalid(f"access.issuers names {own_name}, as which the desk issues its own tokens: leave it out")
    return TokenReader(
        issuers, KeySets(fetch or Outward().get_json, clock.monotonic_ns), JoseTokenCheck(), plans, clock
    )  # fmt: skip


def _row(key_id: str) -> str:
    return f"api_key {key_id}"
