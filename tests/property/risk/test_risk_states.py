"""The state machines of risk under any sequence: the ladder, the wall, equity's marks, room and approvals."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal
from made_execution import desk
from made_risk import breaches, made_case, made_nonsense, made_proposal, tried

from chanflow.domain.account import RestingOrder
from chanflow.domain.canonical import plain
from chanflow.domain.equity import EquityMarks
from chanflow.domain.order import ApprovedOrder, OrderState, Reason
from chanflow.domain.time import NS_PER_S
from chanflow.risk.ladder import (
    LADDER,
    LEVELS,
    NS_PER_DAY,
    Evidence,
    LadderState,
    Window,
    analyst_changed,
    apply,
    evaluate,
    lower,
    protect,
    review,
    start,
)
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallState, lift, watch
from chanflow.risk.record import read_ladder

LIMITS = Limits()
seeds = st.integers(0, 2**48).map(Random)

pytestmark = pytest.mark.timeout(3_600)  # for `make properties`, which tries each 10,000 times


def made_evidence(chance: Random) -> Evidence:
    def window() -> Window:
        rate = chance.choice([None, D(chance.randint(0, 100)) / 100, D("0.9"), D("0.9")])
        return Window(chance.choice([0, 4, 9, 60]), rate, chance.choice([D(-1), D(0), D(2), D(2)]))

    return Evidence(
        drawdown_frac=chance.choice([D(0), D(0), D("0.06"), D("0.09"), D("0.10"), D("0.5")]),
        day_loss_frac=chance.choice([D(0), D(0), D(0), D("0.04"), D("0.05")]),
        straight_losses=chance.choice([0, 0, 0, 2, 3, 5]), week=window(), month=window(),
        sharpe=chance.choice([None, D(1), D(3), D(3)]), consistency=chance.choice([None, D("0.5"), D("0.9"), D("0.9")]),
        green_days=chance.choice([0, 19, 20, 30]), forced_close=chance.random() < 0.02,
    )  # fmt: skip


@tried(400)
@given(seeds)
def test_8_and_9_the_ladder_moves_through_its_table_alone(chance: Random) -> None:
    now = NOW
    state = replace(start("paper", now), level=chance.choice(LEVELS))
    rises: list[int] = []
    for _ in range(40):
        now += chance.choice([1, NS_PER_DAY // 3, NS_PER_DAY, 31 * NS_PER_DAY])
        evidence, before = made_evidence(chance), state
        match chance.randrange(10):
            case 0:
                answer = review(state, evidence, LIMITS, who="a", note="n", now_ns=now)
                if not isinstance(answer, Reason):
                    assert before.level == "L0"
                    state, change = answer
                    assert (state.level, change.after) == ("L1", "L1")
                    rises.append(now // NS_PER_DAY)
                continue
            case 1:
                lowered = lower(state, chance.choice(LEVELS), who="a", now_ns=now)
                state = state if isinstance(lowered, Reason) else lowered[0]
                assert state.level <= before.level
                continue
            case 2:
                state, _ = analyst_changed(state, chance.choice(["x", "y"]), now)
                assert state.level <= before.level
                continue
            case 3:
                change = protect(state, evidence, LIMITS, now)
            case _:
                change = evaluate(state, evidence, LIMITS, now)
        state = state if change is None else apply(state, change)
        red = evidence.drawdown_frac >= D("0.10") or evidence.day_loss_frac >= D("0.05")
        if red or evidence.straight_losses >= 5 or evidence.forced_close:
            assert state.level == "L0"
        step = LEVELS.index(state.level) - LEVELS.index(before.level)
        assert step in (0, 1, -1) or state.level == "L0"
        if before.level == "L0":
            assert state.level == "L0"
        if step == 1:
            rises.append(now // NS_PER_DAY)
        assert read_ladder(plain(state), book="paper", now_ns=now) == (state, True)
    assert all(later > earlier for earlier, later in pairwise(rises))


@tried(400)
@given(seeds)
def test_11_the_wall_does_not_flap_on_any_path(chance: Random) -> None:
    state, now, changes = WallState(), NOW, []
    loss = D(0)
    for _ in range(chance.randint(1, 400)):
        now += chance.choice([1, 30, 30, 60, 61, 1_800, 40_000]) * NS_PER_S
        loss = chance.choice([loss, loss, D(0), D("0.015"), D("0.0151"), D("0.0299"), D("0.03"), D("0.049")])
        again = WallState(**{name: getattr(state, name) for name in WallState.__slots__})
        after, change = watch(state, loss, LIMITS, now, flat=chance.random() < 0.5)
        # A restart at any point: what was written down is all there is.
        assert watch(again, loss, LIMITS, now, flat=False)[0] == after
        state = after
        if change is not None:
            changes.append(now)
    assert all(later - earlier >= 30 * 60 * NS_PER_S for earlier, later in pairwise(changes))


@tried(200)
@given(seeds)
def test_11_a_standing_wall_is_lifted_by_nothing_but_its_three_ways(chance: Random) -> None:
    state, now = WallState(), NOW
    for _ in range(200):
        now += chance.choice([30, 60, 600, 20_000]) * NS_PER_S
        loss = chance.choice([D(0), D("0.01"), D("0.02"), D("0.03"), D("0.04")])
        before = state
        if chance.random() < 0.02 and state.standing:
            answer = lift(state, who="a", note="n", now_ns=now)
            assert not isinstance(answer, Reason)
            state = answer[0]
            continue
        state, change = watch(state, loss, LIMITS, now, flat=False)
        if before.standing and not state.standing:
            assert change is not None
            assert change.cause in ("recovered", "rollover")
            assert loss < D("0.03")


@tried(300)
@given(seeds)
def test_12_transfers_alone_move_neither_drawdown_nor_day_loss(chance: Random) -> None:
    equity, transfers, now = D(10_000), D(0), NOW
    marks = EquityMarks(equity, equity).read(equity, now)
    for _ in range(60):
        now += chance.choice([1, 3_600, 90_000]) * NS_PER_S
        high, start_quote = marks.high_water_quote, marks.day_start_quote
        drawdown = 1 - equity / high
        loss = (start_quote + transfers - equity) / start_quote
        if chance.random() < 0.4:
            moved = D(chance.randint(-500, 500))
            marks = marks.transferred(equity, equity + moved)
            equity, transfers = equity + moved, transfers + moved
            assert abs((1 - equity / marks.high_water_quote) - drawdown) < D("1E-20")
            assert abs((marks.day_start_quote + transfers - equity) / marks.day_start_quote - loss) < D("1E-20")
        else:
            equity = max(D(2_000), equity + D(chance.randint(-300, 300)))
            day = marks.day
            marks = marks.read(equity, now)
            transfers = transfers if marks.day == day else D(0)
            assert marks.high_water_quote >= high


@tried(200)
@given(seeds)
def test_10_any_number_of_approvals_at_once_stay_in_one_room(chance: Random) -> None:
    case = made_case(chance)
    before = replace(case.before, equity_quote=D(10_000), high_water_quote=D(10_000), opening_trades_today=0,
                     day_start_equity_quote=D(10_000))  # fmt: skip
    one, live = gate(level=chance.choice(LEVELS[1:])), []  # type: ignore[var-annotated]
    for _ in range(12):
        verdict = one.judge(made_proposal(chance), before, case.market, now_ns=NOW)
        if isinstance(verdict, ApprovedOrder):
            reserved = tuple(order for _, order in live)
            assert breaches(verdict, before, case.market, one.level, reserved) == []
            price = max(D(101) * case.market.mark / 100, verdict.terms.limit_price or D(0))  # type: ignore[operator]
            t = verdict.terms
            live.append((verdict.approved_id, RestingOrder(t.symbol, SIM.base, t.side, t.qty_base, price, t.leverage)))
        if live and chance.random() < 0.3:
            gone = live.pop(chance.randrange(len(live)))
            one.release(gone[0])
    cap = LADDER[one.level].opening_trades_per_day
    assert cap is None or len(live) <= cap + 1


@tried(200)
@given(seeds)
def test_10_each_trade_loses_at_most_three_percent_at_its_stop(chance: Random) -> None:
    case = made_case(chance)
    verdict = gate(level=case.level).judge(case.p, case.before, case.market, now_ns=NOW)
    if not isinstance(verdict, ApprovedOrder):
        return
    t, mark = verdict.terms, case.market.mark
    assert mark is not None
    assert t.stop_price is not None
    edge = D("1.01") if t.side == "buy" else D("0.99")
    worst = t.limit_price or mark * edge
    for share in (D(0), D("0.3"), D(1)):
        fill = worst + (t.stop_price - worst) * share * D("0.5")
        out = t.stop_price * (D("0.9995") if t.side == "buy" else D("1.0005"))
        lost = abs(fill - out) + (fill + out) * SIM.taker_fee_frac + fill * D("0.0005")
        assert t.qty_base * lost <= D("0.03") * case.before.equity_quote


@tried(150)
@given(seeds)
def test_7_an_approval_is_used_once_in_time_and_where_it_belongs(chance: Random) -> None:
    one = desk()
    account_name, venue = chance.choice(["paper", "other"]), chance.choice(["memory", "elsewhere"])
    verdict = gate(account=account_name, venue=venue).judge(
        proposal(proposal_id=f"p{chance.random()}"), account(), MARKET, now_ns=NOW
    )  # fmt: skip
    assert isinstance(verdict, ApprovedOrder)
    late = chance.choice([0, 5 * NS_PER_S, 5 * NS_PER_S + 1])
    one.clock.advance_to(NOW + late)
    clients = {one.send(verdict) for _ in range(chance.randint(1, 4))}
    assert len(clients) == 1
    right = late <= 5 * NS_PER_S and (account_name, venue) == ("paper", "memory")
    assert len(one.venue.sent) == (1 if right else 0)
    if right:
        order = one.venue.sent[0]
        assert (order.symbol, order.side, order.qty_base) == ("SIMUSDT", "buy", verdict.terms.qty_base)
    else:
        assert one.router.orders[clients.pop()].state is OrderState.DENIED


class Crash:
    """A market that falls, gaps and goes silent, and an account whose stops fill where the market is."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.price, self.equity, self.high, self.gaps = chance, D(100), D(10_000), D(10_000), D(0)
        self.open: list[tuple[Any, Any, Any, Any]] = []  # side, qty, entry, stop
        self.opened = 0

    def move(self) -> None:
        """Move the price, fill what it passes. What a stop loses beyond its price is the gap."""
        before = self.price
        self.price = max(D(1), (before * D(self.chance.choice([99, 98, 100, 101, 102, 90, 110])) / 100))
        left = []
        for side, qty, entry, stop in self.open:
            passed = self.price <= stop if side == "buy" else self.price >= stop
            if not passed:
                left.append((side, qty, entry, stop))
                continue
            sign = 1 if side == "buy" else -1
            self.gaps += qty * abs(stop - self.price)
            self.equity += sign * qty * (self.price - entry) - qty * (entry + self.price) * D("0.001")
        self.open = left
        self.high = max(self.high, self.marked)

    @property
    def marked(self) -> Any:
        return self.equity + sum((q if s == "buy" else -q) * (self.price - e) for s, q, e, _ in self.open)


@tried(40)
@given(seeds)
def test_13_a_hostile_model_loses_ten_percent_and_the_gaps_at_most(chance: Random) -> None:
    world, one = Crash(chance), gate(level="L5")
    ladder = LadderState("paper", "L5", NOW, NOW, NOW)
    for turn in range(150):
        net = sum((q if s == "buy" else -q) for s, q, _, _ in world.open)
        before = account(
            equity_quote=world.marked, high_water_quote=world.high, day_start_equity_quote=world.high,
            opening_trades_today=turn % 4,
            positions=() if net == 0 else (position(str(net), mark_price=world.price),),
        )  # fmt: skip
        fall = protect(ladder, Evidence(before.drawdown_frac, before.day_loss_frac), LIMITS, NOW)
        if fall is not None:
            # The guardian closes everything where the market is.
            ladder, one.level = apply(ladder, fall), "L0"
            world.equity, world.open = world.marked, []
        view = replace(
            MARKET, mark=world.price, mark_ns=NOW - chance.choice([0, 0, 10**10]),
            asks=((world.price, D(50)),), bids=((world.price, D(50)),),
        )  # fmt: skip
        wish = chance.choice([made_nonsense, made_proposal])(chance)
        stop, target = (_scaled(price, world.price) for price in (wish.stop_price, wish.take_profit_price))
        scaled = replace(wish, proposal_id=f"{turn}", entry_price=None, stop_price=stop, take_profit_price=target)
        verdict = one.judge(scaled, before, view, now_ns=NOW)
        if isinstance(verdict, ApprovedOrder):
            one.release(verdict.approved_id)
            if not verdict.terms.reduce_only:
                assert one.level != "L0"
                assert view.mark_ns == NOW
                t = verdict.terms
                world.open.append((t.side, t.qty_base, world.price, t.stop_price))
        world.move()
    # One more step of the market may come before the guardian looks, on the 30 % that may stand in one asset.
    step = D("0.10") * D("0.30") * world.high
    assert world.high - world.marked <= D("0.10") * world.high + world.gaps + step


def _scaled(price: Any, mark: Any) -> Any:
    if price is None or not price.is_finite() or abs(price.adjusted()) > 6:
        return price
    return SIM.nearest_price(price * mark / 100)
