"""What a verdict keeps of the questions asked, and in which order."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from made_desk import D

from chanflow.domain.order import Check, Reason
from chanflow.risk.verdict import Verdict, flags, measured, needed, shown


def asked(*checks: tuple[str, str, bool]) -> Verdict:
    verdict = Verdict()
    for name, value, ok in checks:
        verdict.ask(Check(name, value, "1", ok), "" if ok else f"{name} is {value}")
    return verdict


def test_a_check_cannot_be_changed() -> None:
    check = Check("halt", "False", "False", ok=True)
    with pytest.raises(FrozenInstanceError):
        check.ok = False  # type: ignore[misc]
    assert (check.name, check.value, check.bound, check.ok) == ("halt", "False", "False", True)


def test_what_failed_once_stays_failed_with_its_first_reason() -> None:
    verdict = asked(("a", "2", False), ("a", "0", True), ("a", "3", False))
    assert verdict.refused
    assert verdict.checks == (Check("a", "3", "1", ok=False),)
    assert verdict.reasons == (Reason("a", "a is 2"),)


def test_a_failure_without_words_names_value_and_bound() -> None:
    verdict = Verdict()
    assert not verdict.ask(Check("leverage", "6", "5", ok=False))
    assert verdict.reasons == (Reason("leverage", "leverage would be 6, the limit is 5"),)


def test_a_passing_answer_replaces_the_one_before() -> None:
    verdict = asked(("a", "0", True), ("a", "1", True))
    assert verdict.checks == (Check("a", "1", "1", ok=True),)
    assert len(verdict) == 1
    assert not verdict.refused


def test_what_is_inserted_stands_as_if_it_had_been_asked_there() -> None:
    verdict = asked(("first", "0", True), ("second", "2", False), ("limit", "3", False), ("last", "9", False))
    verdict.clips.append("half size")
    found = asked(("limit", "7", False), ("other", "8", False), ("fine", "0", True))
    whole = verdict.with_inserted(found, 1, 3)
    assert [c.name for c in whole.checks] == ["first", "limit", "other", "fine", "second"]
    assert [(c.value, c.ok) for c in whole.checks] == [
        ("0", True), ("3", False), ("8", False), ("0", True), ("2", False),
    ]  # fmt: skip
    assert whole.reasons == (
        Reason("limit", "limit is 7"),
        Reason("other", "other is 8"),
        Reason("second", "second is 2"),
    )
    assert whole.clips == ["half size"]


def test_a_yes_or_no_question_holds_for_the_answer_wanted() -> None:
    assert flags("halt", wanted=False) == (
        Check("halt", "False", "False", ok=True),
        Check("halt", "True", "False", ok=False),
    )
    assert flags("book_ok", wanted=True) == (
        Check("book_ok", "False", "True", ok=False), Check("book_ok", "True", "True", ok=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "bound", "ok", "text"),
    [
        ("0.12345", "0.2", True, "0.1234"),
        ("0.12355", "0.2", True, "0.1236"),
        ("0.12345", "0.2", False, "0.1234"),
        ("0.30000001", "0.30", False, "0.30000001"),
        ("0.30", "0.30", False, "0.3000"),
        ("-0.00001", "0.1", True, "-0.0000"),
        ("123456789012345678901.5", "1", True, "123456789012345678901.5000"),
        ("1234567890123456789012.5", "1", True, "1.2346E+21"),
        ("1234567890123456789012.5", "1", False, "1.2346E+21"),
        ("Infinity", "1", True, "Infinity"),
    ],
)
def test_a_figure_is_shown_with_four_decimals_or_as_many_as_tell_it_from_its_bound(
    value: str, bound: str, ok: bool, text: str
) -> None:
    assert measured("x", D(value), D(bound), ok=ok) == Check("x", text, bound, ok)
    assert shown(D(value), D(bound), ok=ok) == text


def test_a_figure_that_is_not_known_raises() -> None:
    assert needed(D(3)) == 3
    with pytest.raises(ValueError, match="is not known"):
        needed(None)
