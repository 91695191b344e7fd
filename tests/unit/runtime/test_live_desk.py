"""A live desk: below L3 a trade waits for a person, and without its guardian nothing opens."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_desk import SIM
from made_live import SYMBOL, LiveLife, codes

from chanflow.domain.command import ApproveCommand, HaltCommand, LiftWallCommand, ResumeCommand, SetLevelCommand
from chanflow.domain.order import OrderState
from chanflow.execution.ports import VenuePosition
from chanflow.risk.guardian import GuardianAction, Look, look
from chanflow.risk.limits import Limits
from chanflow.runtime import risk_desk

D = Decimal


async def enter(life: LiveLife, number: int = 1) -> None:
    """Take a signal and let a person approve it."""
    await life.signal(number)
    [proposal_id] = life.waiting
    answer = await life.order(ApproveCommand(proposal_id, "ann"))
    assert (answer.reasons, answer.refused) == ((), None)
    await life.wait(2)


# ── approvals ─────────────────────────────────────────────────────────────────


def test_a_live_desk_begins_at_l1_and_its_first_trade_waits_for_a_person(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.signal(1)
        assert (life.level, len(life.waiting), life.entries) == ("L1", 1, [])
        [proposal_id] = life.waiting
        assert await life.order(ApproveCommand(proposal_id, "ann"))
        await life.wait(2)
        [entry] = life.entries
        assert entry.state is OrderState.FILLED
        assert life.waiting == []

    life.live(script)
    [told] = [r.body for r in life.records("alert") if "waits for a person" in r.body["title"]]
    assert "chanflow approve" in told["body"]
    assert [r.body["level"] for r in life.records("ladder")] == ["L1"]
    assert life.records("refusal") == []
    kinds = [r.kind for r in life.records()]
    assert kinds.index("approval_wanted") < kinds.index("command") < kinds.index("approval_ended")
    assert kinds.index("approval_ended") < kinds.index("approved_order") < kinds.index("order_intent")


def test_what_nobody_approves_within_120_seconds_is_refused(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.signal(1)
        [proposal_id] = life.waiting
        await life.wait(119)
        assert life.waiting == [proposal_id]
        await life.wait(3)
        answer = await life.order(ApproveCommand(proposal_id, "ann"))
        assert [reason.code for reason in answer.reasons] == ["not_waiting"]

    life.live(script)
    [refusal] = life.records("refusal")
    assert codes(refusal) == ["approval_expired"]
    assert life.entries == []


def test_what_a_person_denies_is_refused(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.signal(1)
        await life.order(ApproveCommand(life.waiting[0], "ann", deny=True))

    life.live(script)
    assert [codes(r) for r in life.records("refusal")] == [["approval_denied"]]
    assert life.entries == []


def test_what_is_approved_is_judged_anew_on_the_market_as_it_is_then(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.signal(1)
        life.exchange.move(D(103))
        answer = await life.order(ApproveCommand(life.waiting[0], "ann"))
        assert answer.refused is not None
        assert "price_collar" in {reason.code for reason in answer.refused.reasons}

    life.live(script)
    assert life.entries == []


def test_a_proposal_waits_on_over_a_restart_and_no_longer_than_its_time(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def first() -> None:
        await life.signal(1)

    async def second() -> None:
        [proposal_id] = life.waiting
        await life.order(ApproveCommand(proposal_id, "ann"))
        await life.wait(2)
        assert len(life.entries) == 1

    life.live(first).live(second)
    assert life.unfinished == []
    late = LiveLife(tmp_path / "late")
    late.base.mkdir()

    async def ask() -> None:
        await late.signal(1)

    async def wait() -> None:
        await late.wait(130)

    late.live(ask).live(wait)
    assert [codes(r) for r in late.records("refusal")] == [["approval_expired"]]


# ── the guardian ──────────────────────────────────────────────────────────────


def test_without_its_guardian_no_opening_leaves_and_reducing_orders_do(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await enter(life)
        life.desk.risk.steps.suppose("L3")
        life.guardian.cancel()
        await life.wait(17)
        sent = len(life.entries)
        await life.signal(2, "strong_sell")
        await life.signal(3)
        assert len(life.entries) == sent == 1
        # The gate refuses; what was approved before would be denied by the router itself.
        assert life.running.router.unwatched is not None
        [held] = life.running.router.snapshot().positions
        life.exchange.move(held.stop_price)
        await life.wait(2)
        assert life.running.router.snapshot().positions == ()

    life.live(script)
    modes = [r.body["mode"] for r in life.records("mode")]
    assert modes == ["hold_risk"]
    [told] = [r.body for r in life.records("alert") if r.body["dedupe_key"] == "account:guardian"]
    assert (told["severity"], "has not looked for" in told["body"]) == ("critical", True)


def test_the_router_itself_denies_an_opening_once_the_guardian_is_silent(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        life.desk.risk.steps.suppose("L3")
        life.guardian.cancel()
        await life.wait(17)
        life.desk._heed_guardian = lambda: None  # the gate does not know, and approves
        await life.signal(1)

    life.live(script)
    [denied] = life.records("order_denied")
    assert "openings are held (hold_risk): the guardian has not looked for" in denied.body["why"]
    assert life.entries == []


def test_without_its_monitor_no_opening_leaves_until_it_looks_again(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def stuck(_: list[str]) -> list[Any]:
        await asked.wait()
        return []

    async def script() -> None:
        life.desk.risk.steps.suppose("L3")
        quotes, life.market.quotes_of = life.market.quotes_of, stuck  # type: ignore[method-assign]
        await life.wait(20)
        await life.signal(1)
        assert life.entries == []
        life.market.quotes_of = quotes  # type: ignore[method-assign]
        asked.set()
        await life.wait(5)
        await life.signal(2)
        await life.wait(1)
        assert len(life.entries) == 1

    asked = asyncio.Event()
    life.live(script)
    modes = [(r.body["mode"], r.body["cause"]) for r in life.records("mode") if "monitor" in r.body["cause"]]
    assert [mode for mode, _ in modes] == ["hold_risk", "active"]
    [refusal] = life.records("refusal")
    assert "the monitor has not looked for" in refusal.body["reasons"][0]["message"]
    told = {r.body["dedupe_key"] for r in life.records("alert")}
    assert "account:monitor" in told


def test_a_guardian_that_fails_is_told_of_at_once(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        async def fail(*_: object, **__: object) -> None:
            raise RuntimeError

        life.desk.risk.look = fail  # type: ignore[method-assign]
        await life.wait(3)

    life.live(script)
    assert any("its task ended (RuntimeError)" in note for note in life.notes)


def test_a_drawdown_at_its_limit_closes_everything_and_halts(tmp_path: Path) -> None:
    life = LiveLife(tmp_path, limits=Limits(max_drawdown_frac=D("0.0005")))

    async def script() -> None:
        await enter(life)
        life.exchange.move(D("99.2"))
        await life.wait(6)

    life.live(script)
    assert (life.exchange.holding.qty_base, life.level) == (0, "L0")
    [halt] = life.records("halt")
    assert halt.body["state"]["causes"][0]["kind"] == "guardian"
    [fall] = [r.body for r in life.records("ladder") if r.body["change"]]
    assert (fall["change"]["cause"], fall["evidence"]["drawdown_frac"] >= "0.0005") == ("drawdown", True)
    [told] = [r.body for r in life.records("alert") if r.body["dedupe_key"] == "alert:drawdown"]
    assert told["title"] == "Drawdown at its limit: everything is closed and the desk is halted"
    assert ", the limit is 0.0005" in told["body"]


def test_the_worse_of_what_ledger_and_venue_say_counts(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await enter(life)
        told, really = life.running._venue.positions, D(1000)

        async def more() -> list[VenuePosition]:
            return [VenuePosition(p.symbol, really, p.average_price, p.mark_price) for p in await told()]

        life.running._venue.positions = more  # type: ignore[method-assign]
        await life.wait(3)

    life.live(script)
    closing = [a for r in life.records("guardian") for a in r.body["actions"] if a["kind"] == "close"]
    assert closing[0]["cause"] == "margin_ratio"
    assert D(closing[0]["qty_base"]) > life.exchange.fills[0].qty_base
    assert (life.exchange.holding.qty_base, life.level) == (0, "L0")


def test_a_closing_in_part_leaves_the_rest_under_its_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    life = LiveLife(tmp_path)
    asked: list[Decimal] = []

    def half(*args: Any, **more: Any) -> Look:
        found = look(*args, **more)
        positions = args[0].positions
        if asked or not positions:
            return found
        asked.append(positions[0].qty_base / 2)
        close = GuardianAction(
            "close", f"close:{SYMBOL}:0", "margin_ratio", "too thin", SYMBOL, asked[0], "sell", "ioc"
        )
        return found._replace(actions=(*found.actions, close))

    async def script() -> None:
        await enter(life)
        await life.wait(8)
        [held] = life.running.router.snapshot().positions
        assert held.protected
        assert asked[0] - SIM.step <= held.qty_base <= asked[0] + SIM.step

    monkeypatch.setattr(risk_desk, "look", half)
    life.live(script)
    stops = [s for s in life.exchange.living if s.asked.conditional == "stop_market"]
    assert sum(s.leaves_base for s in stops) == life.exchange.holding.qty_base > 0
    assert life.records("ladder")[-1].body["change"]["cause"] == "forced_close"


def test_a_day_loss_at_its_limit_closes_where_the_settings_say_so(tmp_path: Path) -> None:
    for closes, left in (("false", True), ("true", False)):
        life = LiveLife(tmp_path / closes, overrides=(f"risk.daily_loss_closes={closes}",))
        life.base.mkdir()
        life.limits = Limits(max_day_loss_frac=D("0.0005"))

        async def script(life: LiveLife = life) -> None:
            await enter(life)
            life.exchange.move(D("99.2"))
            await life.wait(6)

        life.live(script)
        assert (life.exchange.holding.qty_base > 0, life.level) == (left, "L0")


def test_a_venue_that_does_not_answer_holds_openings_and_its_answers_end_that(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        now_ns = life.clock.now_ns()
        life.weather.busy_ns = now_ns, now_ns + 20 * 10**9
        await life.wait(17)
        assert life.desk._gate.state.mode.mode == "hold_data"
        await life.wait(15)
        assert life.desk._gate.state.mode.mode == "active"

    life.live(script)


# ── a restart ─────────────────────────────────────────────────────────────────


def test_a_restart_stands_where_the_desk_stood(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)
    stood: list[object] = []

    def standing() -> tuple[object, ...]:
        desk, books = life.desk, life.running.router.books
        state = desk._gate.state
        return (
            desk.risk.ladder, desk.risk.steps.record, desk.risk.steps.evaluated_day, replace_seen(state.wall),
            state.halt, books.equity_marks.high_water_quote, books.equity_marks.day_start_quote,
        )  # fmt: skip

    async def first() -> None:
        await life.wait(400)  # past 00:05 UTC, where the ladder is evaluated
        await enter(life)
        life.exchange.move(D("101.5"))
        await life.wait(4)
        life.exchange.move(D("98.9"))
        await life.wait(4)
        assert life.running.router.snapshot().positions == ()
        await life.order(SetLevelCommand("L0", "ann", ""))
        await life.order(SetLevelCommand("L1", "ann", "looked at it"))
        await life.order(HaltCommand("lunch"))
        await life.wait(65)
        stood.append(standing())

    async def second() -> None:
        assert standing() == stood[0]

    life.live(first).live(second)
    assert life.running.router.halted == "command: lunch"


def replace_seen(wall: object) -> tuple[object, ...]:
    return tuple(getattr(wall, name) for name in ("standing", "day", "changed_ns", "raised_day", "waived"))


def test_a_ladder_that_cannot_be_read_is_at_l0_and_said(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.wait(1)

    life.live(script)
    from contextlib import closing

    from chanflow.review.journal import JournalWriter

    with closing(JournalWriter.after(life.path, life.records())) as journal:
        journal.use_clock(life.clock)
        journal.append("ladder", {"level": "L4", "cause": "somebody else wrote this"}, durable=True)
    life.live(script)
    assert life.level == "L0"
    assert life.desk.unread is not None
    assert life.records("ladder")[-1].body["change"]["cause"] == "unreadable"
    life.live(script)
    assert (life.level, life.desk.unread) == ("L0", None)


def test_a_loss_that_the_last_process_did_not_judge_is_judged_at_the_restart(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def lose() -> None:
        for number in range(1, 6):
            life.desk.risk.steps.suppose("L5")
            await life.signal(number)
            await life.wait(2)
            life.exchange.move(D("98.9"))
            await life.wait(4)
            life.exchange.move(D(100))
            await life.wait(1)

    life.live(lose, longest_s=600)
    trades = life.records("trade_closed")
    assert len(trades) == 5
    cut = trades[-1]
    assert life.records("ladder")[-1].body["change"]["cause"] == "straight_losses"
    lines = life.path.read_bytes().splitlines(keepends=True)
    life.path.write_bytes(b"".join(lines[: cut.seq + 1]))

    async def rest() -> None:
        await life.wait(1)

    life.live(rest)
    assert life.records("ladder")[-1].body["change"]["cause"] == "straight_losses"
    assert life.level == "L0"


# ── what people order ─────────────────────────────────────────────────────────


def test_a_halt_refuses_openings_and_a_note_ends_it(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.order(HaltCommand("lunch"))
        await life.signal(1)
        assert life.waiting == []
        assert (await life.order(ResumeCommand("back"))).reasons == ()
        await life.signal(2)
        assert len(life.waiting) == 1

    life.live(script)
    assert "halt" in codes(life.records("refusal")[0])


def test_the_halt_file_halts_before_an_opening_leaves(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.signal(1)
        life.sentinel = "fire\n"
        await life.order(ApproveCommand(life.waiting[0], "ann"))
        assert life.entries == []
        answer = await life.order(ResumeCommand("back"))
        assert [reason.code for reason in answer.reasons] == ["sentinel"]

    life.live(script)
    [halt] = life.records("halt")
    assert halt.body["state"]["causes"] == [
        {"kind": "file", "reason": "fire", "at_ns": halt.body["state"]["causes"][0]["at_ns"]}
    ]


@pytest.mark.parametrize(("price", "code"), [("100", "wall_down"), ("80", "daily_loss")])
def test_an_operator_lifts_a_wall_that_stands_below_the_hard_limit(tmp_path: Path, price: str, code: str) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        life.running.router.ledger.book_adjustment(life.clock.now_ns(), "x", D(-10) * (100 - D(price)) * D("2.6"))
        life.running.router.mark(SYMBOL, D(100))
        await life.wait(2)
        answer = await life.order(LiftWallCommand("ann", "looked at it"))
        assert [reason.code for reason in answer.reasons] == [code]

    life.live(script)


def test_a_lifted_wall_lets_openings_on_and_stands_in_the_journal(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        life.running.router.ledger.book_adjustment(life.clock.now_ns(), "x", D(-350))
        await life.wait(2)
        await life.signal(1)
        assert (await life.order(LiftWallCommand("ann", ""))).reasons[0].code == "note_missing"
        assert (await life.order(LiftWallCommand("ann", "looked at it"))).reasons == ()
        await life.signal(2)
        assert len(life.waiting) == 1

    life.live(script)
    assert codes(life.records("refusal")[0]) == ["approval_needed", "loss_wall"]
    steps = [r.body["change"] for r in life.records("loss_wall")]
    assert [(s["standing"], s["cause"]) for s in steps] == [(True, "loss"), (False, "operator")]
    titles = [r.body["title"] for r in life.records("alert")]
    assert "The loss wall stands: nothing is opened" in titles
