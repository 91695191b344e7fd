"""A folder of signals traded on paper: through analyst and gate, each signal once, and again byte for byte."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made_paper import DAY, Paper
from made_signals import AT_MS, line, setup_line

from chanflow.domain.errors import BooksDisagree, Broken, InvalidArgument, JournalDiverged
from chanflow.review.journal import JournalWriter, read_records
from chanflow.runtime.desk_files import NewestRun
from chanflow.runtime.run import replay


def test_every_order_has_its_signal_its_proposal_and_its_approval(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY)
    tally = paper.run().tally
    assert (tally.signals, tally.orders, tally.trades) == (5, 3, 2)
    approved = [r.body["approved_id"] for r in paper.records("approved_order")]
    proposed = {r.body["proposal_id"] for r in paper.records("trade_proposal")}
    assert [r.body["approved_id"] for r in paper.records("order_intent")] == approved
    assert {r.body["proposal_id"] for r in paper.records("approved_order")} <= proposed


def test_a_position_stands_with_its_stop_and_the_operations_read_it(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run()
    run = NewestRun(paper.home)
    [position] = run.account().snapshot.positions
    assert (position.symbol, position.protected) == ("BTCUSDT", True)
    orders, known_ns = run.orders()
    assert [(o.leg, o.state.value) for o in orders] == [
        ("entry", "filled"), ("stop", "accepted"), ("take_profit", "accepted"),
    ]  # fmt: skip
    assert known_ns == AT_MS * 1_000_000 + 40_000_000
    assert run.desk().mode == "paper"


def test_what_the_gate_refuses_is_not_sent(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    tally = paper.run("execution.mode=hold").tally
    assert (tally.refused, tally.orders) == (1, 0)
    assert "strategy_mode" in {each["code"] for each in paper.records("refusal")[0].body["reasons"]}
    assert paper.records("order_intent") == []


def test_a_signal_without_structure_is_abstained_from(tmp_path: Path) -> None:
    tally = Paper(tmp_path, [setup_line(0, invalidation_price=None)]).run().tally
    assert (tally.signals, tally.abstained, tally.orders) == (1, 1, 0)


def test_a_signal_that_comes_late_has_expired(tmp_path: Path) -> None:
    tally = Paper(tmp_path, [setup_line(5), setup_line(0)]).run().tally
    assert (tally.signals, tally.expired) == (2, 1)


def test_again_it_trades_nothing_twice_and_goes_on_with_what_is_new(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:2])
    paper.run()
    before = paper.journal.read_bytes()
    paper.run()
    assert paper.journal.read_bytes() == before
    paper.add("r2", *DAY)
    paper.run()
    assert paper.journal.read_bytes().startswith(before)
    assert Counter(r.body["signal_id"] for r in paper.records("signal")).most_common(1)[0][1] == 1
    assert len(paper.records("signal")) == 5


def test_other_settings_begin_anew_and_leave_alone_what_was_traded(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:2])
    paper.run()
    paper.add("r2", DAY[2])
    paper.run("execution.capital_quote=500000")
    assert len(paper.home.runs()) == 2
    assert [r.body["signal_id"] for r in paper.records("signal")] == ["r1-BTCUSDT-2"]


def test_a_replay_gives_every_record_again(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY)
    paper.run()
    replayed = asyncio.run(replay(paper.journal, data=None))
    assert replayed.records == len(list(read_records(paper.journal)))


def test_a_replay_names_a_record_that_comes_out_otherwise(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run()
    records = list(read_records(paper.journal))
    [fill] = [r for r in records if r.kind == "fill"]
    fill.body["price"] = "1"
    from chanflow.runtime.broker_run import repeat_journal

    with pytest.raises(JournalDiverged, match=rf"record {fill.seq} \(fill"):
        asyncio.run(repeat_journal(paper.journal, records))


class Killed(BaseException):
    pass


def test_killed_after_any_record_it_goes_on_to_the_very_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Paper(tmp_path / "whole", DAY[:3])
    whole.run()
    end = whole.journal.read_bytes()
    append = JournalWriter.append
    for after in range(1, end.count(b"\n"), 3):

        def mortal(self: JournalWriter, kind: str, body: Any, *, last: int = after, **more: Any) -> None:
            if self.seq >= last:
                raise Killed
            append(self, kind, body, **more)

        cut = Paper(tmp_path / f"cut-{after}", DAY[:3])
        with monkeypatch.context() as patched:
            patched.setattr(JournalWriter, "append", mortal)
            with pytest.raises(Killed):
                cut.run()
        with cut.journal.open("ab") as file:
            file.write(b'{"at":"torn')
        cut.run()
        assert cut.journal.read_bytes() == end, f"killed after {after} records"


def test_hostile_lines_are_counted_and_named(tmp_path: Path) -> None:
    ahead = setup_line(10**6)
    paper = Paper(tmp_path, [b"junk\n", line(1), setup_line(0, surprise=1), ahead, setup_line(2)])
    broker = paper.run()
    assert broker.tally.signals == 1
    assert broker.passed_over == {"no_json": 1, "bad_field": 3}
    assert any("line 4 is from the future" in note for note in paper.notes)


def test_a_venue_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="the paper desk trades at paper only"):
        Paper(tmp_path, DAY).run(venue="binance")


def test_books_that_disagree_with_the_venue_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chanflow.runtime.paper_market import PaperMarket

    async def none_held(self: PaperMarket) -> list[Any]:
        return []

    monkeypatch.setattr(PaperMarket, "positions", none_held)
    with pytest.raises(BooksDisagree):
        Paper(tmp_path, DAY[:1]).run()


def test_a_journal_that_would_come_out_otherwise_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run()
    monkeypatch.setattr("chanflow.runtime.paper_market.DEPTH_LOTS", 1)
    with pytest.raises(Broken, match="move the run away"):
        paper.run()
