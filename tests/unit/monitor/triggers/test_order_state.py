from __future__ import annotations

import pytest
from made_desk import NOW, D
from made_watch import trigger, watching

from chanflow.domain.order import OrderEvent, OrderState


@pytest.mark.parametrize(
    ("order", "state", "fires"),
    [("o1", "canceled", True), ("o1", "filled", False), ("o2", "canceled", False), ("o1", "accepted", False)],
)
def test_an_order_that_comes_to_the_state_fires(order: str, state: str, fires: bool) -> None:
    watch = watching(trigger("order_state", "o1", "canceled"))
    event = OrderEvent(order, "SIMUSDT", "entry", OrderState(state), D("0.5"), D(0), NOW)
    told = watch.on_order(event, now_ns=NOW)
    assert [each.observed for each in told] == (["canceled, 0.5 filled"] if fires else [])
