from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.alert import MAX_BODY, MAX_TITLE, Alert, compose, line_of, text_of
from chanflow.domain.errors import InvalidArgument


def test_a_title_with_line_ends_becomes_one_line() -> None:
    told = compose(severity="critical", title="halt\r\nBcc: thief@example.com\n\nbody", body="b", dedupe_key="k")
    assert told.title == "halt Bcc: thief@example.com body"


def test_marks_that_turn_the_reading_direction_are_taken_out() -> None:
    told = compose(severity="info", title="pay \u202eelpmaxe\u202c \u2066now\u2069", body="\u202ex")
    assert (told.title, told.body) == ("pay elpmaxe now", "x")


def test_a_body_keeps_its_lines_and_no_other_control() -> None:
    assert text_of("one\r\ntwo\x1b[31m\x00\ttail", 100) == "one\ntwo [31m  tail"


def test_a_cut_is_shown() -> None:
    told = compose(severity="info", title="x" * 500, body="y" * 9_000)
    assert (len(told.title), told.title[-1], len(told.body), told.body[-1]) == (MAX_TITLE, "…", MAX_BODY, "…")


def test_an_alert_itself_refuses_what_was_not_cleaned() -> None:
    with pytest.raises(InvalidArgument, match="title must be one line of 1 to 120 visible characters"):
        Alert("info", "a\nb", "", "k", 0, "desk")


def test_an_unknown_severity_is_a_warning_and_an_empty_title_says_so() -> None:
    told = compose(severity="fatal", title=" \n ")
    assert (told.severity, told.title, told.dedupe_key) == ("warning", "an alert without words", told.title)


@given(st.text(), st.text(), st.text(), st.text(), st.text(), st.integers())
def test_nothing_in_foreign_words_makes_composing_fail_or_leaves_a_control(
    severity: str, title: str, body: str, key: str, source: str, at_ns: int
) -> None:
    told = compose(severity=severity, title=title, body=body, dedupe_key=key, at_ns=at_ns, source=source)
    for text in (told.title, told.dedupe_key, told.source, told.body.replace("\n", "")):
        assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        text.encode()


@given(st.text())
def test_cleaning_what_is_clean_changes_nothing(text: str) -> None:
    assert line_of(line_of(text, 20), 20) == line_of(text, 20)
    assert text_of(text_of(text, 20), 20) == text_of(text, 20)
