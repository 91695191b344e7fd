"""Whatever is wrong with what we are given: one clear sentence, a non-zero exit, and nothing half-made left behind."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import CHANFLOW, chanflow, environment, journals
from made_recording import frames, text_of

Spoil = Callable[[list[str]], list[str]]


def replace_in(line: int, old: str, new: str) -> Spoil:
    def spoil(lines: list[str]) -> list[str]:
        assert old in lines[line], lines[line]
        return [*lines[:line], lines[line].replace(old, new, 1), *lines[line + 1 :]]

    return spoil


def swapped(kind: str) -> Spoil:
    def spoil(lines: list[str]) -> list[str]:
        first, second = [i for i, line in enumerate(lines) if kind in line][5:7]
        out = list(lines)
        out[first], out[second] = out[second], out[first]
        return out

    return spoil


def first(kind: str, old: str, new: str) -> Spoil:
    def spoil(lines: list[str]) -> list[str]:
        return replace_in(next(i for i, line in enumerate(lines) if kind in line and old in line), old, new)(lines)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (first("@trade", '"p":"', '"p":"NaN'), ("line", "NaN")),
        (first("@bookTicker", '"b":"', '"b":"-'), ("line", "-")),
        (first("@trade", '"s":"BTCUSDT"', '"s":"ETHUSDT"'), ("line", "ETHUSDT", "BTCUSDT")),
        (swapped("@depth"), ("line",)),
        (swapped("@trade"), ("line",)),
        (swapped("@bookTicker"), ("line",)),
        (lambda lines: [*lines[:50], lines[50][: len(lines[50]) // 2]], ("line 51",)),
        (lambda lines: [*lines[:20], "not a frame", *lines[20:]], ("line 21",)),
        (lambda lines: [line for line in lines if "lastUpdateId" not in line], ("no depth snapshot",)),
        (lambda lines: [line for line in lines if "@depth" not in line], ("no depth frames",)),
        (lambda lines: [*lines[:200], *lines[260:]], ("gap", "line")),
        (lambda _: ["# nothing but a remark"], ()),
    ],
)
def test_a_spoilt_recording_is_refused_by_line(tmp_path: Path, spoil: Spoil, words: tuple[str, ...]) -> None:
    file = tmp_path / "wire.txt.gz"
    file.write_bytes(gzip.compress(text_of(spoil(frames()))))
    refused(tmp_path, ["demo", "--replay", str(file)], str(file), *words)


def test_the_unspoilt_recording_is_run(tmp_path: Path) -> None:
    file = tmp_path / "wire.txt.gz"
    file.write_bytes(gzip.compress(text_of(frames())))
    assert chanflow(tmp_path / "home", "demo", "--replay", str(file)).returncode == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.txt.gz", None, ("does not exist",)),
        ("empty.txt.gz", b"", ("is empty",)),
        ("noise.txt.gz", b"no gzip at all", ("is not gzip",)),
        ("cut.txt.gz", "half", ("truncated",)),
        ("notes.pdf", b"%PDF", ("a recording has lines of raw frames",)),
    ],
)
def test_a_file_that_is_no_recording_is_refused(
    tmp_path: Path, name: str, content: bytes | str | None, words: tuple[str, ...]
) -> None:
    file = tmp_path / name
    if content == "half":
        packed = gzip.compress(text_of(frames()))
        content = packed[: len(packed) // 2]
    if isinstance(content, bytes):
        file.write_bytes(content)
    refused(tmp_path, ["demo", "--replay", str(file)], name, *words)


def refused(tmp_path: Path, arguments: list[str], *words: str, code: int = 2) -> None:
    home = tmp_path / "home"
    done = chanflow(home, *arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("chanflow: ")
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(home.glob("runs/*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--seed", "-1"], ("seed is -1", "0 to")),
        (["demo", "--level", "7m"], ("level is '7m'",)),
        (["demo", "--set", "risk.max_leverage=9"], ("risk.max_leverage is 9", "5")),
        (["demo", "--set", "risk.max_levrage=2"], ("max_levrage", "max_leverage")),
        (["demo", "--set", "execution.mode=live"], ("live",)),
        (["demo", "--config", "absent.yaml"], ("absent.yaml",)),
        (["up", "--speed", "0"], ("speed is 0",)),
        (["up", "--hours", "nan"], ("hours is nan",)),
        (["serve", "--host", "0.0.0.0"], ("loopback",)),
        (["replay", "absent.jsonl"], ("there is no journal at absent.jsonl",)),
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, arguments: list[str], words: tuple[str, ...]) -> None:
    refused(tmp_path, arguments, *words)


def test_an_unknown_variable_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    done = chanflow(tmp_path / "home", "demo", CHANFLOW_RSK__MAX_LEVERAGE="3")
    assert done.returncode == 2
    assert "CHANFLOW_RISK__MAX_LEVERAGE" in done.stderr


def test_another_symbol_than_the_recordings_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "wire.txt.gz"
    file.write_bytes(gzip.compress(text_of(frames())))
    refused(tmp_path, ["demo", "--replay", str(file), "--symbol", "ETHUSDT"], "BTCUSDT", "ETHUSDT")


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.parametrize("room", [4_096, 60_000, 250_000])
def test_a_full_disk_ends_the_day_in_order_and_it_can_be_resumed(tmp_path: Path, room: int) -> None:
    home = tmp_path / "home"

    def cramped() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [*CHANFLOW, "demo", "--seed", "1"], env=environment(home, PYTHONDONTWRITEBYTECODE="1"), capture_output=True,
        text=True, check=False, preexec_fn=cramped, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "File too large" in done.stderr or "file too large" in done.stderr or "full" in done.stderr
    assert all(path.read_bytes().endswith(b"\n") for path in journals(home) if path.stat().st_size)
    assert not list(home.glob("runs/*/report.html"))
    assert not [p for p in home.glob("runs/*/lake/**/*") if p.suffix == ".parquet" and p.stat().st_size == 0]
    assert chanflow(home, "demo", "--seed", "1").returncode == 0


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a directory")
    done = chanflow(tmp_path / "home", "demo")
    assert done.returncode == 1
    assert str(tmp_path / "home") in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_two_desks_do_not_share_a_home(tmp_path: Path) -> None:
    import fcntl

    home = tmp_path / "home"
    home.mkdir()
    with (home / "desk.lock").open("w") as lock:
        lock.write(str(os.getpid()))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = chanflow(home, "demo")
    assert done.returncode == 1
    assert f"pid {os.getpid()}" in done.stderr
