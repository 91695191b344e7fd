from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import SECOND, quoted, trigger, watching


@pytest.mark.parametrize(
    ("age_ns", "said"), [(10 * SECOND, []), (10 * SECOND + 1, ["10000"]), (60 * SECOND, ["60000"])]
)
def test_the_last_quote_must_be_older_than_the_bound(age_ns: int, said: list[str]) -> None:
    watch = watching(trigger("data_stale", 10_000))
    watch.on_touch("SIMUSDT", quoted(99.0, 101.0), now_ns=NOW, quoted_ns=NOW)
    told = watch.on_touch("SIMUSDT", quoted(99.0, 101.0), now_ns=NOW + age_ns)
    assert [each.observed for each in told] == said


def test_a_market_that_was_never_quoted_has_no_age() -> None:
    watch = watching(trigger("data_stale", 100))
    assert watch.on_touch("SIMUSDT", quoted(99.0, 101.0), now_ns=NOW + SECOND) == []
