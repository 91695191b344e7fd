"""Everything by which a desk that asks for keys judges its callers, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from chanflow.access.bearers import Bearers
from chanflow.access.billing import Billing
from chanflow.access.identity import Identity
from chanflow.access.keyring import Keyring
from chanflow.access.own_tokens import OwnTokens
from chanflow.access.plans import Plan
from chanflow.access.ports import AuditLog, Counters, KeyShelf, SocketLeases
from chanflow.access.rate_limit import RateLimit
from chanflow.access.signed_requests import SignedRequests
from chanflow.access.tickets import Tickets


@dataclass(frozen=True, slots=True)
class AccessBooks:
    """The books of access. They may be used while a block of `serving` runs, in its event loop."""

    plans: Mapping[str, Plan]
    bearers: Bearers
    keyring: Keyring
    shelf: KeyShelf
    counters: Counters
    audit: AuditLog
    limits: RateLimit
    serving: Callable[[], AbstractAsyncContextManager[None]]
    leases: SocketLeases
    tickets: Tickets
    tokens: OwnTokens | None = None
    signed: SignedRequests | None = None
    billing: Billing | None = None
    """Where plans are sold; None where they are not."""
    identity: Identity | None = None
