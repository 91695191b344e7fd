from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import trigger, watching


@pytest.mark.parametrize(("level", "fires"), [("30m", True), ("5m", False)])
def test_the_next_candle_of_the_level_fires_once(level: str, fires: bool) -> None:
    watch = watching(trigger("candle_close", "30m"))
    told = [watch.on_candle("SIMUSDT", level, NOW // 10**6, now_ns=NOW) for _ in range(2)]
    assert [[each.observed for each in once] for each, once in enumerate(told)] == [
        ["2026-01-05T00:00:00.000000000Z"] if fires else [],
        [],
    ]
