"""A recording of raw frames through the gate."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_frames import START_MS, quote, trade

from chanflow.domain.errors import RecordingInvalid
from chanflow.market.quality_report import QualityReport
from chanflow.market.wire_check import check_wire
from chanflow.market.wire_file import WireFile


def report(tmp_path: Path, lines: list[str], **how: object) -> QualityReport:
    path = tmp_path / "made.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return check_wire(WireFile(path, max_bytes=1 << 20), **how)  # type: ignore[arg-type]


CLEAN = [quote(START_MS, 1), trade(START_MS + 10, 7), trade(START_MS + 20, 8)]


def test_clean_frames_have_no_code(tmp_path: Path) -> None:
    found = report(tmp_path, CLEAN)
    assert (found.venue, found.symbols, found.rows, found.bad_rows) == ("binance-usdm", ("SIMUSDT",), 3, 0)


def test_a_trade_that_skips_an_id_breaks_the_chain(tmp_path: Path) -> None:
    found = report(tmp_path, [*CLEAN, trade(START_MS + 30, 10)])
    assert list(found.codes) == ["chain_break"]
    assert found.notes == ("1 gaps of the stream: trade_ids",)


def test_a_line_that_is_no_frame_is_a_note(tmp_path: Path) -> None:
    [note] = report(tmp_path, [*CLEAN, "17 {broken"]).notes
    assert note.startswith("1 lines are no frames; the first, received at 17 ns: ")


def test_prices_are_held_to_a_given_tick(tmp_path: Path) -> None:
    found = report(tmp_path, CLEAN, grids={"SIMUSDT": ("0.05", "0")})
    assert found.codes["off_grid"].count == 3


@pytest.mark.parametrize(
    ("lines", "how", "says"),
    [
        (["1 {}"], {}, "shows no venue"),
        (["1 {}"], {"venue": "okx"}, "names no symbol"),
        (CLEAN, {"grids": {"X": None}}, "has no symbol X, it has SIMUSDT"),
        (CLEAN, {"venue": "mtgox"}, "mtgox"),
    ],
)
def test_what_cannot_be_told_is_asked_for(tmp_path: Path, lines: list[str], how: dict[str, object], says: str) -> None:
    with pytest.raises(RecordingInvalid, match=says):
        report(tmp_path, lines, **how)
