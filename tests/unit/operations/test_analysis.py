"""analyze_structure: only what was known, only what is computed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from chanflow.operations.analysis import ANALYZE_STRUCTURE, AnalyzeStructure, StructureRead
from chanflow.operations.operation import Asked
from chanflow.operations.principal import LOCAL_OPERATOR


async def _read(services: Any, **args: Any) -> StructureRead:
    model = AnalyzeStructure.model_validate({"symbol": "BTCUSDT", "level": "1m", **args})
    return await ANALYZE_STRUCTURE.handler(Asked(model, LOCAL_OPERATOR, services, "r-1"))


@pytest.mark.asyncio
async def test_strokes_join_end_to_start_and_turn_each_time(desk: Any) -> None:
    strokes = (await _read(desk.memory_services(), limit=200)).strokes
    assert strokes is not None
    assert len(strokes) > 10
    for before, after in pairwise(strokes):
        assert before.end == after.start
        assert before.dir != after.dir
    assert {stroke.state for stroke in strokes} == {"confirmed", "provisional"}


@pytest.mark.asyncio
async def test_the_limit_keeps_the_newest(desk: Any) -> None:
    whole = (await _read(desk.memory_services(), limit=200)).strokes
    newest = (await _read(desk.memory_services(), limit=2)).strokes
    assert whole is not None
    assert newest == whole[-2:]


@pytest.mark.asyncio
async def test_parts_that_do_not_exist_are_named_and_never_empty(desk: Any) -> None:
    read = await _read(desk.memory_services(), parts=["points", "fractals"])
    assert read.strokes is None
    assert read.not_computed == ["fractals", "points", "trend"]
    assert not {"fractals", "points", "segments", "trend"} & set(read.model_dump())


@pytest.mark.asyncio
@pytest.mark.parametrize(("as_of", "bars"), [("02:00:00Z", 120), ("02:00:59.999999999Z", 120), ("01:59:59.999Z", 119)])
async def test_as_of_sees_only_bars_that_had_closed(desk: Any, as_of: str, bars: int) -> None:
    read = await _read(desk.memory_services(), as_of=f"2026-01-01T{as_of}")
    assert read.bars == bars
    assert read.known_at <= f"2026-01-01T{as_of}"
    then = await _read(replace(desk.memory_services(), klines=desk.MemoryKlines(bars)))
    assert read.strokes == then.strokes


@pytest.mark.asyncio
async def test_bars_beyond_the_bound_are_left_out_and_said_to_be(desk: Any) -> None:
    read = await _read(replace(desk.memory_services(), structure_bars=100))
    assert (read.bars, read.truncated, read.first_bar) == (100, True, "2026-01-01T08:20:00.000Z")
    assert not (await _read(replace(desk.memory_services(), structure_bars=600))).truncated


@pytest.mark.asyncio
async def test_without_bars_there_is_no_stroke(desk: Any) -> None:
    read = await _read(desk.memory_services(), symbol="EMPTY")
    assert (read.bars, read.strokes, read.first_bar) == (0, [], None)
