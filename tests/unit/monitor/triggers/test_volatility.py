from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import trigger, watching


@pytest.mark.parametrize(("ratio", "fires"), [(1.99, False), (2.0, True), (3.0, True)])
def test_a_ratio_fires_once_it_is_reached(ratio: float, fires: bool) -> None:
    assert bool(watching(trigger("volatility", 2.0)).on_volatility("SIMUSDT", ratio, now_ns=NOW)) == fires
