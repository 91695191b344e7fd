"""`chanflow feed` as a user types it, against a venue on loopback, and served over HTTP."""

from __future__ import annotations

import http.server
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import polars as pl
import pytest

START_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z
DAY_MS = 86_400_000
ARROW = {"Accept": "application/vnd.apache.arrow.stream"}

pytestmark = pytest.mark.server


class Venue(http.server.BaseHTTPRequestHandler):
    """Minute bars of any symbol, in the documented shape."""

    asked: list[str]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        type(self).asked.append(query["symbol"])
        first, last = int(query["startTime"]), int(query["endTime"])
        rows = [
            [ms, "1.0", "2.0", "0.5", "1.5", "10", ms + 59_999, "15", 7, "4", "6", "0"]
            for ms in range(first, last + 1, 60_000)
        ][: int(query["limit"])]
        body = json.dumps(rows).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-MBX-USED-WEIGHT-1M", "10")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def venue() -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Venue,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.asked
    server.shutdown()
    server.server_close()
    thread.join(300)


def feed(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "chanflow", "feed", *words]
    environ = {**os.environ, "CHANFLOW_HOME": str(tmp_path / "home")}
    return subprocess.run(program, capture_output=True, text=True, timeout=3000, env=environ, check=False)


def pulled(tmp_path: Path, url: str, root: str, *more: str) -> subprocess.CompletedProcess[str]:
    return feed(
        tmp_path, "pull", "--symbols", "BTCUSDT", "--interval", "1m", "--from", "2026-01-05", "--to", "2026-01-07",
        "--root", str(tmp_path / root), "--url-override", url, *more,
    )  # fmt: skip


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.*") if path.is_file()}


def test_a_pull_repeated_asks_nothing_and_elsewhere_gives_the_same_bytes(
    tmp_path: Path, venue: tuple[str, list[str]]
) -> None:
    url, asked = venue
    run = pulled(tmp_path, url, "a")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[-1] == (
        "2880 rows of 2 days stored, 0 quarantined, 0 days were there, 0 had nothing"
    )
    before, count = files(tmp_path / "a"), len(asked)
    again = pulled(tmp_path, url, "a")
    assert again.stdout.splitlines()[-1].endswith("2 days were there, 0 had nothing")
    assert len(asked) == count
    assert files(tmp_path / "a") == before
    pulled(tmp_path, url, "b")
    assert files(tmp_path / "b") == before


def test_what_was_pulled_is_served_as_json_and_as_arrow(tmp_path: Path, venue: tuple[str, list[str]]) -> None:
    pulled(tmp_path, venue[0], "a")
    program = [sys.executable, "-m", "chanflow", "feed", "--root", str(tmp_path / "a"), "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        span = f"symbols=BTCUSDT&start_ts={START_MS}&end_ts={START_MS + 2 * DAY_MS}"
        with httpx.Client(base_url=url, timeout=300) as http_:
            page = http_.get(f"/get_historical_slice?{span}&interval=1h&limit=3").json()
            whole = http_.get(f"/get_historical_slice?{span}&kinds=kline", headers=ARROW)
            paged = http_.get(f"/get_historical_slice?{span}&kinds=kline&limit=5", headers=ARROW)
            snapshot = http_.get("/get_live_snapshot?symbols=BTCUSDT,NONE").json()
            tabled = http_.get("/get_live_snapshot?symbols=BTCUSDT,NONE", headers=ARROW)
            refused = http_.get("/get_historical_slice?symbols=BTCUSDT&start_ts=5&end_ts=5&sneaky=1")
            unknown = http_.get("/get_historical_slice?symbols=NONE&start_ts=0&end_ts=5")
            nowhere = http_.get("/wings")
            foreign = http_.get("/healthz", headers={"Host": "desk.example"})
        process.send_signal(signal.SIGINT)
        _, faults = process.communicate(timeout=300)
    assert (process.returncode, faults) == (0, "")
    assert len(page["rows"]) == 3
    assert page["rows"][0][page["columns"].index("volume")] == 600.0
    assert page["next_cursor"]
    table = pl.read_ipc_stream(io.BytesIO(whole.content))
    assert table.height == 2_880
    assert table["ts_ms"].is_sorted()
    assert pl.read_ipc_stream(io.BytesIO(paged.content)).equals(table[:5])
    assert paged.headers["X-Next-Cursor"]
    assert [(row["symbol"], row["dq_codes"]) for row in snapshot["rows"]][1] == ("NONE", ["no_data"])
    assert pl.read_ipc_stream(io.BytesIO(tabled.content))["symbol"].to_list() == ["BTCUSDT", "NONE"]
    assert (refused.status_code, refused.json()["field"]) == (422, "sneaky")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert nowhere.status_code == 404
    assert foreign.status_code == 421


def test_a_dry_import_tells_and_stores_nothing_and_a_real_one_can_be_asked_in_sql(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    rows = [f"2026-01-05 00:{minute:02d}:00,1,2,0.5,1.5,10" for minute in (0, 1, 2, 5, 6)]
    file.write_text("when,open,high,low,close,vol\n" + "\n".join([*rows, "2026-01-05 00:07:00,1,2,0.5,-1,10"]) + "\n")
    words = ["import", str(file), "--map", "ts_ms=when", "--symbol", "BTCUSDT", "--root", str(tmp_path / "lake")]
    dry = feed(tmp_path, *words, "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert "BTCUSDT 1m: 6 bars, 2026-01-05T00:00:00Z to 2026-01-05T00:07:00Z, 1 fail the gate, 1 gaps" in dry.stdout
    assert "gap after 2026-01-05T00:02:00Z until 2026-01-05T00:05:00Z" in dry.stdout
    assert not (tmp_path / "lake").exists()
    assert feed(tmp_path, *words).stdout.splitlines()[-1] == "5 bars stored, 1 quarantined"
    told = feed(tmp_path, "sql", "SELECT count(*) AS n, sum(volume) AS v FROM bars", "--root", str(tmp_path / "lake"))
    assert told.stdout.split() == ["n,v", "5,50.0"]
    stolen = feed(tmp_path, "sql", "SELECT * FROM read_text('/etc/hostname')", "--root", str(tmp_path / "lake"))
    assert stolen.returncode == 2
    assert stolen.stdout == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pull", "--kind", "klines", "--interval", "1m", "--from", "2026-01-05"), "name what to pull"),
        (("pull", "--symbols", "X", "--from", "2026-01-05"), "klines have an interval"),
        (("pull", "--symbols", "X", "--interval", "1m", "--from", "soon"), "--from is 'soon'"),
        (("pull", "--symbols", "X", "--interval", "1m", "--from", "2026-01-05", "--venue", "mars"), "venue is 'mars'"),
        (
            ("pull", "--symbols", "X", "--interval", "1m", "--from", "2026-01-05", "--url-override", "file:///etc"),
            "neither http nor https",
        ),
        (("compact", "--retention", "raw"), "retention 'raw' is not like raw=14"),
        (("--root", "/nowhere/at/all"), "/nowhere/at/all is no folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "home" / "lake").mkdir(parents=True)
    run = feed(tmp_path, *words)
    assert run.returncode == 2
    assert run.stdout == ""
    assert sentence in run.stderr
    assert len(run.stderr.splitlines()) == 1
