"""`chanflow signal`, as a person meets it: the same decisions however the rows come, each kept once."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import CHANFLOW, chanflow, environment, market_data
from made_features import lines, recorded, row, wavy

LAST = re.compile(r"processed=(\d+) emitted=(\d+) confirmed=(\d+) elapsed=\d+\.\d\ds")
GUARD_S = 300


def kept(out: Path, run_id: str = "r1") -> list[dict[str, Any]]:
    return [json.loads(line) for line in whole_lines(out, run_id)]


def whole_lines(out: Path, run_id: str = "r1") -> list[bytes]:
    """Return the lines that have their end; a process may be writing the last."""
    files = sorted(out.glob(f"signals_{run_id}*.jsonl"))
    return [line for path in files for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda each: str(each["signal_id"]))


def counts(stderr: str) -> tuple[int, int, int]:
    found = LAST.fullmatch(stderr.strip().splitlines()[-1])
    assert found is not None, stderr
    processed, emitted, confirmed = map(int, found.groups())
    return processed, emitted, confirmed


def signal(tmp_path: Path, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHANFLOW, "signal", *arguments], env=environment(tmp_path / "home", **more), input=stdin, capture_output=True,
        text=True, check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip


def put(folder: Path, number: int, rows: list[dict[str, Any]]) -> None:
    """Publish a part as the feature service does: whole, under its name."""
    day = folder / str(rows[0]["symbol"]) / "date=2026-01-05"
    day.mkdir(parents=True, exist_ok=True)
    draft = day / f".part-{number:04d}.parquet"
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(draft)
    draft.rename(day / f"part-{number:04d}.parquet")


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start watchers, which end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*CHANFLOW, "signal", "--watch", "--poll", "20ms", *arguments], env=environment(tmp_path / "home"),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def until(met: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + GUARD_S
    while not met():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str]) -> str:
    process.terminate()
    _, stderr = process.communicate(timeout=GUARD_S)
    assert process.returncode == 0, stderr
    return stderr


@pytest.fixture(scope="module", params=["made", "recorded"])
def rows(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return wavy(900) if request.param == "made" else list(recorded(market_data()))


@pytest.mark.golden
def test_watch_batch_and_stdin_differ_in_no_row(
    tmp_path: Path, rows: list[dict[str, Any]], watching: Callable[..., subprocess.Popen[str]]
) -> None:
    run = ("--run-id", "r1", "--sink", "dual")
    folder = tmp_path / "features"
    put(folder, 1, rows[:200])
    process = watching("--input", str(folder), "--out", "watched", *run)
    until(lambda: len(kept(tmp_path / "watched")) == 200)
    put(folder, 2, rows[200:])
    until(lambda: len(kept(tmp_path / "watched")) == len(rows))
    ended(process)
    (tmp_path / "all.jsonl").write_text(lines(rows))
    ran = [
        signal(tmp_path, "--input", str(folder), "--out", "batch", *run),
        signal(tmp_path, "--input", "all.jsonl", "--out", "lines", *run),
        signal(tmp_path, "--out", "stdin", *run, stdin=lines(rows)),
    ]
    assert [(done.returncode, counts(done.stderr)[:2]) for done in ran] == [(0, (len(rows), len(rows)))] * 3
    watched = kept(tmp_path / "watched")
    assert len(watched) == len(rows)
    for other in ("batch", "lines", "stdin"):
        assert kept(tmp_path / other) == watched
    assert {"OK", "WARMUP"} <= {each["decision_code"] for each in watched}


@pytest.mark.crash
def test_a_watcher_killed_again_and_again_decides_on_every_row_once(
    tmp_path: Path, watching: Callable[..., subprocess.Popen[str]]
) -> None:
    folder, out = tmp_path / "features", tmp_path / "out"
    one, other = wavy(3_000), wavy(3_000, "ETHUSDT", phase=1.0)
    run = ("--input", str(folder), "--out", "out", "--sink", "dual", "--run-id", "r1")
    for number in range(5):
        put(folder, number, one[number * 600 : (number + 1) * 600])
        put(folder, number, other[number * 600 : (number + 1) * 600])
        standing = len(whole_lines(out))
        process = watching(*run)
        until(lambda standing=standing: len(whole_lines(out)) > standing)  # type: ignore[misc]
        process.kill()
        process.communicate()
    last = watching(*run)
    until(lambda: len(whole_lines(out)) == 6_000)
    ended(last)
    done = signal(tmp_path, "--input", str(folder), "--out", "batch", "--sink", "jsonl", "--run-id", "r1")
    assert counts(done.stderr)[:2] == (6_000, 6_000)
    assert by_id(kept(out)) == by_id(kept(tmp_path / "batch"))


def test_a_run_named_again_goes_on_where_it_ended(tmp_path: Path) -> None:
    short, whole = lines(wavy(300)), lines(wavy(500))
    assert counts(signal(tmp_path, "--run-id", "r1", stdin=short).stderr)[:2] == (300, 300)
    assert counts(signal(tmp_path, "--run-id", "r1", stdin=whole).stderr)[:2] == (200, 200)
    assert len(kept(tmp_path / "runtime")) == 500


def test_a_run_named_again_with_another_input_is_refused(tmp_path: Path) -> None:
    signal(tmp_path, "--run-id", "r1", stdin=lines(wavy(300)))
    done = signal(tmp_path, "--run-id", "r1", stdin=lines(wavy(300, phase=1.0)))
    assert done.returncode == 2
    assert "has kept another decision" in done.stderr


def test_print_shows_every_decision_and_the_funnel_stands_before_the_counts(tmp_path: Path) -> None:
    done = signal(tmp_path, "--print", "--sink", "null", stdin=lines(wavy(400)))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    processed, emitted, confirmed = counts(done.stderr)
    assert (processed, emitted, len(told)) == (400, 400, 400)
    assert confirmed == sum(each["confirm"] for each in told) > 0
    table = {line.split()[0]: int(line.split()[1]) for line in done.stderr.splitlines()[:-1]}
    assert sum(table.values()) == 400
    assert table["OK"] == confirmed


def test_symbols_and_since_choose_rows(tmp_path: Path) -> None:
    mixed = lines(
        [each for pair in zip(wavy(50), wavy(50, "ETHUSDT"), wavy(50, "XRPUSDT"), strict=True) for each in pair]
    )
    some = signal(tmp_path, "--symbols", "BTCUSDT", "ETHUSDT", "--sink", "null", stdin=mixed)
    assert counts(some.stderr)[0] == 100
    assert counts(signal(tmp_path, "--symbols", "BTCUSDT,XRPUSDT", "--sink", "null", stdin=mixed).stderr)[0] == 100
    late = signal(tmp_path, "--since", "2026-01-05T00:00:40Z", "--sink", "null", stdin=mixed)
    assert counts(late.stderr)[0] == 30


def test_what_is_no_row_is_a_decision_too(tmp_path: Path) -> None:
    text = "".join([json.dumps(row()) + "\n", "garbage\n", "x" * 2_000_000 + "\n", '{"ts_ms": "soon"}\n', "\n"])
    done = signal(tmp_path, "--run-id", "r1", stdin=text)
    assert done.returncode == 0
    assert [each["decision_code"] for each in kept(tmp_path / "runtime")][1:] == ["BAD_INPUT"] * 3
    told = [each["reasons"] for each in kept(tmp_path / "runtime")]
    assert told[1:3] == [["line 2 is no JSON"], ["line 3 is longer than 1048576 bytes"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "nowhere"], "there is nothing at nowhere"),
        (["--watch"], "--watch needs a folder"),
        (["--run-id", "a/b"], "run id is 'a/b'"),
        (["--since", "soon"], "since is 'soon'"),
        (["--poll", "0s"], "poll is '0s'"),
        (["--symbols", "BTC USDT!"], "symbol is 'BTC USDT!'"),
        (["--sink", "paper"], "--sink"),
        (["--config", "none.yaml"], "none.yaml cannot be read"),
        (["BTCUSDT"], "name symbols after --symbols"),
        (["--set", "signals.mode.schedule.enabled=true"], "the schedule is enabled and has no window"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_ends_with_2(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = signal(tmp_path, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("sink", ["jsonl", "sqlite", "dual"])
def test_a_sink_that_is_full_ends_it_with_4_and_the_next_run_keeps_every_row(tmp_path: Path, sink: str) -> None:
    (tmp_path / "all.jsonl").write_text(lines(wavy(2_000)))
    run = ("--input", "all.jsonl", "--run-id", "r1", "--sink", sink)
    full = subprocess.run(
        [*CHANFLOW, "signal", *run], env=environment(tmp_path / "home"), capture_output=True, text=True, check=False,
        timeout=300, cwd=tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )  # fmt: skip
    assert full.returncode == 4
    assert "cannot be written" in full.stderr
    done = signal(tmp_path, *run)
    assert done.returncode == 0
    whole = signal(tmp_path, "--input", "all.jsonl", "--run-id", "r1", "--sink", sink, "--out", "whole")
    assert counts(whole.stderr)[0] == 2_000
    if sink != "sqlite":
        assert kept(tmp_path / "runtime") == kept(tmp_path / "whole")
    if sink != "jsonl":
        assert _table(tmp_path / "runtime") == _table(tmp_path / "whole")


def _table(out: Path) -> list[Any]:
    import sqlite3

    db = sqlite3.connect(out / "signals_r1.db")
    found = db.execute("SELECT * FROM signals ORDER BY rowid").fetchall()
    db.close()
    assert len(found) == 2_000
    return found


def test_a_watched_file_that_cannot_be_read_is_told_of_once_and_passed_over(
    tmp_path: Path, watching: Callable[..., subprocess.Popen[str]]
) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "a.parquet").write_bytes(b"half a file")
    put(folder, 1, wavy(100))
    process = watching("--input", str(folder), "--out", "out", "--run-id", "r1")
    until(lambda: len(whole_lines(tmp_path / "out")) == 100)
    put(folder, 2, wavy(200)[100:])
    until(lambda: len(whole_lines(tmp_path / "out")) == 200)
    assert ended(process).count("passed over") == 1


def test_settings_that_changed_are_not_mixed_into_a_watched_run(
    tmp_path: Path, watching: Callable[..., subprocess.Popen[str]]
) -> None:
    folder = tmp_path / "features"
    put(folder, 1, wavy(100))
    process = watching("--input", str(folder), "--out", "out", "--run-id", "r1")
    until((tmp_path / "out" / ".position.json").exists)
    ended(process)
    done = signal(tmp_path, "--watch", "--input", str(folder), "--out", "out", "--set", "signals.core.max_spread_bps=3")
    assert done.returncode == 2
    assert "was noted under other settings" in done.stderr


def test_the_older_name_of_the_sink_and_older_sections_still_work(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("strategy_mode: {setting: active}\nsignal: {core: {max_lag_s: 1}}\n")
    done = signal(tmp_path, "--config", "old.yaml", "--run-id", "r1", stdin=lines(wavy(30)), SIGNAL_SINK_KIND="sqlite")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runtime" / "signals_r1.db").exists()
    assert not (tmp_path / "runtime" / "signals_r1.jsonl").exists()


def test_the_desk_answers_with_what_a_sink_keeps(tmp_path: Path) -> None:
    signal(tmp_path, "--run-id", "r1", stdin=lines(wavy(300)))
    asked = ("call", "get_signals", "--source", "sink", "--confirm", "true", "--limit", "500")
    done = chanflow(tmp_path / "home", *asked, CHANFLOW_SIGNALS__OUT=str(tmp_path / "runtime"))
    found = json.loads(done.stdout)["signals"]
    assert found == [each for each in reversed(kept(tmp_path / "runtime")) if each["confirm"]]
