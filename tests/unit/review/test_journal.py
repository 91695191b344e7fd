from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path

import pytest

from chanflow.domain.errors import JournalCorrupt, JournalDiverged, JournalUnwritable, NotFound
from chanflow.review.journal import GENESIS, JournalTail, JournalWriter, read_records
from chanflow.runtime.clock import SimulatedClock


class _Clock:
    def __init__(self) -> None:
        self.now = 1_767_571_200_000_000_000

    def now_ns(self) -> int:
        self.now += 1_000
        return self.now

    def monotonic_ns(self) -> int:
        return self.now

    async def sleep_until(self, at_ns: int) -> None:
        raise AssertionError


def _writer(path: Path | None, **kwargs: object) -> JournalWriter:
    writer = JournalWriter(path, **kwargs)  # type: ignore[arg-type]
    writer.use_clock(_Clock())
    return writer


def _write(path: Path, bodies: list[object]) -> None:
    writer = _writer(path)
    for body in bodies:
        writer.append("note", body, correlation_id="c", durable=True)
    writer.close()


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": Decimal("1.50")}, {"b": ["中枢", 1.5, None, True]}])
    records = list(read_records(path))
    assert [r.body for r in records] == [{"a": "1.5"}, {"b": ["中枢", 1.5, None, True]}]
    assert [r.seq for r in records] == [0, 1]
    assert records[0].at == "2026-01-05T00:00:00.000001000Z"


def test_each_hash_covers_the_line_and_the_hash_before_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}, {"b": 2}])
    previous = GENESIS
    for line in path.read_bytes().splitlines():
        record = json.loads(line)
        claimed = record.pop("hash")
        unsigned = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert record["prev"] == previous
        assert claimed == hashlib.sha256((previous + unsigned).encode()).hexdigest()
        previous = claimed


def test_every_flipped_byte_is_located_at_its_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}, {"b": "x"}, {"c": 2.5}])
    clean = path.read_bytes()
    starts = [0]
    for line in clean.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for offset in range(len(clean)):
        altered = bytearray(clean)
        altered[offset] ^= 0x01
        path.write_bytes(altered)
        record = next(i for i in range(3) if offset < starts[i + 1])
        with pytest.raises(JournalCorrupt) as fault:
            list(read_records(path))
        assert f"record {record}" in str(fault.value), (offset, str(fault.value))


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_torn_tail_is_refused_or_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}, {"b": 2}])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(JournalCorrupt, match="record 1 is cut short"):
        list(read_records(path))
    assert [r.body for r in read_records(path, torn_tail=True)] == [{"a": 1}]


def test_dropped_and_swapped_records_are_found(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}, {"b": 2}, {"c": 3}])
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for lines, where in (([first, third], 1), ([second, first, third], 0), ([first, second, second, third], 2)):
        path.write_bytes(b"".join(lines))
        with pytest.raises(JournalCorrupt, match=f"record {where}"):
            list(read_records(path))


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no journal at"):
        list(read_records(tmp_path / "journal.jsonl"))


def test_a_writer_goes_on_where_the_standing_records_end(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    _write(path, [{"n": n} for n in range(5)])
    whole = path.read_bytes()
    other.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]) + b'{"torn')
    writer = _writer(other, standing=list(read_records(other, torn_tail=True)))
    for n in range(5):
        writer.append("note", {"n": n}, correlation_id="c")
    writer.close()
    assert other.read_bytes() == whole


def test_a_live_desk_goes_on_behind_what_stands_and_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}, {"b": 2}])
    with path.open("ab") as file:
        file.write(b'{"torn')
    writer = JournalWriter.after(path, list(read_records(path, torn_tail=True)))
    writer.use_clock(_Clock())
    writer.append("note", {"c": 3}, durable=True)
    writer.close()
    assert [r.body for r in read_records(path)] == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_the_first_divergence_is_named_with_both_values(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"n": 0}, {"deep": {"list": [1, {"x": "old"}]}}])
    writer = _writer(None, standing=list(read_records(path)))
    writer.append("note", {"n": 0}, correlation_id="c")
    with pytest.raises(JournalDiverged) as fault:
        writer.append("note", {"deep": {"list": [1, {"x": "new"}]}}, correlation_id="c")
    assert "record 1 (note at" in str(fault.value)
    assert 'body.deep.list[1].x was "old", the re-run gives "new"' in str(fault.value)


def test_an_integer_is_not_a_float(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"n": 1}])
    writer = _writer(None, standing=list(read_records(path)))
    with pytest.raises(JournalDiverged):
        writer.append("note", {"n": 1.0}, correlation_id="c")


def test_a_replay_that_has_more_to_say_diverges(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"n": 0}])
    writer = _writer(None, standing=list(read_records(path)))
    writer.append("note", {"n": 0}, correlation_id="c")
    with pytest.raises(JournalDiverged, match="the journal ends before it"):
        writer.append("note", {"n": 1}, correlation_id="c")


def test_nan_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = _writer(path)
    with pytest.raises(ValueError, match="nan has no canonical form"):
        writer.append("note", {"x": float("nan")})
    writer.append("note", {"x": 1.0})
    writer.close()
    assert [r.body for r in read_records(path)] == [{"x": 1.0}]


@pytest.mark.crash
def test_a_full_disk_leaves_whole_records_and_one_sentence(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        from chanflow.domain.errors import JournalUnwritable
        from chanflow.review.journal import JournalWriter

        class Clock:
            def now_ns(self): return 1_767_571_200_000_000_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        writer = JournalWriter(Path(sys.argv[1])); writer.use_clock(Clock())
        try:
            while True:
                writer.append("note", {"text": "x" * 100})
        except JournalUnwritable as fault:
            print(fault)
        """
    )
    path = tmp_path / "journal.jsonl"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert "could not be written after record" in done.stdout
    assert "File too large" in done.stdout
    assert len(list(read_records(path))) >= 2
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with pytest.raises(JournalUnwritable, match="cannot be opened for writing"):
        JournalWriter(tmp_path / "journal" / "journal.jsonl")


def test_nothing_is_appended_after_closing(tmp_path: Path) -> None:
    writer = _writer(tmp_path / "journal.jsonl")
    writer.append("note", {})
    writer.close()
    with pytest.raises(JournalUnwritable, match="the journal is closed"):
        writer.append("note", {})
    assert (tmp_path / "journal.jsonl").stat().st_size > 0


def test_a_tail_reads_each_record_once_and_leaves_the_unfinished_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    clock, writer = SimulatedClock(0), JournalWriter(path)
    writer.use_clock(clock)
    writer.append("head", {})
    tail = JournalTail(path)
    assert [r.kind for r in tail.read()] == ["head"]
    assert list(tail.read()) == []
    writer.append("mark", {"n": 1})
    writer.append("mark", {"n": 2})
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert [r.body for r in tail.read()] == [{"n": 1}]
    path.write_bytes(whole)
    assert [r.body for r in tail.read()] == [{"n": 2}]


def test_a_tail_names_an_altered_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path)
    writer.use_clock(SimulatedClock(0))
    writer.append("head", {})
    tail = JournalTail(path)
    assert len(list(tail.read())) == 1
    writer.append("mark", {"n": 1})
    path.write_bytes(path.read_bytes().replace(b'"n":1', b'"n":9'))
    with pytest.raises(JournalCorrupt, match="journal record 1"):
        list(tail.read())


def test_listeners_hear_repeated_records_and_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = JournalWriter(path)
    first.use_clock(SimulatedClock(0))
    first.append("head", {})
    again = JournalWriter(path, standing=list(read_records(path)))
    again.use_clock(SimulatedClock(0))
    heard: list[str] = []
    again.listen(lambda kind, at, correlation, body: heard.append(kind))
    assert again.expected is not None
    again.append("head", {})
    again.append("mark", {})
    assert (heard, again.expected) == (["head", "mark"], None)


def test_a_tail_may_begin_late_and_goes_on_checking_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"n": n} for n in range(50)])
    late = [record.seq for record in JournalTail.within(path, 2_000).read()]
    assert late == list(range(50 - len(late), 50))
    assert 1 < len(late) < 20
    assert len(list(JournalTail.within(path, 1 << 20).read())) == 50
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((*lines[:48], lines[48].replace(b'"n":48', b'"n":49'), lines[49])))
    with pytest.raises(JournalCorrupt, match="journal record 48"):
        list(JournalTail.within(path, 2_000).read())
    path.write_bytes(b"x" * 5_000)
    with pytest.raises(JournalCorrupt, match="holds no record"):
        JournalTail.within(path, 2_000)
