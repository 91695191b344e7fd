"""Unified rows in, bins out: equal to the engine on the same events, however the rows are cut."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

import chanflow_native as native
import pytest
from made_flow import PRICE_DECIMALS, QTY_DECIMALS, StreamMaker

from chanflow.features.compute import FeatureSettings, RowsRefused, bins_of, columns_of, compute_features

SETTINGS = FeatureSettings(PRICE_DECIMALS, QTY_DECIMALS, 500, engine={"warmup_ms": 1_000, "window_ms": 20_000})


@cache
def events() -> tuple[tuple[Any, ...], ...]:
    """Return quotes and trades, and books as the top five levels that rows hold."""
    kept: list[tuple[Any, ...]] = []
    sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for event in StreamMaker(Random(5), trouble=0.0).events(1_500):
        if event[0] in ("depth", "snapshot", "book"):
            for side, levels in zip(sides, event[-2:], strict=True):
                side.update(levels)
                for price in [price for price, qty in side.items() if qty == 0]:
                    del side[price]
            bids, asks = sorted(sides[0].items(), reverse=True)[:5], sorted(sides[1].items())[:5]
            if event[0] == "depth" and len(bids) == len(asks) == 5:
                kept.append(("book", event[1], 7, event[4], bids, asks))
        elif event[0] in ("quote", "trade"):
            kept.append((event[0], event[1], 7, *event[3:]))
        if len(kept) == 700:
            kept.append(("reset", event[1], 7))
    return tuple(kept)


def row_of(event: tuple[Any, ...]) -> dict[str, Any]:
    """Return an event as a unified row."""
    price, lot = 10**PRICE_DECIMALS, 10**QTY_DECIMALS
    kind, ts_ms, known_ns, *rest = event
    row: dict[str, Any] = {"ts_ms": ts_ms, "symbol": "BTCUSDT", "known_ns": known_ns}
    if kind == "quote":
        update_id, bid, bid_qty, ask, ask_qty = rest
        sizes = {"bid_qty": bid_qty / lot, "ask_qty": ask_qty / lot}
        return row | {"kind": "book_ticker", "seq_last": update_id, "bid": bid / price, "ask": ask / price} | sizes
    if kind == "trade":
        trade_id, traded, qty, is_maker, _ = rest
        amounts = {"price": traded / price, "qty": qty / lot}
        return row | {"kind": "trade", "seq_last": trade_id, "is_maker": is_maker} | amounts
    if kind == "book":
        sides = {
            name: [{"p": p / price, "q": q / lot} for p, q in levels]
            for name, levels in zip(("bids", "asks"), rest[1:], strict=True)
        }
        return row | {"kind": "book", "seq_last": rest[0]} | sides
    return row | {"kind": "gap"}


def rows() -> list[dict[str, Any]]:
    return [row_of(event) for event in events()]


def plain(bins: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [{name: value for name, value in found.items() if name != "fp"} for found in bins]


def test_rows_give_the_bins_of_their_events() -> None:
    engine = native.FlowEngine(PRICE_DECIMALS, QTY_DECIMALS, 500, all_columns=True, warmup_ms=1_000, window_ms=20_000)
    batch = native.batch_of_events(list(events()), PRICE_DECIMALS, QTY_DECIMALS)
    wanted = bins_of(engine.push(batch)) + bins_of(engine.finish())
    found = compute_features(rows(), SETTINGS, finish=True)
    assert plain(found.bins) == wanted
    assert {found["book_ok"] for found in wanted} == {True, False}
    assert sum(found["fusion"]["score"] is not None for found in wanted) > 10


@pytest.mark.parametrize("size", [1, 37, 400])
def test_bins_and_fingerprints_do_not_depend_on_the_batches(size: int) -> None:
    whole, state, found = compute_features(rows(), SETTINGS, finish=True), None, []
    given = rows()
    for at in range(0, len(given), size):
        part = compute_features(given[at : at + size], SETTINGS, state, finish=at + size >= len(given))
        state = json.loads(json.dumps(part.state))
        found += part.bins
    assert found == list(whole.bins)


def test_a_fingerprint_changes_with_the_input_from_its_bin_on() -> None:
    given = rows()
    at = next(at for at, row in enumerate(given) if at > 600 and row["kind"] == "trade")
    other = [*given]
    other[at] = given[at] | {"qty": given[at]["qty"] + 1.0}
    pairs = zip(
        compute_features(given, SETTINGS, finish=True).bins,
        compute_features(other, SETTINGS, finish=True).bins,
        strict=True,
    )
    same = [(one["ts_ms"], one["fp"] == two["fp"]) for one, two in pairs]
    assert all(equal == (ts_ms <= given[at]["ts_ms"]) for ts_ms, equal in same)


def test_a_quarantined_row_is_left_out_and_its_bin_is_not_ok() -> None:
    given = rows()
    bins = compute_features(given, SETTINGS, finish=True).bins
    sound = {found["ts_ms"] for found in bins if found["book_ok"]}
    at = next(at for at, row in enumerate(given) if row["kind"] == "trade" and (row["ts_ms"] // 500 + 1) * 500 in sound)
    other = [*given]
    other[at] = given[at] | {"dq_ok": False, "price": 0.01}
    changed = compute_features(other, SETTINGS, finish=True).bins
    hit = (given[at]["ts_ms"] // 500 + 1) * 500
    assert {found["ts_ms"] for found in changed if found["book_ok"]} == sound - {hit}
    without = compute_features([*given[:at], *given[at + 1 :]], SETTINGS, finish=True).bins
    assert [found["ts_ms"] for found in without] == [found["ts_ms"] for found in changed]


def test_a_fingerprint_changes_with_the_settings() -> None:
    other = FeatureSettings(PRICE_DECIMALS, QTY_DECIMALS, 500, engine={**SETTINGS.engine, "watermark_ms": 10})
    one, two = (compute_features(rows(), own, finish=True).bins[0]["fp"] for own in (SETTINGS, other))
    assert one != two


ROW = {"ts_ms": 1, "symbol": "A", "kind": "trade", "price": 1.0, "qty": 1.0, "is_maker": True, "seq_last": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([ROW | {"kind": "candle"}], "row 0: kind 'candle' is not one of trade"),
        ([ROW, ROW | {"symbol": "B"}], "rows of one symbol are expected, these are of A, B"),
        ([ROW | {"ts_ms": None}], "row 0: ts_ms None is not a whole number"),
        ([ROW | {"price": "1"}], "row 0: price '1' is not a number"),
        ([ROW | {"price": 1.05}], "row 0: trade 1.05 x 1 is below 0, absent, or has more decimals than declared"),
        ([ROW | {"kind": "book_ticker"}], "row 0: bid NaN x NaN is below 0, absent"),
        ([ROW | {"ts_ms": 1 << 62}], "is beyond all times"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_by_name(given: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(RowsRefused, match=told.replace("(", r"\(")):
        compute_features(given, SETTINGS)


def test_trades_of_a_feed_without_sides_are_judged_by_the_quotes() -> None:
    quote = {"ts_ms": 0, "kind": "book_ticker", "seq_last": 1, "bid": 10.0, "ask": 10.2, "bid_qty": 1.0, "ask_qty": 1.0}
    trades = [
        {"ts_ms": 1, "kind": "trade", "seq_last": at, "price": price, "qty": 1.0}
        for at, price in enumerate((10.2, 10.2, 10.0))
    ]
    columns, books = columns_of([quote, *trades])
    batch = native.RowEvents(PRICE_DECIMALS, QTY_DECIMALS).take(columns, books)
    assert [event[6] for event in native.batch_events(batch) if event[0] == "trade"] == [False, False, True]


def test_a_side_is_judged_alike_across_batches() -> None:
    given = [row | {"is_maker": None} if row["kind"] == "trade" else row for row in rows()]
    whole = compute_features(given, SETTINGS, finish=True)
    first = compute_features(given[:333], SETTINGS)
    rest = compute_features(given[333:], SETTINGS, first.state, finish=True)
    assert first.bins + rest.bins == whole.bins


def test_a_state_of_other_settings_or_damaged_is_refused() -> None:
    state = compute_features(rows()[:50], SETTINGS).state
    other = FeatureSettings(PRICE_DECIMALS, QTY_DECIMALS, 1_000, engine=SETTINGS.engine)
    with pytest.raises(RowsRefused, match="of other settings"):
        compute_features([], other, state)
    for broken in ({"engine": "AAAA"}, {"engine": 3}, {"engine": state["engine"][:-8]}, {"fingerprint": None}):
        with pytest.raises(RowsRefused, match="the state is damaged"):
            compute_features([], SETTINGS, state | broken)


def test_settings_outside_their_bounds_are_refused() -> None:
    with pytest.raises(RowsRefused, match="bin_ms 7 does not divide a day"):
        compute_features([], FeatureSettings(1, 1, 7))
    with pytest.raises(RowsRefused, match='unexpected setting "colour"'):
        compute_features([], FeatureSettings(1, 1, engine={"colour": 1}))
