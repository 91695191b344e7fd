"""Where the doors are, and what opens them to the owner of the files."""

from __future__ import annotations

import stat
from pathlib import Path

from chanflow.runtime.door_file import NAME, door_headers, standing_door


def test_a_token_stands_for_its_owner_alone_while_the_doors_are_open(tmp_path: Path) -> None:
    with standing_door(tmp_path, "127.0.0.1", 8000, "desk_abc"):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
        assert door_headers(tmp_path) == {"Authorization": "Bearer desk_abc"}
    assert door_headers(tmp_path) == {}


def test_doors_that_ask_for_nothing_are_shown_nothing(tmp_path: Path) -> None:
    with standing_door(tmp_path, "127.0.0.1", 8000):
        assert door_headers(tmp_path) == {}
    for text in ("[]", "{", '{"token": 3}'):
        (tmp_path / NAME).write_text(text)
        assert door_headers(tmp_path) == {}
