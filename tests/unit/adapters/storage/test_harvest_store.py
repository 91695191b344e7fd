"""Rows, quarantine, dead letters and the book layer, as an intake hands them out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from chanflow_native import Intake
from made_recording import frames

from chanflow.adapters.storage.harvest_store import HarvestStore, Rotation
from chanflow.adapters.storage.lake_check import check_lake
from chanflow.adapters.storage.publish import Publisher, manifest_entries
from chanflow.market.quality import CODE_BITS, QUARANTINE_BITS
from chanflow.market.row_gate import Judged


@pytest.fixture
def taken() -> dict[str, Any]:
    intake = Intake("binance-usdm", {"BTCUSDT": (1, 3)}, book_layer=True)
    intake.feed(b"".join(line.encode() + b"\n" for line in frames()) + b"1767571200000000000 {oops\n", 0)
    return intake.take()


def kept(root: Path, taken: Mapping[str, Any], **more: Any) -> list[dict[str, Any]]:
    publisher = Publisher(root, "harvest")
    store = HarvestStore(
        publisher, "binance-usdm", "BTCUSDT", part_format=more.pop("part_format", "parquet"),
        rotation=Rotation(200_000, 3_600.0, 64), **more,
    )  # fmt: skip
    store.add(taken, shed=False)
    store.rotate()
    publisher.release()
    assert check_lake(root).findings == ()
    return [entry for path in sorted(root.glob("_manifest/*")) for entry in manifest_entries(path.read_bytes())]


def test_each_layer_has_its_place(tmp_path: Path, taken: dict[str, Any]) -> None:
    layers = {entry["layer"]: entry for entry in kept(tmp_path, taken)}
    assert set(layers) == {"rows", "book", "deadletter"}
    assert layers["rows"]["rows"] == len(taken["rows"]["ts_ms"])
    assert layers["rows"]["dq"] == {"ok": layers["rows"]["rows"], "codes": {}}
    assert layers["book"]["path"].startswith("_book/BTCUSDT/date=")
    letter = json.loads((tmp_path / layers["deadletter"]["path"]).read_text())
    assert letter["frame"] == "{oops"


def test_a_book_row_has_its_best_levels_and_other_rows_have_none(tmp_path: Path, taken: dict[str, Any]) -> None:
    (entry,) = [entry for entry in kept(tmp_path, taken) if entry["layer"] == "rows"]
    rows = pl.read_parquet(tmp_path / entry["path"])
    books = rows.filter(pl.col("kind") == "book")
    assert books.height == len(taken["rows"]["books"]["row"])
    first = books.row(0, named=True)
    assert (first["bids"][0]["p"], first["asks"][0]["p"]) == (first["bid"], first["ask"])
    assert [level["p"] for level in first["bids"]] == sorted((one["p"] for one in first["bids"]), reverse=True)
    assert rows.filter(pl.col("kind") != "book")["bids"].null_count() == rows.height - books.height


def test_json_lines_hold_the_same_rows(tmp_path: Path, taken: dict[str, Any]) -> None:
    (entry,) = [one for one in kept(tmp_path, taken, part_format="jsonl") if one["layer"] == "rows"]
    first = json.loads((tmp_path / entry["path"]).read_text().splitlines()[0])
    assert entry["path"].endswith(".jsonl")
    assert {"ts_ms", "kind", "row_id", "dq_codes", "bids"} <= first.keys()


class _Gate:
    """Condemns the rows it is told to, and confirms one of them later."""

    def __init__(self, codes: Mapping[int, str], confirmed: Mapping[int, int]) -> None:
        self._codes, self._confirmed, self._rows = codes, confirmed, 0

    def judge(self, rows: Mapping[str, Any]) -> Judged:
        count = len(rows["ts_ms"])
        numbers = np.arange(self._rows, self._rows + count)
        self._rows += count
        masks = np.array([CODE_BITS.get(self._codes.get(number, ""), 0) for number in numbers.tolist()], np.uint32)
        confirmed = tuple((row, by - int(numbers[0])) for row, by in self._confirmed.items() if by in numbers)
        return Judged(masks, (masks & QUARANTINE_BITS) != 0, numbers * 1.0, numbers, confirmed)

    def report(self) -> dict[str, Any]:
        return {"rows": self._rows}


def test_rows_that_the_gate_refuses_go_to_quarantine_with_their_codes(tmp_path: Path, taken: dict[str, Any]) -> None:
    layers = {entry["layer"]: entry for entry in kept(tmp_path, taken, gate=_Gate({3: "stale", 5: "crossed"}, {}))}
    assert layers["rows"]["dq"]["codes"] == {"stale": 1}
    assert layers["quarantine"]["dq"] == {"ok": 0, "codes": {"crossed": 1}}
    assert layers["rows"]["rows"] + layers["quarantine"]["rows"] == len(taken["rows"]["ts_ms"])
    aside = pl.read_parquet(tmp_path / layers["quarantine"]["path"])
    assert (aside["lag_ms"].to_list(), aside["dq_codes"].to_list()) == ([5.0], [["crossed"]])


@pytest.mark.parametrize("batches", [1, 2])
def test_a_confirmed_jump_is_kept_right_before_the_row_that_confirms_it(tmp_path: Path, batches: int) -> None:
    intake = Intake("binance-usdm", {"BTCUSDT": (1, 3)})
    publisher = Publisher(tmp_path, "harvest")
    store = HarvestStore(
        publisher, "binance-usdm", "BTCUSDT", part_format="parquet", rotation=Rotation(200_000, 3_600.0, 64),
        gate=_Gate({3: "price_jump"}, {3: 20}),
    )  # fmt: skip
    lines = [line.encode() + b"\n" for line in frames()][:200]
    for batch in (lines[:12], lines[12:]) if batches == 2 else (lines,):
        intake.feed(b"".join(batch), 0)
        store.add(intake.take(), shed=False)
    store.rotate()
    publisher.release()
    assert (store.quarantined, store.quality()) == (1, {"rows": intake.stats()["rows"]})
    (path,) = tmp_path.glob("BTCUSDT/*/*.parquet")
    rows = pl.read_parquet(path)
    assert [int(lag) for lag in rows["lag_ms"][:21]] == [0, 1, 2, *range(4, 20), 3, 20]
    assert rows.row(19, named=True)["dq_codes"] == ["price_jump"]


def test_what_is_shed_leaves_no_rows(tmp_path: Path, taken: dict[str, Any]) -> None:
    publisher = Publisher(tmp_path, "harvest")
    store = HarvestStore(publisher, "binance-usdm", "BTCUSDT", part_format="parquet", rotation=Rotation(10, 60.0, 64))
    store.add(taken, shed=True)
    store.rotate()
    publisher.release()
    assert {path.parts[-4] for path in tmp_path.glob("*/*/*/part-*")} == {"_deadletter"}
