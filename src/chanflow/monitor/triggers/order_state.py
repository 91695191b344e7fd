"""`order_state` · client_order_id, state: an order is partly filled, filled, cancelled, expired or rejected."""

from __future__ import annotations

from chanflow.domain.order import OrderEvent
from chanflow.domain.trigger import OrderReaches
from chanflow.monitor.armed import Armed, Hit


class OrderStates:
    """The order triggers of all symbols, by order and state."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], dict[int, Armed]] = {}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._by_key.setdefault(_key(armed), {})[armed.seq] = armed

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._by_key.get(_key(armed), {}).pop(armed.seq, None)

    def stepped(self, event: OrderEvent) -> list[Hit]:
        """Return what a step of an order fires."""
        state = event.state.value
        found = self._by_key.pop((event.client_order_id, state), {})
        return [Hit(armed, f"{state}, {event.filled_base} filled") for armed in found.values()]


def _key(armed: Armed) -> tuple[str, str]:
    params = armed.params
    assert isinstance(params, OrderReaches)
    return params.client_order_id, params.state
