"""URIs: what names a resource has arguments that its operation takes, and no other text names one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanflow.interfaces.mcp.resources import READABLE, Readable, readable
from chanflow.operations.offered import OPERATIONS

INPUTS = {operation.name: operation.input for operation in OPERATIONS}


@pytest.mark.parametrize("kind", READABLE, ids=lambda kind: kind.name)
def test_arguments_of_any_uri_of_a_kind_are_taken_by_its_operation(kind: Readable) -> None:
    @settings(max_examples=30)
    @given(
        st.from_regex(
            kind.pattern.replace("[0-9a-f-]{36}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), fullmatch=True
        )
    )
    def holds(uri: str) -> None:
        found = readable(uri)
        assert found is not None
        assert found[0] is kind
        INPUTS[kind.operation].model_validate(found[1])

    holds()


@given(st.one_of(st.text(max_size=80), st.tuples(st.sampled_from(READABLE), st.text(max_size=40)).map(
    lambda pair: pair[0].template.split("{")[0] + pair[1]
)))  # fmt: skip
def test_no_other_text_names_a_resource(uri: str) -> None:
    named = [kind for kind in READABLE if re.fullmatch(kind.pattern, uri)]
    found = readable(uri)
    assert [found[0]] == named if found else not named


def test_a_templates_names_are_in_its_pattern_and_no_line_end_passes() -> None:
    for kind in READABLE:
        assert readable(kind.template) is None or kind.of_all
    assert readable("desk://status\n") is None
    assert readable("position://paper\n") is None
