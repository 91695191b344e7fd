"""Events and engines for the tests of the fault engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chanflow.adapters.venues.emulator.faults.engine import Faults, SeenRequest
from chanflow.adapters.venues.emulator.faults.log import FiringLog
from chanflow.adapters.venues.emulator.faults.script import read_script

S = 1_000_000_000
MS = 1_000_000


@dataclass(frozen=True)
class Event:
    """A user event with what the engine reads of it."""

    name: str
    client_order_id: str | None = None
    account: int = 1
    payload: dict[str, Any] = field(default_factory=dict)


def order(execution: str, state: str, client_id: str = "q1", account: int = 1) -> Event:
    return Event("ORDER_TRADE_UPDATE", client_id, account, {"o": {"x": execution, "X": state, "c": client_id}})


ACK, FILL, CANCEL = order("NEW", "NEW"), order("TRADE", "PARTIALLY_FILLED"), order("CANCELED", "CANCELED")


def made_faults(text: str, seed: int = 7, start_ns: int = 0) -> tuple[Faults[Event], FiringLog]:
    log = FiringLog(start_ns)
    return Faults(read_script(text), seed=seed, start_ns=start_ns, log=log), log


def asked(at_ns: int = 0, client_id: str = "q1", path: str = "/fapi/v1/order", method: str = "POST") -> SeenRequest:
    return SeenRequest(method, path, (client_id,), "127.0.0.1", at_ns)
