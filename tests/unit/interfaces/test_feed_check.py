"""`chanflow feed check` as functions: which file is read how, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.interfaces.cli.app import app
from chanflow.interfaces.cli.feed_check import check_file, run_feed_check

NAME = "binance_usdm_A_trades.parquet"


def table(folder: Path, name: str = NAME, *, ids: tuple[int, ...] = (1, 2)) -> Path:
    rows = [
        {"ts_ms": 1_767_571_200_000, "symbol": "A", "price": 2.0, "qty": 3.0, "side": "buy", "trade_id": trade_id}
        for trade_id in ids
    ]
    pl.DataFrame(rows).write_parquet(folder / name)
    return folder / name


def test_a_clean_file_is_ok_and_json_has_every_file(tmp_path: Path) -> None:
    clean, broken = table(tmp_path), table(tmp_path, "okx_A.parquet", ids=(1, 3))
    out = io.StringIO()
    assert run_feed_check([clean, broken], venue=None, grids=[], output_format="json", out=out)
    found = json.loads(out.getvalue())["files"]
    assert [(one["file"], one["venue"], one["ok"]) for one in found] == [
        (NAME, "binance-usdm", True), ("okx_A.parquet", "okx", True),
    ]  # fmt: skip


def test_any_code_is_no_ok_and_the_table_names_its_rows(tmp_path: Path) -> None:
    out = io.StringIO()
    assert not run_feed_check([table(tmp_path, ids=(1, 3))], venue=None, grids=[], output_format="table", out=out)
    assert "  chain_break            2  rows 1, 2\n" in out.getvalue()


def test_a_grid_is_asked_of_its_symbol(tmp_path: Path) -> None:
    out = io.StringIO()
    assert not run_feed_check([table(tmp_path)], venue=None, grids=["A=0.1,2"], output_format="json", out=out)
    assert json.loads(out.getvalue())["files"][0]["codes"] == {"off_grid": {"count": 2, "rows": [1, 2]}}


@pytest.mark.parametrize(
    ("venue", "grids", "says"),
    [
        ("mtgox", [], "--venue 'mtgox' is none of binance-usdm"),
        (None, ["A=0.1"], "--grid 'A=0.1' is not SYMBOL=TICK,STEP"),
        (None, ["A=x,1"], '--grid: symbol "A": "x" is no number'),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    tmp_path: Path, venue: str | None, grids: list[str], says: str
) -> None:
    with pytest.raises(InvalidArgument, match=says):
        run_feed_check([table(tmp_path)], venue=venue, grids=grids, output_format="table", out=io.StringIO())


def test_a_file_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    for name, says in (
        ("a.zip", "ends in none of"),
        ("none.parquet", "is no file"),
        (table(tmp_path, "trades.parquet").name, "begins with no venue"),
    ):
        with pytest.raises(RecordingInvalid, match=says):
            check_file(tmp_path / name)


def test_the_command_exits_6_when_a_row_has_a_code(tmp_path: Path) -> None:
    clean, broken = table(tmp_path), table(tmp_path, "okx_A.parquet", ids=(1, 1))
    broken_usdm = table(tmp_path, "binance_usdm_B.parquet", ids=(1, 1))
    assert CliRunner().invoke(app, ["feed", "check", str(clean)]).exit_code == 0
    for file in (broken, broken_usdm):
        done = CliRunner().invoke(app, ["feed", "check", str(file), "--format", "json"])
        assert (done.exit_code, json.loads(done.stdout)["files"][0]["codes"]) == (
            6, {"duplicate": {"count": 1, "rows": [2]}},
        )  # fmt: skip
