"""What opens an account at a venue."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VenueKeys:
    """A venue's key and its secrets, which stand in no repr. `passphrase` is set for venues that ask for one.

    For Hyperliquid `key` is the master address and `secret` the agent wallet's private key.
    """

    key: str
    secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)
