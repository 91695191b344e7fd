from __future__ import annotations

from decimal import Decimal

import pytest
from made_desk import NOW, D
from made_desk_life import Life, Trap, faults_of, lived
from made_memory_venue import SYMBOL, Connection, Exchange, Weather

from chanflow.domain.order import OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution import protection
from chanflow.execution.lifecycle import Order
from chanflow.execution.ports import Action, VenueRefused
from chanflow.execution.protection import Held, bare_base, cover, refused_in_a_row

LONG = Held(SYMBOL, "entry", "sell", D(10), D(99), D(102))


def stop(name: str, qty: str, state: OrderState = OrderState.ACCEPTED, *, at: str = "99", side: str = "sell") -> Order:
    return Order(name, SYMBOL, side, "stop", D(qty), True, "a", "p", state=state, trigger_price=D(at))  # type: ignore[arg-type]


def names(orders: tuple[Order, ...]) -> list[str]:
    return [o.client_order_id for o in orders]


# ── what covers ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("stops", "kept", "extra", "missing"),
    [
        ([], [], [], "10"),
        ([stop("a", "10")], ["a"], [], "0"),
        ([stop("a", "4"), stop("b", "6")], ["a", "b"], [], "0"),
        ([stop("a", "4")], ["a"], [], "6"),
        ([stop("a", "12")], [], ["a"], "10"),
        ([stop("a", "8"), stop("b", "4")], ["a"], ["b"], "2"),
        ([stop("a", "10", at="98")], [], ["a"], "10"),
        ([stop("a", "10", side="buy")], [], ["a"], "10"),
        ([stop("a", "10", OrderState.PENDING_CANCEL)], [], ["a"], "10"),
        ([stop("a", "10", OrderState.UNKNOWN), stop("b", "10")], ["b"], ["a"], "0"),
        ([stop("a", "10", OrderState.UNKNOWN)], ["a"], [], "0"),
    ],
)
def test_stops_cover_no_more_than_is_held(stops: list[Order], kept: list[str], extra: list[str], missing: str) -> None:
    found = cover(stops, LONG, LONG.stop_price)
    assert (names(found.kept), names(found.extra), found.missing_base) == (kept, extra, D(missing))


@pytest.mark.parametrize(
    ("state", "acknowledged", "sure"),
    [
        (OrderState.ACCEPTED, False, True), (OrderState.TRIGGERED, False, True), (OrderState.SUBMITTED, True, True),
        (OrderState.SUBMITTED, False, False), (OrderState.UNKNOWN, False, False), (OrderState.UNKNOWN, True, False),
    ],
)  # fmt: skip
def test_only_what_the_venue_has_answered_for_is_sure(state: OrderState, acknowledged: bool, sure: bool) -> None:
    placed = stop("a", "10", state)
    placed.acknowledged = acknowledged
    assert cover([placed], LONG, LONG.stop_price).sure is sure
    assert bare_base([placed], LONG) == (0 if sure else 10)


def test_a_stop_at_another_trigger_protects_as_long_as_it_stands() -> None:
    assert bare_base([stop("a", "10", at="98")], LONG) == 0


def test_refusals_count_since_the_last_stop_that_stood() -> None:
    lost, stood = stop("a", "1", OrderState.REJECTED), stop("b", "1")
    assert refused_in_a_row([lost, lost]) == [lost, lost]
    assert refused_in_a_row([lost, stood, lost]) == [lost]
    assert refused_in_a_row([lost, stop("c", "1", OrderState.SUBMITTED), lost]) == [lost, lost]


# ── a desk at a venue ─────────────────────────────────────────────────────────


def placed(life: Life, leg: str) -> list[tuple[int, Decimal]]:
    """Return when, in ms after the start, and for how much orders of a leg stood at the venue."""
    return [
        ((line.body["event_ns"] - NOW) // NS_PER_MS, D(line.body["leaves_base"]))
        for line in life.journal.records
        if line.kind == "venue_event" and line.body["kind"] == "accepted"
        and life.desk.router.orders[line.body["client_order_id"]].leg == leg
    ]  # fmt: skip


def test_the_stop_stands_within_500_ms_of_the_first_fill_and_follows_the_others() -> None:
    life = lived(Life())
    fills = [(f.event_ns - NOW) // NS_PER_MS for f in life.exchange.fills if f.side == "buy"]
    stops = placed(life, "stop")[:3]
    assert [qty for _, qty in stops] == [f.qty_base for f in life.exchange.fills if f.side == "buy"]
    assert all(0 <= at - filled < 500 for (at, _), filled in zip(stops, fills, strict=True))
    assert all(b - a < 500 * NS_PER_MS for a, b in life.exchange.bare)


def test_a_moved_stop_stands_before_the_old_ones_go() -> None:
    life = lived(Life(ending="target"))
    moved = next(at for at, qty in placed(life, "stop")[3:])
    assert moved > 4_000
    assert not [a for a, _ in life.exchange.bare if a > NOW + 2 * NS_PER_S]
    stops = [o for o in life.desk.router.orders.values() if o.leg == "stop"]
    assert [o.trigger_price for o in stops[:4]] == [D(99), D(99), D(99), D("99.5")]


@pytest.mark.parametrize(
    ("ending", "fills", "goes"), [("stop", "stop", "take_profit"), ("target", "take_profit", "stop")]
)
def test_one_exit_fills_and_its_partner_is_cancelled(ending: str, fills: str, goes: str) -> None:
    life = lived(Life(ending=ending))  # type: ignore[arg-type]
    legs = {leg: {str(o.state) for o in life.desk.router.orders.values() if o.leg == leg} for leg in (fills, goes)}
    assert "filled" in legs[fills]
    assert legs[goes] == {"canceled"}
    assert life.exchange.living == []


def closes(life: Life) -> list[str]:
    return [line["cause"] for line in life.journal.of("risk_event") if line["kind"] == "force_close"]


def test_a_stop_refused_thrice_closes_the_position() -> None:
    life = Life()
    life.exchange.refuse_stops = 99
    lived(life)
    assert closes(life) == ["its stop was refused 3 times"]
    assert (life.exchange.holding.qty_base, faults_of(life)) == (0, [])


def test_two_refusals_are_tried_again() -> None:
    life = Life()
    life.exchange.refuse_stops = 2
    lived(life)
    assert (closes(life), faults_of(life)) == ([], [])


def test_a_stop_that_would_go_off_at_once_closes_the_position() -> None:
    life = Life(weather=Weather(refused={2: VenueRefused(-2021, "Order would immediately trigger.", Action.REPLAN)}))
    lived(life)
    (cause,) = closes(life)
    assert cause == "the venue refuses its stop as the market stands: Order would immediately trigger."
    assert max(b - a for a, b in life.exchange.bare) < 2 * NS_PER_S
    assert life.exchange.holding.qty_base == 0


def test_a_position_whose_stop_never_arrives_is_gone_before_5_s() -> None:
    life = lived(Life(weather=Weather(lost_stops=True)))
    (cause,) = closes(life)
    assert cause.startswith("no stop covers it for 4000 ms, 5000")
    assert faults_of(life) == []


def test_closing_is_repeated_until_the_venue_has_no_position() -> None:
    life = Life(weather=Weather(lost_commands=frozenset(range(2, 16))))
    lived(life)
    exits = [o for o in life.desk.router.orders.values() if o.leg == "exit"]
    assert len(exits) > 1
    assert life.exchange.holding.qty_base == 0


def test_a_venue_that_attaches_stops_gets_none_of_ours() -> None:
    class Attaching(Connection):
        capabilities = protection.Capabilities(
            **{
                f: getattr(Connection.capabilities, f)
                for f in Connection.capabilities.__slots__
                if f != "attached_stops"
            },
            attached_stops=True,
        )

    life = Life()
    journal, venue = life.journal, Attaching(life.exchange)
    life.exchange = Exchange(life.clock)
    guard = protection.Protection(life.restored(journal, venue).router, venue.capabilities, journal, life.clock)
    assert guard.act() == []
    assert (guard._stops, guard._targets) == (False, False)


def test_what_is_left_open_of_an_entry_goes_when_its_position_is_closed() -> None:
    life = Life(slices=((30, "0.4"), (20_000, "0.6")))
    life.exchange.exit_slices = ((0, "1"),)
    lived(life)
    (entry,) = [o for o in life.desk.router.orders.values() if o.leg == "entry"]
    assert (entry.state, len(entry.fills)) == (OrderState.CANCELED, 1)
    assert faults_of(life) == []


# ── the oracle is not blind ───────────────────────────────────────────────────


def test_the_oracle_sees_a_naked_position(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection.Protection, "act", lambda self: [])
    assert any(fault.startswith("naked") for fault in faults_of(lived(Life())))


def test_a_kill_is_a_kill() -> None:
    life = lived(Life(trap=Trap("after submit entry")))
    assert len(life.alive) == 2
    assert faults_of(life) == []
