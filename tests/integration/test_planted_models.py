"""Models of known character, each with its own journal: what the scorecard makes of an oracle, a coin and a boast."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.interfaces.cli.scorecard import run_scorecard
from chanflow.review.journal import JournalWriter, read_records
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.recorded_runs import FoundRun

START = 1_749_945_600 * NS_PER_S
"""2025-06-15: half of a hundred days lies before the cutoff of 2025-08-04."""
DAYS = 100
CUTOFF = "2025-08-04"

Character = Callable[[int, bool, Random], tuple[bool, float]]
"""Given the day, whether the price will rise, and chance: does it go long, and how sure is it."""


def coin(_day: int, _rises: bool, chance: Random) -> tuple[bool, float]:
    return chance.random() < 0.5, 0.5


def boast(_day: int, _rises: bool, chance: Random) -> tuple[bool, float]:
    return chance.random() < 0.5, 0.92


def oracle(day: int, rises: bool, chance: Random) -> tuple[bool, float]:
    """It has read what happened until its cutoff, and peeks; after that it is a coin."""
    return (rises, 0.9) if day < DAYS // 2 else coin(day, rises, chance)


def run_of(folder: Path, character: Character, *, seed: int, masked: bool = False) -> FoundRun:
    """Return a run of three trades a day on a random walk, each for one R either way."""
    name = f"{character.__name__}-{seed}-{masked}"
    path, clock, chance = folder / f"journal-{name}-1.jsonl", SimulatedClock(START), Random(seed)
    journal = JournalWriter(path)
    journal.use_clock(clock)
    providers = {"local": {"kind": "ollama", "cutoffs": {"one": CUTOFF}}}
    journal.append("head", {"run_id": name, "settings": {"providers": providers, "analyst": {"masked": masked}}})
    for number in range(DAYS * 3):
        clock.advance_to(START + number * NS_PER_DAY // 3 + 1)
        rises = chance.random() < 0.5
        long, confidence = character(number // 3, rises, chance)
        decide(journal, f"{name}-{number}", long=long, confidence=confidence, won=long == rises, now_ns=clock.now_ns())
        journal.append("mark", {"price": "100", "equity_quote": "1000", "wallet_quote": "1000"})
    journal.close()
    return FoundRun(path, tuple(read_records(path)), "run", name)


def decide(journal: JournalWriter, name: str, *, long: bool, confidence: float, won: bool, now_ns: int) -> None:
    stop, target = ("99", "101") if long else ("101", "99")
    journal.append("trade_proposal", {
        "decision_id": name, "proposal_id": name, "symbol": "X", "level": "1m", "kind": "entry",
        "action": "open_long" if long else "open_short", "setup": "other", "strategy": "default", "analyst": "llm",
        "confidence": confidence, "evidence": [{"ref": "stroke#1", "claim": "structure_holds", "direction": "for"}],
        "abstain_reason": None, "entry_price": "100", "stop_price": stop, "take_profit_price": target,
        "meta": {"model": "local/one", "analyst_hash": "h", "cost_usd": "0"},
    })  # fmt: skip
    journal.append("approved_order", {"approved_id": f"a-{name}", "decision_id": name})
    journal.append("order_intent", {"approved_id": f"a-{name}", "leg": "entry", "position_id": f"p-{name}"})
    earned = "1" if won else "-1"
    journal.append("trade_closed", {
        "position_id": f"p-{name}", "closed_ns": now_ns, "gross_quote": earned, "net_quote": earned,
        "entry_price": "100", "qty_base": "1", "exit_leg": "take_profit" if won else "stop",
    })  # fmt: skip


def card_of(*runs: FoundRun) -> dict[str, Any]:
    out = io.StringIO()
    run_scorecard(runs, cutoffs=[], cost_bps=12.0, seed=1, as_json=True, out=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_an_oracle_that_peeked_before_its_cutoff_is_flagged_by_the_head_s_own_cutoff(tmp_path: Path) -> None:
    card = card_of(run_of(tmp_path, oracle, seed=1))
    assert [(s["model"], s["what"]) for s in card["leakage"]["suspicions"]] == [("local/one", "cutoff")]
    panels = {panel["side"]: panel for panel in card["leakage"]["panels"]}
    assert (panels["before"]["n"], panels["before"]["hits"]) == (150, 150)
    out = io.StringIO()
    run_scorecard(
        [run_of(tmp_path / "b", oracle, seed=2)], cutoffs=[], cost_bps=12.0, seed=1, as_json=False, out=out
    )  # fmt: skip
    assert "SUSPICIOUS: local/one does better on what it may remember (cutoff)" in out.getvalue()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_coin_covers_zero_and_is_no_suspect(tmp_path: Path, seed: int) -> None:
    card = card_of(run_of(tmp_path, coin, seed=seed))
    [tally] = card["by_analyst"]
    low, high, _ = tally["r"]
    assert low < 0 < high
    share_low, share_high = tally["hit_share"]
    assert share_low < 0.5 < share_high
    assert card["leakage"]["suspicions"] == []
    assert card["calibration"]["error"] < 0.1


def test_a_boast_fails_its_calibration(tmp_path: Path) -> None:
    card = card_of(run_of(tmp_path, boast, seed=4))
    said = card["calibration"]
    assert said["error"] > 0.3
    assert said["brier"] > said["naive"]
    [used] = [b for b in said["bins"] if b["n"]]
    assert used["share"][1] < used["mean_confidence"]


def test_one_that_loses_its_edge_when_masked_is_flagged_over_two_runs(tmp_path: Path) -> None:
    shown, hidden = run_of(tmp_path, oracle, seed=5), run_of(tmp_path, coin, seed=6, masked=True)
    card = card_of(shown, hidden)
    assert {s["what"] for s in card["leakage"]["suspicions"]} == {"cutoff", "mask"}
    assert {(p["side"], p["masked"]) for p in card["leakage"]["panels"]} == {
        ("before", False), ("after", False), ("before", True), ("after", True),
    }  # fmt: skip
    assert card["by_analyst"] == card_of(shown)["by_analyst"]


def test_a_run_given_twice_is_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path, coin, seed=7)
    with pytest.raises(InvalidArgument, match="give each once"):
        card_of(run, run)
