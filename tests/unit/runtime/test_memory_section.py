from __future__ import annotations

from made_cases import DAY, T0, made_decision
from made_lessons import made_lesson

from chanflow.domain.interval import Interval
from chanflow.domain.lesson import LearningSummary
from chanflow.domain.memory import Recalled, SimilarCase, SimilarCases
from chanflow.runtime.memory_section import memory_section

NOW = T0 + 9 * DAY


def test_nothing_remembered_is_an_empty_section() -> None:
    section = memory_section(Recalled(as_of_ns=NOW))
    assert (section.decisions, section.similar, section.figures, section.lessons, section.missing) == (
        (),
        (),
        None,
        (),
        (),
    )


def test_each_row_says_when_it_was_known() -> None:
    closed = made_decision("d1", at_ns=T0, closed_ns=T0 + 5, r=-1.0, regime="range")
    refused = made_decision("d2", at_ns=T0 + 9, fate="refused")
    section = memory_section(
        Recalled(
            as_of_ns=NOW,
            recent=(refused, closed, made_decision("d0", action="abstain", fate="abstained")),
            similar=SimilarCases((SimilarCase(closed, 0.9),), True, 6, 0.25, 0.5, Interval(0.2, 0.8), False),
            lessons=(
                made_lesson("l1", status="adopted", adopted_ns=T0 + 3),
                made_lesson("l2", status="trial", trial_ns=T0 + 2),
            ),
            summary=LearningSummary(period="2026-01-05", made_ns=T0 + 7, n=1, text="One."),
            skipped=("similar cases: slow",),
        )
    )
    assert [(d.ref, d.known_ns, d.outcome) for d in section.decisions] == [
        ("decision#d2", T0 + 9, "refused"), ("decision#d1", T0 + 5, "failure"), ("decision#d0", T0, "none"),
    ]  # fmt: skip
    assert [(c.ref, c.known_ns, c.r_multiple, c.regime) for c in section.similar] == [
        ("case#d1", T0 + 5, -1.0, "range")
    ]
    assert section.figures is not None
    assert (section.figures.n, section.figures.ci_low, section.figures.ci_high) == (6, 0.2, 0.8)
    assert [(row.ref, row.known_ns) for row in section.lessons] == [("lesson#l1", T0 + 3), ("lesson#l2", T0 + 2)]
    assert section.summary is not None
    assert (section.summary.ref, section.summary.known_ns) == ("summary#2026-01-05", T0 + 7)
    assert section.missing == ("similar cases: slow",)


def test_cases_that_do_not_compare_have_no_figures() -> None:
    closed = made_decision("d1", at_ns=T0, closed_ns=T0 + 5)
    section = memory_section(Recalled(as_of_ns=NOW, similar=SimilarCases((SimilarCase(closed, 0.2),))))
    assert (len(section.similar), section.figures) == (1, None)
