"""Everything above strokes in the compiled Chan engine: recorded results of two open-source engines."""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chan_goldens import GOLDEN, Columns, batch, read_bars, read_json, rows, walk

from chanflow.features import chan


@cache
def amounts(name: str) -> np.ndarray | None:
    with gzip.open(GOLDEN / name, "rt", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    return np.array([float(line["amount"]) for line in lines]) if "amount" in lines[0] else None


def golden_files() -> list[Any]:
    paths = [path for path in sorted(GOLDEN.glob("*.json.gz")) if ".prefixes." not in path.name]
    return [pytest.param(path, id=path.name.removesuffix(".json.gz")) for path in paths] or [
        pytest.param(None, id="absent", marks=pytest.mark.skip(f"no goldens in {GOLDEN}"))
    ]


def settings(document: dict[str, Any]) -> dict[str, Any]:
    return {key: ",".join(value) if isinstance(value, list) else value for key, value in document["set"].items()}


def comparable(document: dict[str, Any], stage: str) -> Any:
    """One stage as it is compared: types as a set, the state of points left out."""
    name, _, level = stage.partition(".")
    shown = document[name]
    if not isinstance(shown, list):
        return shown
    if level:
        shown = [row for row in shown if row["level"] == level]
    if name == "points":
        shown = [
            {key: sorted(value) if key == "types" else value for key, value in row.items() if key != "state"}
            for row in shown
        ]
    return shown


def only_keys_of(rows_: Any, expected: Any) -> Any:
    if not isinstance(expected, list):
        return rows_
    keys = set(expected[0]) if expected else set()
    return [{key: value for key, value in row.items() if key in keys} for row in rows_]


def assert_equal_to(golden: dict[str, Any], structure: chan.Structure) -> None:
    document = json.loads(structure.to_json())
    for stage in golden["compare"]:
        expected = comparable(golden["expected"], stage)
        assert only_keys_of(comparable(document, stage), expected) == expected, stage


@pytest.mark.golden
@pytest.mark.parametrize("path", golden_files())
def test_every_stage_equals_the_recorded_one(path: Path) -> None:
    golden = read_json(path)
    columns, amount = read_bars(golden["input"]), amounts(golden["input"])
    structure = chan.analyze(**columns, amount=amount, preset=golden["preset"], params=settings(golden))
    assert_equal_to(golden, structure)


@pytest.mark.golden
@pytest.mark.parametrize("path", golden_files()[::9])
def test_bar_by_bar_every_stage_equals_the_recorded_one(path: Path) -> None:
    golden = read_json(path)
    columns, amount = read_bars(golden["input"]), amounts(golden["input"])
    engine = chan.Engine(golden["preset"], settings(golden))
    for at, row in enumerate(rows(columns)):
        engine.push(*row, amount=None if amount is None else float(amount[at]))
    assert_equal_to(golden, engine.structure())


@pytest.mark.golden
@pytest.mark.parametrize("preset", ["chanpy", "new_bi"])
def test_every_recorded_prefix_has_the_same_tail(preset: str) -> None:
    path = GOLDEN / f"btcusdt_5m.prefixes.{preset}.json.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    trace = read_json(path)
    expected = {row[0]: dict(zip(trace["columns"], row, strict=True)) for row in trace["rows"]}
    columns = read_bars(trace["input"])
    engine = chan.Engine(preset)
    for count, row in enumerate(rows(columns)[: max(expected)], start=1):
        engine.push(*row)
        if count in expected:
            want = {key: value for key, value in expected[count].items() if not key.endswith("stroke")}
            folded = tail(engine.structure())
            assert {key: folded[key] for key in want} == want, f"pushed {count}"
            if count % 50 == 0:
                prefix = {name: column[:count] for name, column in columns.items()}
                assert tail(chan.analyze(**prefix, preset=preset)) == folded, f"batch of {count}"


def tail(structure: chan.Structure) -> dict[str, Any]:
    document = json.loads(structure.to_json())

    def last(name: str, *keys: str) -> list[Any] | None:
        shown = [row for row in document[name] if row.get("level", "stroke") == "stroke"]
        return [shown[-1][key] for key in keys] if shown else None

    lists = ("strokes", "segments", "centers", "points")
    return {"bars": document["bars"], "merged": document["merged"]} | {
        **{name: len(document[name]) for name in lists},
        "last_segment": last("segments", "start_stroke", "end_stroke", "state"),
        "last_stroke_center": last("centers", "start_stroke", "end_stroke"),
        "last_stroke_point": last("points", "bar", "types"),
    }


def test_columns_have_the_documented_types() -> None:
    engine = batch(walk(3_000, seed=6), "chanpy", {})
    leg = {
        **dict.fromkeys(("start_bar", "end_bar", "start_ts_ms", "end_ts_ms"), "int64"),
        **dict.fromkeys(("start_price", "end_price"), "float64"),
        "direction": "int8",
        "state": "uint8",
    }
    expected = {
        "segments": {**leg, "start_stroke": "int32", "end_stroke": "int32"},
        "super_segments": {**leg, "start_segment": "int32", "end_segment": "int32"},
        "centers": {
            "level": "uint8",
            **dict.fromkeys(("start_stroke", "end_stroke", "entry_stroke", "exit_stroke"), "int32"),
            **dict.fromkeys(("low", "high", "peak_low", "peak_high"), "float64"),
            **dict.fromkeys(("start_ts_ms", "end_ts_ms"), "int64"),
            "grade": "uint8",
            "state": "uint8",
        },
        "points": {
            "level": "uint8",
            "element": "int32",
            "bar": "int64",
            "ts_ms": "int64",
            "price": "float64",
            "side": "int8",
            "types": "uint8",
            "state": "uint8",
            "confirmed_types": "uint8",
            "divergence": "float64",
        },
    }
    for name, types in expected.items():
        columns: Columns = getattr(engine, name)()
        assert {key: str(column.dtype) for key, column in columns.items()} == types
        assert len(columns["state"]) > 1


def test_history_has_since_when_and_what_was_withdrawn() -> None:
    columns = walk(2_000, seed=8)
    plain = json.loads(chan.analyze(**columns, preset="chanpy").to_json())
    past = json.loads(chan.analyze(**columns, preset="chanpy", history=True).to_json())
    for name in ("strokes", "segments", "super_segments", "centers", "points"):
        shown = [row for row in past[name] if row["state"] != "void"]
        void = [row for row in past[name] if row["state"] == "void"]
        keys = plain[name][0].keys()
        assert [{key: row[key] for key in keys} for row in shown] == plain[name]
        assert void
        assert all(row["void_bar"] > row["first_seen_bar"] for row in void)
        assert all(row["void_bar"] is None for row in shown)
        assert all((row["state"] == "confirmed") == (row["confirmed_bar"] is not None) for row in shown)


def test_a_point_is_confirmed_when_all_of_its_types_are() -> None:
    points = json.loads(chan.analyze(**walk(4_000, seed=12), preset="chanpy").to_json())["points"]
    assert {point["state"] for point in points} == {"provisional", "confirmed"}
    for point in points:
        assert list(point["type_states"]) == point["types"]
        assert (point["state"] == "confirmed") == (set(point["type_states"].values()) == {"confirmed"})


def test_events_name_every_kind_of_object() -> None:
    engine = chan.Engine("chanpy")
    events = [event for row in rows(walk(3_000, seed=9)) for event in engine.push(*row)]
    seen = {(type(event), event.kind) for event in events}
    kinds = ("new", "revised", "confirmed", "void")
    legs = (chan.StrokeEvent, chan.SegmentEvent, chan.CenterEvent)
    assert {(leg, kind) for leg in legs for kind in kinds} <= seen
    assert {(chan.PointEvent, kind) for kind in ("new", "confirmed", "void")} <= seen


def test_a_clone_goes_its_own_way() -> None:
    columns = rows(walk(900, seed=5))
    engine = chan.Engine()
    for row in columns[:600]:
        engine.push(*row)
    before = engine.structure().to_json()
    other = engine.clone()
    for row in columns[600:]:
        other.push(*row)
    assert engine.structure().to_json() == before
    for row in columns[600:]:
        engine.push(*row)
    assert engine.structure().to_json() == other.structure().to_json() != before


def test_a_metric_without_its_column_is_refused() -> None:
    columns = walk(50, seed=3)
    del columns["volume"]
    with pytest.raises(ValueError, match=r"macd_algo.*volume"):
        chan.analyze(**columns, params={"macd_algo": "volume"})
    with pytest.raises(ValueError, match=r"macd_algo.*amount"):
        chan.Engine(params={"macd_algo": "amount"}).push(0, 1.0, 2.0, 1.0, 1.5, 7.0)


def test_frames_have_the_columns() -> None:
    structure = chan.analyze(**walk(2_000, seed=14), preset="chanpy")
    frames = structure.to_polars()
    assert frames["points"]["price"].to_list() == structure.points.price.tolist()
    assert frames["segments"].columns[-2:] == ["start_stroke", "end_stroke"]
    assert all(len(frame) > 0 for frame in frames.values())


def test_a_restored_engine_goes_on_like_the_one_it_was() -> None:
    columns = rows(walk(900, seed=15))
    engine = chan.Engine("new_bi", {"divergence_rate": float("inf"), "max_bsp2s_lv": None}, history=True, recorded=True)
    for row in columns[:600]:
        engine.push(*row)
    restored = chan.Engine.restore(engine.snapshot())
    assert restored.structure().to_json() == engine.structure().to_json()
    for row in columns[600:]:
        assert restored.push(*row) == engine.push(*row)
    with pytest.raises(ValueError, match="damaged at byte"):
        chan.Engine.restore(engine.snapshot()[:-1])
    with pytest.raises(ValueError, match="recorded=True"):
        chan.Engine().snapshot()
