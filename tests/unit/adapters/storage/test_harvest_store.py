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

from chanflow.adapters.storage.harvest_store import HarvestStore, Judged, Rotation
from chanflow.adapters.storage.lake_check import check_lake
from chanflow.adapters.storage.publish import Publisher, manifest_entries


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


def test_rows_that_the_gate_refuses_go_to_quarantine_with_their_codes(tmp_path: Path, taken: dict[str, Any]) -> None:
    def gate(rows: Mapping[str, Any]) -> Judged:
        masks = np.zeros(len(rows["ts_ms"]), dtype=np.uint32)
        masks[3], masks[5] = 0b01, 0b11
        return Judged(masks, ("latency", "crossed"), quarantine=0b10)

    layers = {entry["layer"]: entry for entry in kept(tmp_path, taken, gate=gate)}
    assert layers["rows"]["dq"]["codes"] == {"latency": 1}
    assert layers["quarantine"]["dq"] == {"ok": 0, "codes": {"crossed": 1, "latency": 1}}
    assert layers["rows"]["rows"] + layers["quarantine"]["rows"] == len(taken["rows"]["ts_ms"])


def test_what_is_shed_leaves_no_rows(tmp_path: Path, taken: dict[str, Any]) -> None:
    publisher = Publisher(tmp_path, "harvest")
    store = HarvestStore(publisher, "binance-usdm", "BTCUSDT", part_format="parquet", rotation=Rotation(10, 60.0, 64))
    store.add(taken, shed=True)
    store.rotate()
    publisher.release()
    assert {path.parts[-4] for path in tmp_path.glob("*/*/*/part-*")} == {"_deadletter"}
