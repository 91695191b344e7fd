"""A model's replies are inputs of a run: journaled first, acted on once, and met again when the run is run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_commands import Killed
from made_model import ModelDesk, ScriptedMind, long_at_market

from chanflow.domain.command import AnalysisCommand, HaltCommand
from chanflow.domain.errors import JournalDiverged
from chanflow.domain.question import Question, Reply
from chanflow.domain.time import NS_PER_S, parse_rfc3339
from chanflow.review.journal import read_records
from chanflow.runtime.thinking import FrozenThinking


def holds(_: Question) -> Mapping[str, Any]:
    return {"action": "hold"}


def test_a_model_s_decision_becomes_a_vetted_order(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market)).run()
    kinds = desk.kinds()
    way = [
        "signal", "decision_started", "briefing", "memory_used", "llm_request", "llm_response", "trade_proposal",
        "judged", "approved_order", "order_intent", "order_sent", "fill",
    ]  # fmt: skip
    assert sorted(way, key=kinds.index) == way
    assert len(desk.records("order_intent")) == len(desk.records("approved_order")) >= 1


def test_it_takes_effect_when_the_reply_would_have_come(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market, latency_ms=1_500)).run()
    asked, proposed = desk.records("llm_request")[0], desk.records("trade_proposal")[0]
    assert parse_rfc3339(proposed.at) - parse_rfc3339(asked.at) == 1_500_000_000


def test_the_market_goes_on_while_the_model_thinks(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(holds, latency_ms=20_000)).run()
    kinds = desk.kinds()
    between = kinds[kinds.index("llm_request") : kinds.index("llm_response")]
    assert between.count("mark") >= 3


def test_a_replay_asks_nobody_and_is_the_same_to_the_byte(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market)).run()
    asked = len(desk.mind.asked)
    assert desk.replayed().records == len(desk.records())
    assert len(desk.mind.asked) == asked > 0


def test_a_reply_that_was_altered_is_not_replayed(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market)).run()
    other = ModelDesk(tmp_path / "other", ScriptedMind(holds))
    other.folder.mkdir()
    with pytest.raises(JournalDiverged):
        _resumed_with(desk, other)


def _resumed_with(desk: ModelDesk, other: ModelDesk) -> None:
    """Resume a journal whose first proposal is another than its reply gives."""
    from chanflow.review.journal import _line

    prev, lines = "0" * 64, []
    for record in desk.records():
        body = record.body
        if record.kind == "llm_response":
            body = {**body, "draft": {"action": "hold"}}
        line, prev = _line(record.seq, record.at, record.kind, record.correlation_id, body, prev)
        lines.append(line)
    other.journal.write_bytes(b"".join(lines))
    other.replayed()


@pytest.mark.slow
def test_killed_after_any_record_it_goes_on_to_the_very_same_end(tmp_path: Path) -> None:
    whole = ModelDesk(tmp_path, ScriptedMind(long_at_market), duration_s=780).run()
    kinds = whole.kinds()
    first = kinds.index("llm_request")
    for after in range(first - 3, min(len(kinds), first + 16)):
        _killed_and_resumed(tmp_path, whole, after)


@pytest.mark.parametrize("kind", ["llm_request", "llm_response", "trade_proposal", "approved_order"])
def test_killed_in_mid_decision_it_goes_on_to_the_very_same_end(tmp_path: Path, kind: str) -> None:
    whole = ModelDesk(tmp_path, ScriptedMind(long_at_market), duration_s=780).run()
    _killed_and_resumed(tmp_path, whole, whole.kinds().index(kind) + 1)


def _killed_and_resumed(tmp_path: Path, whole: ModelDesk, after: int) -> None:
    folder = tmp_path / f"killed-{after}"
    folder.mkdir()
    desk = replace(whole, folder=folder, mind=ScriptedMind(long_at_market), kill_after=after)
    with pytest.raises(Killed):
        desk.run()
    assert len(list(read_records(desk.journal, torn_tail=True))) == after
    replace(desk, mind=ScriptedMind(long_at_market), kill_after=None).run()
    assert desk.journal.read_bytes() == whole.journal.read_bytes(), f"killed after {whole.kinds()[after - 1]}"


def test_in_real_time_a_question_of_an_earlier_process_is_abandoned(tmp_path: Path) -> None:
    whole = ModelDesk(tmp_path, ScriptedMind(long_at_market), real_time=True, duration_s=780).run()
    folder = tmp_path / "killed"
    folder.mkdir()
    after = whole.kinds().index("llm_request") + 1
    desk = replace(whole, folder=folder, mind=ScriptedMind(long_at_market), kill_after=after)
    with pytest.raises(Killed):
        desk.run()
    resumed = replace(desk, mind=ScriptedMind(long_at_market), kill_after=None).run()
    [abandoned] = resumed.records("decision_abandoned")
    [request] = resumed.records("llm_request")
    assert abandoned.correlation_id == request.correlation_id
    assert resumed.proposals() == []
    assert resumed.mind.asked == []
    assert resumed.replayed().records == len(resumed.records())


def test_a_reply_after_its_window_opens_nothing(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market, latency_ms=40_000)).run()
    assert {(p["action"], p["abstain_reason"]) for p in desk.proposals()} == {("abstain", "stale_data")}
    assert "after its window" in desk.proposals()[0]["reasoning"]
    assert desk.records("order_intent") == []


def asks(at_s: float, number: int = 0, **changes: Any) -> tuple[float, AnalysisCommand]:
    values: dict[str, Any] = {"request_id": f"ask-{number}", "symbol": "SIMUSDT", "level": "5s", "who": "tester"}
    return at_s, AnalysisCommand(**{**values, **changes})


def test_one_may_ask_for_a_decision(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market), given=[asks(200.0)], duration_s=400).run()
    [request] = desk.records("analysis_request")
    [proposal] = desk.proposals()
    [answer] = desk.answers
    assert not isinstance(answer, BaseException)
    assert answer.decision_id == request.body["decision_id"] == proposal["decision_id"]
    assert desk.replayed().records == len(desk.records())


def test_what_this_desk_does_not_look_at_is_said_and_leaves_no_record(tmp_path: Path) -> None:
    given = [asks(200.0, symbol="OTHER"), asks(201.0, 1, level="1h"), asks(202.0, 2, position_id="position-x")]
    desk = ModelDesk(tmp_path, ScriptedMind(holds), given=given, duration_s=300).run()
    codes = [answer.reasons[0].code for answer in desk.answers if not isinstance(answer, BaseException)]
    assert codes == ["symbol", "level", "position"]
    assert desk.records("command") == []


def test_an_unchanged_market_costs_no_token(tmp_path: Path) -> None:
    given = [asks(200.0), asks(201.0, 1), asks(201.5, 2)]
    desk = ModelDesk(tmp_path, ScriptedMind(holds, latency_ms=10), given=given, duration_s=300).run()
    assert len(desk.mind.asked) == 1
    first, second, third = desk.proposals()
    assert (second["action"], third["action"]) == ("hold", "hold")
    assert second["reasoning"] == f"unchanged since decision {first['decision_id']}: nobody was asked"
    assert len(desk.records("llm_request")) == 1


def test_one_decision_is_out_at_a_time_and_the_newest_request_waits(tmp_path: Path) -> None:
    given = [asks(200.0), asks(202.0, 1), asks(206.0, 2)]
    desk = ModelDesk(tmp_path, ScriptedMind(holds, latency_ms=30_000), given=given, duration_s=400).run()
    [superseded] = desk.records("analysis_superseded")
    waiting = [r.body["decision_id"] for r in desk.records("analysis_request")]
    assert superseded.body == {**superseded.body, "decision_id": waiting[1], "by": waiting[2]}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (lambda _: Reply(None, "model_error", "the server said 500"), "model_error"),
        (lambda _: Reply(None, "timeout", "nothing came"), "model_error"),
        (lambda _: Reply(None, "budget", "the day's 2.00 USD are spent"), "budget"),
        (lambda _: Reply(None, "invalid_output", "twice no JSON"), "invalid_output"),
        (lambda _: RuntimeError("a bug of the adapter"), "model_error"),
        (lambda _: Reply(None), "model_error"),
        (lambda _: {"action": "buy everything"}, "invalid_output"),
        (lambda _: {"action": "open_long", "stop": "ninety"}, "invalid_output"),
        (lambda _: {"action": "hold", "why": "\ud800"}, "invalid_output"),
        (lambda _: {"action": "hold", "confidence": float("nan")}, "invalid_output"),
        (lambda _: {"action": "hold", "why": "x" * 300_000}, "invalid_output"),
    ],
)
def test_whatever_goes_wrong_with_a_model_the_desk_abstains(tmp_path: Path, script: Any, reason: str) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(script), given=[asks(200.0)], duration_s=300).run()
    [proposal] = desk.proposals()
    assert (proposal["action"], proposal["abstain_reason"]) == ("abstain", reason)
    assert desk.records("order_intent") == []
    assert desk.replayed().records == len(desk.records())


def test_three_failures_in_a_row_demote_the_analyst_and_are_told(tmp_path: Path) -> None:
    given = [asks(200.0 + 20 * n, n) for n in range(5)]
    failing = ScriptedMind(lambda _: Reply(None, "model_error", "down", latency_ms=100))
    desk = ModelDesk(tmp_path, failing, given=given, duration_s=400).run()
    assert len(failing.asked) == 3
    [demoted] = desk.records("analyst")
    assert demoted.body["analyst"] == "rules"
    assert [r.body["severity"] for r in desk.records("alert") if r.body["source"] == "analyst"] == ["critical"]
    assert [p["analyst"] for p in desk.proposals()] == ["llm"] * 3 + ["rules"] * 2


def test_an_answer_between_failures_begins_the_count_anew(tmp_path: Path) -> None:
    given = [asks(200.0 + 100 * n, n) for n in range(5)]
    mind = ScriptedMind(lambda _: Reply(None, "model_error", "down") if len(mind.asked) != 3 else {"action": "hold"})
    desk = ModelDesk(tmp_path, mind, given=given, duration_s=700).run()
    assert len(mind.asked) == 5
    assert desk.records("analyst") == []


def test_rules_answer_for_a_model_that_failed_where_settings_say_so(tmp_path: Path) -> None:
    mind = ScriptedMind(lambda _: Reply(None, "timeout", "nothing came", latency_ms=100))
    desk = ModelDesk(tmp_path, mind, fallback_rules=True).run()
    assert {p["analyst"] for p in desk.proposals()} == {"rules"}
    assert {p["action"] for p in desk.proposals()} <= {"open_long", "open_short", "abstain", "hold"}


def test_a_halted_desk_asks_no_model_about_entries(tmp_path: Path) -> None:
    given = [(150.0, HaltCommand("tested")), asks(200.0)]
    desk = ModelDesk(tmp_path, ScriptedMind(holds), given=given, duration_s=300).run()
    [proposal] = desk.proposals()
    assert (proposal["action"], proposal["abstain_reason"]) == ("abstain", "conflict")
    assert desk.mind.asked == []


def test_frozen_replies_give_the_very_same_run(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market)).run()
    folder = tmp_path / "again"
    folder.mkdir()
    frozen = FrozenThinking(desk.records())
    again = replace(desk, folder=folder, thinker=frozen).run()
    assert frozen.differs is None
    assert again.journal.read_bytes() == desk.journal.read_bytes()


def test_frozen_replies_say_where_a_prompt_differs(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(holds), given=[asks(200.0)], duration_s=300).run()
    folder = tmp_path / "again"
    folder.mkdir()
    frozen = FrozenThinking(desk.records())
    replace(desk, folder=folder, thinker=frozen, given=[asks(230.0)]).run()
    assert frozen.differs is not None
    assert frozen.differs.as_of_ns > desk.records("llm_request")[0].body["as_of_ns"] + 20 * NS_PER_S


def test_hours_that_a_desk_only_catches_up_with_are_asked_of_nobody(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market), real_time=True, from_s=800.0).run()
    first, later = desk.records("decision_skipped"), desk.records("llm_request")
    assert len(first) == len(later) == len(desk.mind.asked) == 1
    assert desk.replayed().records == len(desk.records())
