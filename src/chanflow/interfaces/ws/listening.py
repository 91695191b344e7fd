"""One subscription of a socket, and the beginning that all its messages share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from chanflow.interfaces.ws.channels import Channel, method_of
from chanflow.interfaces.ws.outbox import Mark, Outbox
from chanflow.operations.fields import Level


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a channel: of these symbols at a level; of these types and states, alerts or job; all where empty."""

    symbols: tuple[str, ...] = ()
    level: Level = "30m"
    types: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    job: str = ""


@dataclass(eq=False, slots=True)
class Listening:
    """One subscription. `seq` is the last place of its log that it was given or that was not for it."""

    subscription_id: str
    channel: Channel
    account: str
    outbox: Outbox
    seq: int
    mark: Mark
    wanted: Filter = field(default_factory=Filter)
    symbols: int = 0
    """How many symbols it counts for."""
    left: bool = False
    head: str = field(init=False)

    def __post_init__(self) -> None:
        method, name = method_of(self.channel), json.dumps(self.subscription_id)
        self.head = f'{{"jsonrpc":"2.0","method":"{method}","params":{{"subscription_id":{name},"cursor":'
