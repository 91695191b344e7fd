from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from chanflow.adapters.llm.cassette import Tape
from chanflow.domain.errors import CassetteMiss, InvalidArgument, RecordingInvalid, StorageUnwritable
from chanflow.domain.question import Exchange


def row(text: str, *, response: str | None = '{"parts":[]}', fault: str | None = None) -> Exchange:
    request = json.dumps({"messages": [text]})
    key = sha256(request.encode()).hexdigest()
    return Exchange("local/m", key, request, response, fault, 10, 2, Decimal("0.000018"), 31)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "t.jsonl.zst"


def test_what_is_kept_is_found_again_in_another_process_life(path: Path) -> None:
    kept = [row("一", fault=None), row("two", response=None, fault="model_error: HTTP 500")]
    tape = Tape(path, "record")
    for each in kept:
        tape.keep(each)
    again = Tape(path, "replay")
    assert [again.find(each.key) for each in kept] == kept
    assert again.sha256() == sha256(path.read_bytes()).hexdigest()


def test_the_file_is_json_lines_that_other_programs_read(path: Path) -> None:
    Tape(path, "record").keep(row("a"))
    Tape(path, "record").keep(row("b"))
    table = pl.read_ndjson(path)
    assert [json.loads(text)["messages"] for text in table["request"]] == [["a"], ["b"]]
    assert path.stat().st_mode & 0o077 == 0


def test_a_fault_answers_in_replay_only(path: Path) -> None:
    failed = row("a", response=None, fault="timeout: no answer")
    tape = Tape(path, "record")
    tape.keep(failed)
    assert tape.find(failed.key) is None
    assert Tape(path, "replay").find(failed.key) == failed
    assert Tape(path, "refresh").find(row("a").key) is None


@pytest.mark.parametrize("first", [True, False])
def test_a_frame_cut_short_anywhere_is_taken_off_when_recording_and_refused_in_replay(path: Path, first: bool) -> None:
    tape = Tape(path, "record")
    if not first:
        tape.keep(row("a"))
    before = path.read_bytes() if not first else b""
    tape.keep(row("b"))
    after = path.read_bytes()
    few = range(len(before) + 1, len(before) + 4) if before else ()
    for length in (*few, *range(len(before) + 4, len(after), 7)):
        path.write_bytes(after[:length])
        with pytest.raises(RecordingInvalid, match="damaged or cut short"):
            Tape(path, "replay")
        assert Tape(path, "record").find(row("a").key) == (None if first else row("a"))
        assert path.read_bytes() == before


def test_a_damaged_file_is_refused(path: Path) -> None:
    Tape(path, "record").keep(row("a"))
    Tape(path, "record").keep(row("b"))
    good = path.read_bytes()
    for place in (30, len(good) - 30):
        data = bytearray(good)
        data[place] ^= 0xFF
        path.write_bytes(bytes(data))
        for mode in ("record", "replay"):
            with pytest.raises(RecordingInvalid):
                Tape(path, mode)  # type: ignore[arg-type]
        assert path.read_bytes() == bytes(data)


def test_a_request_that_does_not_fit_its_key_is_refused(path: Path) -> None:
    from dataclasses import replace

    Tape(path, "record").keep(replace(row("a"), request='{"messages":["forged"]}'))
    with pytest.raises(RecordingInvalid, match="is another one"):
        Tape(path, "replay")


def test_a_miss_shows_the_nearest_recording(path: Path) -> None:
    tape = Tape(path, "record")
    tape.keep(row("the market is calm today"))
    tape.keep(row("nothing alike at all, and much longer than that" * 3))
    asked = row("the market is wild today")
    told = str(tape.missed(asked.key, asked.request))
    assert f"recorded {row('the market is calm today').key[:12]}" in told
    assert '-  "the market is calm today"' in told
    assert '+  "the market is wild today"' in told


@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [("t.jsonl", "record", "must end in .jsonl.zst"), ("t.jsonl.zst", "off", "takes record, replay or refresh")],
)
def test_names_and_modes_that_cannot_be_are_refused(tmp_path: Path, name: str, mode: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        Tape(tmp_path / name, mode)  # type: ignore[arg-type]


def test_a_replay_without_a_file_is_a_miss_and_a_folder_without_rights_is_told(path: Path) -> None:
    with pytest.raises(CassetteMiss, match="record it first"):
        Tape(path, "replay")
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(StorageUnwritable, match="cannot be written"):
        Tape(path, "record").keep(row("a"))


def test_a_write_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(path, "record")
    tape.keep(row("a"))
    before = path.read_bytes()
    real = __import__("os").write
    monkeypatch.setattr("chanflow.adapters.llm.cassette.os.write", lambda fd, data: real(fd, data[:7]))
    with pytest.raises(StorageUnwritable, match="no space left"):
        tape.keep(row("b"))
    assert path.read_bytes() == before
    assert tape.find(row("b").key) is None
