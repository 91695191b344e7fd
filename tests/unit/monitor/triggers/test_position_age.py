from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import SECOND, quoted, trigger, watching


@pytest.mark.parametrize(("age_s", "said"), [(599, []), (600, ["600"]), (700, ["700"])])
def test_the_age_counts_from_the_opening(age_s: int, said: list[str]) -> None:
    watch = watching(trigger("position_age", 600))
    told = watch.on_touch("SIMUSDT", quoted(99.0, 101.0), now_ns=NOW + age_s * SECOND)
    assert [each.observed for each in told] == said
