"""The desk's message bus: at least once, in order per key, a handler's outputs and its end in one commit."""

from __future__ import annotations

from chanflow.runtime.bus.port import Bus, Carrier, Dead, Delivery, Handler, Lag, Subscription, Transaction
from chanflow.runtime.bus.sqlite import SqliteBus

__all__ = ["Bus", "Carrier", "Dead", "Delivery", "Handler", "Lag", "SqliteBus", "Subscription", "Transaction"]
