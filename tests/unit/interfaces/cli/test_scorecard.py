"""`chanflow scorecard` as a person reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.scorecard import run_scorecard
from chanflow.review.journal import JournalWriter, read_records
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.recorded_runs import FoundRun


@pytest.fixture
def found(tmp_path: Path) -> FoundRun:
    path = tmp_path / "journal-x-1.jsonl"
    journal = JournalWriter(path)
    journal.use_clock(SimulatedClock(1_767_571_200_000_000_000))
    journal.append("head", {"run_id": "x"})
    journal.append("mark", {"price": "100", "equity_quote": "1000", "wallet_quote": "1000"})
    journal.append("trade_proposal", {
        "decision_id": "d", "proposal_id": "p", "symbol": "X", "level": "1m", "kind": "entry", "action": "abstain",
        "setup": "none", "strategy": "default", "analyst": "rules", "confidence": None, "evidence": [],
        "abstain_reason": "no_setup", "entry_price": None, "stop_price": None, "take_profit_price": None,
    })  # fmt: skip
    journal.close()
    return FoundRun(path, tuple(read_records(path)), "run", "x")


def test_a_run_without_trades_says_so_with_dashes(found: FoundRun) -> None:
    out = io.StringIO()
    run_scorecard([found], cutoffs=[], cost_bps=12.0, seed=1, as_json=False, out=out)
    told = out.getvalue()
    assert "decisions: abstain 1" in told
    assert "Sharpe ratio: - (too_short" in told
    assert "nan" not in told.lower()
    assert max(len(line) for line in told.splitlines()) <= 120


def test_json_holds_the_same(found: FoundRun) -> None:
    out = io.StringIO()
    run_scorecard([found], cutoffs=["m=2025-07-31"], cost_bps=12.0, seed=1, as_json=True, out=out)
    body = json.loads(out.getvalue())
    assert body["run_id"] == "x"
    assert body["actions"] == {"abstain": 1}
    assert body["sharpe"]["value"] is None


@pytest.mark.parametrize("text", ["m", "=2025-07-31", "m=yesterday", "m=2025-13-01"])
def test_a_cutoff_that_is_none_is_refused(found: FoundRun, text: str) -> None:
    with pytest.raises(InvalidArgument, match="must be like"):
        run_scorecard([found], cutoffs=[text], cost_bps=12.0, seed=1, as_json=False, out=io.StringIO())
