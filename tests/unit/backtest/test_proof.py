"""The proof holds for a causal engine and catches each way to repaint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_history import BUY, CONFIRMED, PROVISIONAL, TYPE_1, VOID, structure

from chanflow.adapters.storage.bars_file import BarColumns
from chanflow.backtest.proof import Proof, first_bars, prove

BARS = 400


def bars() -> BarColumns:
    ones = np.ones(BARS)
    return BarColumns(np.arange(BARS) * 60_000, ones, ones, ones, ones, volume=ones, amount=ones)


def causal(columns: BarColumns) -> Any:
    """Show a point and a stroke two bars after every fifth bar; each second one goes after a bar, the others hold."""
    points, strokes = [], []
    for at in range(0, len(columns) - 2, 5):
        seen, last = at + 2, len(columns) - 1
        if at % 2 and last >= seen + 1:
            points.append((0, TYPE_1, BUY, at, VOID, seen, -1))
        else:
            sure = not at % 2 and last >= seen + 4
            points.append((0, TYPE_1, BUY, at, CONFIRMED if sure else PROVISIONAL, seen, seen + 4 if sure else -1))
        strokes.append((at, at + 1, 1, CONFIRMED, seen, seen))
    return structure(points, strokes)


def backdated(columns: BarColumns) -> Any:
    """Claim that each point was seen a bar earlier than it was."""
    made = causal(columns)
    made.points.first_seen_bar = made.points.first_seen_bar - 1
    return made


def forgetful(columns: BarColumns) -> Any:
    """Leave the withdrawn points out of the history."""
    made, keep = causal(columns), causal(columns).points.state != VOID
    for name, column in vars(made.points).items():
        setattr(made.points, name, column[keep])
    return made


def moving(columns: BarColumns) -> Any:
    """Move the end of a confirmed stroke when more bars come."""
    made = causal(columns)
    made.strokes.end_bar = made.strokes.end_bar + (len(columns) - made.strokes.start_bar > 50)
    return made


def withdrawing(columns: BarColumns) -> Any:
    """Withdraw old confirmed points for good."""
    made = causal(columns)
    old = (made.points.bar < len(columns) - 100) & (made.points.state == CONFIRMED)
    made.points.state = np.where(old, VOID, made.points.state)
    return made


def test_a_causal_engine_is_proven() -> None:
    proof = prove(bars(), causal(bars()), causal, 40)
    assert 30 < proof.prefixes <= 40  # some of either half are the same
    assert proof.holds
    assert proof.confirmed_compared > 1_000
    assert proof.shown_compared > proof.confirmed_compared


@pytest.mark.parametrize("engine", [backdated, forgetful])
def test_a_history_that_was_not_so_is_caught(engine: Callable[[BarColumns], Any]) -> None:
    proof = prove(bars(), engine(bars()), engine, 40)
    assert proof.history_differs > 0
    assert not proof.holds


@pytest.mark.parametrize("engine", [moving, withdrawing])
def test_confirmed_things_that_change_are_caught(engine: Callable[[BarColumns], Any]) -> None:
    proof = prove(bars(), engine(bars()), engine, 40)
    assert proof.confirmed_changed > 0
    assert not proof.holds


def test_without_bars_or_prefixes_nothing_is_proven() -> None:
    assert prove(first_bars(bars(), 0), structure(), causal, 40) == Proof()
    assert prove(bars(), causal(bars()), causal, 0) == Proof()


def test_a_history_that_forgot_all_of_it_is_caught() -> None:
    assert prove(bars(), structure(), causal, 40).history_differs > 0


def test_every_bar_is_a_prefix_where_there_are_fewer_than_asked_for() -> None:
    short = first_bars(bars(), 9)
    assert prove(short, causal(short), causal, 1_000) == Proof(
        prefixes=9,
        shown_compared=(7 + 1) + (7 + 2),
        confirmed_compared=3 + (7 + 2),
        confirmed_changed=0,
        history_differs=0,
    )


def test_the_first_bars_keep_all_columns() -> None:
    cut = first_bars(bars(), 7)
    assert [len(column) for column in (cut.ts_ms, cut.open, cut.high, cut.low, cut.close)] == [7] * 5
    assert cut.volume is not None
    assert cut.amount is not None
    assert (len(cut.volume), len(cut.amount)) == (7, 7)
    assert first_bars(replace(bars(), volume=None, amount=None), 7).volume is None
