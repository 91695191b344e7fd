from __future__ import annotations

from made_desk import NOW

from chanflow.risk.halt import HaltState, halt, poll, resume
from chanflow.risk.mode import Hold, ModeState, hold_for, release


def test_the_first_of_several_holds_names_the_mode() -> None:
    state = ModeState("quiet")
    assert state.mode == "quiet"
    words = []
    for kind in ("data", "broker", "risk", "manual"):
        state = hold_for(state, kind, f"{kind} cause", NOW)  # type: ignore[arg-type]
        words.append(state.mode)
    assert words == ["hold_data", "hold_broker", "hold_risk", "hold_manual"]
    assert state.causes == "manual cause; risk cause; broker cause; data cause"
    assert release(release(state, "manual"), "broker").mode == "hold_risk"


def test_a_hold_that_stands_keeps_its_cause_and_time() -> None:
    state = hold_for(hold_for(ModeState(), "data", "first", NOW), "data", "second", NOW + 1)
    assert state.holds == (Hold("data", "first", NOW),)
    assert release(state, "data") == ModeState()


def test_any_of_three_ways_halts() -> None:
    for kind in ("file", "command", "guardian"):
        assert halt(HaltState(), kind, "why", NOW).halted  # type: ignore[arg-type]
    assert not HaltState().halted


def test_a_second_halt_of_a_kind_changes_nothing_but_may_ask_to_close() -> None:
    once = halt(HaltState(), "command", "a", NOW)
    assert halt(once, "command", "b", NOW + 1) == once
    both = halt(halt(once, "command", "b", NOW + 1, close=True), "guardian", "c", NOW + 2)
    assert (both.close, both.text) == (True, "command: a; guardian: c")
    assert halt(both, "file", "d", NOW).close


def test_the_sentinel_halts_and_its_absence_resumes_nothing() -> None:
    halted = poll(HaltState(), True, NOW)
    assert halted.text == "file: the sentinel file is there"
    assert poll(halted, False, NOW + 1) == halted
    assert poll(HaltState(), False, NOW) == HaltState()


def test_resuming_needs_no_sentinel_clean_books_and_a_note() -> None:
    halted = halt(HaltState(), "command", "a", NOW, close=True)
    refused = resume(halted, sentinel=True, reconciled=False, note=" ")
    assert isinstance(refused, tuple)
    assert [reason.code for reason in refused] == ["sentinel", "reconciled", "note_missing"]
    assert resume(halted, sentinel=False, reconciled=True, note="checked") == HaltState()


def test_a_halt_closes_only_where_it_is_told_to() -> None:
    plain = halt(HaltState(), "command", "why", NOW)
    assert not plain.close
    assert halt(plain, "command", "again", NOW, close=True).close
