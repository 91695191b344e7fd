"""Client order ids: made from what an order stands for, so the same decision can never become two orders.

The first 128 bits of SHA-256(account | strategy | proposal_id | leg | attempt), in the letters a venue allows.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Literal, get_args
from uuid import NAMESPACE_OID, UUID, uuid5

IdAlphabet = Literal["base32", "hex"]
"""`base32`: `q` and 26 of [a-z2-7] (Binance, OKX). `hex`: `0x` and 32 of [0-9a-f] (Hyperliquid)."""


def client_order_id(
    account: str, strategy: str, proposal_id: str, leg: str, attempt: int, *, alphabet: IdAlphabet = "base32"
) -> str:
    """Return the id of one attempt at one leg of one proposal.

    `attempt` counts from 1 and rises only after the one before is proven absent or was refused. Raises ValueError for a
    part that contains the separator `|`, which could make two orders one, for an attempt below 1 and for an alphabet
    that no venue has.
    """
    parts = (account, strategy, proposal_id, leg)
    if mixed := [part for part in parts if "|" in part]:
        raise ValueError(f"{mixed[0]!r} contains |, which separates the parts of a client id")
    if attempt < 1:
        raise ValueError(f"attempt is {attempt}, the first is 1")
    if alphabet not in get_args(IdAlphabet):
        raise ValueError(f"{alphabet!r} is no alphabet of client ids: base32 or hex")
    bits = hashlib.sha256("|".join((*parts, str(attempt))).encode()).digest()[:16]
    if alphabet == "hex":
        return "0x" + bits.hex()
    return "q" + base64.b32encode(bits).decode().rstrip("=").lower()


def proposal_of_command(account: str, command_id: str) -> UUID:
    """Return the proposal id of a trade that someone orders by hand: the UUIDv5 of the account and their own id for it.

    The same command given twice is the same proposal, and so the same order.
    """
    return uuid5(uuid5(NAMESPACE_OID, f"chanflow:account:{account}"), command_id)
