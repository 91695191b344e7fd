"""A day whose model was recorded: again from its tape alone, with nobody to ask, byte for byte and for nothing."""

from __future__ import annotations

import json
import signal
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from commands import CHANFLOW, chanflow, journals, sha_line

pytestmark = [pytest.mark.slow, pytest.mark.server]


def model_at(base_url: str) -> list[str]:
    provider = {"local": {"kind": "openai_compatible", "base_url": base_url, "free": True}}
    sets = [
        f"providers={json.dumps(provider)}", "agents.analyst.model=local/one",
        "agents.analyst.quota.max_requests_per_hour=10000", "budget.account.max_requests_per_hour=10000",
    ]  # fmt: skip
    return [word for each in sets for word in ("--set", each)]


def summary(home: Path, number: int) -> dict[str, object]:
    [path] = (home / "runs").glob(f"{number:04d}-*/summary.json")
    figures: dict[str, object] = json.loads(path.read_text())
    return figures


def spending(home: Path) -> object:
    told = json.loads(chanflow(home, "budget", "--json").stdout)
    del told["at"]
    return told


def test_a_recorded_day_is_repeated_from_its_tape_with_nobody_to_ask(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen([*CHANFLOW, "llm-server", "--model", "one"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            model = model_at(json.loads(server.stdout.readline())["base_url"])
            recorded = chanflow(home, "demo", *model, "--set", "cassette.mode=record")
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(300) == 0
    first = sha_line(recorded)
    tape = home / "cassettes" / "analyst.jsonl.zst"
    digest = sha256(tape.read_bytes()).hexdigest()
    assert '"kind":"llm_response"' in journals(home)[0].read_text()
    assert summary(home, 1)["cassette_sha256"] == digest

    spent = spending(home)
    again = chanflow(home, "demo", *model, "--set", "cassette.mode=replay")
    assert sha_line(again) == first
    assert journals(home)[0].read_bytes() == journals(home)[1].read_bytes()
    assert summary(home, 2) == summary(home, 1)
    assert sha256(tape.read_bytes()).hexdigest() == digest
    assert spending(home) == spent


def test_a_replay_without_a_tape_or_with_another_question_ends_in_one_sentence(tmp_path: Path) -> None:
    model = model_at("http://127.0.0.1:9/v1")
    none = chanflow(tmp_path / "home", "demo", *model, "--set", "cassette.mode=replay")
    assert none.returncode != 0
    assert "there is no cassette" in none.stderr
    wrong = chanflow(tmp_path / "home", "demo", *model, "--set", "cassette.mode=replay", "--set", "cassette.path=x.txt")
    assert wrong.returncode == 2
    assert "cassette.path" in wrong.stderr
