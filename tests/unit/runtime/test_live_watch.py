"""What a desk at a venue remembers of its triggers, told by the journal of the process before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from made_desk import MARKET, NOW, D, account, gate, position
from made_watch import trigger

from chanflow.domain.canonical import plain
from chanflow.domain.equity import EquityMarks
from chanflow.domain.order import ApprovedOrder, OrderEvent, OrderState
from chanflow.market.quotes import Quote
from chanflow.monitor.watch import Fired
from chanflow.risk.market_view import MarketView
from chanflow.runtime.live_desk import LOOK_NS, LiveDesk
from chanflow.runtime.settings import load_settings

SYMBOL = "SIMUSDT"
FIRED = Fired(
    "position-1", SYMBOL, "t1", "data_stale", "silent", "11000", "10000", NOW, late=False, snapshot_ref="market"
)
REGISTERED = {
    "position_id": "position-1", "symbol": SYMBOL, "side": "long", "entry": D(100), "size": D(10), "stop": D(98),
    "opened_ns": NOW, "decision_id": "d1", "triggers": (trigger("price_cross", D(103), "up", name="up"),),
}  # fmt: skip
OPEN = account(positions=(position(),))


@dataclass
class Records:
    """A journal in memory."""

    rows: list[tuple[str, Any]] = field(default_factory=list)

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        self.rows.append((kind, plain(body)))

    def listen(self, listener: Any) -> None:
        """Nobody orders by hand here."""

    def of(self, kind: str) -> list[Any]:
        return [body for name, body in self.rows if name == kind]


class Looks:
    """A clock that lets a desk look so often, and then cancels it."""

    def __init__(self, looks: int) -> None:
        self._left, self._now = looks, NOW

    def now_ns(self) -> int:
        return self._now

    def monotonic_ns(self) -> int:
        return self._now

    async def sleep_until(self, at_ns: int) -> None:
        if self._left == 0:
            raise asyncio.CancelledError
        self._left, self._now = self._left - 1, at_ns


class Market:
    """Quotes by look; None where the venue does not answer."""

    def __init__(self, clock: Looks, marks: list[str | None]) -> None:
        self._clock, self._marks = clock, marks

    def view(self, quote: Quote) -> MarketView:
        return replace(MARKET, mark=None, mark_ns=None)

    async def quotes_of(self, symbols: list[str]) -> list[Quote]:
        mark = self._marks.pop(0)
        if mark is None:
            return []
        side = ((D(mark), D(5)),)
        now_ns = self._clock.now_ns()
        return [Quote(SYMBOL, D(mark), now_ns, side, side, now_ns, D(0), now_ns, 8 * 3_600 * 10**9)]


async def _rejected(approved: ApprovedOrder) -> OrderEvent:
    return OrderEvent("o1", SYMBOL, "exit", OrderState.REJECTED, D(0), D(0), NOW)


async def _untold(topic: str, payload: Any, *, correlation: str) -> None:
    del topic, payload, correlation


def lived(before: list[tuple[str, Any]], *marks: str | None, held: str | None = "position-1") -> Records:
    """Return what a desk writes that starts after `before` and looks at these marks."""
    clock, journal = Looks(len(marks)), Records()
    router = SimpleNamespace(
        snapshot=lambda: OPEN if held else account(), mark=lambda symbol, price: None, orders={},
        ledger=SimpleNamespace(position_id=lambda symbol: held), unwatched=None, halted=None,
        books=SimpleNamespace(equity_marks=EquityMarks(D(100), D(100))),
    )  # fmt: skip
    running: Any = SimpleNamespace(router=router, execute=_rejected, send=None)
    market: Any = Market(clock, list(marks))
    settings = load_settings(config=None, overrides=(), environ={}).settings
    desk = LiveDesk(
        settings, market=market, gate=gate(), journal=cast("Any", journal), clock=clock, publish=_untold
    )  # fmt: skip
    told: list[Any] = [SimpleNamespace(kind=kind, body=plain(body), at="") for kind, body in before]
    desk.start(running, cast("Any", None), told)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(desk.look_on())
    return journal


WAS_TOLD = [("register_triggers", REGISTERED), ("re_analysis_trigger", FIRED)]


def test_a_trigger_that_fired_is_asked_about_by_the_next_process_once() -> None:
    journal = lived(WAS_TOLD, "101", "101")
    assert [body["trigger_id"] for body in journal.of("decision_started")] == ["t1"]
    assert journal.of("trigger_done") == [{"position_id": "position-1", "trigger_id": "t1"}]
    assert lived([*WAS_TOLD, *journal.rows], "101").of("decision_started") == []


def test_it_is_owed_until_there_is_a_quote() -> None:
    journal = lived(WAS_TOLD, None, None, "101")
    assert [kind for kind, _ in journal.rows if kind in ("decision_started", "trigger_done")] == [
        "decision_started", "trigger_done",
    ]  # fmt: skip
    assert lived(WAS_TOLD, None).of("decision_started") == []


def test_nothing_is_owed_for_a_position_that_is_gone() -> None:
    journal = lived(WAS_TOLD, "101", held=None)
    assert journal.of("decision_started") == []


def test_one_whose_decision_became_an_order_is_owed_no_more() -> None:
    started = lived(WAS_TOLD, "101").of("decision_started")[0]
    decided = {"proposal_id": "p9", "decision_id": started["decision_id"], "action": "close"}
    before = [*WAS_TOLD, ("trade_proposal", decided), ("order_intent", {"proposal_id": "p9"})]
    assert lived(before, "101").of("decision_started") == []
    assert lived([*WAS_TOLD, ("refusal", decided)], "101").of("decision_started") == []
    assert lived([*WAS_TOLD, ("trade_proposal", decided)], "101").of("decision_started") != []


@pytest.mark.parametrize(
    ("seen", "mark", "fires"), [("102", "104", True), ("104", "105", False), ("102", "102", False)]
)
def test_a_crossing_between_two_processes_is_told_late(seen: str, mark: str, fires: bool) -> None:
    last = account(positions=(position(mark_price=D(seen)),))
    [*told] = lived([("register_triggers", REGISTERED), ("account", last)], mark).of("re_analysis_trigger")
    assert [(body["trigger_id"], body["late"]) for body in told] == ([("up", True)] if fires else [])


def test_a_mark_that_stops_coming_makes_the_data_stale_and_the_guardian_hears_of_it() -> None:
    stale = {**REGISTERED, "triggers": (trigger("data_stale", 10_000, name="stale"),)}
    looks = 10_000 * 10**6 // LOOK_NS + 2
    journal = lived([("register_triggers", stale)], "101", *[None] * looks)
    assert [body["trigger_id"] for body in journal.of("re_analysis_trigger")] == ["stale"]
    assert [(body["kind"], body["cause"]) for body in journal.of("risk_event")] == [("safety_trigger", "data_stale")]


def test_a_disarmed_position_stays_silent() -> None:
    before = [("register_triggers", REGISTERED), ("triggers_disarmed", {"position_id": "position-1"})]
    assert lived(before, "102", "104").of("re_analysis_trigger") == []
