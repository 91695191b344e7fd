from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.time import NS_PER_S, parse_rfc3339, rfc3339, utc_date, uuid7_from


def test_the_uuid7_example_of_rfc_9562_comes_out() -> None:
    rand_a, rand_b = 0xCC3, 0x18C4DC0C0C07398F
    assert uuid7_from(0x017F22E279B0, rand_a << 62 | rand_b) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 74) - 1))
def test_every_uuid7_has_version_variant_and_time(unix_ms: int, bits: int) -> None:
    name = uuid7_from(unix_ms, bits)
    assert (name.version, name.variant, name.int >> 80) == (7, "specified in RFC 4122", unix_ms)


@given(st.integers(0, (1 << 74) - 2))
def test_uuid7s_of_one_millisecond_sort_as_their_bits(bits: int) -> None:
    assert uuid7_from(5, bits) < uuid7_from(5, bits + 1)


@pytest.mark.parametrize(("unix_ms", "bits"), [(-1, 0), (1 << 48, 0), (0, -1), (0, 1 << 74)])
def test_uuid7_refuses_what_does_not_fit(unix_ms: int, bits: int) -> None:
    with pytest.raises(ValueError, match="uuid7"):
        uuid7_from(unix_ms, bits)


def test_rfc3339_keeps_every_nanosecond() -> None:
    assert rfc3339(1_700_000_000 * NS_PER_S + 7) == "2023-11-14T22:13:20.000000007Z"


@given(st.integers(0, 250_000_000_000 * NS_PER_S))
def test_rfc3339_is_read_back_as_written(at_ns: int) -> None:
    assert parse_rfc3339(rfc3339(at_ns)) == at_ns


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1970-01-01T08:00:00.5+08:00", NS_PER_S // 2),
        ("1970-01-01T00:00:01.000000001Z", NS_PER_S + 1),
        ("1969-12-31T23:59:59Z", -NS_PER_S),
    ],
)
def test_rfc3339_understands_zones_and_decimals(text: str, at_ns: int) -> None:
    assert parse_rfc3339(text) == at_ns


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.0123456789Z", "yesterday", ""]
)
def test_rfc3339_refuses_no_zone_too_many_decimals_and_nonsense(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)))
def test_the_utc_date_holds_from_the_first_to_the_last_nanosecond(day: date) -> None:
    at_ns = (day - date(1970, 1, 1)).days * 86_400 * NS_PER_S
    assert utc_date(at_ns) == utc_date(at_ns + 86_400 * NS_PER_S - 1) == day.isoformat()
