"""Frames are recorded before they are read, and remarks stand between them in their order."""

from __future__ import annotations

import pytest

from chanflow.domain.errors import StorageUnwritable
from chanflow.market.lane import CLOSE, RESET, Lane, facts_of, head_of


class _Log:
    """An intake, a raw file and a store that write down what they are told."""

    def __init__(self, *, full: bool = False) -> None:
        self.told: list[tuple[object, ...]] = []
        self._full = full

    def write(self, text: bytes, **_: object) -> None:
        if self._full:
            raise StorageUnwritable("full")
        self.told.append(("raw", text))

    def feed(self, text: bytes, socket: int) -> None:
        self.told.append(("intake", text, socket))

    def close(self, socket: int) -> None:
        self.told.append(("close", socket))

    def reset(self) -> None:
        self.told.append(("reset",))


def test_a_frame_is_recorded_before_it_is_read_and_remarks_keep_their_place() -> None:
    log = _Log()
    lane = Lane("BTCUSDT", log, log, log)  # type: ignore[arg-type]
    lane.push(1, 10, b"{}")
    lane.push(1, 11, b'{"a":\n1}')
    lane.say(12, CLOSE, "1")
    lane.say(12, RESET)
    lane.push(2, 13, b"{}")
    lane.work()
    assert log.told == [
        ("raw", b"# 10 socket 1\n"), ("raw", b'10 {}\n11 {"a": 1}\n'), ("intake", b'10 {}\n11 {"a": 1}\n', 1),
        ("raw", b"# 12 close 1\n"), ("close", 1), ("raw", b"# 12 reset\n"), ("reset",),
        ("raw", b"# 13 socket 2\n"), ("raw", b"13 {}\n"), ("intake", b"13 {}\n", 2),
    ]  # fmt: skip


def test_what_cannot_be_recorded_is_not_read() -> None:
    log = _Log(full=True)
    lane = Lane("BTCUSDT", log, log, log)  # type: ignore[arg-type]
    lane.push(1, 10, b"{}")
    with pytest.raises(StorageUnwritable):
        lane.work()
    assert log.told == []


def test_a_head_says_whose_frames_follow() -> None:
    assert facts_of(head_of("okx", "BTC-USDT", (1, 8))) == {
        "venue": "okx", "symbol": "BTC-USDT", "price_decimals": 1, "qty_decimals": 8,
    }  # fmt: skip
    assert facts_of(b"# 10 socket 1\n") is None
    assert facts_of(b"# {broken\n") is None
