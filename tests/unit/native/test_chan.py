"""The compiled Chan engine: recorded results of an open-source engine, and the contract of increments."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import chanflow_native
import pytest
from chan_goldens import GOLDEN, Columns, batch, read_bars, read_json, rows, walk

from chanflow.features import chan

STROKE_SETTINGS = {
    "bi_algo",
    "bi_strict",
    "bi_fx_check",
    "gap_as_kl",
    "bi_end_is_peak",
    "bi_allow_sub_peak",
    "min_bi_len",
}
PRESETS = {"default", "chanpy", "new_bi", "totally", "czsc6", "czsc7"}
DIRECTIONS = {1: "up", -1: "down"}
STATES = ("provisional", "confirmed", "void")
IDENTITY_COLUMNS = ("start_bar", "end_bar", "start_ts_ms", "end_ts_ms", "start_price", "end_price")


def as_lists(strokes: Columns) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in strokes.items()}


def in_output_format(strokes: Columns) -> list[dict[str, Any]]:
    lists = as_lists(strokes)
    lists["direction"] = [DIRECTIONS[sign] for sign in lists["direction"]]
    lists["state"] = [STATES[code] for code in lists["state"]]
    names = (*IDENTITY_COLUMNS, "direction", "state")
    return [dict(zip(names, row, strict=True)) for row in zip(*(lists[name] for name in names), strict=True)]


@cache
def goldens() -> list[tuple[str, dict[str, Any]]]:
    """The recorded results whose strokes this engine makes."""
    if not GOLDEN.is_dir():
        return []
    documents = [(path.name, read_json(path)) for path in sorted(GOLDEN.glob("*.json.gz"))]
    return [
        (name, document)
        for name, document in documents
        if document["format"] == "chanflow.golden/1" and document["preset"] in PRESETS
    ]


def stroke_settings(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document["set"].items() if key in STROKE_SETTINGS}


def distinct_goldens() -> list[Any]:
    """One golden per series, preset and stroke settings. The others differ in later stages only."""
    seen: dict[str, Any] = {}
    for name, document in goldens():
        key = json.dumps([document["input"], document["preset"], stroke_settings(document)], sort_keys=True)
        seen.setdefault(key, pytest.param(document, id=name.removesuffix(".json.gz")))
    return list(seen.values()) or [
        pytest.param(None, id="absent", marks=pytest.mark.skip(f"no goldens in {GOLDEN}: set CHANFLOW_TEST_DATA"))
    ]


@pytest.mark.golden
@pytest.mark.parametrize("document", distinct_goldens())
def test_strokes_equal_the_recorded_ones(document: dict[str, Any]) -> None:
    columns = read_bars(document["input"])
    engine = batch(columns, document["preset"], stroke_settings(document))
    expected = document["expected"]
    assert (engine.bars, engine.merged) == (expected["bars"], expected.get("merged", engine.merged))
    assert in_output_format(engine.strokes()) == expected["strokes"]


@pytest.mark.golden
def test_goldens_that_differ_in_later_stages_have_the_same_strokes() -> None:
    if not goldens():
        pytest.skip(f"no goldens in {GOLDEN}: set CHANFLOW_TEST_DATA")
    by_settings: dict[str, list[Any]] = {}
    for _, document in goldens():
        key = json.dumps([document["input"], document["preset"], stroke_settings(document)], sort_keys=True)
        strokes = by_settings.setdefault(key, document["expected"]["strokes"])
        assert strokes == document["expected"]["strokes"]


@pytest.mark.golden
@pytest.mark.parametrize("preset", ["chanpy", "new_bi"])
def test_every_recorded_prefix_shows_the_same_last_stroke(preset: str) -> None:
    path = GOLDEN / f"btcusdt_5m.prefixes.{preset}.json.gz"
    if not path.is_file():
        pytest.skip(f"no {path}: set CHANFLOW_TEST_DATA")
    trace = read_json(path)
    at = {name: position for position, name in enumerate(trace["columns"])}
    expected = {
        row[at["bars"]]: [row[at[name]] for name in ("merged", "strokes", "last_stroke")] for row in trace["rows"]
    }
    engine = chanflow_native.ChanEngine(preset)
    for row in rows(read_bars(trace["input"]))[: max(expected)]:
        engine.push(*row)
        if engine.bars in expected:
            strokes = engine.strokes()
            count = len(strokes["end_bar"])
            last = [int(strokes["start_bar"][-1]), int(strokes["end_bar"][-1])] if count else None
            assert [engine.merged, count, last] == expected[engine.bars]


SETTINGS: list[dict[str, Any]] = [
    {},
    {"bi_strict": False},
    {"bi_fx_check": "totally"},
    {"bi_algo": "fx"},
    {"gap_as_kl": True, "bi_strict": False},
    {"bi_allow_sub_peak": False, "bi_fx_check": "half"},
]


@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_events_add_up_to_what_is_shown(params: dict[str, Any]) -> None:
    columns = walk(1_500, seed=5)
    engine = chanflow_native.ChanEngine(params=params)
    known: dict[tuple[int, int], tuple[Any, ...]] = {}
    states: dict[tuple[int, int], int] = {}
    for bar, row in enumerate(rows(columns)):
        strokes = [event for event in engine.push(*row) if isinstance(event, chanflow_native.StrokeEvent)]
        for event in strokes:
            kind, index, start_bar, *fields, event_bar = (getattr(event, name) for name in event.__match_args__)
            identity = (index, start_bar)
            assert event_bar == bar
            assert (identity in known) == (kind != "new")
            if kind == "void":
                assert states.pop(identity) == 0
                del known[identity]
            else:
                known[identity] = tuple(fields)
                states[identity] = max(states.get(identity, 0), int(kind == "confirmed"))
        if bar % 25 == 0:
            shown = as_lists(engine.strokes())
            names = ("end_bar", "start_ts_ms", "end_ts_ms", "start_price", "end_price", "direction")
            fields_shown = list(zip(*(shown[name] for name in names), strict=True))
            assert [known[identity] for identity in sorted(known)] == fields_shown
            assert [states[identity] for identity in sorted(states)] == shown["state"]
    assert len(known) > 20


@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_columns_equal_the_fold_of_push(params: dict[str, Any]) -> None:
    columns = walk(800, seed=11)
    engine = chanflow_native.ChanEngine(params=params)
    for bar, row in enumerate(rows(columns), start=1):
        engine.push(*row)
        if bar % 40 == 0:
            prefix = {name: column[:bar] for name, column in columns.items()}
            assert as_lists(batch(prefix, "default", params).strokes()) == as_lists(engine.strokes())


def test_columns_have_the_documented_types() -> None:
    strokes = batch(walk(500, seed=2), "default", {}).strokes()
    assert {name: str(column.dtype) for name, column in strokes.items()} == {
        **dict.fromkeys(("start_bar", "end_bar", "start_ts_ms", "end_ts_ms"), "int64"),
        **dict.fromkeys(("start_price", "end_price"), "float64"),
        "direction": "int8",
        "state": "uint8",
        **dict.fromkeys(("first_seen_bar", "confirmed_bar"), "int64"),
    }
    assert strokes["confirmed_bar"][-1] == -1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((60_000, 1.0, float("nan"), 1.0, 1.0), "bar 1: every value must be finite, got open 1 high NaN"),
        ((60_000, 1.0, 0.5, 1.0, 1.0), "bar 1: high 0.5 is below low 1"),
        ((60_000, 1.0, 2.0, 1.0, 3.0), "bar 1: close 3 lies outside low 1 to high 2"),
        ((0, 1.0, 2.0, 1.0, 1.0), "bar 1: ts_ms 0 must be later than 0 of the bar before"),
    ],
)
def test_a_malformed_bar_is_named_and_changes_nothing(row: tuple[Any, ...], message: str) -> None:
    engine = chanflow_native.ChanEngine()
    engine.push(0, 1.0, 2.0, 1.0, 1.5)
    with pytest.raises(ValueError, match=message):
        engine.push(*row)
    assert engine.bars == 1


@pytest.mark.parametrize(
    ("preset", "params", "message"),
    [
        ("strict", None, 'preset "strict" is unknown; allowed: default, chanpy, new_bi, totally, czsc6'),
        ("default", {"bi_stict": True}, 'parameter "bi_stict" .value "true". is unknown; allowed: bi_algo, '),
        ("default", {"bi_strict": 1}, 'parameter "bi_strict" cannot be "1"; allowed: true, false'),
    ],
)
def test_an_unknown_choice_names_the_choices(preset: str, params: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chanflow_native.ChanEngine(preset, params)


def test_columns_of_different_lengths_are_refused() -> None:
    columns = walk(10, seed=1)
    with pytest.raises(ValueError, match="low has 9 values and ts_ms has 10"):
        batch({**columns, "low": columns["low"][:9]}, "default", {})


def test_python_names_what_the_core_gives() -> None:
    columns = walk(700, seed=3)
    structure = chan.analyze(**columns, params={"bi_strict": False})
    engine = chan.Engine(params={"bi_strict": False})
    kinds = {event.kind for row in rows(columns) for event in engine.push(*row)}
    document = json.loads(structure.to_json())
    assert kinds == {"new", "revised", "confirmed", "void"}
    assert engine.structure().to_json() == structure.to_json()
    lists = ["centers", "points", "resets", "segments", "strokes", "super_segments", "trends"]
    assert sorted(document) == sorted([*lists, "bars", "merged", "schema"])
    assert (document["schema"], document["bars"]) == ("chanflow.structure/1", 700)
    expected = in_output_format(batch(columns, "new_bi", {}).strokes())
    assert [{key: row[key] for key in expected[0]} for row in document["strokes"]] == expected
    assert len(structure.strokes) == len(document["strokes"]) > 20
    assert structure.strokes[-1].index == len(structure.strokes) - 1
    assert structure.strokes[0].ref == "stroke#0"


def test_no_bars_give_no_strokes() -> None:
    structure = chan.analyze([], [], [], [], [])
    assert json.loads(structure.to_json())["strokes"] == []
    assert (structure.bars, structure.merged, list(structure.strokes)) == (0, 0, [])


def test_a_forming_bar_can_be_replaced_from_python() -> None:
    columns = walk(300, seed=4)
    engine = chan.Engine()
    for ts_ms, open_, high, low, close, volume in rows(columns):
        engine.push(ts_ms, open_, high + 5.0, low, close, volume)
        engine.replace(ts_ms, open_, high, low, close, volume)
    assert engine.structure().to_json() == chan.analyze(**columns).to_json()
