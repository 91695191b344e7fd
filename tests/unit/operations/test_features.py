"""`compute_features`: rows in, bins and a state out, however they are cut; and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import memory_desk as desk  # conftest makes it reachable
import pytest
from made_unified import unified_rows

from chanflow.features.flow_columns import kinds_of
from chanflow.features.flow_run import FlowChoice, FlowRun
from chanflow.operations.features import MAX_BINS, MAX_ROWS, FeaturesComputed
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done, Failed, Outcome
from chanflow.operations.principal import LOCAL_OPERATOR

ROWS, DECIMALS = unified_rows(300)
SMALL = {"price_decimals": DECIMALS[0], "qty_decimals": DECIMALS[1]}


async def asked(**arguments: Any) -> Outcome:
    catalogue = build_catalogue(desk.memory_services())
    given = SMALL | arguments
    return await catalogue.execute(LOCAL_OPERATOR, "compute_features", given, door="rest", request_id="r")


async def answered(**arguments: Any) -> FeaturesComputed:
    outcome = await asked(**arguments)
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.result, FeaturesComputed)
    return outcome.result


async def refused(**arguments: Any) -> tuple[str, str | None, str]:
    outcome = await asked(**arguments)
    assert isinstance(outcome, Failed)
    return outcome.error.code, outcome.error.field, outcome.error.message


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [97, 800])
async def test_batches_give_the_bins_of_the_whole(size: int) -> None:
    whole = await answered(rows=ROWS, finish=True)
    bins, state = [], None
    for start in range(0, len(ROWS), size):
        found = await answered(rows=ROWS[start : start + size], state=state, finish=start + size >= len(ROWS))
        bins += found.bins
        state = found.state
    assert len(bins) == 300
    assert bins == whole.bins
    assert sum(each.fusion.score is not None for each in bins) > 100


@pytest.mark.asyncio
async def test_the_bins_are_the_rows_of_the_command() -> None:
    import chanflow_native

    from chanflow.features.compute import columns_of

    run = FlowRun(FlowChoice(), price_decimals=DECIMALS[0], qty_decimals=DECIMALS[1])
    reader = chanflow_native.RowEvents(*DECIMALS)
    parts = [run.push(reader.take(*columns_of(ROWS))), run.finish()]
    assert set(kinds_of(5, all_columns=True)) - {"symbol"} <= set(parts[0])
    bins = (await answered(rows=ROWS, finish=True)).bins
    for name in ("ts_ms", "signal", "z_ofi", "fusion"):
        column = [value for part in parts for value in list(part[name])]
        found = [getattr(each, name, None) for each in bins]
        if name in {"signal", "fusion"}:
            found = [each.fusion.side if name == "signal" else each.fusion.score for each in bins]
        assert [None if value != value else value for value in column] == found


@pytest.mark.asyncio
async def test_a_fingerprint_tells_rows_and_settings_apart() -> None:
    first = (await answered(rows=ROWS[:400], finish=True)).bins[-1].fp
    changed = [*ROWS[:200], {**ROWS[200], "seq_last": ROWS[200]["seq_last"] - 1}, *ROWS[201:400]]
    assert (await answered(rows=ROWS[:400], finish=True)).bins[-1].fp == first
    assert (await answered(rows=changed, finish=True)).bins[-1].fp != first
    assert (await answered(rows=ROWS[:400], finish=True, z="ew")).bins[-1].fp != first


SPOILT: dict[str, tuple[list[Any], str]] = {
    "kind": ([{**ROWS[0], "kind": "wish"}], "rows.0.kind"),
    "text": ([{**ROWS[0], "ts_ms": "now"}], "rows.0.ts_ms"),
    "year": ([{**ROWS[0], "ts_ms": 10**14}], "rows.0.ts_ms"),
    "decimals": ([ROWS[0], {**ROWS[1], "bid": 1.23456}], "rows.1"),
    "negative": ([{**ROWS[0], "bid": -1.0}], "rows.0"),
    "huge": ([{**ROWS[0], "bid": 1e300}], "rows.0"),
    "nan": ([{**ROWS[0], "bid": float("nan")}], "rows.0.bid"),
    "empty": ([{}], "rows.0.ts_ms"),
    "level": ([{**ROWS[0], "kind": "book", "bids": [{"p": 1.0}]}], "rows.0.bids.0.q"),
    "symbols": ([ROWS[0], {**ROWS[1], "symbol": "OTHER"}], "rows"),
    "many": ([ROWS[0]] * (MAX_ROWS + 1), "rows"),
    "far": ([ROWS[0], {**ROWS[0], "ts_ms": ROWS[0]["ts_ms"] + MAX_BINS * 1_000 + 1_000}], "rows"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", SPOILT)
async def test_rows_that_do_not_fit_are_refused(name: str) -> None:
    rows, field = SPOILT[name]
    code, found, message = await refused(rows=rows)
    assert (code, found) == ("invalid_argument", field)
    assert "\n" not in message
    assert not any(word in message for word in ("wish", "1.23456", "OTHER", "1e+300"))


@pytest.mark.asyncio
@pytest.mark.parametrize("finish", [True, False])
async def test_rows_far_behind_the_state_are_refused(finish: bool) -> None:
    state = (await answered(rows=ROWS[:50], finish=finish)).state
    lied = json.loads(state)
    lied["fingerprint"]["closed_ms"] = ROWS[0]["ts_ms"] + 10**9
    late = {**ROWS[60], "ts_ms": ROWS[0]["ts_ms"] + 10**9}
    assert (await refused(rows=[late], state=json.dumps(lied)))[1] == "rows"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "x",
        lambda _: "[" * 100_000,
        lambda state: json.dumps({**state, "engine": "AAAA"}),
        lambda state: json.dumps({**state, "reader": "AAAA"}),
        lambda state: json.dumps({**state, "settings": "0" * 64}),
        lambda state: json.dumps({**state, "more": 1}),
        lambda state: json.dumps({**state, "fingerprint": {**state["fingerprint"], "closed_ms": "x"}}),
        lambda state: json.dumps(state)[:-2],
    ],
    ids=["text", "deep", "engine", "reader", "settings", "more", "time", "cut"],
)
async def test_a_state_that_is_none_is_refused(spoil: Any) -> None:
    state = json.loads((await answered(rows=ROWS[:100])).state)
    code, field, _ = await refused(rows=ROWS[100:110], state=spoil(state))
    assert (code, field) == ("invalid_argument", "state")


@pytest.mark.asyncio
async def test_a_width_that_divides_no_day_is_refused() -> None:
    assert (await refused(rows=ROWS[:10], bin_ms=7_000))[:2] == ("invalid_argument", "bin_ms")
