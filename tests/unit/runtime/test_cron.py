from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.time import NS_PER_S, parse_rfc3339, rfc3339
from chanflow.runtime.cron import Cron


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 */4 * * *", "2026-11-21T03:59:59Z", "2026-11-21T04:00:00Z"),
        ("0 */4 * * *", "2026-11-21T04:00:00Z", "2026-11-21T08:00:00Z"),
        ("0 */4 * * *", "2026-11-21T20:00:00Z", "2026-11-22T00:00:00Z"),
        ("5,35 8-10 * * 1-5", "2026-11-21T00:00:00Z", "2026-11-23T08:05:00Z"),
        ("30 23 31 12 *", "2026-12-31T23:30:00Z", "2027-12-31T23:30:00Z"),
        ("0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 0 1 * 0", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 1 * 0", "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("10/20 * * * *", "2026-11-21T12:31:00Z", "2026-11-21T12:50:00Z"),
    ],
)
def test_the_next_moment_is_the_first_after(cron: str, after: str, expected: str) -> None:
    assert Cron.parse(cron).next_ns(parse_rfc3339(after)) == parse_rfc3339(expected)


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7",
             "5-1 * * * *", "*/0 * * * *", "a * * * *", "1,,2 * * * *", "0 0 30 2 *", "0 0 31 4,6 *"],
)  # fmt: skip
def test_what_never_comes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has the) "):
        Cron.parse(text)


NUMBERS = st.integers(0, 59).map(str)


@given(
    st.tuples(
        st.sampled_from(["*", "0", "7,31", "*/15", "10-40/7"]), st.sampled_from(["*", "0", "8-10", "*/6"]),
        st.sampled_from(["*", "1", "15,31"]), st.sampled_from(["*", "2-3", "12"]), st.sampled_from(["*", "0", "1-5"]),
    ),
    st.integers(0, 4_000_000_000),
)  # fmt: skip
def test_no_moment_of_the_next_hours_is_passed_over(fields: tuple[str, ...], after_s: int) -> None:
    cron = Cron.parse(" ".join(fields))
    found_ns = cron.next_ns(after_s * NS_PER_S)
    assert found_ns > after_s * NS_PER_S
    assert rfc3339(found_ns).endswith(":00.000000000Z")
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=after_s // 60 + 1)
    for minute in range(600):
        each = moment + timedelta(minutes=minute)
        on_day = each.day in cron.days, each.isoweekday() % 7 in cron.weekdays
        right_day = any(on_day) if cron.either_day else all(on_day)
        if right_day and each.month in cron.months and each.hour in cron.hours and each.minute in cron.minutes:
            assert found_ns == int(each.timestamp()) * NS_PER_S
            return
    assert found_ns >= int((moment + timedelta(minutes=600)).timestamp()) * NS_PER_S
