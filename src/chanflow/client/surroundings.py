"""What the client takes from the machine it runs on: its environment, its time, its chance."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Stands in for the machine where a test wants another. `chance` gives numbers from 0 to 1."""

    environment: Mapping[str, str]
    sleep: Callable[[float], Awaitable[None]]
    chance: Callable[[], float]
    new_key: Callable[[], str]


def this_machine() -> Surroundings:
    """Return the machine's own."""
    return Surroundings(os.environ, asyncio.sleep, random.random, lambda: secrets.token_hex(16))
