"""The feature engine's doors: arrays, rows, two sockets, saved states, and columns that say where they come from."""

from __future__ import annotations

from random import Random
from typing import Any

import chanflow_native as native
import numpy as np
import pytest
from made_flow import StreamMaker, difference, rows_of

T = 1_700_000_000_000
DECIMALS = (1, 3)
Event = tuple[Any, ...]


def quote(at: int, u: int, bid: int = 1_000, bid_qty: int = 5_000, ask: int = 1_002, ask_qty: int = 7_000) -> Event:
    return ("quote", T + at, 0, u, bid, bid_qty, ask, ask_qty)


def trade(at: int, t: int, price: int = 1_002, qty: int = 500, *, maker: bool = False) -> Event:
    return ("trade", T + at, 0, t, price, qty, maker, True)


def engine(**given: Any) -> native.FlowEngine:
    return native.FlowEngine(*DECIMALS, **({"warmup_ms": 2_000, "window_ms": 20_000} | given))


def run(events: list[Event], **given: Any) -> tuple[list[dict[str, Any]], native.FlowEngine]:
    one = engine(**given)
    parts = [one.push(native.batch_of_events(events, *DECIMALS)), one.finish()]
    return [row for part in parts for row in rows_of(part)], one


def in_order(seed: int = 4, count: int = 3_000) -> list[Event]:
    """Return quotes and trades whose times never fall and whose ids rise."""
    events = [e for e in StreamMaker(Random(seed), trouble=0.0).events(count) if e[0] in ("quote", "trade")]
    clock, ids, found = {"quote": 0, "trade": 0}, {"quote": 0, "trade": 0}, []
    for event in sorted(events, key=lambda e: e[1]):
        kind = event[0]
        clock[kind], ids[kind] = max(clock[kind], event[1]), ids[kind] + 1
        found.append((kind, clock[kind], 0, ids[kind], *event[4:]))
    return found


def arrays(events: list[Event], kind: type = int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    quotes, trades = native.batch_columns(native.batch_of_events(events, *DECIMALS))
    if kind is int:
        return quotes, trades
    return (
        (quotes[0], quotes[1] / 10, quotes[2] / 1_000, quotes[3] / 10, quotes[4] / 1_000),
        (trades[0], trades[1] / 10, trades[2] / 1_000, trades[3]),
    )


@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize("all_columns", [False, True])
def test_arrays_give_the_rows_of_their_events(kind: type, all_columns: bool) -> None:
    events = in_order()
    wanted, _ = run(events, all_columns=all_columns)
    found = rows_of(engine(all_columns=all_columns).run_arrays(*arrays(events, kind)))
    assert difference(found, wanted) is None
    assert sum(row["z_ofi"] is not None for row in found) > 20


def test_arrays_leave_the_engines_own_past_alone() -> None:
    one = engine()
    before = one.save()
    one.run_arrays(*arrays(in_order()))
    assert one.save() == before


def test_a_feed_without_taker_flags_is_judged_by_quotes_then_ticks() -> None:
    quotes, trades = arrays([quote(0, 1), trade(1, 1), trade(2, 2, 1_000), trade(3, 3, 1_001), trade(4, 4, 1_001)])
    unknown = (*trades[:3], np.full(4, -1, dtype=np.int8))
    rows = engine().run_arrays(quotes, unknown)
    # Above the mid, below it, then at it: up from the trade before, and carried.
    assert (rows["buy_qty"].tolist(), rows["sell_qty"].tolist()) == ([1.5], [0.5])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda q, t: ((q[0][:1], *q[1:]), t), "quotes have 1 times and 2 values in a column"),
        (lambda q, t: ((q[0][::-1].copy(), *q[1:]), t), "quotes row 1: time"),
        (lambda q, t: ((q[0], -q[1], *q[2:]), t), "quotes row 0: -1000, 5000, 1002, 7000"),
        (lambda q, t: (q, (*t[:3], np.array([7], dtype=np.int8))), "trades row 0: is_maker 7 is not -1, 0 or 1"),
        (lambda q, t: (q[:4], t), "got 4 and 4 columns"),
        (lambda q, t: ((np.array([0, T * 1_000]), *q[1:]), t), "bins are more than"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(change: Any, told: str) -> None:
    changed = change(*arrays([quote(0, 1), quote(5, 2), trade(6, 1)]))
    with pytest.raises(ValueError, match=told):
        engine().run_arrays(*changed)


def test_a_float_that_has_more_decimals_than_declared_is_refused() -> None:
    quotes, trades = arrays([quote(0, 1)], float)
    with pytest.raises(ValueError, match="more decimals than declared"):
        engine().run_arrays((quotes[0], quotes[1] + 0.04, *quotes[2:]), trades)


def test_lake_rows_give_the_rows_of_the_wire() -> None:
    events = in_order()
    batch = native.batch_of_events(events, *DECIMALS)
    collector = native.RowCollector(*DECIMALS)
    collector.push(batch)
    back = native.RowEvents(*DECIMALS).take(collector.take())
    assert [e[:1] + e[3:] for e in native.batch_events(back)] == [e[:1] + e[3:] for e in events]
    one, other = engine(all_columns=True), engine(all_columns=True)
    wanted, found = ([e.push(b), e.finish()] for e, b in ((one, batch), (other, back)))
    for ours, theirs in zip(found, wanted, strict=True):
        assert difference(rows_of(ours), rows_of(theirs)) is None


def test_of_trades_and_their_aggregates_the_first_kind_counts() -> None:
    collector = native.RowCollector(*DECIMALS)
    collector.push(native.batch_of_events([trade(0, 1), trade(1, 2)], *DECIMALS))
    rows = collector.take()
    rows["kind"] = np.array([0, 2], dtype=np.uint8)
    reader = native.RowEvents(*DECIMALS)
    assert len(reader.take(rows)) == 1
    rows["kind"] = np.array([2, 2], dtype=np.uint8)
    other = native.RowEvents(*DECIMALS)
    other.load(reader.save())
    assert len(other.take(rows)) == 0
    with pytest.raises(ValueError, match="ends early"):
        other.load(reader.save()[:-1])


def test_two_sockets_wait_for_each_other() -> None:
    one = engine(sockets=2)

    def push(*events: Event) -> list[dict[str, Any]]:
        return rows_of(one.push(native.batch_of_events(list(events), *DECIMALS)))

    assert push(quote(0, 1), trade(10, 1), quote(1_300, 2)) == []
    closed = push(trade(1_251, 2))
    assert [(row["ts_ms"] - T, row["late"]) for row in closed] == [(1_000, False)]
    # The market socket is silent: the bin waits a second past its end, then closes late.
    assert push(quote(2_999, 3)) == []
    closed = push(quote(3_000, 4))
    assert [(row["ts_ms"] - T, row["late"]) for row in closed] == [(2_000, True)]
    assert push(trade(1_500, 3)) == []
    stats = one.stats()
    assert (stats["late"], stats["late_bins"]) == (1, 1)


def test_a_frame_that_is_no_event_shows_a_sockets_time() -> None:
    one = engine(sockets=2)
    one.push(native.batch_of_events([quote(0, 1), trade(10, 1), quote(1_300, 2)], *DECIMALS))
    assert one.seen(market_socket=False, event_ms=T + 1_900)["ts_ms"].tolist() == []
    assert one.seen(market_socket=True, event_ms=T + 1_250)["ts_ms"].tolist() == [T + 1_000]


def test_two_sockets_close_on_a_clock_after_a_second() -> None:
    one = engine(sockets=2)
    one.push(native.batch_of_events([quote(0, 1), trade(10, 1)], *DECIMALS))
    assert len(one.advance(T + 1_999)["ts_ms"]) == 0
    closed = one.advance(T + 2_000)
    assert (closed["ts_ms"].tolist(), closed["late"].tolist()) == ([T + 1_000], [True])


def test_without_quotes_the_book_after_each_diff_shows_the_best() -> None:
    first = ("book", T, 0, 1, [(1_000, 5_000)], [(1_002, 7_000)])
    thicker = ("depth", T + 10, 0, 2, 2, 1, [(1_000, 9_000)], [])
    deeper = ("depth", T + 20, 0, 3, 3, 2, [(999, 9_000)], [])
    rows, one = run([first, thicker, deeper, trade(30, 1)], ofi_source="depth")
    assert (rows[0]["ofi"], rows[0]["quotes"], rows[0]["mid"]) == (4.0, 2, 100.1)
    assert one.stats()["ofi_source"] == "depth"


def test_a_lost_connection_carries_nothing_over() -> None:
    lost = ("reset", T + 20, 0)
    rows, one = run([quote(0, 1), quote(10, 2, bid_qty=6_000), lost, quote(30, 3, bid_qty=9_000), quote(40, 4)])
    assert rows[0]["ofi"] == 1.0 - 4.0
    assert one.stats()["resets"] == 1


def test_a_connection_lost_for_over_a_minute_clears_the_baseline() -> None:
    def scored(gap_ms: int) -> list[bool]:
        before = [event for at in range(5) for event in (quote(at * 1_000, at), trade(at * 1_000, at))]
        lost = ("reset", T + 4_500, 0)
        start = 4_500 + gap_ms
        after = [event for at in range(5) for event in (quote(start + at * 1_000, 9 + at), trade(start + at, 9 + at))]
        rows, _ = run([*before, lost, *after])
        return [row["z_ofi"] is not None for row in rows]

    assert scored(2_000)[2:] == [True] * len(scored(2_000)[2:])
    # Two bins were scored, then the gap's own empty bins warm the baseline up again.
    cleared = scored(61_000)
    assert cleared[:8] == [False, False, True, True, False, False, True, True]


def test_an_event_of_a_wild_time_is_left_out() -> None:
    rows, one = run([quote(0, 1), ("trade", T * 5, 0, 1, 1_000, 5, True, True), quote(10, 2)])
    assert (len(rows), one.stats()["too_far"]) == (1, 1)


def test_a_saved_state_is_refused_when_damaged_or_of_other_settings() -> None:
    _, one = run(in_order(count=300), all_columns=True)
    state = one.save()
    for broken in (b"", state[:-1], state[:40] + b"x" + state[41:], b"other" + state):
        with pytest.raises(ValueError, match="saved state"):
            engine(all_columns=True).load(broken)
    with pytest.raises(ValueError, match="under other settings"):
        engine(all_columns=True, levels=4).load(state)


def test_settings_are_known_by_name_and_bound() -> None:
    for given, told in (
        ({"levels": 21}, "levels 21 is not 0 to 20"),
        ({"z": "mean"}, 'z "mean" is not robust or ew'),
        ({"ofi_source": "trade"}, "is not book_ticker, depth or bbo"),
        ({"sockets": 3}, "sockets 3 is not 1 or 2"),
        ({"late_after_ms": 10}, "late_after_ms 10 is not 250 to a day"),
        ({"level_weights": [1.0] * 21}, "21 level weights, the most is 20"),
        ({"level_weights": [float("nan")]}, "is not finite"),
        ({"pivot_bins": 0}, "pivot_bins 0 is not 1 to 48"),
        ({"tick": 0}, "tick 0 is not above 0"),
        ({"fusion": {"enter_scor": 1}}, 'fusion has no setting "enter_scor"'),
        ({"fusion": {"enter_score": 4.1}}, "enter_score 4.1 can never be reached"),
        ({"fusion": {"w_ofi": float("nan")}}, "w_ofi NaN is not 0 to"),
    ):
        with pytest.raises(ValueError, match=told):
            engine(**given)
    with pytest.raises(TypeError, match='unexpected setting "colour"'):
        engine(colour=1)


def test_events_go_through_python_and_back() -> None:
    events = StreamMaker(Random(1), trouble=0.1).events(500)
    assert native.batch_events(native.batch_of_events(events, *DECIMALS)) == events
    for bad in (("candle", T, 0), ("trade", T), ("quote", T, 0, 1, 1 << 60, 1, 1, 1)):
        with pytest.raises((ValueError, IndexError), match="event 0"):
            native.batch_of_events([bad], *DECIMALS)
