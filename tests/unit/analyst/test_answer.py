"""Answers whose every number is a reference."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.analyst.answer import Figure, loose_numbers, write
from chanflow.domain.errors import InvalidArgument

RESULTS = {
    "points": {"points": [{"price": 16.23, "time": "2026-01-02T14:30:00.000Z", "rate": None}], "scanned": 7},
    "backtest": {"result": {"net": -12.5, "return_frac": "-0.0123", "ok": True}},
}


def test_places_are_filled_and_remembered_with_their_source() -> None:
    found = write("price {points.points[0].price}, of {points.scanned}", RESULTS)
    assert found.text == "price 16.23, of 7"
    assert found.figures == (Figure("points.points[0].price", "16.23"), Figure("points.scanned", "7"))


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("backtest.result.return_frac|signed_percent", "-1.23 %"), ("backtest.result.return_frac|percent", "-1.2 %"),
        ("backtest.result.net|money", "-12.50"), ("points.points[0].time|clock", "2026-01-02 14:30Z"),
        ("points.points[0].rate|percent", "-"), ("backtest.result.ok", "yes"),
    ],
)  # fmt: skip
def test_forms(place: str, shown: str) -> None:
    assert write("{" + place + "}", RESULTS).text == shown


@pytest.mark.parametrize(
    "template",
    ["{points.wings}", "{points.points[1].price}", "{points.points}", "{points}", "{none.x}", "{points.scanned|wings}",
     "{points.scanned", "points.scanned}", "{a{b}}", "{points.points[x].price}", "{points.points[0.price}",
     "{points.points[0].time|money}"],
)  # fmt: skip
def test_a_place_that_leads_to_nothing_is_refused(template: str) -> None:
    with pytest.raises(InvalidArgument):
        write(template, RESULTS)


def test_a_number_that_was_made_up_is_found() -> None:
    assert loose_numbers("it is at 123.4 now, {points.scanned} of 30m", ["the 30m points"]) == ("123.4",)
    assert loose_numbers("价格 １６.23", ["x"]) == ("16.23",)
    assert loose_numbers("nothing {points.points[0].price}", []) == ()


@given(st.text())
def test_no_template_breaks_it(template: str) -> None:
    with contextlib.suppress(InvalidArgument):
        write(template, RESULTS)


@given(st.text(st.characters(exclude_characters="{}")))
def test_a_text_without_places_stays_as_it_is(text: str) -> None:
    assert write(text, {}).text == text
