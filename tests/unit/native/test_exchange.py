"""The simulated exchange and the runs over columns, through the compiled module."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from chanflow_native import SimulatedExchange, feed_known_ns, run_bars, run_ticks
from numpy.typing import NDArray

NANO = 10**9
HOLD = np.iinfo(np.int64).min

Ints = NDArray[np.int64]


def ticks(*rows: tuple[int, int, int, int]) -> tuple[Ints, NDArray[np.uint8], Ints, Ints]:
    """Return rows of time, kind, price, quantity as columns."""
    table = np.array(rows, dtype=np.int64)
    return (
        np.ascontiguousarray(table[:, 0]),
        table[:, 1].astype(np.uint8),
        np.ascontiguousarray(table[:, 2]),
        np.ascontiguousarray(table[:, 3]),
    )


def exchange(**settings: Any) -> SimulatedExchange:
    """Return an exchange without latency whose book is 99 x 10 | 101 x 10, in whole units."""
    venue = SimulatedExchange(
        order_latency=0, response_latency=0, price_decimals=0, qty_decimals=0, min_notional=0, **settings
    )
    venue.push_ticks(*ticks((1, 1, 99, 10), (2, 2, 101, 10)))
    return venue


def kinds(events: list[Any]) -> list[tuple[int, str, str]]:
    return [(event[2], event[3], event[4]) for event in events]


def test_two_accounts_trade_on_one_book() -> None:
    venue = exchange(fees=[(0, 100_000, 400_000)])
    venue.submit(2, 1, "m", "sell", "limit", 4, price=100)
    venue.submit(2, 2, "t", "buy", "limit", 4, price=100)
    events = venue.advance(3)
    assert kinds(events) == [(1, "m", "accepted"), (2, "t", "accepted"), (1, "m", "fill"), (2, "t", "fill")]
    assert [event[6] for event in events[2:]] == [
        (1, 100, 4, True, 400 * 100_000, 0),
        (2, 100, 4, False, 400 * 400_000, 0),
    ]
    assert venue.accounts() == [1, 2]
    assert (venue.account(1)["position"], venue.account(2)["position"]) == (-4, 4)
    assert venue.imbalance() == (0, 0)


def test_orders_are_told_while_they_live() -> None:
    venue = exchange(queue="power 3")
    venue.submit(2, 7, "a", "buy", "limit", 5, price=99, tif="gtd", until_ns=50)
    venue.submit(2, 7, "s", "sell", "trailing", 5, callback_bps=100, trigger_on="last")
    venue.advance(3)
    assert venue.order(7, "a") == (7, 1, "a", "buy", "limit", 5, 5, 99, None, "accepted", "resting", 10)
    assert [order[2] for order in venue.open_orders(7)] == ["a", "s"]
    assert venue.amend(3, 7, "a", qty=3) is None
    assert kinds(venue.advance(4)) == [(7, "a", "amended")]
    assert kinds(venue.advance(60)) == [(7, "a", "expired")]
    venue.cancel_all(60, 7)
    assert kinds(venue.advance(61)) == [(7, "s", "canceled")]


def test_margin_funding_and_liquidation_are_events() -> None:
    venue = exchange(brackets=[(1_000_000, 50, 10_000_000)], liquidation_fee_ppb=5_000_000)
    venue.deposit(0, 60 * NANO)
    assert venue.set_leverage(0, 25) is None
    venue.submit(2, 0, "a", "buy", "market", 10)
    venue.advance(3)
    assert venue.set_margin_mode(0, "isolated") == (-4048, "the margin mode stays while the position is 10")
    assert [event[8] for event in venue.set_mark(4, 100)] == []
    assert [event[8] for event in venue.fund(5, 1_000_000)] == [(1_000_000, 0, -NANO)]
    events = venue.set_mark(6, 95)
    assert kinds(events) == [(0, "", "liquidated"), (0, "", "insurance")]
    assert venue.account(0)["position"] == 0
    assert venue.account(0)["wallet_nano"] == 0
    assert venue.insurance_nano == sum(event[8][2] for event in events)
    assert venue.imbalance() == (0, 0)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"order_latency": -1}, "order_latency is -1 ns"),
        ({"response_latency": (5, 11.0)}, "response_latency is"),
        ({"order_latency": []}, "order_latency is a table"),
        ({"queue": "power x"}, "queue is"),
        ({"brackets": []}, "no margin bracket"),
        ({"fees": [(0, 0, 2 * NANO)]}, "taker_ppb is 2000000000"),
    ],
)
def test_settings_out_of_bounds_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SimulatedExchange(**settings)


def test_terms_that_do_not_belong_together_are_named() -> None:
    with pytest.raises(ValueError, match="kind is"):
        exchange().submit(2, 0, "a", "buy", "stop_limit", 1, price=5)
    with pytest.raises(ValueError, match="gtd with until_ns"):
        exchange().submit(2, 0, "a", "buy", "limit", 1, price=5, tif="gtd")


def test_wrong_ticks_are_named_by_their_row() -> None:
    with pytest.raises(ValueError, match="kind of row 1 is 9"):
        exchange().push_ticks(*ticks((5, 1, 99, 1), (6, 9, 99, 1)))
    with pytest.raises(ValueError, match="event_ns falls after row 0"):
        exchange().push_ticks(*ticks((6, 1, 99, 1), (5, 1, 99, 1)))


def test_a_script_is_played_beside_its_feed() -> None:
    feed = ticks((10, 1, 99, 10), (20, 4, 99, 8), (30, 4, 99, 9), (40, 1, 99, 1))
    asks = (np.array([5, 35]), np.array([1, 1]), np.array([99, 0]), np.array([5, 0]))
    events = run_ticks(exchange(), *feed, *asks)
    assert [(event[0], event[4]) for event in events] == [(5, "accepted"), (30, "fill"), (35, "cancel_rejected")]


def test_the_feed_is_known_behind_its_latency_in_order() -> None:
    sent = np.arange(0, 1_000, 10)
    known = feed_known_ns(sent, (100, 0.8), 4)
    assert np.all(known >= sent)
    assert np.all(np.diff(known) >= 0)
    assert np.array_equal(known, feed_known_ns(sent, (100, 0.8), 4))


def test_bars_earn_what_plain_numpy_says() -> None:
    chance = np.random.default_rng(3)
    close = 10_000 + np.cumsum(chance.integers(-9, 10, 5_000))
    opened = np.concatenate([close[:1], close[:-1]]) + chance.integers(-2, 3, 5_000)
    high, low = np.maximum(opened, close) + 3, np.minimum(opened, close) - 3
    wanted = chance.integers(-3, 4, 5_000) * 10
    done = run_bars(opened, high, low, close, wanted, taker_ppb=400_000, deposit_nano=NANO, with_equity=True)
    held = np.concatenate([[0], wanted[:-1]])
    traded = np.diff(held, prepend=0)
    cash = NANO + np.cumsum(-traded * opened * NANO - np.abs(traded) * opened * 400_000)
    assert done["wallet_nano"] - done["cost_nano"] == cash[-1]
    np.testing.assert_allclose(done["equity_nano"], cash + held * close * float(NANO), rtol=1e-12)
    assert done["fill_qty"].tolist() == traded[traded != 0].tolist()


def test_bars_stop_in_the_bar_and_do_not_enter_again() -> None:
    column = np.full(4, 100)
    low = np.array([100, 100, 90, 100])
    done = run_bars(column, column, low, column, np.array([5, 5, 5, HOLD]), stop=np.array([95, 0, 0, 0]))
    assert done["fill_bar"].tolist() == [1, 2]
    assert (done["fill_price"].tolist(), done["fill_cause"].tolist()) == ([100, 95], [0, 2])
    assert (done["position"], done["orders"], done["ended"]) == (0, 2, (2, 0, 0, 0))


def test_wrong_bars_and_rules_are_named() -> None:
    good = np.full(2, 100)
    with pytest.raises(ValueError, match="bar 1 has open 100, high 100, low 101"):
        run_bars(good, good, np.array([100, 101]), good, good)
    with pytest.raises(ValueError, match='there is no rule "fees"'):
        run_bars(good, good, good, good, good, fees=1)
    with pytest.raises(ValueError, match="position of bar 0 is 150"):
        run_bars(good, good, good, good, np.array([150, 0]), market="a_share")
