"""Recorded frames through a lane: the same rows and parts that the live run made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from chanflow.domain.errors import RecordingInvalid
from chanflow.market.lane import Lane, facts_of
from chanflow.market.wire_file import WireFile

_BATCH_BYTES = 1 << 20


def first_remark(path: Path, *, max_bytes: int) -> dict[str, object] | None:
    """Return what a raw file of ours says of itself, None for a recording of other origin. Raises RecordingInvalid."""
    for line in _lines(path, max_bytes):
        facts = facts_of(line)
        return None if facts is None else dict(facts)
    return None


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Return files in the order of the times in their names; names without a time stand as given."""

    def key(path: Path) -> tuple[int, int]:
        stem = path.name.partition(".")[0].removeprefix("part-")
        time, _, clash = stem.partition("-")
        return (int(time), int(clash or 0)) if time.isdigit() and (clash.isdigit() or not clash) else (0, 0)

    return sorted(paths, key=key)


def replay(paths: Sequence[Path], lane: Lane, *, max_bytes: int) -> int:
    """Feed whole files to a lane, acting on their remarks, and return frames. Raises RecordingInvalid."""
    before = lane.frames
    socket, batch, size = 0, list[bytes](), 0
    for line in _all_lines(paths, max_bytes):
        word = _word(line)
        if word is None:
            batch.append(line)
            size += len(line)
            if size < _BATCH_BYTES:
                continue
        _feed(lane, batch, socket)
        batch, size = [], 0
        if word is not None:
            socket = int(word[1]) if word[0] == "socket" and word[1].isdigit() else socket
            lane.act(*word)
        else:
            lane.hand_out()
        _store(lane)
    _feed(lane, batch, socket)
    lane.hand_out()
    _store(lane)
    lane.store.rotate()
    return lane.frames - before


def _store(lane: Lane) -> None:
    for handed in lane.out:
        lane.keep(handed)
    lane.out.clear()


def _feed(lane: Lane, lines: Sequence[bytes], socket: int) -> None:
    frames = sum(not line.startswith(b"#") for line in lines)
    if frames:
        known = [_time_ns(line) for line in (lines[0], lines[-1])]
        lane.feed(b"".join(lines), socket, frames, known[0], known[1])


def _time_ns(line: bytes) -> int:
    head = line[:20].partition(b" ")[0]
    return int(head) if head.isdigit() else 0


def _word(line: bytes) -> tuple[str, str] | None:
    """Return word and argument of a remark that is acted on, None for frames and other remarks."""
    if not line.startswith(b"# "):
        return None
    parts = line[2:].split(None, 2)
    known = {b"socket", b"close", b"reset", b"rotate", b"pace"}
    if len(parts) < 2 or not parts[0].isdigit() or parts[1] not in known:
        return None
    return parts[1].decode(), parts[2].strip().decode("ascii", "replace") if len(parts) > 2 else ""


def _all_lines(paths: Iterable[Path], max_bytes: int) -> Iterator[bytes]:
    for path in paths:
        yield from _lines(path, max_bytes)


def _lines(path: Path, max_bytes: int) -> Iterator[bytes]:
    rest = b""
    for chunk in WireFile(path, max_bytes=max_bytes).chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        raise RecordingInvalid(f"{path} ends inside a line: it is truncated")
