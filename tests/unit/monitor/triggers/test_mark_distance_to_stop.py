from __future__ import annotations

import pytest
from made_watch import LONG, SHORT, marks, trigger, watching

from chanflow.monitor.armed import Watched


@pytest.mark.parametrize(
    ("position", "mark", "said"),
    [
        (LONG, 98.6, None),
        (LONG, 98.5, None),
        (LONG, 98.4, "0.2000"),
        (LONG, 97.0, "-0.5000"),
        (SHORT, 101.4, None),
        (SHORT, 101.6, "0.2000"),
    ],
)
def test_a_mark_nearer_to_the_stop_than_a_quarter_of_the_risk_fires(
    position: Watched, mark: float, said: str | None
) -> None:
    assert marks(watching(trigger("mark_distance_to_stop", 0.25), position=position), mark) == [said]
