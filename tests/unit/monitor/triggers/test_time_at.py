from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import SECOND, quoted, trigger, watching

AT = NOW + 60 * SECOND


@pytest.mark.parametrize(
    ("now_ns", "expires_ns", "fires", "late"),
    [
        (AT - 1, AT, False, False),
        (AT, AT, True, False),
        (AT + 10 * SECOND, AT, True, False),
        (AT + 10 * SECOND + 1, AT, True, True),
        (AT, AT - 1, False, False),
    ],
)
def test_an_alarm_rings_at_its_time_or_late_but_not_after_its_expiry(
    now_ns: int, expires_ns: int, fires: bool, late: bool
) -> None:
    watch = watching(trigger("time_at", AT, expires_ns=expires_ns))
    told = watch.on_touch("SIMUSDT", quoted(99.0, 101.0), now_ns=now_ns)
    assert [(each.observed, each.bound, each.late) for each in told] == (
        [(str(now_ns), str(AT), late)] if fires else []
    )
