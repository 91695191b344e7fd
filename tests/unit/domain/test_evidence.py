from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.evidence import (
    LONGEST_REF,
    is_provisional,
    is_ref,
    kind_of,
    moment_ref,
    point_ref,
    short_time,
    structure_ref,
    without_revision,
)
from chanflow.domain.structure import Point, Stroke
from chanflow.domain.time import parse_rfc3339

NOON = parse_rfc3339("2026-11-20T12:35:00Z")


def test_ids_are_spelled_as_the_journal_spells_them() -> None:
    stroke = Stroke(204, 1, 3, 0, 1, 1.0, 2.0, "up", "provisional")
    point = Point("stroke", 88, "2", "buy", 7, 0, 1.0)
    assert structure_ref("stroke", 204, revision=3) == stroke.ref == "stroke#204r3"
    assert point_ref("buy2", "30m", 88) == point.ref("30m") == "point:buy2@30m#88"


def test_a_structure_of_another_level_names_it() -> None:
    assert structure_ref("center-seg", 4, level="1d", revision=2) == "center-seg@1d#4r2"


@pytest.mark.parametrize(
    ("ref", "kind"),
    [
        ("stroke#204r3", "stroke"), ("center-seg@1d#4", "center"), ("point:buy2@30m#88", "point"),
        ("cvd_div@2026-11-20T12:35:00Z", "cvd_div"), ("BTCUSDT/kline:30m@2026-11-20T12:35:00Z", "kline"), ("", ""),
    ],
)  # fmt: skip
def test_an_id_begins_with_its_kind(ref: str, kind: str) -> None:
    assert kind_of(ref) == kind


@pytest.mark.parametrize("ref", ["stroke#204r3", "point:buy2@30m#88r7", "stroke@5m@2026-11-20T12:35:00Zr9"])
def test_what_may_still_change_carries_its_revision(ref: str) -> None:
    assert is_provisional(ref)
    assert not is_provisional(without_revision(ref))


@pytest.mark.parametrize("ref", ["stroke#204", "case#0192fr0a", "news:1r12", "lesson#51", "trend:5s"])
def test_what_is_confirmed_carries_none(ref: str) -> None:
    assert not is_provisional(ref)
    assert without_revision(ref) == ref


@given(st.integers(min_value=0, max_value=4 * 10**18))
def test_a_moment_is_told_to_the_nanosecond(at_ns: int) -> None:
    assert parse_rfc3339(short_time(at_ns)) == at_ns
    assert is_ref(moment_ref("ofi_z", at_ns))


def test_a_whole_second_has_no_decimals() -> None:
    assert moment_ref("cvd_div", NOON) == "cvd_div@2026-11-20T12:35:00Z"
    assert short_time(NOON + 1_500_000) == "2026-11-20T12:35:00.0015Z"


@pytest.mark.parametrize("text", ["", "#1", "a b", "stroke#1\n", "结构#1", "x" * (LONGEST_REF + 1), "<x>"])
def test_other_text_is_no_id(text: str) -> None:
    assert not is_ref(text)
