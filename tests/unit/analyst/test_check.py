from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_briefing import care, draft, full, level, managed, point, strategy
from made_desk import D, position

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.check import check_for
from chanflow.analyst.config import AgentConfig
from chanflow.domain.question import ToolCall, ToolResult

CONFIG = AgentConfig(model="local/qwen")


def faults(payload: dict[str, Any], briefing: Briefing | None = None, calls: tuple[ToolCall, ...] = ()) -> list[str]:
    return list(check_for(briefing or full(), CONFIG)(payload, calls))


def entry(**changes: Any) -> dict[str, Any]:
    return strategy(entry={**strategy()["entry"], **changes})


def short(**changes: Any) -> dict[str, Any]:
    """Return a good short to `full()`."""
    details = strategy(
        setup="sell2_flow", entry={"type": "market", "valid_until": "2026-01-05T00:00:08Z"},
        stop_loss={"price": "101"}, take_profit=[{"price": "97", "fraction": 1}],
    )  # fmt: skip
    return draft(action="open_short", side="sell", strategy_details={**details, **changes})


def cite(ref: str, direction: str = "for") -> list[dict[str, str]]:
    return [{"ref": ref, "claim": "holds", "direction": direction}]


def trigger(**changes: Any) -> list[dict[str, Any]]:
    return [{**draft()["monitoring_triggers"][0], **changes}]


@pytest.mark.parametrize(
    ("payload", "briefing"),
    [
        (draft(), full()),
        (short(), full()),
        (draft(strategy_details=strategy(entry={"type": "market", "valid_until": "2026-01-05T00:00:10Z"})), full()),
        (draft(size_quote=None, monitoring_triggers=[], counter_evidence=[]), full()),
        ({**draft(action="abstain", side=None, strategy_details=None, confidence=None, abstain_reason="no_setup",
                  evidence=[], size_quote=None)}, full()),
        (care(), managed()),
        (care(action="close", changes=None), managed()),
        (care(action="reduce", side="sell", changes={"size_quote": "500"}), managed()),
        (care(action="hold", changes=None, evidence=[]), managed(position=None)),
        (care(changes={"stop_price": "100.5"}), managed(position=position("-10", stop_price=D(101)))),
    ],
)  # fmt: skip
def test_a_good_answer_passes(payload: dict[str, Any], briefing: Briefing) -> None:
    assert faults(payload, briefing) == []


ENTRY: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (lambda: draft(symbol="BTCUSDT"), "symbol is 'BTCUSDT', the question is about SIMUSDT"),
    (lambda: draft(level="1d"), "level is '1d', the question is about 5s"),
    (lambda: draft(action="close"),
     "action close does not belong to entry, use one of open_long open_short hold abstain"),
    (lambda: draft(side="sell"), "side is sell, open_long needs buy"),
    (lambda: draft(side=None), "side is None, open_long needs buy"),
    (lambda: draft(confidence=None), "open_long has no confidence, give a number from 0 to 1"),
    (lambda: draft(strategy_details=None),
     "open_long has no strategy_details, it needs entry, stop_loss and take_profit"),
    (lambda: draft(size_quote="0.0"), "size_quote is 0, it must be positive; leave it out to let sizing decide"),
    (lambda: draft(changes={"stop_price": "99"}), "changes go with adjust and reduce, the action is open_long"),
    (lambda: draft(abstain_reason="conflict"),
     "abstain_reason is conflict, it goes with abstain alone and abstain needs one"),
    (lambda: draft(action="hold", strategy_details=None, abstain_reason="conflict"),
     "abstain_reason is conflict, it goes with abstain alone and abstain needs one"),
    (lambda: draft(action="abstain", strategy_details=None),
     "abstain_reason is None, it goes with abstain alone and abstain needs one"),
    (lambda: draft(action="hold"), "strategy_details go with an opening, the action is hold"),
    (lambda: draft(evidence=[]), "open_long has no evidence, at least one is needed"),
    (lambda: draft(strategy_details=strategy(stop_loss={"price": "101"})), "stop 101 is above entry 100.05 for a long"),
    (lambda: draft(strategy_details=strategy(stop_loss={"price": "100.05"})),
     "stop 100.05 is at entry 100.05 for a long"),
    (lambda: short(stop_loss={"price": "99.5"}), "stop 99.5 is below entry 99.99 for a short"),
    (lambda: short(take_profit=[{"price": "100.5", "fraction": 1}]),
     "take-profit 100.5 is above entry 99.99 for a short"),
    (lambda: draft(strategy_details=strategy(take_profit=[{"price": "99", "fraction": 1}])),
     "take-profit 99 is below entry 100.05 for a long"),
    (lambda: draft(strategy_details=strategy(stop_loss={"price": "98.905"})), "stop 98.905 is not on the tick 0.01"),
    (lambda: draft(strategy_details=strategy(stop_loss={"price": "0"})), "stop is 0, it must be positive"),
    (lambda: draft(strategy_details=entry(price="100.055")), "entry 100.055 is not on the tick 0.01"),
    (lambda: draft(strategy_details=entry(price=None)),
     "entry price is None, a limit needs one and a market order has none"),
    (lambda: draft(strategy_details=entry(type="market")),
     "entry price is 100.05, a limit needs one and a market order has none"),
    (lambda: draft(strategy_details=entry(valid_until="2026-01-05T00:00:11Z")),
     "valid_until is 2026-01-05T00:00:11Z, it must be after 2026-01-05T00:00:00Z and at most 2026-01-05T00:00:10Z"),
    (lambda: draft(strategy_details=entry(valid_until="2026-01-05T00:00:00Z")),
     "valid_until is 2026-01-05T00:00:00Z, it must be after 2026-01-05T00:00:00Z and at most 2026-01-05T00:00:10Z"),
    (lambda: draft(strategy_details=entry(valid_until="soon")),
     "valid_until must be an RFC 3339 time with its zone, such as 2026-11-21T12:00:00Z"),
    (lambda: draft(strategy_details=strategy(
        take_profit=[{"price": "102", "fraction": 0.6}, {"price": "103", "fraction": 0.41}])),
     "the fractions of take_profit sum to 1.01, at most 1 is allowed"),
    (lambda: draft(strategy_details=strategy(
        take_profit=[{"price": "102", "fraction": 0.5}, {"price": "102.0", "fraction": 0.5}])),
     "two take-profits have one price: join them"),
    (lambda: draft(monitoring_triggers=trigger(params={"price": "1"})),
     "monitoring_triggers[0]: params of price_cross lacks 'direction'"),
    (lambda: draft(monitoring_triggers=trigger(expires_at="2026-01-05T00:00:00Z")),
     "trigger price_cross expires at 2026-01-05T00:00:00Z, before the decision at 2026-01-05T00:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "sentence"), ENTRY, ids=[sentence[:40] for _, sentence in ENTRY])
def test_what_is_wrong_with_an_opening_is_one_clear_sentence(make: Callable[[], dict[str, Any]], sentence: str) -> None:
    assert faults(make()) == [sentence]


SHORT_OF = position("-10", stop_price=D(101))

MANAGEMENT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (care(action="open_long"), {},
     "action open_long does not belong to management, use one of close reduce adjust hold abstain"),
    (care(), {"position": None}, "there is no position to adjust: hold"),
    (care(changes={"stop_price": "98.5"}), {},
     "stop 98.5 would loosen the stop 99 of a long, it may only tighten"),
    (care(changes={"stop_price": "99"}), {}, "stop 99 would leave the stop 99 of a long, it may only tighten"),
    (care(changes={"stop_price": "101.5"}), {"position": SHORT_OF},
     "stop 101.5 would loosen the stop 101 of a short, it may only tighten"),
    (care(changes={"stop_price": "100.5"}), {}, "stop 100.5 is above the mark 100 for a long"),
    (care(changes={"stop_price": "99.5"}), {"position": SHORT_OF}, "stop 99.5 is below the mark 100 for a short"),
    (care(changes={"stop_price": "99.123"}), {}, "stop 99.123 is not on the tick 0.01"),
    (care(changes=None), {}, "adjust changes nothing, give changes.stop_price or changes.take_profit"),
    (care(changes={}), {}, "adjust changes nothing, give changes.stop_price or changes.take_profit"),
    (care(changes={"stop_price": "99.5", "size_quote": "1"}), {},
     "changes.size_quote goes with reduce, the action is adjust"),
    (care(changes={"take_profit": [{"price": "99", "fraction": 1}]}), {},
     "take-profit 99 is below the mark 100 for a long"),
    (care(action="close"), {}, "changes go with adjust and reduce, the action is close"),
    (care(action="close", changes=None, evidence=[]), {}, "close has no evidence, at least one is needed"),
    (care(action="close", changes=None, side="buy"), {}, "side is buy, leaving a long is to sell"),
    (care(action="reduce", changes=None), {}, "reduce needs changes.size_quote, the amount that is to leave"),
    (care(action="reduce", changes={"size_quote": "1000.01"}), {},
     "changes.size_quote is 1000.01, it must be positive and at most the position's 1000"),
    (care(action="reduce", changes={"size_quote": "0"}), {},
     "changes.size_quote is 0, it must be positive and at most the position's 1000"),
    (care(action="reduce", changes={"size_quote": "5", "stop_price": "99.5"}), {},
     "changes.stop_price and changes.take_profit go with adjust, the action is reduce"),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "spoiled", "sentence"), MANAGEMENT, ids=[each[2][:40] for each in MANAGEMENT])
def test_what_is_wrong_with_a_change_is_one_clear_sentence(
    payload: dict[str, Any], spoiled: dict[str, Any], sentence: str
) -> None:
    assert faults(payload, managed(**spoiled)) == [sentence]


def test_a_desk_that_may_not_open_is_not_asked_to() -> None:
    closed = full(permission=replace(full().permission, may_open=False))
    assert faults(draft(), closed) == ["the desk may open nothing now: hold or abstain"]


def test_without_a_quote_a_market_order_has_no_entry() -> None:
    assert faults(short(), full(bid=None)) == ["there is no quote to enter at: abstain with stale_data"]


# ── form ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        (draft(proposal_id="mine"), "proposal_id"),
        (draft(meta={}), "meta"),
        (draft(position_id="p"), "position_id"),
        (draft(leverage=6), "leverage"),
        (draft(leverage=0), "leverage"),
        (draft(leverage="2"), "leverage"),
        (draft(confidence=1.01), "confidence"),
        (draft(confidence=float("nan")), "confidence"),
        (draft(size_quote="1e9"), "size_quote"),
        (draft(size_quote="-5"), "size_quote"),
        (draft(size_quote=1500), "size_quote"),
        (draft(action="withdraw"), "action"),
        (draft(reasoning="x" * 601), "reasoning"),
        (draft(reasoning_short="x" * 101), "reasoning_short"),
        (draft(evidence=cite("stroke#4") * 13), "evidence"),
        (draft(evidence=[{"ref": "stroke#4", "claim": "Buy NOW!", "direction": "for"}]), "evidence.0.claim"),
        (draft(counter_evidence=cite("stroke#4") * 7), "counter_evidence"),
        (draft(monitoring_triggers=trigger() * 13), "monitoring_triggers"),
        (draft(monitoring_triggers=trigger(kind="run_shell")), "monitoring_triggers.0.kind"),
        (draft(monitoring_triggers=trigger(note="x" * 121)), "monitoring_triggers.0.note"),
        (draft(strategy_details=strategy(take_profit=[])), "strategy_details.take_profit"),
        (draft(strategy_details=strategy(take_profit=[{"price": "102", "fraction": 0.1}] * 5)),
         "strategy_details.take_profit"),
        (draft(strategy_details=strategy(setup="yolo")), "strategy_details.setup"),
        (draft(strategy_details=strategy(invalidation="")), "strategy_details.invalidation"),
    ],
)  # fmt: skip
def test_what_is_out_of_form_is_told_by_its_place(payload: dict[str, Any], where: str) -> None:
    (sentence,) = faults(payload)
    assert sentence.startswith(f"{where}: ")


def test_no_more_than_eight_faults_are_told_at_once() -> None:
    assert len(faults({f"made_up_{at}": 1 for at in range(40)})) == 8
    assert len(faults(draft(evidence=[{**cite(f"case#{at}")[0]} for at in range(12)]))) == 8


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@given(st.sampled_from(sorted(draft())), JSON)
def test_whatever_a_field_holds_the_check_answers_in_sentences(field: str, value: Any) -> None:
    found = faults(draft(**{field: value}))
    assert all(isinstance(sentence, str) and sentence for sentence in found)
    assert len(found) <= 8


@given(st.dictionaries(st.sampled_from([*draft(), "x"]), JSON))
def test_whatever_an_answer_holds_the_check_answers(payload: dict[str, Any]) -> None:
    assert faults(payload)


# ── evidence ──────────────────────────────────────────────────────────────────


def test_evidence_must_have_been_shown() -> None:
    assert faults(draft(evidence=cite("stroke#999"))) == [
        "evidence stroke#999 stands neither in the briefing nor in a tool's result"
    ]


def test_a_tool_of_this_run_may_be_cited_but_not_one_that_failed() -> None:
    good = ToolCall("get_klines", {}, ToolResult("{}", ("kline:5s@2026-01-04T23:59:50Z",), 1))
    payload = draft(evidence=cite("kline:5s@2026-01-04T23:59:50Z"))
    assert faults(payload, calls=(good,)) == []
    assert len(faults(payload)) == 1
    assert len(faults(payload, calls=(replace(good, result=replace(good.result, failed=True)),))) == 1


def test_a_row_that_was_cut_may_be_cited_once_a_tool_gave_it() -> None:
    many = tuple(point(ref=f"point:buy2@5s#{at}") for at in range(20))
    made = full(levels=(level(points=many),))
    gave = ToolCall("get_signals", {}, ToolResult("{}", ("point:buy2@5s#0",), 1))
    assert len(faults(draft(evidence=cite("point:buy2@5s#0")), made)) == 1
    assert faults(draft(evidence=cite("point:buy2@5s#0")), made, (gave,)) == []


def test_provisional_evidence_is_cited_with_its_revision_and_confirmed_without() -> None:
    made = full(levels=(level(points=(point(), point("sell1", ref="point:sell1@5s#9r7", state="provisional"))),))
    assert faults(draft(evidence=cite("point:sell1@5s#9r7")), made) == []
    assert faults(draft(evidence=cite("point:sell1@5s#9")), made) == [
        "evidence point:sell1@5s#9 is still provisional: cite it as point:sell1@5s#9r7"
    ]
    assert faults(draft(evidence=cite("point:buy2@5s#4r2")), made) == [
        "evidence point:buy2@5s#4r2 is confirmed: cite it as point:buy2@5s#4"
    ]


def test_stale_evidence_is_refused() -> None:
    # 20 bars of 5 s: what was known 100 s ago no longer counts.
    divergence = full().flow_view.divergences[0]
    old = replace(divergence, ref="cvd_div@old", known_ns=full().as_of_ns - 100 * 10**9)
    made = full(flow_view=replace(full().flow_view, divergences=(divergence, old)))
    assert faults(draft(counter_evidence=cite("cvd_div@old", "against")), made) == [
        "evidence cvd_div@old is stale: it counted until 2026-01-05T00:00:00Z"
    ]


def test_a_lesson_counts_until_it_expires() -> None:
    lesson = full().memory.lessons[0]
    made = full(memory=replace(full().memory, lessons=(replace(lesson, expires_ns=full().as_of_ns),)))
    assert faults(draft(evidence=cite("lesson#51"))) == []
    assert "is stale" in faults(draft(evidence=cite("lesson#51")), made)[0]


def test_what_a_tool_dates_after_the_question_is_refused() -> None:
    late = ToolCall("get_klines", {}, ToolResult("{}", ("kline:5s@2026-01-05T00:00:01Z",), 1))
    assert faults(draft(evidence=cite("kline:5s@2026-01-05T00:00:01Z")), calls=(late,)) == [
        "evidence kline:5s@2026-01-05T00:00:01Z was known at 2026-01-05T00:00:01Z, after 2026-01-05T00:00:00Z"
    ]


def test_saying_it_twice_is_no_second_evidence() -> None:
    assert faults(draft(evidence=cite("stroke#4") * 2)) == ["evidence stroke#4 with claim holds is given twice"]


def test_numbers_in_prose_are_left_alone() -> None:
    assert faults(draft(reasoning="Stop at 1,000,000; evidence stroke#999; buy at 0.")) == []
