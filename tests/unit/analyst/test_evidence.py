from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_briefing import draft, full, managed
from made_desk import NOW

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.check import check_for
from chanflow.analyst.config import AgentConfig
from chanflow.analyst.evidence import Citable, EvidenceIndex, evidence_faults, index_of
from chanflow.analyst.rendering import rendered
from chanflow.domain.evidence import is_ref
from chanflow.domain.opinion import Evidence
from chanflow.domain.question import ToolCall, ToolResult

SHOWN = rendered(full()).refs
NEAR = st.sampled_from(SHOWN).flatmap(
    lambda ref: st.sampled_from([ref + "r1", ref + " ", ref.upper(), ref[:-1], ref + "\u200b", "x/" + ref, ref + "\n"])
)
HOSTILE = st.one_of(NEAR, st.text(max_size=200), st.sampled_from(["__proto__", "../../etc", "stroke#4;drop", "<b>"]))


def index(briefing: Briefing, *calls: ToolCall) -> EvidenceIndex:
    return index_of(briefing, rendered(briefing).refs, calls, evidence_bars=20)


@given(HOSTILE)
def test_only_what_was_shown_letter_by_letter_may_be_cited(ref: str) -> None:
    assert (index(full()).fault(ref) is None) == (ref in SHOWN)


@given(HOSTILE)
def test_an_answer_that_cites_anything_else_is_refused(ref: str) -> None:
    payload = draft(evidence=[{"ref": ref, "claim": "holds", "direction": "for"}])
    found = check_for(full(), AgentConfig())(payload, ())
    assert (not found) == (ref in SHOWN)
    assert is_ref(ref) or found[0].startswith("evidence.0.ref: ")


@given(st.lists(HOSTILE, max_size=10), st.integers(min_value=0, max_value=2 * NOW))
def test_whatever_a_tool_calls_its_rows_none_of_the_future_counts(refs: list[str], known_ns: int) -> None:
    made = index(full(), ToolCall("get_klines", {}, ToolResult("{}", tuple(refs), known_ns or None)))
    for ref in refs:
        if known_ns > NOW and ref not in SHOWN:
            assert made.fault(ref) is not None


@pytest.mark.parametrize("made", [full(), managed()])
def test_all_that_a_briefing_shows_may_be_cited(made: Briefing) -> None:
    cited = [Evidence(ref, "holds", "for") for ref in rendered(made).refs]
    assert len(cited) > 10
    assert evidence_faults(index(made), cited) == []


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Citable("a#1", 11), "after"),
        (Citable("a#1", 5, void=True), "withdrawn"),
        (Citable("a#1", 5, stale_ns=10), "stale"),
        (Citable("a#1", 10, stale_ns=11), None),
        (Citable("a#1", 10), None),
    ],
)
def test_a_row_counts_from_when_it_is_known_until_it_is_stale(item: Citable, words: str | None) -> None:
    fault = EvidenceIndex([item], as_of_ns=10).fault("a#1")
    assert fault is None if words is None else words in str(fault)


@pytest.mark.parametrize(
    ("ref", "hours", "counts"),
    [("funding@x", 8, True), ("funding@x", 9, False), ("news:x", 23, True), ("news:x", 24, False),
     ("stroke#1", 900, True)],
)  # fmt: skip
def test_each_kind_has_its_own_life(ref: str, hours: int, counts: bool) -> None:
    age_ns = hours * 3_600 * 10**9
    changes: dict[str, Any] = {}
    base = full()
    if ref.startswith("news"):
        changes["outside"] = (type(base.outside[0])(ref, NOW - age_ns, "wire", "x"),)
    elif ref.startswith("funding"):
        reading = type(base.context.readings[0])(ref, NOW - age_ns, "funding", 0.1)
        changes["context"] = type(base.context)(readings=(reading,))
    else:
        leg = type(base.levels[0].strokes[0])(ref, NOW - age_ns, "up", 0, 1.0, NOW - age_ns, 2.0, "confirmed")
        changes["levels"] = (type(base.levels[0])("5s", "decision", NOW, "up", strokes=(leg,)),)
    assert (index(full(**changes)).fault(ref) is None) == counts
