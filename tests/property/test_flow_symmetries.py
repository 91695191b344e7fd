"""What must hold of order-flow features whatever the stream: sums, symmetries, causality, and silence across holes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from made_flow import START_MS, Event, StreamMaker, difference, native_rows

SEEDS = range(6)
OWN: dict[str, Any] = {"bin_ms": 500, "window_ms": 20_000, "warmup_ms": 2_000}


def stream(seed: int, count: int = 900, *, trouble: float = 0.0) -> list[Event]:
    """Return a stream whose times never fall and whose trades are all different."""
    found, clock = [], 0
    for at, event in enumerate(StreamMaker(Random(seed), trouble=trouble).events(count)):
        clock = max(clock, event[1])
        rest = (at, *event[4:]) if event[0] == "trade" else event[3:]
        found.append((event[0], clock, 0, *rest))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_trades_in_a_bin_leaves_its_flow(seed: int) -> None:
    events = [event for event in stream(seed) if event[0] != "reset"]
    by_bin: dict[int, list[int]] = {}
    for at, event in enumerate(events):
        if event[0] == "trade":
            by_bin.setdefault(event[1] // 500, []).append(at)
    other = list(events)
    for places in by_bin.values():
        shuffled = places[:]
        Random(seed).shuffle(shuffled)
        for at, source in zip(places, shuffled, strict=True):
            # Ids and times stay where they are; price, quantity and side move.
            other[at] = (*events[at][:4], *events[source][4:])
    assert other != events
    for one, two in zip(native_rows(events, OWN), native_rows(other, OWN), strict=True):
        assert (one["tfi"], one["cvd"], one["z_cvd"]) == (two["tfi"], two["cvd"], two["z_cvd"])
        assert (one["tfi_quote"], one["buy_qty"]) == (two["tfi_quote"], two["buy_qty"])


@pytest.mark.parametrize("seed", SEEDS)
def test_trades_and_their_aggregates_give_equal_sums(seed: int) -> None:
    events = [event for event in stream(seed) if event[0] in ("quote", "trade")]
    merged: list[Event] = []
    for event in events:
        last = merged[-1] if merged else ("none",)
        if last[0] == event[0] == "trade" and (last[1], last[4], last[6]) == (event[1], event[4], event[6]):
            merged[-1] = (*last[:5], last[5] + event[5], *last[6:])
        else:
            merged.append(event)
    assert len(merged) < len(events)
    for one, two in zip(native_rows(events, OWN), native_rows(merged, OWN), strict=True):
        assert (one["tfi"], one["cvd"], one["z_cvd"], one["tfi_quote"]) == (
            two["tfi"], two["cvd"], two["z_cvd"], two["tfi_quote"],
        )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_truncated_input_gives_the_same_bins_but_for_the_last(seed: int) -> None:
    events = stream(seed, trouble=0.02)
    whole = native_rows(events, OWN)
    chance = Random(seed)
    for cut in chance.sample(range(50, len(events)), 12):
        part = native_rows(events[:cut], OWN)
        newest_ms = max(event[1] for event in events[:cut])
        # A bin is complete once an event past its end has been seen.
        ended = sum(row["ts_ms"] <= newest_ms for row in part)
        assert len(part) - ended <= 1
        settled = [row["ts_ms"] + 250 <= newest_ms for row in part].count(True)
        assert difference(part[:settled], whole[:settled]) is None
        for one, two in zip(part[:ended], whole[:ended], strict=True):
            same = ("ofi", "tfi", "cvd", "mid", "trades", "quotes", "buy_ratio", "last_price")
            assert [one[name] for name in same] == [two[name] for name in same]


def test_a_hole_at_any_frame_carries_no_step_across_it() -> None:
    quotes = [event for event in stream(3, 250) if event[0] == "quote"]
    events = [(*event[:3], at, *event[4:]) for at, event in enumerate(quotes)]

    def total(part: list[Event]) -> int:
        return round(1_000 * sum(row["ofi"] for row in native_rows(part, OWN)))

    whole = total(events)
    for at in range(1, len(events)):
        lost = ("reset", events[at][1], 0)
        # Without the step over the hole, the sum is that of the two sides.
        found = total([*events[:at], lost, *events[at:]])
        assert found == total(events[:at]) + total(events[at:])
        if at == len(events) // 2:
            assert found != whole or events[at][4:] == events[at - 1][4:]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_signal_before_the_baseline_is_warm_or_with_a_bad_book(seed: int) -> None:
    rows = native_rows(StreamMaker(Random(seed), trouble=0.02).events(900), OWN)
    for row in rows:
        if row["z_ofi"] is None or row["z_cvd"] is None or row["book_ok"] is False:
            assert (row["signal"], row["fusion"]) == ("neutral", None)
    assert all(row["z_ofi"] is None for row in rows[:4])


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_derived_stays_in_its_bounds(seed: int) -> None:
    for row in native_rows(stream(seed, 1_500), OWN | {"vpin_bucket": 5_000}):
        for name, low, high in (
            ("queue_imbalance", -1, 1), ("vpin", 0, 1), ("buy_ratio", 0, 1), ("consistency", 0, 1), ("z_ofi", -5, 5),
        ):  # fmt: skip
            assert row[name] is None or low <= row[name] <= high
        if row["weighted_mid"] is not None:
            assert row["bid"] <= row["weighted_mid"] <= row["ask"]
        assert row["ts_ms"] > START_MS
