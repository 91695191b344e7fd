"""The tape, the mask and the cutoffs in the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.domain.errors import SettingsInvalid
from chanflow.runtime.home import Home
from chanflow.runtime.open_mind import tape_of, tape_sha256
from chanflow.runtime.settings import Settings, load_settings

LOCAL = 'providers: {local: {kind: ollama, free: true, cutoffs: {"one": 2025-07-31}}}'


def loaded(tmp_path: Path, text: str = "", *overrides: str) -> Settings:
    file = tmp_path / "desk.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(config=file, overrides=overrides, environ={"HOME": "/"}).settings


def test_a_bare_off_of_yaml_is_the_word(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "cassette: {mode: off}")
    assert settings.cassette.mode == "off"
    assert tape_of(settings, Home(tmp_path)) is None
    assert tape_sha256(settings, Home(tmp_path)) is None


def test_without_a_path_the_tape_lies_in_the_data_directory(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "", "cassette.mode=record")
    tape = tape_of(settings, Home(tmp_path))
    assert tape is not None
    assert (tape.path, tape.mode) == (tmp_path / "cassettes" / "analyst.jsonl.zst", "record")
    assert tape_sha256(settings, Home(tmp_path)) is None


@pytest.mark.parametrize("override", ["cassette.mode=keep", "cassette.mode=true", "cassette.path=tape.json"])
def test_a_tape_that_cannot_be_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(SettingsInvalid, match=override.partition("=")[0]):
        loaded(tmp_path, "", override)


def test_a_cutoff_is_a_day_as_text(tmp_path: Path) -> None:
    assert loaded(tmp_path, LOCAL).providers["local"].cutoffs == {"one": "2025-07-31"}
    for wrong in ("2025-13-01", "soon", "20250731", "7"):
        with pytest.raises(SettingsInvalid, match="is no day"):
            loaded(tmp_path, LOCAL.replace("2025-07-31", f'"{wrong}"'))


def test_a_masked_analyst_that_may_look_things_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"analyst\.masked is true and agents\.analyst\.tools is"):
        loaded(tmp_path, "", "analyst.masked=true")
    assert loaded(tmp_path, "", "analyst.masked=true", "agents.analyst.tools=").analyst.masked
