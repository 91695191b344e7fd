from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import trigger, watching


@pytest.mark.parametrize(
    ("op", "rate", "fires"), [(">", 0.0005, False), (">", 0.00051, True), ("<", 0.0005, False), ("<", -0.0001, True)]
)
def test_a_funding_rate_must_be_beyond(op: str, rate: float, fires: bool) -> None:
    watch = watching(trigger("funding", op, 0.0005))
    assert bool(watch.on_funding("SIMUSDT", rate, now_ns=NOW)) == fires
