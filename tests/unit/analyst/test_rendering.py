from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_briefing import S, center, full, leg, level, managed, memory, other_level, point
from made_desk import NOW, D

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.evidence import index_of
from chanflow.analyst.rendering import BUDGETS, MAX_TOKENS, rendered, tokens_of
from chanflow.analyst.sections import LessonLine, Memory, OutsideText, PastDecision, Reading, SimilarCase, Task
from chanflow.analyst.structure import LevelView

TEXT = st.text(max_size=400)


def sections(text: str) -> dict[str, str]:
    parts = text.split("## ")[1:]
    return {part.partition("\n")[0]: "## " + part for part in parts}


def legs(kind: str, count: int) -> tuple:
    return tuple(leg(ref=f"{kind}#{900_000 + at}", end_ns=NOW - (count - at) * 7 * S) for at in range(count))


def crowded(role: str = "decision") -> LevelView:
    """Return a level with more than is ever shown, under long ids."""
    base = level() if role == "decision" else other_level(role)
    mark = "" if role == "decision" else f"@{base.level}"
    return replace(
        base, strokes=legs(f"stroke{mark}", 40), segments=legs(f"segment{mark}", 40),
        centers=tuple(center(ref=f"center{mark}#{at}", end_ns=NOW - (40 - at) * 9 * S) for at in range(40)),
        points=tuple(point(ref=f"point:buy2@{base.level}#{at}", at_ns=NOW - (40 - at) * 8 * S) for at in range(40)),
    )  # fmt: skip


def crammed(**changes: object) -> Briefing:
    """Return a briefing in which every section has too much."""
    case = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"
    base = full(
        levels=(crowded(), crowded("up"), crowded("down")),
        task=Task("manual", tuple(f"{at} " + "changed " * 30 for at in range(40)), NOW + S, "x" * 500),
        memory=Memory(
            tuple(PastDecision(f"case#{at}{case}", NOW - at * S, NOW - at * S, "SIMUSDT", "5s", "open_long", "s" * 90,
                               0.5, "failure", -1.0) for at in range(30)),
            tuple(SimilarCase(f"case#{at}s{case}", NOW - at * S, NOW - at * S, "SIMUSDT", "5s", "open_long", "s" * 90,
                              "trend", 0.9, "success", 2.0) for at in range(30)),
            None,
            tuple(LessonLine(f"lesson#{at}", NOW - S, "wait " * 100, NOW + S, 30) for at in range(20)),
        ),
        outside=tuple(OutsideText(f"news:{at}", NOW - at * S, "wire", "涨停 " * 2_000) for at in range(20)),
        data_faults=("gap " * 200,) * 9,
        flow_view=replace(full().flow_view, readings=tuple(
            Reading(f"ofi_z@{at}", NOW - at, "z" * 90, 1.0, "u" * 90) for at in range(90))),
    )  # fmt: skip
    return replace(base, **changes)


@pytest.mark.parametrize("made", [full(), managed(), crammed()])
def test_sections_stand_in_their_order_each_within_its_budget(made: Briefing) -> None:
    shown = rendered(made)
    found = sections(shown.text)
    assert list(found) == [name for name in BUDGETS if name in found]
    assert all(tokens_of(text) <= BUDGETS[name] for name, text in found.items())
    assert shown.tokens == tokens_of(shown.text) <= MAX_TOKENS == 6_000


def test_what_is_cut_is_said_and_counted() -> None:
    shown = rendered(crammed())
    found = sections(shown.text)
    assert {name for name, _ in shown.cut} >= {"task", "structure", "flow", "memory", "untrusted"}
    for name, count in shown.cut:
        assert count > 0
        assert f"({count} older rows of {name} cut)" in found[name]
    assert rendered(full()).cut == ()


def test_the_oldest_rows_go_first_by_the_time_of_their_own_level() -> None:
    shown = rendered(crammed())
    kept = [ref for ref in shown.refs if ref.startswith("stroke")]
    ages = {f"stroke{mark}#{900_000 + at}": (40 - at) for mark in ("", "@1m", "@1s") for at in range(34, 40)}
    gone = [ref for ref in ages if ref not in kept]
    assert gone
    # A minute level is sixty times as coarse: in its own bars its rows are young.
    assert all(ref.startswith("stroke@1s") or ages[ref] > 1 for ref in gone)
    assert {"trend:5s", "trend:1m", "trend:1s", "stroke@1m#900039"} <= set(shown.refs)


@pytest.mark.parametrize("made", [full(), managed(), crammed()])
def test_every_id_that_is_told_stands_in_the_text_and_may_be_cited(made: Briefing) -> None:
    shown = rendered(made)
    index = index_of(made, shown.refs, (), evidence_bars=1_000)
    assert len(shown.refs) == len(set(shown.refs)) > 5
    for ref in shown.refs:
        assert ref in shown.text
        assert index.fault(ref) is None


def test_rows_that_were_cut_may_not_be_cited() -> None:
    shown = rendered(crammed())
    index = index_of(crammed(), shown.refs, (), evidence_bars=1_000)
    assert "news:19" not in shown.refs
    assert index.fault("news:19") == "evidence news:19 stands neither in the briefing nor in a tool's result"


def test_prices_lie_on_the_tick() -> None:
    shown = rendered(full(levels=(level(strokes=(leg(end_price=99.123456, start_price=float("nan")),)),)))
    assert "stroke#4 ?>99.12 " in shown.text


def test_what_is_void_is_not_shown() -> None:
    shown = rendered(full(levels=(level(strokes=(leg(9, state="void"),)),)))
    assert "stroke#9" not in shown.text


def test_few_cases_are_no_cases() -> None:
    near = memory().similar[0]
    shown = [replace(near, ref=f"case#{at}") for at in range(5)]
    assert "no comparable cases" in rendered(full(memory=memory(similar=tuple(shown[:4])))).text
    told = rendered(full(memory=memory(similar=tuple(shown)))).text
    assert "no comparable cases" not in told
    assert "similar: n=7, mean 0.12 R, hit 57% (25%..84%)" in told
    assert "no comparable cases" in rendered(
        full(memory=memory(similar=tuple(replace(each, similarity=0.6) for each in shown)))
    ).text  # fmt: skip


def test_a_desk_without_memory_says_so() -> None:
    assert "no memory was asked" in rendered(full(memory=None)).text
    silent = rendered(full(memory=Memory(missing=("similar: took longer than 100 ms",)))).text
    assert "missing: similar: took longer than 100 ms" in silent
    assert "no decision yet" in silent


def test_a_management_briefing_tells_position_and_trigger() -> None:
    told = sections(rendered(managed()).text)["position"]
    assert "long 10 SIM at 100.00" in told
    assert "trigger price_cross: 1R reached" in told
    assert "open 1.05 R, peak 1.10 R" in told
    assert "position" not in sections(rendered(full()).text)


def test_a_signal_is_told_with_what_it_rests_on() -> None:
    shown = rendered(full())
    assert "signal stroke_flow buy, score 0.5, stroke#4 flow@1; trend:5s does not agree" in shown.text
    assert {"flow@1", "trend:5s"} <= set(shown.refs)


@given(TEXT, TEXT, TEXT, st.lists(TEXT, max_size=30))
@settings(max_examples=200)
def test_no_words_break_the_frame(note: str, news: str, source: str, many: list[str]) -> None:
    made = managed(
        trigger_note=note, outside=tuple(OutsideText(f"news:{at}", NOW - at, source, news) for at in range(3)),
        task=Task("manual", tuple(many), None, note), data_faults=tuple(many),
        memory=memory(lessons=tuple(LessonLine(f"lesson#{at}", 1, text, NOW + 1, 9) for at, text in enumerate(many))),
        holding=replace(managed().holding, observed=note, bound=news, armed=tuple(many)),
    )  # fmt: skip
    shown = rendered(made)
    heads = [row for row in shown.text.splitlines() if row.startswith("## ") and row[3:] in BUDGETS]
    assert shown.tokens <= MAX_TOKENS
    assert shown.text.count("<untrusted ") == shown.text.count("</untrusted>") <= 3
    outside = shown.text.partition("## untrusted\n")[0]
    assert "<" not in outside
    assert [head[3:] for head in heads][: len(set(heads))] == [name for name in BUDGETS if f"## {name}" in heads]


def test_the_same_briefing_has_the_same_text_and_hash() -> None:
    assert rendered(full()) == rendered(full())
    assert rendered(full(bid=D("99.98"))).hash != rendered(full()).hash


def test_a_crammed_briefing_is_told_within_fifty_milliseconds() -> None:
    made = crammed()
    took = []
    for _ in range(20):
        before = time.process_time()
        rendered(made)
        took.append(time.process_time() - before)
    assert sorted(took)[10] < 0.050
