"""Guardian, ladder and halt at work in a paper desk: journaled first, done once, and the same when run again."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from made_commands import HandDesk, trade

from chanflow.domain.command import (
    ApproveCommand,
    CloseAllCommand,
    CommandAnswer,
    HaltCommand,
    LiftWallCommand,
    ResumeCommand,
    SetLevelCommand,
)
from chanflow.domain.order import OrderState
from chanflow.runtime.run import replay

D = Decimal
TINY = "risk.max_daily_loss=0.00001"
"""The fee of one trade is more than this share of the day's equity."""


def answer(desk: HandDesk, number: int) -> CommandAnswer:
    found = desk.answers[number]
    assert isinstance(found, CommandAnswer), found
    return found


def codes(found: CommandAnswer) -> set[str]:
    assert found.refused is not None
    return {reason.code for reason in found.refused.reasons}


def test_a_halt_refuses_openings_and_lets_positions_be_closed(tmp_path: Path) -> None:
    given = [(200, trade()), (300, HaltCommand("lunch")), (310, trade("mine-0002")), (400, CloseAllCommand())]
    desk = HandDesk(tmp_path, given).run()
    assert codes(answer(desk, 2)) == {"halt"}
    assert answer(desk, 3).orders[0].state is OrderState.FILLED
    assert desk.router.snapshot().positions == ()


def test_a_halt_cancels_what_may_still_open_and_keeps_the_stop(tmp_path: Path) -> None:
    resting = trade("rests-001", order_type="limit", price=D("99.50"))
    desk = HandDesk(tmp_path, [(200, trade()), (210, resting), (230, HaltCommand("lunch"))], duration_s=260).run()
    entries = [o.state for o in desk.router.orders.values() if o.leg == "entry"]
    assert entries == [OrderState.FILLED, OrderState.CANCELED]
    [position] = desk.router.snapshot().positions
    assert position.protected


def test_a_halt_that_closes_leaves_nothing_open(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade()), (300, HaltCommand("fire", close=True))], duration_s=330).run()
    assert desk.router.snapshot().positions == ()
    assert [r.body["leg"] for r in desk.records("order_intent")] == ["entry", "exit"]


def test_a_halt_is_journaled_before_anything_is_cancelled(tmp_path: Path) -> None:
    resting = trade("rests-001", order_type="limit", price=D("99.50"))
    desk = HandDesk(tmp_path, [(210, resting), (230, HaltCommand("lunch"))], duration_s=260).run()
    kinds = [r.kind for r in desk.records()]
    assert kinds.index("halt") < kinds.index("cancel_intent")


def test_a_resumed_desk_opens_again(tmp_path: Path) -> None:
    given = [(200, HaltCommand("lunch")), (300, ResumeCommand("back")), (310, trade())]
    desk = HandDesk(tmp_path, given, duration_s=330).run()
    assert answer(desk, 1).reasons == ()
    assert answer(desk, 2).orders[0].state is OrderState.FILLED


def test_resuming_needs_a_note(tmp_path: Path) -> None:
    given = [(200, HaltCommand("lunch")), (300, ResumeCommand(" ")), (310, trade())]
    desk = HandDesk(tmp_path, given, duration_s=330).run()
    assert {reason.code for reason in answer(desk, 1).reasons} == {"note_missing"}
    assert codes(answer(desk, 2)) == {"halt"}


def test_a_second_halt_leaves_no_record(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, HaltCommand("one")), (210, HaltCommand("two"))], duration_s=230).run()
    assert len(desk.records("command")) == len(desk.records("halt")) == 1


def test_a_killed_desk_is_halted_still(tmp_path: Path) -> None:
    given = [(200, HaltCommand("lunch"))]
    HandDesk(tmp_path, given, duration_s=330).run()
    whole = tmp_path / "journal.jsonl"
    lines = whole.read_bytes().splitlines(keepends=True)
    halted = next(at for at, line in enumerate(lines) if b'"kind":"halt"' in line)
    whole.write_bytes(b"".join(lines[: halted + 1]))
    desk = HandDesk(tmp_path, [(310, trade())], duration_s=330).run()
    assert codes(answer(desk, 0)) == {"halt"}


def test_a_day_loss_at_its_limit_leads_to_l0_and_nothing_opens(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade()), (300, trade("mine-0002"))], overrides=(TINY,), duration_s=330).run()
    [step] = desk.records("ladder")
    assert (step.body["level"], step.body["change"]["cause"]) == ("L0", "day_loss")
    assert "authority" in codes(answer(desk, 1))
    assert {"demotion"} <= {r.body["kind"] for r in desk.records("risk_event")}


def test_a_drawdown_at_its_limit_closes_everything_and_halts(tmp_path: Path) -> None:
    given = [(200, trade())]
    desk = HandDesk(tmp_path, given, overrides=("risk.max_drawdown=0.00001",), duration_s=260).run()
    [first, *_] = desk.records("guardian")
    assert next(action["kind"] for action in first.body["actions"]) == "close"
    assert desk.router.snapshot().positions == ()
    [halt] = desk.records("halt")
    assert [cause["kind"] for cause in halt.body["state"]["causes"]] == ["guardian"]
    assert "critical" in {r.body["severity"] for r in desk.records("alert")}
    kinds = [r.kind for r in desk.records()]
    exit_at = next(at for at, r in enumerate(desk.records("order_intent")) if r.body["leg"] == "exit")
    assert exit_at == 1
    assert kinds.index("guardian") < len(kinds) - 1 - kinds[::-1].index("order_intent")


def test_the_guardian_closes_once(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade())], overrides=("risk.max_drawdown=0.00001",), duration_s=300).run()
    assert [r.body["leg"] for r in desk.records("order_intent")] == ["entry", "exit"]


def test_an_operator_lowers_the_level_and_cannot_raise_it(tmp_path: Path) -> None:
    given = [(200, SetLevelCommand("L1", "ann", "")), (210, SetLevelCommand("L3", "ann", "please"))]
    desk = HandDesk(tmp_path, given, duration_s=230).run()
    assert answer(desk, 0).reasons == ()
    assert {reason.code for reason in answer(desk, 1).reasons} == {"not_lower"}
    assert [r.body["level"] for r in desk.records("ladder")] == ["L1"]


def test_a_review_leads_out_of_l0(tmp_path: Path) -> None:
    given = [(200, SetLevelCommand("L0", "ann", "")), (210, SetLevelCommand("L1", "ann", "looked at every trade"))]
    desk = HandDesk(tmp_path, given, duration_s=230).run()
    assert [r.body["level"] for r in desk.records("ladder")] == ["L0", "L1"]
    assert desk.records("ladder")[1].body["state"]["review"] == "ann: looked at every trade"


def test_an_operator_lifts_the_wall_and_trades_on(tmp_path: Path) -> None:
    given = [
        (200, trade()), (250, trade("mine-0002")), (260, LiftWallCommand("ann", "")),
        (270, LiftWallCommand("ann", "the fee alone")), (280, trade("mine-0003")),
    ]  # fmt: skip
    desk = HandDesk(tmp_path, given, overrides=("risk.wall.soft=0.00001",), duration_s=330).run()
    assert "loss_wall" in codes(answer(desk, 1))
    assert [reason.code for reason in answer(desk, 2).reasons] == ["note_missing"]
    assert answer(desk, 3).reasons == ()
    assert answer(desk, 4).orders[0].state is OrderState.FILLED
    steps = [r.body["change"]["cause"] for r in desk.records("loss_wall")]
    assert steps == ["loss", "operator"]
    assert asyncio.run(replay(desk.journal, data=None)).records == len(desk.records())


def test_nobody_lifts_the_wall_at_a_day_loss_at_its_hard_limit(tmp_path: Path) -> None:
    given = [(200, trade()), (202, LiftWallCommand("ann", "please"))]
    desk = HandDesk(tmp_path, given, overrides=("risk.wall.soft=0.00001", TINY), duration_s=330).run()
    assert [reason.code for reason in answer(desk, 1).reasons] == ["daily_loss"]


def test_on_paper_nothing_waits_and_the_question_leaves_no_record(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, ApproveCommand("p-1", "ann"))], duration_s=230).run()
    assert [reason.code for reason in answer(desk, 0).reasons] == ["not_waiting"]
    assert desk.records("command") == []


def test_a_replay_of_guardian_and_halt_gives_the_journal_again(tmp_path: Path) -> None:
    given = [
        (200, trade()),
        (300, HaltCommand("lunch", close=True)),
        (330, ResumeCommand("back")),
        (340, trade("b-000001")),
    ]
    desk = HandDesk(tmp_path, given, overrides=("risk.max_drawdown=0.00001",), duration_s=400).run()
    assert desk.records("guardian")
    replayed = asyncio.run(replay(desk.journal, data=None))
    assert replayed.records == len(desk.records())
