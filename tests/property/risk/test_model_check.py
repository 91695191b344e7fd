"""The exhaustive walk of `scripts/model_check_risk.py`, and that it would notice a rule that is broken."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

import model_check_risk as model


@pytest.mark.slow
def test_every_transition_holds_every_rule() -> None:
    began = time.process_time()
    tally = model.check_all()
    assert tally.wrong == []
    assert tally.transitions > 1_000_000
    assert time.process_time() - began < 60


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The model with few inputs."""
    monkeypatch.setattr(model, "SAMPLES", (50,))
    monkeypatch.setattr(model, "DRAWDOWNS", model.DRAWDOWNS[::4])
    monkeypatch.setattr(model, "DAY_LOSSES", model.DAY_LOSSES[::4])
    return model


def test_a_ladder_that_skips_a_level_is_noticed(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = few.apply
    monkeypatch.setattr(few, "apply", lambda s, c: right(s, c.__class__(c.book, c.before, "L5", c.cause, "", c.at_ns)))
    tally = few.Tally()
    few.check_ladder(tally)
    assert any("one step at a time" in line for line in tally.wrong)


def test_a_ladder_that_ignores_a_red_line_is_noticed(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few, "evaluate", lambda *_: None)
    tally = few.Tally()
    few.check_ladder(tally)
    assert any("a red line leads to L0" in line for line in tally.wrong)
    still = few.Tally()
    few.check_reach(still)
    assert any("no deadlock" in line for line in still.wrong)


def test_a_wall_that_flaps_is_noticed(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = few.watch

    def hasty(state: Any, *given: Any, **more: Any) -> Any:
        return right(replace(state, changed_ns=None), *given, **more)

    monkeypatch.setattr(few, "watch", hasty)
    tally = few.Tally()
    few.check_wall(tally)
    assert any("one step in 30 minutes" in line for line in tally.wrong)
