"""A REST door over a world with a book of a few levels, and requests signed as a client signs them."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np

from chanflow.adapters.venues.emulator.desk import Desk
from chanflow.adapters.venues.emulator.limits import Meter
from chanflow.adapters.venues.emulator.listen_keys import ListenKeys
from chanflow.adapters.venues.emulator.rest import Request, RestDoor
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.signing import Keys, signature
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks
from chanflow.adapters.venues.emulator.world import World

START_NS = 1_767_571_200 * 10**9
START_MS = START_NS // 10**6
RULES = SymbolRules("BTCUSDT", "BTC", price_decimals=1, qty_decimals=3)


def made_door(**secrets: str) -> RestDoor:
    """Return a door whose market is 60,000.0 by 60,000.1, ten coins a level; unknown keys have the secret `test`."""
    world = World({"BTCUSDT": RULES}, start_ns=START_NS)
    rows = [(Kind.CLEAR, 0, 0), (Kind.MARK, 600_000, 0)]
    rows += [(Kind.BID, 600_000 - step, 10_000) for step in range(5)]
    rows += [(Kind.ASK, 600_001 + step, 10_000) for step in range(5)]
    kind, price, qty = (np.array(column) for column in zip(*rows, strict=True))
    at_ns = np.full(len(rows), START_NS, dtype=np.int64)
    world.take(Ticks("BTCUSDT", at_ns, kind.astype(np.uint8), price.astype(np.int64), qty.astype(np.int64)))
    return RestDoor(Desk(world, Meter(), ListenKeys()), Keys(world, secrets, strict=False))


def made_request(method: str, path: str, key: str = "me", **params: object) -> Request:
    """Return a request signed with the secret `test`, sent at the start."""
    query = urlencode({**params, "timestamp": START_MS})
    return Request(method, path, f"{query}&signature={signature('test', query)}", "", {"x-mbx-apikey": key})
