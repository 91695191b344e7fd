"""`chanflow budget` and `chanflow export-decisions` as a person gives them."""

from __future__ import annotations

import asyncio
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from commands import chanflow

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.llm_ledger import LlmLedger
from chanflow.analyst.budget import Line
from chanflow.domain.question import Claim
from chanflow.domain.time import NS_PER_DAY, rfc3339
from chanflow.interfaces.cli.budget import run_budget
from chanflow.runtime.clock import SimulatedClock

NOW_NS = 1_795_262_400_000_000_000


async def _spend(home: Path) -> None:
    async with await Database.open(home / "chanflow.db") as database:
        ledger = LlmLedger(database)
        for number, (days, agent, usd) in enumerate([(40, "chat", "1"), (1, "chat", "0.2"), (0, "analyst", "0.05")]):
            claim = Claim(f"q{number}", agent, "paper", "deepseek/deepseek-chat", 4_000, Decimal(usd))
            await ledger.enter(Line(f"l{number}", NOW_NS - days * NS_PER_DAY, claim), (), lambda _: None)
        await ledger.settle("l1", tokens_in=3_000, tokens_out=200, usd=Decimal("0.00103"))


def _shown(*, days: int, as_json: bool) -> str:
    out = io.StringIO()
    run_budget(days=days, config=None, overrides=(), clock=SimulatedClock(NOW_NS), as_json=as_json, out=out)
    return out.getvalue()


def test_what_was_spent_is_shown_by_day_agent_and_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    asyncio.run(_spend(tmp_path))
    spent = json.loads(_shown(days=7, as_json=True))
    assert spent["days"] == [
        {"day": rfc3339(NOW_NS - NS_PER_DAY)[:10], "agent": "chat", "model": "deepseek/deepseek-chat", "requests": 1,
         "tokens": 3200, "usd": "0.00103", "unsettled": 0},
        {"day": rfc3339(NOW_NS)[:10], "agent": "analyst", "model": "deepseek/deepseek-chat", "requests": 1,
         "tokens": 4000, "usd": "0.05", "unsettled": 1},
    ]  # fmt: skip
    limits = {row["setting"]: row for row in spent["limits"]}
    today = limits["agents.analyst.quota.max_usd_per_day"]
    assert (today["used"], today["limit"], today["left"]) == ("0.05", "2", "1.95")
    assert limits["agents.chat.quota.max_usd_per_day"]["used"] == "0"
    table = _shown(days=60, as_json=False)
    assert "1 (1 never settled)" in table
    assert "budget.max_usd_per_month" in table


def test_before_a_model_was_asked_there_is_nothing_to_show(tmp_path: Path) -> None:
    told = chanflow(tmp_path / "home", "budget")
    assert told.returncode == 2
    assert "is not there: no model has been asked yet" in told.stderr
    assert not (tmp_path / "home").exists()
    assert "days is 0, allowed is 1 to 366" in chanflow(tmp_path / "home", "budget", "--days", "0").stderr


def test_nothing_decided_makes_an_empty_set(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "set.jsonl"
    told = chanflow(home, "export-decisions", "--out", str(out), "--since", "2026-11-01")
    assert (told.returncode, told.stdout) == (0, f"{out}: 0 decisions of 0 runs\n")
    assert out.read_bytes() == b""


def test_a_moment_that_is_none_is_refused(tmp_path: Path) -> None:
    told = chanflow(tmp_path / "home", "export-decisions", "--out", str(tmp_path / "x"), "--since", "2026-13-01")
    assert told.returncode == 2
    assert "--since is '2026-13-01', a day like 2026-11-21 or a time" in told.stderr
