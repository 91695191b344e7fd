"""What a journal's trades came to: of a real desk, and of records made for one fact each."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_commands import HandDesk, trade

from chanflow.domain.time import NS_PER_DAY, NS_PER_S, parse_rfc3339, rfc3339
from chanflow.review.daily import fold
from chanflow.review.daily_date import fold_of_date
from chanflow.review.journal import Record
from chanflow.review.returns import daily_returns
from chanflow.review.sharpe import sharpe
from chanflow.review.track import Track, TrackFold, Trip
from chanflow.review.track_figures import MAX_GROUPS, expectancy_bounds, figures, grown, sums_of

T0 = parse_rfc3339("2026-03-01T00:00:00Z")


def tracked(records: Iterable[Record]) -> Track:
    fold_ = TrackFold()
    for record in records:
        fold_.take(record.kind, record.at, record.body)
    return fold_.known()


def record(kind: str, body: Any, day: float = 0.0) -> Record:
    return Record(0, rfc3339(T0 + int(day * NS_PER_DAY)), kind, "", body, "", "")


def ledger(kind: str, amount: str, day: float = 0.0, symbol: str = "") -> Record:
    return record("ledger", {"kind": kind, "amount_quote": amount, "symbol": symbol}, day)


def mark(equity: float, day: float, price: float = 100.0) -> Record:
    return record("mark", {"equity_quote": str(equity), "price": str(price), "wallet_quote": "0"}, day)


def closed(net: str, day: float, *, position: str = "p1", symbol: str = "BTCUSDT", **more: Any) -> Record:
    body = {
        "position_id": position, "symbol": symbol, "closed_ns": T0 + int(day * NS_PER_DAY), "net_quote": net,
        "fees_quote": "2", "qty_base": "1", "entry_price": "1000", "external": False,
    } | more  # fmt: skip
    return record("trade_closed", body, day)


CAPITAL = ledger("capital", "1000")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    bought = trade(stop_price=Decimal("99.95"), take_profit_price=Decimal("100.08"))
    return HandDesk(tmp_path_factory.mktemp("run"), [(200.3, bought)], duration_s=800).run().records()


def test_a_desks_trade_has_all_its_costs(records: list[Record]) -> None:
    track, day = tracked(records), fold(records)
    (trip,) = track.trips
    assert trip.net == pytest.approx(float(day.trades[0].net_quote))
    assert trip.costs == pytest.approx(float(day.fees_quote + day.slippage_quote))
    assert trip.gross == pytest.approx(trip.net + trip.costs)
    assert trip.costs > 0
    assert (trip.symbol, track.seq, track.modelled) == (day.head["source"]["symbol"], len(records), False)
    found = figures(track, days=None, group_by="symbol")
    assert found.return_frac == pytest.approx(float(day.equity_quote / day.capital_quote) - 1)
    assert found.no_llm == found.return_frac
    assert found.max_drawdown_frac is not None
    assert 0 < found.max_drawdown_frac <= float(day.max_drawdown_frac), "the run looked between the marks, too"
    assert [(name, sums.n) for name, sums in found.groups] == [(trip.symbol, 1)]


def test_a_journal_that_grows_is_read_on(records: list[Record]) -> None:
    fold_ = TrackFold()
    for each in records[: len(records) // 2]:
        fold_.take(each.kind, each.at, each.body)
    assert fold_.known().seq == len(records) // 2
    for each in records[len(records) // 2 :]:
        fold_.take(each.kind, each.at, each.body)
    assert fold_.known() == tracked(records)


def test_a_journal_without_trades_has_nothing_to_say() -> None:
    found = figures(tracked([CAPITAL]), days=None, group_by="strategy")
    assert (found.sums.n, found.sums.hit_rate, found.sums.expectancy) == (0, None, None)
    assert (found.return_frac, found.sharpe, found.max_drawdown_frac, found.bounds) == (None, None, None, None)
    assert (found.groups, found.buy_hold, found.no_llm) == ((), None, None)


def test_funding_is_a_cost_of_the_trade_it_was_paid_for() -> None:
    paid = [ledger("funding", "-3", 0.1, "BTCUSDT"), ledger("funding", "1", 0.2, "BTCUSDT"),
            ledger("funding", "-9", 0.2, "ETHUSDT")]  # fmt: skip
    (trip,) = tracked([CAPITAL, *paid, closed("10", 0.3)]).trips
    assert (trip.net, trip.costs, trip.gross) == (8.0, 4.0, 12.0)


def test_what_was_not_the_desks_own_is_left_out() -> None:
    assert tracked([CAPITAL, closed("10", 1, external=True)]).trips == []


@pytest.mark.parametrize(
    ("ref", "told"),
    [("point:buy2s@30m@2026-01-01T00:00Z", "buy2"), ("ETHUSDT/point:sell3b-seg@5m@x", "sell3"),
     ("point:buy1p@30m@x", "buy1"), ("stroke@30m@x", "none"), ("point:odd@30m@x", "none")],
)  # fmt: skip
def test_a_trade_is_of_the_point_its_decision_rests_on(ref: str, told: str) -> None:
    evidence = [{"ref": "point:sell1@30m@x", "direction": "against"}, {"ref": ref, "direction": "for"}]
    decision = record("trade_proposal", {"decision_id": "d1", "strategy": "trend", "evidence": evidence, "meta": None})
    approval = record("approved_order", {"approved_id": "a1", "decision_id": "d1"})
    intent = record("order_intent", {"client_order_id": "c1", "approved_id": "a1", "leg": "entry", "position_id": "p1"})
    (trip,) = tracked([CAPITAL, decision, approval, intent, closed("1", 1)]).trips
    assert (trip.strategy, trip.point_type) == ("trend", told)


def test_a_window_ends_with_the_journal_and_begins_at_the_equity_then() -> None:
    told = [CAPITAL, mark(1100, 1, 50.0), closed("90", 1), mark(1210, 9.5, 60.0), closed("100", 9.5), mark(1155, 10)]
    found = figures(tracked(told), days=7, group_by="none")
    assert (found.sums.n, found.sums.net) == (1, 100.0)
    assert found.return_frac == pytest.approx(0.05)
    assert found.max_drawdown_frac == pytest.approx(1 - 1155 / 1210)
    assert found.buy_hold == pytest.approx(100 / 50 - 1 - 0.0012)
    whole = figures(tracked(told), days=None, group_by="none")
    assert (whole.sums.n, whole.return_frac) == (2, pytest.approx(0.155))


def test_money_brought_and_taken_is_no_gain() -> None:
    told = [CAPITAL, mark(1100, 1), ledger("transfer", "900", 1.5), mark(2200, 2), ledger("transfer", "-200", 2.5),
            mark(2000, 3)]  # fmt: skip
    assert grown(tracked(told), 0)[:, 1].tolist() == pytest.approx([1.0, 1.1, 1.21, 1.21])


def test_a_trade_that_came_to_nothing_is_neither_won_nor_lost() -> None:
    trips = [Trip(n, "A", "s", "none", net, 0.0, net, 1_000.0) for n, net in enumerate([5.0, -5.0, 5.0, 0.05, 0.0])]
    sums = sums_of(trips)
    assert (sums.n, sums.hit_rate, sums.expectancy) == (5, pytest.approx(2 / 3), pytest.approx(1.01))


def test_a_model_that_decided_leaves_the_rules_alone_unknown() -> None:
    body = {"decision_id": "d", "strategy": "s", "evidence": [], "meta": {"model": "m/x"}}
    found = figures(tracked([CAPITAL, record("trade_proposal", body), mark(1100, 1)]), days=None, group_by="none")
    assert (found.return_frac, found.no_llm) == (pytest.approx(0.1), None)


def test_the_ratio_is_that_of_the_daily_returns() -> None:
    chance = np.random.Generator(np.random.PCG64(5))
    equities = 1000 * np.cumprod(1 + chance.normal(0.001, 0.01, 40))
    told = [CAPITAL, *(mark(float(equity), day + 0.5) for day, equity in enumerate(equities))]
    found = figures(tracked(told), days=None, group_by="none")
    assert found.sharpe == pytest.approx(sharpe(daily_returns(told), days_per_year=365, seed=1).value)
    assert figures(tracked(told), days=7, group_by="none").sharpe is None


def test_the_interval_holds_the_mean_and_is_bounded_in_work() -> None:
    trips = [Trip(n, "A", "s", "none", float(n % 7), 0.0, float(n % 7), 100.0) for n in range(30_000)]
    bounds = expectancy_bounds(trips)
    assert bounds is not None
    assert bounds.low < sums_of(trips).expectancy < bounds.high  # type: ignore[operator]
    assert bounds.resamples == 666
    assert expectancy_bounds(trips[:1]) is None


def test_fifty_groups_are_told_those_that_came_to_most_first() -> None:
    trips = [Trip(1, f"S{n}", "s", "none", float(n), 0.0, float(n), 1.0) for n in range(80)]
    found = figures(Track(seq=1, known_ns=2, trips=trips), days=None, group_by="symbol")
    assert len(found.groups) == MAX_GROUPS
    assert [name for name, _ in found.groups[:2]] == ["S79", "S78"]


def test_a_day_of_a_longer_run_begins_with_the_equity_of_the_day_before() -> None:
    told = [CAPITAL, mark(1100, 0.5), mark(1200, 1.25), mark(1150, 1.5), mark(900, 2.5)]
    day = fold_of_date(told, "2026-03-02")
    assert day is not None
    assert (day.capital_quote, day.equity_quote, day.net_quote, day.finished) == (1100, 1150, 50, True)
    assert fold_of_date(told, "2026-03-09") is None


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 9), st.sampled_from("abc")), max_size=30),
    st.sampled_from([None, 7, 30]),
)  # fmt: skip
def test_gross_is_always_net_and_costs_and_groups_add_up(
    rows: list[tuple[float, float, str]], days: int | None
) -> None:
    trips = [
        Trip(T0 + n * NS_PER_DAY, name, "s", "none", net + costs, costs, net, 100.0)
        for n, (net, costs, name) in enumerate(rows)
    ]
    track = Track(seq=1, known_ns=T0 + len(rows) * NS_PER_DAY + NS_PER_S, trips=trips)
    found = figures(track, days=days, group_by="symbol")
    assert found.sums.gross == pytest.approx(found.sums.net + found.sums.costs)
    assert sum(sums.n for _, sums in found.groups) == found.sums.n
    assert sum(sums.net for _, sums in found.groups) == pytest.approx(found.sums.net)
    assert found.sums.n <= len(rows) if days is None else found.sums.n <= days + 1
