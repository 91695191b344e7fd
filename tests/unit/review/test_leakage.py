"""Whether a model knew the answers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from chanflow.domain.time import NS_PER_DAY
from chanflow.review.decisions import Decision, Outcome
from chanflow.review.leakage import leakage

CUTOFF = 100 * NS_PER_DAY


def decided(day: int, r: float, *, model: str = "m", name: str = "") -> Decision:
    outcome = Outcome(day * NS_PER_DAY, Decimal(1), Decimal(1), r, r > 0, "stop")
    return Decision(
        name or f"{model}-{day}-{r}", day * NS_PER_DAY, "X", "1m", "entry", "open_long", "s", "default", "llm",
        model=model, outcome=outcome,
    )  # fmt: skip


def noise(days: range, mean: float, seed: int) -> list[Decision]:
    chance = np.random.default_rng(seed)
    return [decided(day, float(mean + chance.normal())) for day in days]


def test_an_oracle_that_remembers_is_flagged() -> None:
    found = leakage(
        noise(range(40, 100), 2.0, 1) + noise(range(100, 160), -0.2, 2), {"m": CUTOFF}, masked=frozenset(), seed=1
    )
    assert found.compared
    assert [(s.model, s.what) for s in found.suspicions] == [("m", "cutoff")]


def test_an_equal_model_on_both_sides_is_not() -> None:
    found = leakage(
        noise(range(40, 100), 0.1, 3) + noise(range(100, 160), 0.1, 4), {"m": CUTOFF}, masked=frozenset(), seed=1
    )
    assert found.compared
    assert found.suspicions == ()


def test_one_that_loses_its_edge_when_names_are_masked_is_flagged() -> None:
    shown, hidden = noise(range(100, 160), 2.0, 5), noise(range(200, 260), -0.2, 6)
    masked = frozenset(d.decision_id for d in hidden)
    found = leakage(shown + hidden, {"m": CUTOFF}, masked=masked, seed=1)
    assert [s.what for s in found.suspicions] == ["mask"]


def test_too_few_trades_are_shown_and_not_compared() -> None:
    found = leakage([decided(50, 3.0), decided(150, -1.0)], {"m": CUTOFF}, masked=frozenset(), seed=1)
    assert [p.n for p in found.panels] == [1, 1]
    assert not found.compared


def test_a_model_without_a_cutoff_is_unknown() -> None:
    found = leakage(noise(range(40, 160), 1.0, 7), {}, masked=frozenset(), seed=1)
    assert [p.side for p in found.panels] == ["unknown"]
    assert not found.compared
