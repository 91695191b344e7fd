"""Whose signature stands for which account: addresses, agents, and the nonces that were used.

Source: Hyperliquid documentation, "Nonces and API wallets": the 100 highest nonces of a signer are kept, a new one is
above the lowest of them, within two days back and one ahead.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from typing import Any, Final

from chanflow.adapters.venues.emulator.hyperliquid.refusals import Refusal, Unreadable
from chanflow.adapters.venues.emulator.world import World

KEPT_NONCES: Final = 100
BACK_MS: Final = 2 * 86_400_000
AHEAD_MS: Final = 86_400_000
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def is_address(text: object) -> bool:
    """Return whether a text is an address."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None


class Wallets:
    """Addresses of accounts and of their agents. An address that nobody knows opens an account, unless `strict`."""

    def __init__(self, world: World, *, strict: bool, agents: Mapping[str, str]) -> None:
        """`agents` are agents' addresses with their masters'."""
        self._world = world
        self._strict = strict
        self._accounts = {account.key: account.number for account in world.accounts if is_address(account.key)}
        self._nonces: dict[str, list[int]] = {}
        self.masters = {agent.lower(): master.lower() for agent, master in agents.items()}
        self.names: dict[str, str] = {}
        for master in sorted(set(self.masters.values())):
            self.open(master)

    def open(self, address: str) -> int:
        """Return the account of an address, opened where there is none."""
        known = self._accounts.get(address.lower())
        if known is None:
            account = self._world.open_account(address.lower(), "")
            known = self._accounts[address.lower()] = account.number
        return known

    def number(self, address: object) -> int | None:
        """Return the account of an address, None where there is none. Raises Unreadable for what is no address."""
        if not is_address(address):
            raise Unreadable
        return self._accounts.get(str(address).lower())

    def address(self, number: int) -> str:
        """Return an account's address."""
        return next((address for address, known in self._accounts.items() if known == number), "")

    def role(self, address: object) -> dict[str, Any]:
        """Return what an address is."""
        known = self.number(address)
        name = str(address).lower()
        if name in self.masters:
            return {"role": "agent", "data": {"user": self.masters[name]}}
        return {"role": "missing" if known is None else "user"}

    def approve(self, master: str, agent: str, name: str) -> None:
        """Let an agent sign for a master. Raises Refusal for one that was used before."""
        agent, master = agent.lower(), master.lower()
        if agent in self.masters or agent in self._accounts:
            raise Refusal("Extra agent already used.")
        for before in [known for known, owner in self.masters.items() if owner == master]:
            if self.names.get(before, "") == name:
                # Deregistered for good: its master is nobody, so that it is never taken for a new one.
                self.masters[before] = ""
        self.masters[agent] = master
        self.names[agent] = name

    def acting(self, signer: str) -> int:
        """Return the account that a signature stands for. Raises Refusal where there is none."""
        signer = signer.lower()
        master = self.masters.get(signer, signer)
        if not master or (self._strict and master not in self._accounts):
            raise Refusal(f"User or API Wallet {signer} does not exist.")
        return self.open(master)

    def use_nonce(self, signer: str, nonce: object, now_ms: int) -> None:
        """Take a nonce. Raises Refusal for one that was used, is too old or too far ahead."""
        if isinstance(nonce, bool) or not isinstance(nonce, int):
            raise Unreadable
        if not now_ms - BACK_MS < nonce < now_ms + AHEAD_MS:
            raise Refusal(f"Invalid nonce: {nonce} is out of bounds for time {now_ms}")
        used = self._nonces.setdefault(signer.lower(), [])
        if len(used) >= KEPT_NONCES and nonce < used[0]:
            raise Refusal(f"Invalid nonce: nonce too low {nonce} < {used[0]}")
        at = bisect.bisect_left(used, nonce)
        if at < len(used) and used[at] == nonce:
            raise Refusal(f"Invalid nonce: duplicate nonce {nonce}")
        used.insert(at, nonce)
        if len(used) > KEPT_NONCES:
            del used[0]
