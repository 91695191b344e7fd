from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from made_desk import NOW, D, account, full_view, gate, proposal
from made_desk_life import Life, faults_of, lived
from made_execution import told
from made_memory_venue import SYMBOL, Connection, Weather

from chanflow.domain.errors import BooksDisagree, JournalUnwritable
from chanflow.domain.order import ApprovedOrder, OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.heartbeat import Heartbeat
from chanflow.execution.ports import Accepted, Capabilities, OrderRef, Outcome, VenueOrder
from chanflow.execution.running import Running

Act = Callable[[Running], Awaitable[Any]]


class Played(Life):
    """A life whose script is given: (after s, what to do)."""

    def __init__(self, *acts: tuple[float, Act], until_s: int = 60, **more: Any) -> None:
        super().__init__(until_s=until_s, **more)
        self.acts = acts

    @property
    def script(self) -> Any:
        return [*((after_s, act) for after_s, act in self.acts), (self.until_s, self._rest)]


async def enter(life: Life, desk: Running) -> None:
    await life._enter(desk)


def played(*acts: tuple[float, Act], **more: Any) -> Played:
    return lived(Played(*acts, **more))  # type: ignore[return-value]


def order(name: str, side: str = "buy", qty: str = "1", **changes: Any) -> VenueOrder:
    base = VenueOrder(name, SYMBOL, side, D(qty), False, D(90), None, None, "gtc")  # type: ignore[arg-type]
    return replace(base, **changes)


def found(life: Life) -> list[str]:
    """Return the kinds of differences that were found, in order."""
    return [text.split()[0] for body in life.journal.of("reconciliation") for text in body["findings"]]


def halfway() -> Played:
    """Return a desk that holds a position under its stop, stopped there in good order."""
    life = Played((0, lambda desk: enter(life, desk)), until_s=6)
    lived(life)
    return again(life)


def again(life: Played) -> Played:
    """Return the same, about to be started once more and left alone."""
    life.acts, life.step, life.until_s = (), 0, 30
    return life


# ── start: whatever differs is found, named, and dealt with ───────────────────


def foreign_order(life: Life) -> None:
    life.exchange.submit(order("theirs"))


def missing_order(life: Life) -> None:
    name = next(s.asked.client_order_id for s in life.exchange.living if s.asked.conditional == "take_profit_market")
    del life.exchange.orders[name]


def missing_fill(life: Life) -> None:
    life.exchange.slices = life.exchange.exit_slices = ((0, "1"),)
    target = next(s for s in life.exchange.living if s.asked.conditional == "take_profit_market")
    life.exchange.trade(target.asked.client_order_id)


def other_position(life: Life) -> None:
    life.exchange.holding.take(D(1), D(100))


def other_balance(life: Life) -> None:
    life.exchange.wallet += D("0.00000001")


def orphan_stop(life: Life) -> None:
    stops = [o for o in life.exchange.living if o.asked.conditional == "stop_market"]
    for standing in [s for s in life.exchange.living if s not in stops]:
        life.exchange.trade(standing.asked.client_order_id)


def lost_stop(life: Life) -> None:
    for standing in life.exchange.living:
        if standing.asked.conditional == "stop_market":
            life.exchange.cancel(OrderRef(SYMBOL, standing.asked.client_order_id))


def stale_cursor(life: Life) -> None:
    missing_fill(life)
    last = {"last_trade_id": {SYMBOL: life.exchange.fills[-1].trade_id}}
    cursor = next(line for line in reversed(life.journal.records) if line.kind == "fill_cursor")
    life.journal.append("fill_cursor", {**cursor.body, "fills": last})


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (stale_cursor, "stale_cursor"),
        (foreign_order, "foreign_order"), (missing_order, "missing_order"), (missing_fill, "missing_fill"),
        (orphan_stop, "orphan_stop"), (lost_stop, "unprotected"),
    ],
)  # fmt: skip
def test_what_differs_at_the_start_is_found_and_mended(change: Callable[[Life], None], finding: str) -> None:
    life = halfway()
    change(life)
    lived(life)
    assert finding in found(life)
    assert life.desk.router.blocked is None
    assert faults_of(life) == [] or change is foreign_order
    assert (change is foreign_order) == ("theirs" in life.desk.router.external)
    # Started again, there is nothing left to find.
    before = len(life.journal.of("reconciliation"))
    lived(again(life))
    left = [text for body in life.journal.of("reconciliation")[before:] for text in body["findings"]]
    assert [text.split()[0] for text in left] in ([], ["foreign_order"])


@pytest.mark.parametrize(("change", "finding"), [(other_position, "position"), (other_balance, "balance")])
def test_a_difference_nobody_can_explain_keeps_the_account_closed(change: Any, finding: str) -> None:
    life = halfway()
    change(life)
    with pytest.raises(BooksDisagree, match=f"5 comparisons with memory left: .*{finding}"):
        lived(life)
    assert life.desk.router.blocked is not None
    assert not life.desk.ready.is_set()


def test_a_difference_that_a_person_accepts_is_booked() -> None:
    life = halfway()
    other_balance(life)

    async def main() -> None:
        desk = life.start()
        running = asyncio.create_task(desk.run(accept_difference=True))
        await life.clock.run_until_idle(life.clock.now_ns() + 20 * NS_PER_S)
        assert desk.ready.is_set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert desk.router.ledger.wallet_quote == life.exchange.wallet

    asyncio.run(main())
    (booked,) = life.journal.of("adjustment")
    assert booked["amount_quote"] == "0.00000001"


def test_what_was_traded_before_the_first_start_is_not_booked() -> None:
    life = Played()
    standing = order("old", limit_price=None, time_in_force="ioc")
    life.exchange.submit(replace(standing, time_in_force="gtc"))
    life.exchange.trade("old")
    life.exchange.holding.take(D(-1), D(100))
    life.exchange.wallet = D(10_000)
    lived(life)
    assert [e.kind for e in life.desk.router.ledger.entries] == ["capital"]


def test_a_venue_that_never_answers_ends_the_start() -> None:
    life = Played(weather=Weather(busy_ns=(NOW, NOW + 3_600 * NS_PER_S)))
    with pytest.raises(BooksDisagree, match="was asked for its fills 5 times and never answered"):
        lived(life)


def test_a_failed_query_is_not_flat() -> None:
    life = halfway()
    life.weather.busy_ns = (life.clock.now_ns(), NOW + 3_600 * NS_PER_S)
    with pytest.raises(BooksDisagree, match="unanswered"):
        lived(life)
    assert life.desk.router.ledger.holdings[SYMBOL].qty_base > 0


def test_nothing_is_opened_before_the_comparison() -> None:
    life = Life()

    async def main() -> None:
        desk = life.start()
        assert (await desk.router.execute(_approval(life, desk))).detail.startswith("openings wait: ")

    asyncio.run(main())
    assert life.exchange.orders == {}


def _approval(life: Life, desk: Running) -> Any:
    now_ns = life.clock.now_ns()
    asked = proposal(proposal_id="another", valid_until_ns=now_ns + NS_PER_S)
    verdict = gate(venue="memory").judge(asked, account(as_of_ns=now_ns), full_view(D(100), now_ns), now_ns=now_ns)
    assert isinstance(verdict, ApprovedOrder)
    return verdict


# ── while it runs ─────────────────────────────────────────────────────────────


def test_a_difference_that_stands_twice_ends_openings_until_it_is_gone() -> None:
    seen: dict[str, str | None] = {}

    async def differ(desk: Running) -> None:
        life.exchange.wallet += D(1)

    async def look(name: str, desk: Running) -> None:
        seen[name] = desk.router.blocked

    async def heal(desk: Running) -> None:
        life.exchange.wallet -= D(1)
        desk._gap()

    life = Played(
        (1, differ), (35, lambda d: look("once", d)), (65, lambda d: look("twice", d)), (70, heal),
        (75, lambda d: look("healed", d)), until_s=90,
    )  # fmt: skip
    lived(life)
    assert (seen["once"], seen["healed"]) == (None, None)
    assert str(seen["twice"]).startswith("balance USDT: ours 10000, the venue's 10001")
    assert [kind for kind, _ in life.alerts] == ["books_disagree"]


def test_questions_keep_their_cadence() -> None:
    life = played(until_s=61)
    asked = life.trap.seen
    # Once at the start, then every 10 s; every 30 s; nothing is in flight, so no order is asked for.
    assert asked["after question open_orders"] == 1 + 6
    assert asked["after question positions"] == 1 + 2
    assert asked["after question order"] == 0


def test_an_hour_brings_a_full_comparison() -> None:
    life = played(until_s=3_601)
    assert life.trap.seen["after question positions"] == 1 + 120 + 1


def test_figures_are_compared_3_s_after_a_fill() -> None:
    life = Played((0, lambda d: enter(life, d)), until_s=8)
    lived(life)
    filled_ns = [f.event_ns for f in life.exchange.fills]
    cursors = [line.at for line in life.journal.records if line.kind == "fill_cursor"]
    assert len(cursors) == 2
    assert life.trap.seen["after question positions"] == 2
    assert filled_ns[-1] < NOW + 2 * NS_PER_S


@pytest.mark.parametrize("kind", ["gap", "liquidation", "account"])
def test_news_that_is_no_step_of_an_order_is_asked_about(kind: Any) -> None:
    async def tell(desk: Running) -> None:
        desk._take(told(kind, "", detail="x"))

    life = played((1, tell), until_s=8)
    assert life.trap.seen["after question positions"] == {"account": 2}.get(kind, 3)
    assert life.journal.of("anomaly") == []
    assert [r["kind"] for r in life.journal.of("risk_event")] == (
        ["venue_liquidation"] if kind == "liquidation" else []
    )


def test_a_broken_stream_is_made_good() -> None:
    life = lived(Life(weather=Weather(breaks_ns=(NOW + 30 * NS_PER_MS, NOW + 7 * NS_PER_S))))
    assert ("stream", "the user stream broke") in life.alerts
    assert faults_of(life) == []


def test_a_guardian_that_falls_silent_cancels_entries_and_keeps_stops_until_it_is_heard() -> None:
    async def rest(desk: Running) -> None:
        life.exchange.slices = ((30, "0.4"), (9_000_000, "0.6"))
        await enter(life, desk)

    async def denied(desk: Running) -> None:
        event = await desk.execute(_approval(life, desk))
        seen.append(event.detail)

    async def heard(desk: Running) -> None:
        assert desk.router.guardian is not None
        desk.router.guardian.last_ns = life.clock.now_ns()
        seen.append(str(desk.router.unwatched))

    seen: list[str] = []
    life = Watched((0, rest), (18, denied), (19, heard), until_s=25)
    lived(life)
    assert seen == ["openings are held (hold_risk): the guardian has not looked for 18 s, 15 s are allowed", "None"]
    entry = next(o for o in life.desk.router.orders.values() if o.leg == "entry")
    assert entry.state is OrderState.CANCELED
    assert [s.asked.conditional for s in life.exchange.living] == ["stop_market", "take_profit_market"]
    assert [r["mode"] for r in life.journal.of("mode")] == ["hold_risk", "active"]


class Watched(Played):
    """A guardian looked once, when the desk began."""

    def start(self) -> Running:
        desk = super().start()
        desk.router.guardian = Heartbeat(self.clock.now_ns())
        return desk


def test_a_monitor_that_falls_silent_holds_new_entries_and_cancels_none_until_it_is_heard() -> None:
    async def rest(desk: Running) -> None:
        life.exchange.slices = ((30, "0.4"), (9_000_000, "0.6"))
        await enter(life, desk)

    async def denied(desk: Running) -> None:
        seen.append((await desk.execute(_approval(life, desk))).detail)

    async def heard(desk: Running) -> None:
        assert desk.router.monitor is not None
        desk.router.monitor.last_ns = life.clock.now_ns()
        seen.append(str(desk.router.unwatched))

    seen: list[str] = []
    life = Monitored((0, rest), (18, denied), (19, heard), until_s=25)
    lived(life)
    assert seen == ["openings are held (hold_risk): the monitor has not looked for 18 s, 15 s are allowed", "None"]
    entry = next(o for o in life.desk.router.orders.values() if o.leg == "entry")
    assert entry.state is not OrderState.CANCELED
    assert [(r["mode"], r["cause"]) for r in life.journal.of("mode")][-1] == ("active", "the monitor looks again")
    assert [kind for kind, _ in life.alerts if kind == "monitor"] == ["monitor", "monitor"]


class Monitored(Played):
    """A monitor looked once, when the desk began."""

    def start(self) -> Running:
        desk = super().start()
        desk.router.monitor = Heartbeat(self.clock.now_ns(), "monitor")
        return desk


def test_a_journal_that_cannot_be_written_ends_it() -> None:
    async def spoil(desk: Running) -> None:
        def full(*_: Any, **__: Any) -> None:
            raise JournalUnwritable("the disk is full")

        desk.router._journal.append = full  # type: ignore[method-assign]
        desk._take(told("accepted", "x"))

    life = Played((1, spoil))
    with pytest.raises(JournalUnwritable):
        lived(life)


def test_it_stops_at_once_when_cancelled() -> None:
    life = Played(until_s=3)

    async def main() -> None:
        desk = life.start()
        running = asyncio.create_task(desk.run())
        await life.clock.run_until_idle(NOW + NS_PER_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        assert not desk.ready.is_set()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


# ── the dead-man switch ───────────────────────────────────────────────────────


@pytest.mark.parametrize("takes", ["none", "orders", "orders_and_stops"])
def test_the_dead_man_switch_never_takes_a_stop(takes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, int]] = []

    class Switched(Connection):
        capabilities: Capabilities = replace(Connection.capabilities, dead_man=takes)

        async def arm_dead_man(self, ttl_ms: int) -> Outcome:
            asked.append(((self._clock.now_ns() - NOW) / NS_PER_S, ttl_ms))
            return Accepted()

    monkeypatch.setattr("made_desk_life.Connection", Switched)
    life = Played((0, lambda desk: enter(life, desk)), slices=((25_000, "0.4"), (90_000, "0.6")), until_s=45)
    lived(life)
    ttls = [(round(at), ttl) for at, ttl in asked]
    assert ttls == {
        "none": [], "orders": [(0, 60_000), (20, 60_000), (40, 60_000)],
        "orders_and_stops": [(0, 60_000), (20, 60_000), (25, 0)],
    }[takes]  # fmt: skip
