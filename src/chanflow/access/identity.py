"""Everything by which a desk knows people, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.access.accounts import Accounts
from chanflow.access.identity_ports import Privacy
from chanflow.access.proofs import Proofs
from chanflow.access.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Identity:
    """People's accounts, what they prove themselves by, their sessions, and what the law gives them."""

    accounts: Accounts
    proofs: Proofs
    sessions: Sessions
    privacy: Privacy
