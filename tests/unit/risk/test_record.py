from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_desk import NOW, D

from chanflow.domain.canonical import plain
from chanflow.domain.time import NS_PER_DAY
from chanflow.risk.ladder import Evidence, LadderState
from chanflow.risk.record import ClosedTrade, DayReturn, Record, consistency, evidence_of, read_ladder, sharpe

TODAY = NOW // NS_PER_DAY
LONG_AGO = LadderState("paper", "L3", 0, 0, 0)


def trade(net: str, *, days_ago: float = 1, notional: str = "1000") -> ClosedTrade:
    return ClosedTrade(NOW - int(days_ago * NS_PER_DAY), D(net), D(notional))


def evidence(record: Record, state: LadderState = LONG_AGO, **changes: Any) -> Evidence:
    return evidence_of(record, state, drawdown_frac=D(0), day_loss_frac=D(0), now_ns=NOW, **changes)


@pytest.mark.parametrize(
    ("net", "outcome"),
    [("0.1", "win"), ("0.0999", "neutral"), ("-0.1", "loss"), ("-0.0999", "neutral"), ("0", "neutral")],
)
def test_less_than_a_basis_point_is_neither_win_nor_loss(net: str, outcome: str) -> None:
    assert trade(net).outcome == outcome


def test_a_trade_without_notional_or_result_is_neutral() -> None:
    assert trade("0", notional="0").outcome == "neutral"


def test_windows_hold_seven_and_thirty_days() -> None:
    record = Record((trade("1", days_ago=30), trade("5", days_ago=29), trade("-2", days_ago=7), trade("3", days_ago=6)))
    found = evidence(record)
    assert (found.week.trades, found.week.win_rate, found.week.expectancy_quote) == (1, 1, 3)
    assert (found.month.trades, found.month.expectancy_quote) == (3, 2)
    assert found.month.win_rate == Decimal(2) / 3


def test_neutral_trades_count_as_trades_and_not_as_wins_or_losses() -> None:
    found = evidence(Record((trade("0"), trade("0.01"), trade("1"))))
    assert (found.week.trades, found.week.win_rate) == (3, 1)
    assert evidence(Record((trade("0"),))).week.win_rate is None
    assert evidence(Record()).week.expectancy_quote is None


def test_straight_losses_pass_over_neutral_trades_and_end_with_a_win() -> None:
    assert evidence(Record((trade("1"), trade("-1"), trade("0"), trade("-1")))).straight_losses == 2
    assert evidence(Record((trade("-1"), trade("-1"), trade("1")))).straight_losses == 0


def test_a_review_begins_streaks_anew_and_a_new_analyst_the_record() -> None:
    record = Record((trade("-1", days_ago=3), trade("-1", days_ago=1)), (DayReturn(TODAY - 3, D(1)),))
    fresh = replace(LONG_AGO, streaks_since_ns=NOW - 2 * NS_PER_DAY)
    assert (evidence(record).straight_losses, evidence(record, fresh).straight_losses) == (2, 1)
    mine = replace(LONG_AGO, record_since_ns=NOW - 2 * NS_PER_DAY)
    assert (evidence(record, mine).week.trades, evidence(record, mine).straight_losses) == (1, 2)


def test_the_losing_streak_outlives_the_month() -> None:
    record = Record()
    for each in (*[trade("-1", days_ago=60)] * 12, trade("-1", days_ago=1)):
        record = record.with_trade(each)
    assert len(record.trades) == 11
    assert evidence(record).straight_losses == 11


def days(*returns: str, last: int = TODAY - 1) -> tuple[DayReturn, ...]:
    return tuple(DayReturn(last - len(returns) + 1 + at, D(r)) for at, r in enumerate(returns))


def test_green_days_are_counted_back_from_the_last_without_gap() -> None:
    assert evidence(Record(days=days("-1", "1", "1", "1"))).green_days == 3
    assert evidence(Record(days=days("1", "1", "0"))).green_days == 0
    gap = (*days("1", "1", last=TODAY - 5), *days("1"))
    assert evidence(Record(days=gap)).green_days == 1
    reviewed = replace(LONG_AGO, streaks_since_ns=(TODAY - 2) * NS_PER_DAY)
    assert evidence(Record(days=days("1", "1", "1", "1")), reviewed).green_days == 2


def test_thirty_days_are_kept() -> None:
    record = Record()
    for at in range(40):
        record = record.with_day(DayReturn(TODAY - 40 + at, D(at)))
    assert [d.day for d in record.days] == list(range(TODAY - 30, TODAY))


def test_sharpe_needs_twenty_days_that_vary() -> None:
    returns = [D("0.01"), D("0.02")] * 10
    # mean 0.015, deviation of the sample 0.005 * sqrt(20 / 19), times sqrt(365)
    assert float(sharpe(returns) or 0) == pytest.approx(3 * (0.95 * 365) ** 0.5, abs=1e-9)
    assert sharpe(returns[:19]) is None
    assert sharpe([D("0.01")] * 20) is None
    assert evidence(Record(days=days(*["0.01", "0.02"] * 10))).sharpe == sharpe(returns)


def test_days_before_the_record_and_beyond_the_month_do_not_count() -> None:
    many = days(*["0.01", "0.02"] * 15)
    assert evidence(Record(days=many)).sharpe is not None
    short = replace(LONG_AGO, record_since_ns=(TODAY - 19) * NS_PER_DAY + 1)
    assert evidence(Record(days=many), short).sharpe is None
    old = days(*["0.01", "0.02"] * 10, last=TODAY - 15)
    assert evidence(Record(days=old)).sharpe is None


def test_consistency_is_one_minus_the_deviation_of_daily_win_rates() -> None:
    steady = [trade("1", days_ago=1), trade("-1", days_ago=1), trade("1", days_ago=2), trade("-1", days_ago=2)]
    assert consistency(steady) == 1
    swinging = [trade("1", days_ago=1), trade("-1", days_ago=2)]
    # rates 1 and 0: deviation of the sample is sqrt(0.5)
    assert consistency(swinging) == pytest.approx(Decimal("0.292893"), abs=Decimal("0.000001"))
    assert consistency([trade("1"), trade("0", days_ago=2)]) is None
    assert consistency([]) is None


def test_the_state_survives_being_written_down() -> None:
    state = LadderState("live", "L2", 5, 6, 7, rose_day=3, review="Ada: fine", analyst_hash="ab")
    assert read_ladder(plain(state), book="live", now_ns=NOW) == (state, True)


@pytest.mark.parametrize(
    "change",
    [
        {"level": "L6"}, {"level": None}, {"book": "paper"}, {"since_ns": "5"}, {"since_ns": True}, {"since_ns": -1},
        {"since_ns": NOW + 1}, {"streaks_since_ns": None}, {"record_since_ns": 1.5}, {"rose_day": "x"}, {"review": 3},
        {"analyst_hash": 3},
    ],
)  # fmt: skip
def test_a_state_that_cannot_be_read_is_l0(change: dict[str, Any]) -> None:
    kept = {**plain(LadderState("live", "L2", 5, 6, 7)), **change}
    assert read_ladder(kept, book="live", now_ns=NOW) == (LadderState("live", "L0", NOW, NOW, NOW), False)


@pytest.mark.parametrize("name", ["level", "book", "since_ns", "rose_day", "review", "analyst_hash"])
def test_a_state_with_a_hole_is_l0(name: str) -> None:
    kept = plain(LadderState("live", "L2", 5, 6, 7))
    del kept[name]
    assert read_ladder(kept, book="live", now_ns=NOW)[1] is False
    assert read_ladder(None, book="live", now_ns=NOW)[0].level == "L0"  # type: ignore[arg-type]


def test_nobody_closed_by_force_unless_it_is_said() -> None:
    assert not evidence(Record()).forced_close
    assert evidence(Record(), forced_close=True).forced_close


def test_all_trades_of_a_month_are_kept_and_the_last_ten_of_any_age() -> None:
    busy = Record(tuple(trade("1", days_ago=29 - at) for at in range(20)))
    assert len(busy.with_trade(trade("1", days_ago=0)).trades) == 21
    old = Record((trade("-1", days_ago=60),))
    assert len(old.with_trade(trade("1", days_ago=0)).trades) == 2
    edge = Record((trade("1", days_ago=30), *(trade("1", days_ago=2) for _ in range(10))))
    assert len(edge.with_trade(trade("1", days_ago=0)).trades) == 11


def test_the_record_begins_and_ends_with_the_moment() -> None:
    since = NOW - 2 * NS_PER_DAY
    mine = replace(LONG_AGO, record_since_ns=since, streaks_since_ns=since)
    record = Record((trade("-1", days_ago=2), trade("-1", days_ago=0), trade("-1", days_ago=-1)))
    found = evidence(record, mine)
    assert (found.month.trades, found.straight_losses) == (2, 3)


@pytest.mark.parametrize(("first", "counted"), [(31, 19), (30, 20), (20, 20)])
def test_thirty_days_before_today_count(first: int, counted: int) -> None:
    twenty = days(*["0.01", "0.02"] * 10, last=TODAY - first + 19)
    assert (evidence(Record(days=twenty)).sharpe is not None) is (counted == 20)


def test_days_count_from_the_first_whole_one_of_the_record() -> None:
    many = days(*["0.01", "0.02"] * 10)
    whole = replace(LONG_AGO, record_since_ns=(TODAY - 20) * NS_PER_DAY)
    assert evidence(Record(days=many), whole).sharpe is not None
    assert evidence(Record(days=many), replace(whole, record_since_ns=whole.record_since_ns + 1)).sharpe is None


def test_as_many_wins_as_losses_are_a_rate_of_one_half() -> None:
    found = evidence(Record((trade("1"), trade("-1"))))
    assert (found.week.win_rate, found.straight_losses) == (D("0.5"), 1)


def test_a_day_is_a_utc_day_whatever_the_hour() -> None:
    noon = NOW - NOW % NS_PER_DAY
    spread = [ClosedTrade(noon - back, D(net), D(1_000)) for back, net in (
        (1, "1"), (NS_PER_DAY, "-1"), (NS_PER_DAY + 1, "1"), (2 * NS_PER_DAY, "-1"))]  # fmt: skip
    assert consistency(spread) == 1


def test_a_gap_in_the_days_ends_a_green_streak() -> None:
    assert evidence(Record(days=(*days("1", last=TODAY - 3), *days("-1", last=TODAY - 1)))).green_days == 0
    assert evidence(Record(days=(*days("1", last=TODAY - 3), *days("1", last=TODAY - 1)))).green_days == 1
    assert evidence(Record()).green_days == 0


def test_a_ladder_from_the_beginning_of_time_can_be_read() -> None:
    assert read_ladder(plain(LONG_AGO), book="paper", now_ns=NOW) == (LONG_AGO, True)
    now = LadderState("paper", "L3", NOW, NOW, NOW)
    assert read_ladder(plain(now), book="paper", now_ns=NOW) == (now, True)
