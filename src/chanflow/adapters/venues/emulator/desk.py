"""What an endpoint of the emulated exchange has at hand: the world, the limits, and the request with who sent it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chanflow.adapters.venues.emulator.accounts import Account
from chanflow.adapters.venues.emulator.limits import Meter
from chanflow.adapters.venues.emulator.listen_keys import ListenKeys
from chanflow.adapters.venues.emulator.params import Params
from chanflow.adapters.venues.emulator.world import World


@dataclass(slots=True)
class Desk:
    """The world and what stands around it."""

    world: World
    meter: Meter
    listen_keys: ListenKeys


@dataclass(frozen=True, slots=True)
class Call:
    """One request of an account, its signature verified."""

    desk: Desk
    account: Account
    params: Params
    address: str = ""

    @property
    def world(self) -> World:
        """The world."""
        return self.desk.world


Handler = Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: who answers, what it weighs, and how many orders it places.

    `is_signed` is False where the API key alone is asked for. `moves` marks what reaches the matching engine, after the
    way there.
    """

    handler: Handler
    weight: int | Callable[[Params], int] = 1
    orders: int | Callable[[Params], int] = 0
    is_signed: bool = True
    moves: bool = False
