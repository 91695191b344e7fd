"""Every whole line of a folder's signal files is read once, whatever happens to the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.adapters.storage.signal_tail import MAX_LINE_BYTES, FilePlace, new_lines


class Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: dict[int, FilePlace] = {}

    def read(self) -> list[bytes | None]:
        found = []
        for each in new_lines(self.folder, self.places):
            self.places[each.inode] = each.place
            found.append(each.line)
        return found


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_a_file_that_grows_is_read_on_and_an_unfinished_line_waits(reader: Reader) -> None:
    path = reader.folder / "signals_a.jsonl"
    path.write_bytes(b"1\n2\nhal")
    assert reader.read() == [b"1\n", b"2\n"]
    assert reader.read() == []
    with path.open("ab") as file:
        file.write(b"f\n3\n")
    assert reader.read() == [b"half\n", b"3\n"]


def test_files_come_in_the_order_of_their_names_and_others_are_left(reader: Reader) -> None:
    for name in ("signals_b.jsonl", "signals_a.jsonl", "other.jsonl", "signals_a.db", "signals_c.jsonl.gz"):
        (reader.folder / name).write_bytes(name.encode() + b"\n")
    assert reader.read() == [b"signals_a.jsonl\n", b"signals_b.jsonl\n"]


def test_a_file_that_is_renamed_is_read_on(reader: Reader) -> None:
    path = reader.folder / "signals_a.jsonl"
    path.write_bytes(b"1\n")
    assert reader.read() == [b"1\n"]
    with path.open("ab") as file:
        file.write(b"2\n")
    path.rename(reader.folder / "signals_a.jsonl.1")
    path.write_bytes(b"3\n")
    assert sorted(reader.read(), key=str) == [b"2\n", b"3\n"]


@pytest.mark.parametrize("text", [b"9\n", b"9\n8\n7\n6\n5\n"])
def test_a_file_that_is_replaced_or_cut_is_read_from_its_beginning(reader: Reader, text: bytes) -> None:
    path = reader.folder / "signals_a.jsonl"
    path.write_bytes(b"1\n2\n3\n")
    assert len(reader.read()) == 3
    path.write_bytes(text)
    assert reader.read() == text.splitlines(keepends=True)


def test_numbers_count_blank_lines_and_places_outlive_the_reader(reader: Reader) -> None:
    (reader.folder / "signals_a.jsonl").write_bytes(b"1\n\n2\n")
    numbers = [(each.number, each.line) for each in new_lines(reader.folder, {})]
    assert numbers == [(1, b"1\n"), (3, b"2\n")]


def test_a_line_of_over_a_mebibyte_is_passed_in_pieces(reader: Reader) -> None:
    (reader.folder / "signals_a.jsonl").write_bytes(b"x" * (MAX_LINE_BYTES * 3) + b"\nafter\n")
    assert reader.read() == [None, b"after\n"]


def test_a_long_line_that_has_no_end_yet_waits(reader: Reader) -> None:
    (reader.folder / "signals_a.jsonl").write_bytes(b"x" * (MAX_LINE_BYTES + 5))
    assert reader.read() == []
