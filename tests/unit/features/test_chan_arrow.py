"""The Arrow export of a Chan structure: what readers of the PyCapsule interface see, and where it lies."""

from __future__ import annotations

import gc
import subprocess
import sys
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from chan_goldens import walk

from chanflow.features import chan
from chanflow.features.chan_columns import Columns, arrays_of

LISTS = ("strokes", "segments", "super_segments", "centers", "points", "trends")
SHOWN = chan.analyze(**walk(3_000, seed=21), preset="chanpy")
REMEMBERED = chan.analyze(**walk(3_000, seed=21), preset="chanpy", history=True)
EMPTY = chan.analyze([], [], [], [], [])
STRUCTURES = {"shown": SHOWN, "history": REMEMBERED, "empty": EMPTY}


def columns_of(structure: chan.Structure, name: str) -> dict[str, np.ndarray]:
    columns: Columns = getattr(structure, name)
    return arrays_of(columns)


class ArrayOnly:
    """A reader that finds no stream takes the array."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __arrow_c_array__(self, requested_schema: object | None = None) -> Any:
        return self.table.__arrow_c_array__(requested_schema)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("which", STRUCTURES)
def test_polars_reads_every_column_as_it_is(which: str, name: str) -> None:
    structure = STRUCTURES[which]
    frame = pl.DataFrame(structure.to_arrow()[name])
    columns = columns_of(structure, name)
    assert frame.columns == list(columns)
    for column, array in columns.items():
        assert frame[column].null_count() == 0
        np.testing.assert_array_equal(frame[column].to_numpy(), array, strict=True)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("which", STRUCTURES)
def test_duckdb_reads_every_column_as_it_is(which: str, name: str) -> None:
    structure = STRUCTURES[which]
    exported = structure.to_arrow()[name]  # noqa: F841 (duckdb finds it by its name)
    read = duckdb.sql("select * from exported").fetchnumpy()
    columns = columns_of(structure, name)
    assert list(read) == list(columns)
    for column, array in columns.items():
        np.testing.assert_array_equal(np.asarray(read[column]), array, strict=True)


def test_made_and_missing_values_are_in_the_comparison() -> None:
    assert all(len(getattr(structure, name)) > 0 for structure in (SHOWN, REMEMBERED) for name in LISTS)
    divergence = SHOWN.points.divergence
    assert np.isnan(divergence).any()
    assert not np.isnan(divergence).all()
    assert (SHOWN.strokes.confirmed_bar == -1).any()
    assert REMEMBERED.points.void_bar is not None
    assert (REMEMBERED.points.void_bar >= 0).any()


@pytest.mark.parametrize("wrap", [lambda table: table, ArrayOnly], ids=["stream", "array"])
@pytest.mark.parametrize("name", LISTS)
def test_what_is_read_lies_where_the_numpy_columns_lie(name: str, wrap: Any) -> None:
    frame = pl.DataFrame(wrap(REMEMBERED.to_arrow()[name]))
    for column, array in columns_of(REMEMBERED, name).items():
        assert frame[column].to_numpy(allow_copy=False).ctypes.data == array.ctypes.data


@pytest.mark.parametrize("name", LISTS)
def test_frames_lie_where_the_numpy_columns_lie(name: str) -> None:
    frame = REMEMBERED.to_polars()[name]
    for column, array in columns_of(REMEMBERED, name).items():
        assert frame[column].to_numpy(allow_copy=False).ctypes.data == array.ctypes.data


@pytest.mark.parametrize("name", LISTS)
def test_columns_are_rust_memory_that_nobody_may_write(name: str) -> None:
    for array in columns_of(SHOWN, name).values():
        assert type(array.base).__name__ == "PySliceContainer"
        assert not array.flags.owndata
        assert not array.flags.writeable


def test_what_was_read_outlives_structure_columns_and_export() -> None:
    structure = chan.analyze(**walk(3_000, seed=22), preset="chanpy")
    expected = structure.points.price.tolist()
    capsules = structure.to_arrow()["points"].__arrow_c_array__()
    frame = pl.DataFrame(structure.to_arrow()["points"])
    del structure
    gc.collect()
    rubbish = [np.full(len(expected), np.nan) for _ in range(200)]

    class Late:
        def __arrow_c_array__(self, requested_schema: object | None = None) -> Any:
            return capsules

    late = pl.DataFrame(Late())
    assert frame["price"].to_list() == late["price"].to_list() == expected
    assert len(rubbish) == 200


def test_the_last_reader_frees_the_columns() -> None:
    structure = chan.analyze(**walk(500, seed=23))
    column = structure.strokes.end_price
    idle = sys.getrefcount(column)
    frame = pl.DataFrame(structure.to_arrow()["strokes"])
    assert sys.getrefcount(column) > idle
    del frame
    assert sys.getrefcount(column) == idle


def test_an_export_is_read_as_often_as_one_likes() -> None:
    table = SHOWN.to_arrow()["strokes"]
    assert pl.DataFrame(table).equals(pl.DataFrame(table))
    assert len(table) == len(SHOWN.strokes)


def test_the_schema_says_that_nothing_is_null() -> None:
    nanoarrow = pytest.importorskip("nanoarrow")
    schema = nanoarrow.Schema(SHOWN.to_arrow()["points"])
    assert {field.name: field.type.name for field in schema.fields} == {
        name: {"float64": "DOUBLE"}.get(str(array.dtype), str(array.dtype).upper())
        for name, array in columns_of(SHOWN, "points").items()
    }
    assert not any(field.nullable for field in schema.fields)


def test_another_schema_is_not_cast_to() -> None:
    other = chan.analyze([], [], [], [], []).to_arrow()["trends"].__arrow_c_schema__()
    with pytest.raises(NotImplementedError):
        SHOWN.to_arrow()["strokes"].__arrow_c_array__(other)
    with pytest.raises(NotImplementedError):
        SHOWN.to_arrow()["strokes"].__arrow_c_stream__(other)


def test_columns_of_a_made_structure_are_exported_too() -> None:
    strokes = replace(SHOWN.strokes, void_bar=np.full(len(SHOWN.strokes), -1))
    frame = replace(SHOWN, strokes=strokes).to_polars()["strokes"]
    assert frame["void_bar"].unique().to_list() == [-1]


def test_only_an_export_loads_arrow() -> None:
    code = (
        "import sys; from chanflow.features import chan; "
        "chan.analyze([], [], [], [], []).to_json(); print('nanoarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_export_that_is_alive_at_exit_does_no_harm() -> None:
    code = (
        "from chanflow.features import chan; bars = [1.0, 2.0, 1.0]; "
        "made = chan.analyze(bars, bars, bars, bars, [1, 2, 3]); "
        "frames, capsule = made.to_polars(), made.to_arrow()['points'].__arrow_c_stream__()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
