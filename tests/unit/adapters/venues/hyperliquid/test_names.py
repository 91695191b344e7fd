"""Exits are named after their entry, and their cloids lead back to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.venues.hyperliquid.names import cloid_of, exit_cloid, number_name, number_of

CLOIDS = st.integers(0, 2**128 - 1).map(lambda bits: f"0x{bits:032x}")


@given(CLOIDS, st.sampled_from(["sl", "tp"]))
def test_an_exits_cloid_leads_back_to_its_entry(entry: str, which: str) -> None:
    cloid = cloid_of(f"{entry}-{which}")
    assert cloid is not None
    assert cloid != entry
    assert exit_cloid(cloid, which) == entry  # type: ignore[arg-type]


def test_stop_and_target_have_names_of_their_own() -> None:
    entry = "0x" + "ab" * 16
    assert len({entry, cloid_of(f"{entry}-sl"), cloid_of(f"{entry}-tp")}) == 3


@pytest.mark.parametrize("name", ["q" + "a" * 26, "0x12", "oid:7", "0x" + "AB" * 16, "0x" + "a" * 33])
def test_what_is_no_cloid_of_ours_has_none(name: str) -> None:
    assert cloid_of(name) is None


def test_an_order_without_cloid_is_known_by_its_number() -> None:
    assert number_of(number_name(77)) == 77
    assert number_of("0x" + "ab" * 16) is None
    assert number_of("oid:x") is None
