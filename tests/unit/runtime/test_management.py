"""Positions are managed through gate, approval and venue: a part leaves, the stop tightens, and the journal tells it.

The analyst is a script: whenever a trigger of a position wakes it, it gives the next answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_commands import HandDesk, Killed, trade
from made_live import LiveLife
from made_paper import Paper
from made_signals import setup_line

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.domain.command import ApproveCommand
from chanflow.domain.opinion import Changes, TakeProfit, TradeProposal
from chanflow.domain.time import NS_PER_S
from chanflow.domain.trigger import TimeAt, Trigger
from chanflow.review.daily import fold
from chanflow.review.explain import explain
from chanflow.review.orders import OrdersFold
from chanflow.runtime import broker_desk, live_desk, pipeline
from chanflow.runtime.run import replay

D = Decimal
Answer = Callable[[Briefing], dict[str, Any]]
AGAIN_S = 20


def less(share: str) -> Answer:
    """Let a share of the position leave."""
    return lambda b: {"action": "reduce", "changes": Changes(size_quote=b.position.notional_quote * D(share))}  # type: ignore[union-attr]


def stop_at(part: str, *, target: str | None = None) -> Answer:
    """Move the stop so far from where it stands towards the mark, and the target with it where one is given."""

    def changes(b: Briefing) -> dict[str, Any]:
        held = b.position
        assert held is not None
        assert held.stop_price is not None
        price = b.instrument.nearest_price(held.stop_price + (held.mark_price - held.stop_price) * D(part))
        targets = () if target is None else (TakeProfit(D(target), D(1)),)
        return {"action": "adjust", "changes": Changes(price, targets)}

    return changes


def target_at(price: str) -> Answer:
    """Move the target alone."""
    return lambda _: {"action": "adjust", "changes": Changes(take_profits=(TakeProfit(D(price), D(1)),))}


class Scripted:
    """Answers as the rules do, until a position is managed; then by its script, and asks to be woken again."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._left = list(answers)

    def __call__(self, briefing: Briefing) -> TradeProposal:
        told = propose(briefing)
        if briefing.trigger_kind is None or briefing.position is None:
            return told
        if not self._left:
            return replace(told, action="hold")
        at_ns = briefing.as_of_ns + AGAIN_S * NS_PER_S
        again = Trigger(f"again-{len(self._left)}", "time_at", TimeAt(at_ns), at_ns + NS_PER_S, "look again")
        return replace(
            told, kind="management", position_id=briefing.position.position_id, triggers=(again,), side=None,
            size_quote=None, **self._left.pop(0)(briefing),
        )  # fmt: skip


class Managed(HandDesk):
    """A paper desk that bought by hand, and whose analyst is woken after a minute."""

    def run(self) -> Managed:
        super().run()
        return self

    @property
    def stop(self) -> Any:
        return next(o for o in self.router.orders.values() if o.leg == "stop")


def managed(folder: Path, patch: pytest.MonkeyPatch, *answers: Answer, **more: Any) -> Managed:
    patch.setattr(pipeline, "propose", Scripted(answers))
    return Managed(folder, [(200.3, trade(size_quote=D(900)))], overrides=("execution.max_hold_s=60",),
                   **{"duration_s": 420, **more})  # fmt: skip


def held(desk: Managed) -> Any:
    [position] = desk.router.snapshot().positions
    return position


# ── the paper desk ────────────────────────────────────────────────────────────


def test_a_part_leaves_and_the_rest_keeps_its_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = managed(tmp_path, monkeypatch, less("0.25")).run()
    bought, left = (sum(Decimal(r.body["qty_base"]) for r in desk.records("fill") if r.body["side"] == side)
                    for side in ("buy", "sell"))  # fmt: skip
    assert 0 < left <= bought / 4
    assert held(desk).qty_base == bought - left
    assert held(desk).protected
    assert desk.stop.leaves_base >= bought - left
    kinds = [r.kind for r in desk.records()]
    assert kinds.index("re_analysis_trigger") < kinds.index("approved_order", kinds.index("re_analysis_trigger"))
    assert desk.records("refusal") == []


def test_the_stop_then_takes_the_rest_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = managed(tmp_path, monkeypatch, less("0.25"), stop_at("0.994"), duration_s=1_200).run()
    [closed] = desk.records("trade_closed")
    assert closed.body["exit_leg"] == "stop"
    assert desk.router.snapshot().positions == ()
    fills = [r.body for r in desk.records("fill")]
    assert sum(D(f["qty_base"]) * (1 if f["side"] == "buy" else -1) for f in fills) == 0
    assert [o for o in desk.router.living() if o.leg != "entry"] == []
    assert asyncio.run(desk.router._venue.positions())[0].qty_base == 0


def test_a_stop_tightens_by_an_approval_and_the_books_and_orders_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = managed(tmp_path, monkeypatch, stop_at("0.3", target="109.00")).run()
    moved = desk.records("protection_moved")[0].body
    assert (moved["how"], moved["denied"]) == ("amend", "")
    assert D(moved["stop_price"]) > D("95.00")
    assert (held(desk).stop_price, held(desk).take_profit_price) == (D(moved["stop_price"]), D("109.00"))
    assert desk.stop.trigger_price == D(moved["stop_price"])
    shown = OrdersFold()
    for record in desk.records():
        shown.take(record.kind, record.at, record.correlation_id, record.body)
    prices = {o.leg: (o.stop_price, o.take_profit_price) for o in shown.views()}
    assert prices["stop"][0] == D(moved["stop_price"])
    assert prices["take_profit"][1] == D("109.00")
    venue = asyncio.run(desk.router._venue.open_orders())
    assert {o.trigger_price for o in venue} == {D(moved["stop_price"]), D("109.00")}


def test_a_stop_that_would_loosen_is_refused_with_value_and_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = managed(tmp_path, monkeypatch, stop_at("-0.5")).run()
    [refusal] = desk.records("refusal")
    assert [r["code"] for r in refusal.body["reasons"]] == ["stop_tightens"]
    assert "would not risk less than the one at 95" in refusal.body["reasons"][0]["message"]
    assert held(desk).stop_price == D("95.00")
    assert desk.records("protection_moved") == []


ANSWERS = (less("0.3"), stop_at("0.3"), stop_at("-1"), target_at("108.00"), less("0.5"), stop_at("0.2"))


def test_triggers_of_an_answer_replace_those_that_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = managed(tmp_path, monkeypatch, less("0.3"), stop_at("0.3"), target_at("108.00")).run()
    woken = [r.body["trigger_id"] for r in desk.records("re_analysis_trigger")]
    assert woken[1:] == ["again-3", "again-2", "again-1"]
    assert len({r.body["stop"] for r in desk.records("register_triggers")}) == 1


def test_management_under_a_halt_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = managed(tmp_path, monkeypatch, less("0.3"), stop_at("0.3"))
    real = pipeline.Pipeline._execute

    async def halt_after_the_entry(self: Any, message: Any, delivery: Any) -> None:
        await real(self, message, delivery)
        await self.risk.halt("command", "a test", close=False)

    monkeypatch.setattr(pipeline.Pipeline, "_execute", halt_after_the_entry)
    desk.run()
    assert desk.records("halt")
    assert len(desk.records("protection_moved")) == 1
    assert desk.records("refusal") == []
    assert len(desk.records("approved_order")) == 3


def test_a_managed_run_replays_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = managed(tmp_path, monkeypatch, *ANSWERS).run()
    assert [r.body["action"] for r in desk.records("trade_proposal")].count("reduce") >= 1
    monkeypatch.setattr(pipeline, "propose", Scripted(ANSWERS))
    assert asyncio.run(replay(desk.journal, data=None)).records == len(desk.records())


@pytest.mark.slow
def test_killed_while_it_manages_it_goes_on_to_the_same_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = (less("0.3"), stop_at("0.3"))
    uncut = managed(tmp_path / "uncut", monkeypatch, *answers)
    uncut.folder.mkdir()
    records = uncut.run().records()
    first = next(i for i, r in enumerate(records) if r.kind == "re_analysis_trigger")
    last = max(i for i, r in enumerate(records) if r.kind in ("protection_moved", "amend_outcome"))
    for cut in range(first, last + 2, 3):
        desk = managed(tmp_path / str(cut), monkeypatch, *answers, kill_after=cut)
        desk.folder.mkdir()
        with pytest.raises(Killed):
            desk.run()
        desk.kill_after = None
        monkeypatch.setattr(pipeline, "propose", Scripted(answers))
        assert desk.run().journal.read_bytes() == uncut.journal.read_bytes(), cut


def test_explain_and_the_day_tell_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = managed(tmp_path, monkeypatch, less("0.25"), stop_at("0.3")).run()
    records = desk.records()
    by_action = {r.body["action"]: r.body["decision_id"] for r in desk.records("trade_proposal")}
    part = [link.text for link in explain(records, by_action["reduce"])]
    assert any("quote are to leave position-" in text for text in part)
    assert any(text.startswith("approved: reducing sell") for text in part)
    tight = {link.kind: link.text for link in explain(records, by_action["adjust"])}
    assert "stop to " in tight["trade_proposal"]
    assert "the venue is asked to amend what stands" in tight["protection_moved"]
    assert "trigger_price" in tight["amend_intent"]
    position = next(r.body["position_id"] for r in desk.records("order_intent"))
    assert "protection_moved" in {link.kind for link in explain(records, position)}
    assert dict(fold(records).managed) == {"parts closed": 1, "stops tightened": 1}


# ── the desks of signals ──────────────────────────────────────────────────────


def test_a_live_desk_manages_without_a_persons_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life = LiveLife(tmp_path, overrides=("execution.max_hold_s=20",))
    monkeypatch.setattr(live_desk, "propose", Scripted((less("0.5"), stop_at("0.4"))))

    async def script() -> None:
        await life.signal(1)
        [proposal_id] = life.waiting
        await life.order(ApproveCommand(proposal_id, "ann"))
        await life.wait(2)
        [before] = life.running.router.snapshot().positions
        await life.wait(30)
        [after] = life.running.router.snapshot().positions
        assert 0 < after.qty_base <= before.qty_base / 2 + life.market.instruments[after.symbol].step
        await life.wait(30)
        [tight] = life.running.router.snapshot().positions
        assert tight.stop_price > before.stop_price
        assert life.waiting == []

    life.live(script)
    stops = [s for s in life.exchange.living if s.asked.conditional == "stop_market"]
    [moved] = life.records("protection_moved")
    assert (moved.body["how"], moved.body["denied"]) == ("replace", "")
    assert sum(s.leaves_base for s in stops) == life.exchange.holding.qty_base > 0
    assert {s.asked.trigger_price for s in stops} == {D(moved.body["stop_price"])}
    assert life.records("refusal") == []


def test_a_broker_manages_too_and_replays_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = (less("0.5"), stop_at("0.4"), stop_at("-0.4"))
    monkeypatch.setattr(broker_desk, "propose", Scripted(answers))
    prices = ["50000", "50010", "50020", "50030"]
    paper = Paper(tmp_path, [setup_line(n, price=price, stop="49500") for n, price in enumerate(prices)])
    broker = paper.run("execution.max_hold_s=60")
    sold = [D(r.body["qty_base"]) for r in paper.records("fill") if r.body["side"] == "sell"]
    [moved] = [r.body for r in paper.records("protection_moved")]
    assert len(sold) == 1
    assert (moved["how"], moved["denied"]) == ("amend", "")
    assert D(moved["stop_price"]) > D("49500")
    assert "stop_tightens" in {reason["code"] for r in paper.records("refusal") for reason in r.body["reasons"]}
    standing = paper.journal.read_bytes()
    monkeypatch.setattr(broker_desk, "propose", Scripted(answers))
    again = paper.run("execution.max_hold_s=60")
    assert (paper.journal.read_bytes(), again.tally) == (standing, broker.tally)
