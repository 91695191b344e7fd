"""Runs of a desk with a model, as they are journaled, become a file to train on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made_drafts import goes_long
from made_model import ModelDesk, NoTools, ScriptedMind

from chanflow.analyst.config import AgentConfig
from chanflow.domain.errors import JournalCorrupt
from chanflow.domain.question import Question
from chanflow.runtime.asked_analyst import AskedAnalyst
from chanflow.runtime.decision_export import Exported, export_decisions
from chanflow.runtime.home import Home

KEY = "k3y-of-a-provider-0123456789"
TOKEN = "sk-canary-0123456789abcdef"


def _tells_all(question: Question) -> Mapping[str, Any]:
    return goes_long(question, reasoning=f"{KEY} and {TOKEN}, capital 10000", reasoning_short="10,000.00 to spend")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    analyst = AskedAnalyst(AgentConfig(model="scripted/one"), "paper", (), lambda *_: NoTools())
    ModelDesk(folder, ScriptedMind(_tells_all), analyst=analyst).run()
    return folder / "journal.jsonl"


def _home(tmp_path: Path, ran: Path) -> Home:
    home = Home(tmp_path / "home")
    for name in ("one", "two"):
        shutil.copy(ran, home.new_run(name).journal_path)
    return home


def test_a_days_decisions_become_examples(tmp_path: Path, ran: Path) -> None:
    out = tmp_path / "set.jsonl"
    done = export_decisions(_home(tmp_path, ran), out, since_ns=0, keys=[KEY])
    lines = out.read_text().splitlines()
    assert done == Exported(len(lines), 2, 0)
    assert len(lines) >= 2
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert KEY not in out.read_text()
    assert TOKEN not in out.read_text()
    for line in lines:
        example = json.loads(line)
        system, user, answer = (message["content"] for message in example["messages"])
        assert system.startswith("You are the analyst of a trading desk")
        assert "## permission\n(left out)\n## " in user
        assert "## structure\n" in user
        assert json.loads(answer)["reasoning"] == "[secret] and [secret], capital [amount]"
        assert json.loads(answer)["reasoning_short"] == "[amount] to spend"
        assert example["label"] in ("success", "failure", "flat", "open", "refused", "late", "invalid")


def test_the_same_runs_give_the_same_bytes(tmp_path: Path, ran: Path) -> None:
    home = _home(tmp_path, ran)
    for name in ("a", "b"):
        export_decisions(home, tmp_path / name, since_ns=0, keys=[])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_altered_journal_leaves_no_file(tmp_path: Path, ran: Path) -> None:
    home = _home(tmp_path, ran)
    path = home.runs()[1].journal_path
    path.write_bytes(path.read_bytes().replace(b"it points", b"it pointz").replace(b'"seq":5', b'"seq":6', 1))
    with pytest.raises(JournalCorrupt):
        export_decisions(home, tmp_path / "set.jsonl", since_ns=0, keys=[])
    assert not (tmp_path / "set.jsonl").exists()
