from __future__ import annotations

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.element import Span
from chanflow.features.reference.era import Reset, gaps, sealed_spans


def bars(*times: int) -> list[Bar]:
    return [Bar(ts_ms, 1.0, 1.0, 1.0, 1.0) for ts_ms in times]


def test_a_gap_is_longer_than_the_limit() -> None:
    assert gaps(bars(0, 100, 201), None, 100) == [Reset(2, 201, "gap", 1, 100, 101)]


def test_without_a_limit_nothing_is_a_gap() -> None:
    assert gaps(bars(0, 10**12), None, None) == []


def test_the_clock_of_the_market_is_what_counts() -> None:
    assert gaps(bars(0, 500, 600), [0, 10, 200], 100) == [Reset(2, 600, "gap", 1, 500, 190)]


@pytest.mark.parametrize(("clock", "told"), [([0, 5, 4], "bar 2"), ([0, 1], "2 values")])
def test_a_clock_that_falls_or_is_short_is_refused(clock: list[int], told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        gaps(bars(0, 1, 2), clock, 100)


def test_the_segments_up_to_the_last_confirmed_one_stay() -> None:
    spans = [
        Span(0, 2, "up", confirmed=False), Span(3, 5, "down", confirmed=True), Span(6, 8, "up", confirmed=False)
    ]  # fmt: skip
    assert [(span.start, span.confirmed) for span in sealed_spans(spans)] == [(0, True), (3, True)]
    assert sealed_spans(spans[2:]) == []
