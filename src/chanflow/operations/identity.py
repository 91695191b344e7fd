"""What the operations on people share: whose they are, and the words in which they are declined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import StringConstraints

from chanflow.access.identity import Identity
from chanflow.access.passwords import MOST
from chanflow.access.proofs import Unproved
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import CODES, Declined
from chanflow.operations.principal import Door
from chanflow.operations.services import Services

DOORS: frozenset[Door] = frozenset({"rest"})
Password = Annotated[str, StringConstraints(min_length=1, max_length=MOST)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,36}$")]


def identity_of(services: Services) -> Identity:
    """Return what the desk knows of people. Raises Declined on one that asks nobody who they are."""
    if services.access is None or services.access.identity is None:
        raise Declined("conflict", "this desk asks nobody who they are", suggestion="access.required=true")
    return services.access.identity


def own(asked: Asked[Any]) -> tuple[Identity, str]:
    """Return what the desk knows of people, and the caller's id. Raises Declined where the caller is no user."""
    identity = identity_of(asked.services)
    if asked.principal.user_id is None:
        raise Declined("conflict", "the caller is no user of this desk")
    return identity, asked.principal.user_id


def in_person(asked: Asked[Any]) -> tuple[Identity, str]:
    """Return what `own` does, for callers who logged in. Raises Declined for those with a key."""
    if asked.principal.kind != "user":
        raise Declined("insufficient_scope", "this is for people: log in, a key does not do")
    return own(asked)


def declined(unproved: Unproved) -> Declined:
    """Return the refusal of somebody who could not prove who they are."""
    if unproved.retry_after_ms is None:
        return Declined(unproved.code, CODES[unproved.code].sentence)
    return Declined(unproved.code, f"too many failures: wait {-(-unproved.retry_after_ms // 1_000)} s")


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what access refuses into a refusal in its words, which repeat nothing that the caller sent."""
    try:
        yield
    except InvalidArgument as fault:
        raise Declined("invalid_argument", str(fault), field=fault.field) from None
    except NotFound:
        raise Declined("not_found", "there is no such user") from None
