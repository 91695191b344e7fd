from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import quoted, trigger, watching


@pytest.mark.parametrize(
    ("op", "bid", "ask", "said"),
    [(">", 99.98, 100.02, None), (">", 99.97, 100.03, "6"), ("<", 99.97, 100.03, None), ("<", 99.99, 100.01, "2")],
)
def test_the_spread_is_measured_in_bps_of_the_middle(op: str, bid: float, ask: float, said: str | None) -> None:
    watch = watching(trigger("spread", op, 4.0 if op == "<" else 4.5))
    told = watch.on_touch("SIMUSDT", quoted(bid, ask), now_ns=NOW)
    assert [each.observed for each in told] == ([] if said is None else [said])
