"""Order lines are written once each, whatever ends the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chanflow.adapters.storage.order_log import OrderLog
from chanflow.adapters.storage.signal_tail import FilePlace
from chanflow.domain.errors import SinkUnwritable

PLACE = FilePlace("h", 5, 2, 9)


class Killed(BaseException):
    pass


@contextmanager
def opened(folder: Path) -> Iterator[OrderLog]:
    with closing(OrderLog(folder / "orders.jsonl")) as log:
        yield log


def test_lines_ids_and_places_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.keep([b"one\n", b"two\n"], ["a", "b"], {7: PLACE})
    with opened(tmp_path) as log:
        assert (log.orders, log.places()) == (2, {7: PLACE})
        assert [log.has(each) for each in ("a", "b", "c")] == [True, True, False]
    assert (tmp_path / "orders.jsonl").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("written", range(9))
def test_a_torn_last_line_is_made_whole(tmp_path: Path, written: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as log:
        log.keep([b"zero\n"], ["z"], {})

    def torn(self: OrderLog, data: bytes) -> None:
        with self.output.open("ab") as file:
            file.write(data[:written])
        raise Killed

    with opened(tmp_path) as log, monkeypatch.context() as patched:
        patched.setattr(OrderLog, "_append", torn)
        with pytest.raises(Killed):
            log.keep([b"one\n", b"two\n"], ["a", "b"], {7: PLACE})
    with opened(tmp_path) as log:
        assert (log.orders, log.has("b"), log.places()) == (3, True, {7: PLACE})
        log.keep([b"three\n"], ["c"], {})
    assert (tmp_path / "orders.jsonl").read_bytes() == b"zero\none\ntwo\nthree\n"


def test_bytes_that_never_reached_the_disk_whole_are_written_again(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.keep([b"one\n"], ["a"], {})
    (tmp_path / "orders.jsonl").write_bytes(b"\0\0\0")
    with opened(tmp_path):
        assert (tmp_path / "orders.jsonl").read_bytes() == b"one\n"


def test_a_signal_has_one_order(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.keep([b"one\n"], ["a"], {})
        with pytest.raises(SinkUnwritable):
            log.keep([b"again\n"], ["a"], {7: PLACE})
        assert log.places() == {}
    assert (tmp_path / "orders.jsonl").read_bytes() == b"one\n"


@pytest.mark.parametrize("spoilt", [b"one\ntwo\nthree\nmore\n", b""])
def test_a_file_that_someone_else_changed_is_refused(tmp_path: Path, spoilt: bytes) -> None:
    with opened(tmp_path) as log:
        log.keep([b"one\n"], ["a"], {})
        log.keep([b"two\n"], ["b"], {})
    (tmp_path / "orders.jsonl").write_bytes(spoilt)
    with pytest.raises(SinkUnwritable, match="changed by someone else"):
        OrderLog(tmp_path / "orders.jsonl")


def test_orders_of_which_nothing_is_known_are_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(b"one\n")
    with pytest.raises(SinkUnwritable, match="nobody knows which signals"):
        OrderLog(tmp_path / "orders.jsonl")


def test_two_brokers_do_not_write_one_file(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(SinkUnwritable, match="another broker"):
        OrderLog(tmp_path / "orders.jsonl")
