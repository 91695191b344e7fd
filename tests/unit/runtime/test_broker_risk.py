"""Risk at work in the paper broker: guardian, ladder, wall and halt, journaled and repeated with its signals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from made_alerts import Remembering
from made_paper import DAY, LATER_NS, PRIOR, Paper
from made_signals import setup_line

from chanflow.adapters.notify.outbox import Outbox
from chanflow.domain.command import CommandAnswer, HaltCommand, LiftWallCommand, ResumeCommand, TradeCommand
from chanflow.domain.errors import NotFound
from chanflow.interfaces.cli.risk import ladder_history
from chanflow.runtime.alert_policy import ChannelRule
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.broker_run import BrokerRun
from chanflow.runtime.clock import SimulatedClock, SystemClock
from chanflow.runtime.desk_door import DeskDoor
from chanflow.runtime.halt_file import write_halt
from chanflow.runtime.run import replay
from chanflow.runtime.settings import load_settings

LOST = "risk.max_daily_loss=0.00001"
"""The fee of one trade is more than this share of the day's equity."""
SUNK = "risk.max_drawdown=0.00001"


def codes(paper: Paper, number: int = 0) -> set[str]:
    return {reason["code"] for reason in paper.records("refusal")[number].body["reasons"]}


def test_a_day_loss_at_its_limit_leads_to_l0_and_nothing_opens(tmp_path: Path) -> None:
    paper = Paper(tmp_path, [*DAY[:1], setup_line(3, symbol="ETHUSDT", price="4935", stop="4880", signal_id="e")])
    paper.run(LOST)
    [step] = paper.records("ladder")
    assert (step.body["level"], step.body["change"]["cause"], step.body["change"]["book"]) == (
        "L0",
        "day_loss",
        "paper",
    )
    assert step.body["evidence"]["day_loss_frac"] > "0.00001"
    assert "authority" in codes(paper)
    assert {"demotion"} <= {r.body["kind"] for r in paper.records("risk_event")}


def test_a_drawdown_at_its_limit_closes_everything_halts_and_tells(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:2])
    paper.run(SUNK)
    assert paper.records("account")[-1].body["positions"] == []
    [halt] = paper.records("halt")
    assert [cause["kind"] for cause in halt.body["state"]["causes"]] == ["guardian"]
    assert "halt" in codes(paper)
    titles = {r.body["title"]: r.body for r in paper.records("alert")}
    told = titles["Drawdown at its limit: everything is closed and the desk is halted"]
    assert (told["severity"], "the limit is 0.00001" in told["body"]) == ("critical", True)


@pytest.mark.parametrize(("closes", "left"), [("false", 1), ("true", 0)])
def test_a_day_loss_closes_where_the_settings_say_so(tmp_path: Path, closes: str, left: int) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run(LOST, f"risk.daily_loss_closes={closes}")
    assert len(paper.records("account")[-1].body["positions"]) == left


def test_the_guardian_and_its_closings_come_out_again(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY)
    paper.run(SUNK)
    assert paper.records("guardian")
    replayed = asyncio.run(replay(paper.journal, data=None))
    assert replayed.records == len(_all(paper))


def _all(paper: Paper) -> list[Any]:
    from chanflow.review.journal import read_records

    return list(read_records(paper.journal))


def test_the_halt_file_halts_the_broker_and_stands_in_its_journal(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    write_halt(paper.home.root, "fire", close=False)
    tally = paper.run().tally
    assert (tally.refused, tally.orders) == (1, 0)
    [command] = paper.records("command")
    assert command.body["args"] == {"reason": "fire", "close": False, "kind": "file"}
    assert asyncio.run(replay(paper.journal, data=None)).records == len(_all(paper))


def test_a_new_run_after_a_halted_one_is_halted_too(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run(SUNK)
    paper.add("r2", DAY[1])
    paper.run("execution.capital_quote=500000")
    assert len(paper.home.runs()) == 2
    assert "halt" in codes(paper)


def test_people_are_told_once_of_what_the_guardian_did(tmp_path: Path) -> None:
    paper, mail = Paper(tmp_path, DAY[:1]), Remembering()
    settings = load_settings(config=None, overrides=(PRIOR, SUNK), environ={"HOME": "/"}).settings
    for _ in range(2):
        broker = BrokerRun(settings, paper.home, paper.folder, venue=None, clock=SimulatedClock(LATER_NS))
        paper.home.prepare()
        broker.alerts = Alerts(
            rules=[ChannelRule("mail", dedupe_ns=0)], messengers={"mail": mail}, clock=SystemClock(),
            outbox=Outbox(paper.home.alerts_path),
        )  # fmt: skip
        broker.run(once=True, poll_s=0.1, stop=Event())
    told = "\n".join(f"{message.title}\n{message.body}" for message in mail.told)
    assert told.count("Drawdown at its limit: everything is closed and the desk is halted") == 1
    assert "the limit is 0.00001" in told


class _Doors:
    """Orders what it is told through the door of a desk, then ends the run."""

    def __init__(self, stop: Event, *commands: Any) -> None:
        self.stop, self.commands = stop, commands
        self.answers: list[CommandAnswer | type[Exception]] = []
        self.level = ""

    @asynccontextmanager
    async def __call__(self, door: DeskDoor) -> AsyncIterator[None]:
        ordering = asyncio.create_task(self._order(door))
        yield
        await ordering

    async def _order(self, door: DeskDoor) -> None:
        try:
            for command in self.commands:
                try:
                    self.answers.append(await door.submit(command))
                except NotFound:
                    self.answers.append(NotFound)
            self.level = (await door.risk()).ladder.level
        finally:
            self.stop.set()


def ordered(paper: Paper, *commands: Any) -> _Doors:
    """Run the broker while somebody orders at its door."""
    settings = load_settings(config=None, overrides=(PRIOR,), environ={"HOME": "/"}).settings
    broker = BrokerRun(settings, paper.home, paper.folder, venue=None, clock=SimulatedClock(LATER_NS))
    stop = Event()
    broker.doors = doors = _Doors(stop, *commands)
    broker.run(once=False, poll_s=0.01, stop=stop)
    return doors


def test_what_people_order_at_the_door_is_done_and_repeated(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run()
    doors = ordered(
        paper, HaltCommand("lunch", close=True), ResumeCommand("back"), LiftWallCommand("ann", "please"),
        TradeCommand("mine", "BTCUSDT", "buy", 1),  # type: ignore[arg-type]
    )  # fmt: skip
    halted, resumed, lifted, traded = doors.answers
    assert isinstance(halted, CommandAnswer)
    assert isinstance(resumed, CommandAnswer)
    assert isinstance(lifted, CommandAnswer)
    assert (halted.reasons, resumed.reasons, traded) == ((), (), NotFound)
    assert [reason.code for reason in lifted.reasons] == ["wall_down"]
    assert doors.level == "L3"
    assert paper.records("account")[-1].body["positions"] == []
    before = paper.journal.read_bytes()
    paper.run()
    assert paper.journal.read_bytes() == before
    assert asyncio.run(replay(paper.journal, data=None)).records == len(_all(paper))


def test_the_history_tells_every_step_of_every_run(tmp_path: Path) -> None:
    paper = Paper(tmp_path, DAY[:1])
    paper.run(LOST)
    paper.add("r2", DAY[1])
    paper.run(LOST, "execution.capital_quote=500000")
    notes: list[str] = []
    steps = [json.loads(line) for line in ladder_history(paper.home.root, notes.append)]
    assert [(s["run"], s["before"], s["after"], s["cause"]) for s in steps] == [
        (1, "L3", "L0", "day_loss"), (2, "L3", "L0", "day_loss"),
    ]  # fmt: skip
    assert all(step["evidence"]["day_loss_frac"] > "0.00001" and step["run_id"] for step in steps)
    first = paper.home.runs()[0].journal_path
    first.write_bytes(first.read_bytes().replace(b'"kind":"ladder"', b'"kind":"saddle"'))
    left = [json.loads(line) for line in ladder_history(paper.home.root, notes.append)]
    assert [step["run"] for step in left] == [2]
    assert "run 1 is read up to where its journal is damaged" in notes[0]


def test_there_is_no_history_where_nothing_ran(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no desk has run"):
        list(ladder_history(tmp_path, print))
