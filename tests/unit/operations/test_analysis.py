"""analyze_structure: only what was known, and every part that was asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from chanflow.operations.analysis import ANALYZE_STRUCTURE, AnalyzeStructure, StructureRead
from chanflow.operations.operation import Asked
from chanflow.operations.points import QUERY_BUY_SELL_POINTS, QueryPoints
from chanflow.operations.principal import LOCAL_OPERATOR

PARTS = ("fractals", "strokes", "segments", "centers", "divergences", "points")


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
async def test_parts_not_asked_for_are_null_and_the_trend_is_always_there(desk: Any) -> None:
    read = await _read(desk.memory_services(), parts=["fractals", "divergences"])
    assert [part for part in PARTS if getattr(read, part) is not None] == ["fractals", "divergences"]
    assert read.trend == "range"
    every = await _read(desk.memory_services(), parts=list(PARTS))
    assert None not in [getattr(every, part) for part in PARTS]


@pytest.mark.asyncio
async def test_fractals_are_the_places_at_which_strokes_meet(desk: Any) -> None:
    read = await _read(desk.memory_services(), parts=["fractals", "strokes"], limit=200)
    assert read.fractals is not None
    assert read.strokes is not None
    assert [(each.time, each.price) for each in read.fractals] == [
        (each.time, each.price) for each in (read.strokes[0].start, *(stroke.end for stroke in read.strokes))
    ]
    assert [each.kind for each in read.fractals[1:]] == [
        "top" if stroke.dir == "up" else "bottom" for stroke in read.strokes
    ]
    assert {before.kind != after.kind for before, after in pairwise(read.fractals)} == {True}
    assert [each.state for each in read.fractals[1:]] == [stroke.state for stroke in read.strokes]


@pytest.mark.asyncio
async def test_segments_join_end_to_start_and_run_from_stroke_to_stroke(desk: Any) -> None:
    read = await _read(desk.memory_services(), symbol="ETHUSDT", parts=["strokes", "segments"], limit=200)
    assert read.strokes is not None
    assert read.segments is not None
    assert len(read.segments) > 3
    for before, after in pairwise(read.segments):
        assert before.end == after.start
    assert {segment.start.time for segment in read.segments} <= {stroke.start.time for stroke in read.strokes}


@pytest.mark.asyncio
async def test_a_center_says_its_range_and_its_span_by_their_names(desk: Any) -> None:
    centers = (await _read(desk.memory_services())).model_dump(mode="json")["centers"]
    assert [each["from"] for each in centers] == sorted(each["from"] for each in centers)
    for each in centers:
        assert list(each) == ["id", "zg", "zd", "gg", "dd", "from", "to", "state"]
        assert each["dd"] <= each["zd"] < each["zg"] <= each["gg"]
        assert each["from"] < each["to"]


@pytest.mark.asyncio
async def test_a_divergence_is_told_of_every_point_1_and_names_its_two_legs(desk: Any) -> None:
    read = await _read(desk.memory_services(), symbol="ETHUSDT", parts=list(PARTS), limit=200)
    assert read.points is not None
    assert read.divergences is not None
    assert read.strokes is not None
    kinds = {"1": "trend", "1p": "consolidation"}
    ones = [point for point in read.points if point.subtype.removesuffix("-seg") in kinds]
    assert [(each.time, each.kind) for each in read.divergences] == [
        (point.time, kinds[point.subtype.removesuffix("-seg")]) for point in ones
    ]
    ends = {stroke.id: stroke.end.time for stroke in read.strokes}
    of_strokes = [each for each in read.divergences if each.id.startswith("divergence#")]
    assert of_strokes
    for each in of_strokes:
        entry, leaving = each.strokes
        assert entry is not None
        assert ends[entry] < ends[leaving] == each.time
        assert each.ratio is not None
        assert 0 < each.ratio <= 0.9  # the preset's divergence_rate


@pytest.mark.asyncio
async def test_points_are_those_of_the_query_without_the_withdrawn_ones(desk: Any) -> None:
    read = await _read(desk.memory_services(), symbol="ETHUSDT", limit=200)
    assert read.points is not None
    asked = QueryPoints(symbol="ETHUSDT", level="1m", state="any", limit=500)
    found = await QUERY_BUY_SELL_POINTS.handler(Asked(asked, LOCAL_OPERATOR, desk.memory_services(), "r-1"))
    assert sorted(point.id for point in read.points) == sorted(p.id for p in found.points if p.state != "void")
    assert {point.center_id for point in read.points} > {None}
    assert {point.center_id for point in read.points} - {None} <= {center.id for center in read.centers or []}


@pytest.mark.asyncio
async def test_the_summary_is_one_line_on_what_is_there(desk: Any) -> None:
    summary = (await _read(desk.memory_services(), parts=[])).summary
    assert summary == (
        "BTCUSDT 1m: 600 bars, trend range; 29 strokes, 2 segments, 4 centers; "
        "the last stroke goes down from 42782.3 to 42655.9 and is provisional"
    )
    assert "; the newest point is " in (await _read(desk.memory_services(), symbol="ETHUSDT", parts=[])).summary


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
    assert (read.bars, read.strokes, read.first_bar, read.trend) == (0, [], None, None)
    assert read.summary == "EMPTY 1m: 0 bars, no stroke yet"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("as_of", "known_at"),
    [
        ("2025-12-31T23:59:00.5Z", "2025-12-31T23:59:00.500Z"),
        ("2027-01-01T00:00:00Z", "2026-01-01T10:00:20.000Z"),
        (None, "2026-01-01T10:00:20.000Z"),
    ],
    ids=["past", "future", "now"],
)
async def test_that_there_were_no_bars_is_known_when_asked_about_and_never_later_than_now(
    desk: Any, as_of: str | None, known_at: str
) -> None:
    at = {"as_of": as_of} if as_of else {}
    assert (await _read(desk.memory_services(), symbol="EMPTY", **at)).known_at == known_at


@pytest.mark.asyncio
async def test_a_long_answer_is_told_in_short_by_its_strokes_or_else_by_its_points(desk: Any) -> None:
    for parts, first, part in ((["strokes", "points"], "id", "strokes"), (["points"], "type", "points")):
        read = await _read(desk.memory_services(), symbol="ETHUSDT", parts=parts)
        digest = ANALYZE_STRUCTURE.digest(read)
        newest = getattr(read, part)[-1]
        assert digest.columns[0] == first
        assert digest.rows[-1][0] == getattr(newest, first)
