"""A sample of the kill matrix: each point once, each fault once. All of it is `scripts/kill_matrix.py`'s."""

from __future__ import annotations

from random import Random

import pytest
from kill_cases import FAULTS, POINTS, Case, Verdict, forked, play, preload, run_one
from kill_venue import Venue

from chanflow.execution import protection, restore

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(900)]

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    preload()


@pytest.fixture(scope="module")
def venues() -> dict[int, Venue]:
    """A market of each seed; every case plays against its own copy, in a process of its own."""
    return {seed: Venue(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def unkilled(venues: dict[int, Venue], loaded: None) -> dict[int, Verdict]:
    return {seed: forked(lambda seed=seed: play(venues[seed], Case("", "none", seed))) for seed in SEEDS}


def test_there_are_enough_points() -> None:
    assert len(set(POINTS)) == len(POINTS) >= 24


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_where_nobody_is_killed(unkilled: dict[int, Verdict], seed: int) -> None:
    assert (unkilled[seed].wrong, unkilled[seed].killed) == ([], False)
    assert unkilled[seed].seen["event fill arrives"] >= 2


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_nothing_is_lost_doubled_or_naked(
    venues: dict[int, Venue], unkilled: dict[int, Verdict], point: str
) -> None:
    seed = next((s for s in SEEDS if unkilled[s].seen.get(point)), None)
    if seed is None:
        # Only a fault or a restart brings the desk there.
        assert "inquiry" in point or "verdict" in point or "reconciliation" in point or "question order" in point
        seed = 0
        verdict = forked(lambda: play(venues[seed], Case(point, "drop_ack", seed)))
    else:
        nth = Random(point).randint(1, unkilled[seed].seen[point])
        verdict = forked(lambda: play(venues[seed], Case(point, "none", seed, nth)))
    assert (verdict.wrong, verdict.killed) == ([], True)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_killed_under_a_fault_nothing_is_lost_doubled_or_naked(venues: dict[int, Venue], fault: str) -> None:
    for seed in SEEDS:
        verdict = forked(lambda seed=seed: play(venues[seed], Case("after submit stop", fault, seed)))
        assert verdict.wrong == [], (fault, seed)


def test_a_case_is_the_same_each_time(venues: dict[int, Venue]) -> None:
    case = Case("after record venue_event fill", "disconnect", 0)
    first, second = run_one(case), run_one(case)
    assert (first.wrong, dict(first.seen)) == (second.wrong, dict(second.seen))


# ── the oracle is not blind ───────────────────────────────────────────────────


def spoiled(venue: Venue, point: str, fault: str = "none") -> list[str]:
    """Return the kinds of what is wrong with a desk that was spoiled."""
    verdict: Verdict = forked(lambda: play(venue, Case(point, fault, 0)))
    return sorted({text.split(":")[0] for text in verdict.wrong})


def test_it_sees_a_position_without_a_stop(venues: dict[int, Venue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection.Protection, "act", lambda self: [])
    assert "naked" in spoiled(venues[0], "")


def test_it_sees_a_desk_that_forgets_its_intents(venues: dict[int, Venue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore._Reader, "_intent", lambda self, body: None)
    monkeypatch.setattr(restore._Reader, "_outcome", lambda self, what: lambda body: None)
    monkeypatch.setattr(restore._Reader, "_request", lambda self, body: None)
    monkeypatch.setattr(restore._Reader, "_effect", lambda self, record: None)
    assert {"lost", "broken"} & set(spoiled(venues[0], "after submit entry"))
