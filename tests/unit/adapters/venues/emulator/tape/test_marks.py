"""Recorded mark prices and funding between other ticks."""

from __future__ import annotations

import json
from pathlib import Path

import made_recording
import numpy as np
import polars as pl
from made_unified import unified_rows

from chanflow.adapters.venues.emulator.tape.marks import mark_ticks, with_marks
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.adapters.venues.emulator.tape.reel import Columns
from chanflow.adapters.venues.emulator.tape.steps import Kind

NS = 1_000_000


def columns(*rows: tuple[int, int, int, int]) -> Columns:
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return table[:, 0] * NS, table[:, 1].astype(np.uint8), table[:, 2].copy(), table[:, 3].copy()


def rows_of(parts: list[Columns]) -> list[tuple[int, int, int, int]]:
    return [
        (event_ns // NS, kind, price, qty)
        for part in parts
        for event_ns, kind, price, qty in zip(*(column.tolist() for column in part), strict=True)
    ]


def test_funding_comes_at_its_time_with_the_last_rate_told() -> None:
    ticks = mark_ticks(
        np.array([1_000, 2_000, 3_000]), np.array([100.25, 100.5, 101.0]), 2, np.array([1e-4, 3e-4, 5e-4]),
        np.array([2_500, 2_500, 9_000]),
    )  # fmt: skip
    assert rows_of([ticks]) == [
        (1_000, Kind.MARK, 10_025, 0), (2_000, Kind.MARK, 10_050, 0), (2_500, Kind.FUNDING, 0, 300_000),
        (3_000, Kind.MARK, 10_100, 0),
    ]  # fmt: skip


def test_a_row_without_a_price_is_left_out() -> None:
    assert rows_of([mark_ticks(np.array([1_000, 2_000]), np.array([np.nan, 1.0]), 2)]) == [(2_000, Kind.MARK, 100, 0)]


def test_marks_lie_between_the_ticks_of_their_symbol() -> None:
    source = iter([columns((1, 1, 5, 5), (4, 1, 6, 6)), columns((5, 1, 7, 7))])
    marks = columns((2, 7, 50, 0), (5, 7, 51, 0), (9, 7, 52, 0))
    times = [(ms, kind) for ms, kind, _, _ in rows_of(list(with_marks(source, marks)))]
    assert times == [(1, 1), (2, 7), (4, 1), (5, 1), (5, 7), (9, 7)]


def test_a_recording_tells_its_marks_and_its_funding(tmp_path: Path) -> None:
    start, lines = made_recording.START_MS, made_recording.frames()
    for second in range(2, 60):
        now_ms = start + second * 1_000 + 50
        due_ms = start + (30_000 if second < 30 else 90_000_000)
        data = {"e": "markPriceUpdate", "E": now_ms, "s": "BTCUSDT", "p": f"{100 + second}.50000000",
                "i": "100.00000000", "P": "100.00000000", "r": "0.00012345", "T": due_ms}  # fmt: skip
        text = json.dumps({"stream": "btcusdt@markPrice@1s", "data": data}, separators=(",", ":"))
        lines.append(f"{now_ms * NS} {text}")
    lines.sort(key=lambda line: int(line.split(" ")[0]))
    path = tmp_path / "btc.txt"
    path.write_bytes(made_recording.text_of(lines))
    tape = open_tape(f"wire:{path}")
    assert tape.end_ns is not None
    (ticks,) = tape.until(tape.end_ns)
    assert not np.any(np.diff(ticks.event_ns) < 0)
    scale = 10 ** tape.symbols["BTCUSDT"].price_decimals
    marks = ticks.kind == Kind.MARK
    assert (ticks.price[marks] / scale).tolist() == [100.5 + second for second in range(2, 60)]
    funding = ticks.kind == Kind.FUNDING
    assert ticks.qty[funding].tolist() == [123_450]
    assert ticks.event_ns[funding].tolist() == [(start + 30_000) * NS]


def test_a_lake_tells_its_marks(tmp_path: Path) -> None:
    rows, decimals = unified_rows(30)
    first_ms = rows[0]["ts_ms"]
    mark = {"ts_ms": first_ms + 5_000, "symbol": "SIMUSDT", "venue": "synthetic", "kind": "mark", "price": 99.5,
            "known_ns": (first_ms + 5_001) * NS, "dq_ok": True}  # fmt: skip
    folder = tmp_path / "SIMUSDT" / "date=2026-01-05"
    folder.mkdir(parents=True)
    part = pl.DataFrame([*rows, mark], infer_schema_length=None)
    part.sort("known_ns").write_parquet(folder / f"part-{first_ms}.parquet")
    (ticks,) = open_tape(f"lake:{tmp_path}").until((first_ms + 30_000) * NS)
    marks = ticks.kind == Kind.MARK
    assert ticks.event_ns[marks].tolist() == [(first_ms + 5_000) * NS]
    assert ticks.price[marks].tolist() == [round(99.5 * 10 ** decimals[0])]
    assert not np.any(np.diff(ticks.event_ns) < 0)
