"""The compiled synthetic market and simulated venue, as Python sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from chanflow_native import BarBuilder, EventBatch, FlowEngine, RowCollector, SimulatedVenue, SyntheticMarket

NS_PER_S = 1_000_000_000
START_NS = 1_767_571_200 * NS_PER_S
MS_PER_MIN = 60_000
COLUMNS = ("ts_ms", "known_ns", "kind", "price", "qty", "bid", "ask", "seq_last")


def minutes(seed: int, count: int) -> EventBatch:
    return SyntheticMarket(seed, START_NS).advance(START_NS + count * 60 * NS_PER_S)


def rows(batch: EventBatch) -> dict[str, Any]:
    collector = RowCollector(batch.price_decimals, batch.qty_decimals)
    collector.push(batch)
    return collector.take()


def open_venue(seed: int = 1, **settings: Any) -> tuple[SimulatedVenue, SyntheticMarket, int]:
    market = SyntheticMarket(seed, START_NS)
    venue = SimulatedVenue(**settings)
    now_ns = START_NS + 60 * NS_PER_S
    assert venue.push(market.advance(now_ns)) == []
    return venue, market, now_ns


def kinds(events: list[Any]) -> list[tuple[str, str]]:
    return [(event[2], event[3]) for event in events]


def test_a_seed_gives_one_stream_however_time_is_cut() -> None:
    market = SyntheticMarket(7, START_NS)
    collector = RowCollector(market.price_decimals, market.qty_decimals)
    events = 0
    for second in range(1, 601):
        part = market.advance(START_NS + second * NS_PER_S)
        assert part.last_event_ns is None or part.last_event_ns < START_NS + second * NS_PER_S
        events += len(part)
        collector.push(part)
    whole, cut = rows(minutes(7, 10)), collector.take()
    assert events == len(minutes(7, 10))
    assert all(np.array_equal(whole[name], cut[name], equal_nan=True) for name in COLUMNS)
    assert not np.array_equal(whole["known_ns"], rows(minutes(8, 10))["known_ns"])


def test_the_feature_engine_finds_the_feed_without_a_fault() -> None:
    batch = minutes(3, 60)
    engine = FlowEngine(batch.price_decimals, batch.qty_decimals)
    engine.push(batch)
    engine.finish()
    stats = engine.stats()
    assert stats["syncs"] == 1
    assert stats["synced"]
    assert (stats["gaps"], stats["crossed"], stats["trade_gaps"], stats["repeated_quotes"], stats["late"]) == (0,) * 5
    assert stats["book_checks"] > 10_000
    assert stats["book_matches"] == stats["book_checks"]


def test_an_hour_of_the_market_makes_an_hour_of_bars() -> None:
    batch = minutes(5, 60)
    bars = BarBuilder(MS_PER_MIN, batch.price_decimals, batch.qty_decimals)
    closed = bars.push(batch)
    assert len(closed) == 59
    assert all(low <= min(open_, close) and high >= max(open_, close) for _, open_, high, low, close, *_ in closed)
    assert bars.late == 0


def test_a_protected_entry_is_filled_and_its_exits_follow() -> None:
    venue, market, now_ns = open_venue()
    bid, ask = venue.best()
    assert bid is not None
    assert ask is not None
    answer = venue.submit(
        now_ns, "q1", "buy", "market", 2_000, stop_trigger=bid - 500, take_profit_trigger=ask + 500
    )  # fmt: skip
    assert answer is None
    assert venue.next_wake_ns == now_ns + 2_000_001
    events = venue.push(market.advance(now_ns + NS_PER_S))
    assert kinds(events)[:4] == [("q1", "accepted"), ("q1", "fill"), ("q1-sl", "accepted"), ("q1-tp", "accepted")]
    venue_ns, known_ns, _, _, leaves, fill, reject = events[1]
    assert (venue_ns, known_ns) == (now_ns + 2_000_000, now_ns + 4_000_000)
    assert fill is not None
    assert (fill[0], fill[1] >= ask, fill[2], fill[3]) == (1, True, 2_000 - leaves, False)
    assert reject is None
    assert venue.position() == 2_000
    assert venue.open_orders() == [
        ("q1-sl", "sell", "stop_market", 2_000, 2_000, None, bid - 500, "armed"),
        ("q1-tp", "sell", "take_profit_market", 2_000, 2_000, None, ask + 500, "armed"),
    ]


def test_closing_the_position_ends_its_exits() -> None:
    venue, market, now_ns = open_venue()
    bid, _ = venue.best()
    assert bid is not None
    venue.submit(now_ns, "q1", "buy", "market", 1_000, stop_trigger=bid - 500)
    venue.push(market.advance(now_ns + NS_PER_S))
    venue.submit(now_ns + NS_PER_S, "q2", "sell", "market", 1_000, reduce_only=True)
    told = kinds(venue.advance(now_ns + 2 * NS_PER_S))
    assert told[0] == ("q2", "accepted")
    assert told[-1] == ("q1-sl", "canceled")
    assert venue.position() == 0
    assert not venue.has_live_orders


def test_a_stop_brings_the_position_home_sooner_or_later() -> None:
    venue, market, now_ns = open_venue(seed=2)
    bid, _ = venue.best()
    assert bid is not None
    venue.submit(now_ns, "q1", "buy", "market", 1_000, stop_trigger=bid - 8, take_profit_trigger=bid + 100_000)
    events = venue.push(market.advance(now_ns + 3 * 3_600 * NS_PER_S))
    assert kinds(events)[-3:] == [("q1-sl", "triggered"), ("q1-sl", "fill"), ("q1-tp", "canceled")]
    assert venue.position() == 0


def test_refusals_are_answers_and_events() -> None:
    venue, _, now_ns = open_venue(tick=5, order_latency_ns=0)
    answer = venue.submit(now_ns, "a", "buy", "limit", 1_000, price=9_001)
    assert answer == (-1111, "price 90.01 is off the tick 0.05")
    assert venue.submit(now_ns, "a", "buy", "limit", 1_000, price=9_000) is None
    assert venue.submit(now_ns, "a", "buy", "limit", 1_000, price=9_000) == (-4116, "client id a was used before")
    assert venue.cancel(now_ns, "never") == (-2011, "no order was ever called never")
    assert venue.submit(now_ns, "r", "sell", "market", 1_000, reduce_only=True) is None
    refused = venue.advance(now_ns + 1)[-1]
    assert refused[2:4] == ("r", "rejected")
    assert refused[6] == (-2022, "position 0 has nothing for this order to reduce")


def test_a_trigger_moves_and_an_order_is_cancelled_on_request() -> None:
    venue, _, now_ns = open_venue(order_latency_ns=0)
    bid, _ = venue.best()
    assert bid is not None
    venue.submit(now_ns, "q1", "buy", "market", 1_000, stop_trigger=bid - 500)
    venue.advance(now_ns + 1)
    assert venue.amend_trigger(now_ns, "q1-sl", bid - 300) is None
    assert kinds(venue.advance(now_ns + 2)) == [("q1-sl", "amended")]
    assert [order[6] for order in venue.open_orders()] == [bid - 300]
    assert venue.cancel(now_ns, "q1-sl") is None
    assert venue.cancel(now_ns, "q1-sl") is None
    assert kinds(venue.advance(now_ns + 3)) == [("q1-sl", "canceled"), ("q1-sl", "cancel_rejected")]


@pytest.mark.parametrize(
    ("side", "kind", "settings"),
    [
        ("long", "market", {}),
        ("buy", "limit", {}),
        ("buy", "market", {"price": 9_000}),
        ("buy", "stop_market", {"price": 9_000}),
        ("buy", "iceberg", {}),
        ("buy", "market", {"tif": "fok"}),
        ("buy", "market", {"take_profit_trigger": 9_000}),
    ],
)
def test_words_that_mean_nothing_raise(side: Any, kind: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"side|kind|tif|stop_trigger"):
        SimulatedVenue().submit(START_NS, "a", side, kind, 1_000, **settings)


def test_settings_out_of_bounds_raise() -> None:
    with pytest.raises(ValueError, match="typical_qty is 0"):
        SyntheticMarket(1, START_NS, typical_qty=0)
    with pytest.raises(ValueError, match="order_latency_ns is -1"):
        SimulatedVenue(order_latency_ns=-1)
    with pytest.raises(ValueError, match="impact is"):
        SimulatedVenue(impact="some")  # type: ignore[arg-type]


def test_a_batch_of_other_decimals_is_refused() -> None:
    venue = SimulatedVenue(price_decimals=1)
    with pytest.raises(ValueError, match="the batch has 2 and 3 decimals, the venue 1 and 3"):
        venue.push(minutes(1, 1))
