"""Recorded frames of a symbol as events, over one file and several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chanflow_native import batch_events
from made_recording import frames, text_of

from chanflow.domain.errors import RecordingInvalid
from chanflow.market.wire_events import WireEvents

MOST = 1 << 24


def file_of(path: Path, lines: list[str]) -> Path:
    path.write_bytes(text_of(lines))
    return path


def shifted(lines: list[str], by_ms: int) -> list[str]:
    """Return the lines as if all had come later."""
    found = []
    for line in lines:
        known, _, text = line.partition(" ")
        frame: dict[str, Any] = json.loads(text)
        body = frame.get("data", frame)
        body |= {name: body[name] + by_ms for name in ("E", "T") if name in body}
        found.append(f"{int(known) + by_ms * 1_000_000} {json.dumps(frame, separators=(',', ':'))}")
    return found


def events_of(source: WireEvents) -> list[tuple[Any, ...]]:
    return [event for piece in source.pieces() for event in batch_events(piece.batch)]


def test_parts_of_a_recording_are_one_stream(tmp_path: Path) -> None:
    lines = frames()
    whole = WireEvents([file_of(tmp_path / "all.txt", lines)], None, None, max_bytes=MOST)
    parts = [file_of(tmp_path / f"{at}.txt", lines[at * 700 : (at + 1) * 700]) for at in range(4)]
    source = WireEvents(parts, "BTCUSDT", "binance-usdm", max_bytes=MOST)
    assert events_of(source) == events_of(whole)
    assert (source.symbol, source.price_decimals, source.ofi_source) == (
        whole.symbol,
        whole.price_decimals,
        "book_ticker",
    )


@pytest.mark.parametrize(("late_ms", "resets"), [(9_000, 0), (11_000, 1)])
def test_a_hole_between_files_is_a_reset(late_ms: int, resets: int, tmp_path: Path) -> None:
    lines = frames()
    first = file_of(tmp_path / "a.txt", lines[:1_000])
    second = file_of(tmp_path / "b.txt", shifted(lines[1_000:], late_ms))
    found = events_of(WireEvents([first, second], None, None, max_bytes=MOST))
    assert [event[0] for event in found].count("reset") == resets
    if resets:
        assert found[1_000][0] == "reset"


def test_files_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    lines = frames()
    first, second = file_of(tmp_path / "a.txt", lines[:1_000]), file_of(tmp_path / "b.txt", lines[1_000:])
    with pytest.raises(RecordingInvalid, match=r"a\.txt"):
        events_of(WireEvents([second, first], None, None, max_bytes=MOST))


def test_one_symbol_is_picked_out_of_many(tmp_path: Path) -> None:
    lines = frames()
    other = [line.replace("BTCUSDT", "ETHUSDT").replace("btcusdt", "ethusdt") for line in lines if "@" in line]
    mixed = [line for pair in zip(lines, other, strict=False) for line in pair]
    recording = file_of(tmp_path / "mixed.txt", mixed)
    found = WireEvents([recording], "ETHUSDT", None, max_bytes=MOST)
    kinds = [event[0] for event in events_of(found)]
    assert kinds.count("trade") == sum("@trade" in line for line in other[: len(lines)])
    with pytest.raises(RecordingInvalid, match="line 2"):
        WireEvents([recording], None, None, max_bytes=MOST)


def test_a_file_that_never_names_the_symbol_is_passed_over_unless_all_are(tmp_path: Path) -> None:
    lines = frames()
    ours = file_of(tmp_path / "ours.txt", lines)
    other = file_of(tmp_path / "other.txt", [line.replace("BTCUSDT", "ETHUSDT") for line in lines if "@" in line])
    assert len(events_of(WireEvents([other, ours], "BTCUSDT", None, max_bytes=MOST))) == len(lines)
    with pytest.raises(RecordingInvalid, match="no frame of BTCUSDT"):
        WireEvents([other], "BTCUSDT", None, max_bytes=MOST)
