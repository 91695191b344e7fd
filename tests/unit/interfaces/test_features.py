"""`chanflow features` from rows and from lines, and what it says of input and flags that it cannot use."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from pathlib import Path

import polars as pl
import pytest
from commands import CHANFLOW, chanflow, environment
from made_recording import frames, text_of
from made_unified import unified_rows

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.row_events import LineEvents
from chanflow.domain.errors import RecordingInvalid
from chanflow.features.compute import FeatureSettings, columns_of, compute_features


def lines(count: int = 300) -> tuple[str, tuple[int, int]]:
    rows, decimals = unified_rows(count)
    return "".join(json.dumps(row) + "\n" for row in rows), decimals


def piped(tmp_path: Path, text: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHANFLOW, "features", "--input", "-", *flags], input=text, env=environment(tmp_path / "home"), text=True,
        capture_output=True, check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip


def test_lines_of_rows_give_the_bins_of_the_operation(tmp_path: Path) -> None:
    text, decimals = lines()
    done = piped(tmp_path, text, "--all-columns")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    wanted = compute_features(unified_rows(300)[0], FeatureSettings(*decimals), finish=True).bins
    assert len(wanted) == 300
    for row, one in zip(found, wanted, strict=True):
        assert [row[name] for name in ("ts_ms", "z_ofi", "z_cvd", "book_ok")] == [
            one[name] for name in ("ts_ms", "z_ofi", "z_cvd", "book_ok")
        ]
        fusion = one["fusion"]
        shown = {
            "side": row["signal"],
            "score": row["fusion"],
            "consistency": row["consistency"],
            "reasons": row["reasons"],
        }
        assert shown == fusion
    assert sum(one["fusion"]["score"] is not None for one in wanted) > 100


def test_a_lake_gives_the_bins_of_its_rows(tmp_path: Path) -> None:
    from chanflow_native import RowCollector, SyntheticMarket

    market = SyntheticMarket(7, 1_767_571_200_000 * 1_000_000)
    batch = market.advance((1_767_571_200_000 + 300_000) * 1_000_000)
    collector = RowCollector(batch.price_decimals, batch.qty_decimals)
    collector.push(batch)
    writer = LakeWriter(tmp_path / "lake", "synthetic", market.symbol, writer_id="test", rotate_rows=500)
    writer.add(collector.take())
    writer.close()
    out = tmp_path / "out.parquet"
    done = chanflow(
        tmp_path / "home", "features", "--rows", str(tmp_path / "lake"), "--symbol", market.symbol, "--out", str(out)
    )
    assert done.returncode == 0, done.stderr
    piped_rows = [json.loads(line) for line in piped(tmp_path, lines()[0]).stdout.splitlines()]
    assert pl.read_parquet(out).to_dicts() == piped_rows
    missing = chanflow(tmp_path / "home", "features", "--rows", str(tmp_path / "lake"), "--symbol", "NOPE")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert market.symbol in missing.stderr


def test_rows_come_out_as_they_come_in() -> None:
    rows, decimals = unified_rows(60)
    half = len(rows) // 2

    class Slow(io.BytesIO):
        asked = 0

        def read1(self, _size: int | None = -1) -> bytes:
            self.asked += 1
            part = {1: rows[:half], 2: rows[half:]}.get(self.asked, [])
            return "".join(json.dumps(row) + "\n" for row in part).encode()

    source = Slow()
    events = LineEvents(source, "test", columns_of, None, decimals=decimals)
    first = next(events.pieces())
    assert len(first.batch) == half
    assert source.asked == 1


def test_a_quarantined_row_spoils_its_bin_and_is_left_out() -> None:
    rows, _ = unified_rows(20)
    rows[10] = {**rows[10], "dq_ok": False, "bid": 1e9}
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    pieces = list(LineEvents(io.BytesIO(text), "test", columns_of, None, decimals=(2, 3)).pieces())
    assert [piece.spoilt_ms for piece in pieces] == [rows[10]["ts_ms"], None]
    assert sum(len(piece.batch) for piece in pieces) == len(rows) - 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", "line 2 is no JSON object"),
        ('{"ts_ms": 1, "symbol": "SIMUSDT", "kind": "wish"}', "row 2: kind 'wish'"),
        ('{"ts_ms": 1.5, "symbol": "SIMUSDT", "kind": "gap"}', "row 2: ts_ms 1.5"),
        ('{"ts_ms": 1, "symbol": "ETHUSDT", "kind": "gap"}', "ETHUSDT"),
        ('{"ts_ms": 1, "symbol": "SIMUSDT", "kind": "book", "bids": [{"p": 1}]}', "none of a unified row"),
    ],
    ids=["cut", "list", "kind", "time", "symbol", "level"],
)
def test_a_line_that_is_no_row_is_named(line: str, words: str) -> None:
    good = json.dumps(unified_rows(1)[0][0])
    with pytest.raises(RecordingInvalid, match=words.replace("(", r"\(")):
        list(LineEvents(io.BytesIO(f"{good}\n{line}\n".encode()), "test", columns_of, None, decimals=(2, 3)).pieces())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--wire, --rows and --input"),
        (["--wire", "{wire}", "--rows", "."], "--wire and --rows"),
        (["--wire", "{wire}", "--bin", "0s"], "--bin"),
        (["--wire", "{wire}", "--bin", "7s"], "does not divide a day"),
        (["--wire", "{wire}", "--bin", "a minute"], "--bin is 'a minute'"),
        (["--wire", "{wire}", "--warmup", "600s"], "--warmup is 600000 ms"),
        (["--wire", "{wire}", "--symbol", "ETHUSDT"], "no frame of ETHUSDT"),
        (["--wire", "{wire}", "--venue", "hyperliquid"], "--venue is hyperliquid"),
        (["--wire", "{wire}", "--out", "no/such/x.parquet"], "there is no folder"),
        (["--wire", "{wire}", "--plot", "x.svg"], ".html or .png"),
        (["--wire", "{wire}", "--symbols", "A", "B"], "--all-columns"),
        (["--wire", "{wire}", "--decimals", "1,2"], "raw frames spell their own"),
        (["--wire", "nothing.txt"], "does not exist"),
        (["--rows", "."], "--symbol"),
        (["--rows", ".", "--symbol", "../x"], "symbol"),
        (["--input", "-", "--decimals", "99,1"], "--decimals is"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_done_is_said_in_one_sentence(flags: list[str], words: str, tmp_path: Path) -> None:
    recording = tmp_path / "made.txt"
    recording.write_bytes(text_of(frames()))
    done = chanflow(tmp_path / "home", "features", *(flag.replace("{wire}", str(recording)) for flag in flags))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("chanflow: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_line_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    spoilt = frames()
    spoilt[700] = "no frame"
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_bytes(text_of(spoilt[:500]))
    second.write_bytes(text_of(spoilt[500:]))
    done = chanflow(tmp_path / "home", "features", "--wire", str(first), str(second), "--out", "out.parquet")
    assert done.returncode == 2
    assert f"{second}: line 201:" in done.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_settings_of_a_file_are_the_defaults(tmp_path: Path) -> None:
    recording, config = tmp_path / "made.txt", tmp_path / "c.yaml"
    recording.write_bytes(text_of(frames()))
    config.write_text("market: {bin_ms: 500, z_warmup_s: 10}\n")
    done = chanflow(tmp_path / "home", "features", "--wire", str(recording), "--config", str(config))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[1]["ts_ms"] - rows[0]["ts_ms"] == 500
    assert sum(row["z_ofi"] is not None for row in rows) > 100


def test_an_interrupted_run_changes_no_file(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("as it was\n")
    with subprocess.Popen(
        [*CHANFLOW, "features", "--input", "-", "--out", str(out)], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, env=environment(tmp_path / "home"), cwd=tmp_path,
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stderr is not None
        # More than a pipe holds: when all is written, it has read most of it and computes.
        text = lines(900)[0].encode()
        assert len(text) > 500_000
        running.stdin.write(text)
        running.stdin.flush()
        running.send_signal(signal.SIGINT)
        said = running.stderr.read().decode()
        assert running.wait(300) == 7
    assert said == "chanflow: interrupted; no file was changed\n"
    assert out.read_text() == "as it was\n"


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path) -> None:
    recording = tmp_path / "made.txt"
    recording.write_bytes(text_of(frames()))
    command = " ".join([*CHANFLOW, "features", "--wire", str(recording), "--bin", "10ms", "|", "head", "-1"])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], env=environment(tmp_path / "home"), capture_output=True,
        text=True, check=False, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1
