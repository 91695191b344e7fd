"""One suite for every store of cases: the exact one is the reference of the embedded index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from made_cases import DAY, HOUR, T0, made_decision, made_query, made_vector, stored, unit

from chanflow.adapters.vectors.edge import EdgeCases
from chanflow.adapters.vectors.exact import ExactCases
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.memory import Decision, Outcome
from chanflow.domain.time import NS_PER_MS
from chanflow.review.ports import CaseStore, StoredCase
from chanflow.review.state_vector import DIMENSION, VERSION

STORES: dict[str, Callable[[Path], CaseStore]] = {
    "exact": lambda _: ExactCases(version=VERSION, dimension=DIMENSION),
    "edge": lambda path: EdgeCases(path / "vectors", version=VERSION, dimension=DIMENSION),
    "edge index": lambda path: EdgeCases(path / "vectors", version=VERSION, dimension=DIMENSION, exact_below=0),
}
AHEAD = unit([1.0] + [0.0] * (DIMENSION - 1))


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CaseStore]:
    made = STORES[request.param](tmp_path)
    yield made
    made.close()


def tilted(degree: int) -> tuple[float, ...]:
    """A vector further from `AHEAD` the higher the degree."""
    return unit([1.0, degree / 10] + [0.0] * (DIMENSION - 2))


def names(found: object) -> list[str]:
    return [case.decision.decision_id for case in found.cases]  # type: ignore[attr-defined]


def spread_cases(count: int) -> list[StoredCase]:
    """Closed cases, each of a day of its own, further away the higher the number."""
    return [
        stored(made_decision(f"d{i}", at_ns=T0 + i * DAY, closed_ns=T0 + i * DAY + HOUR), tilted(i))
        for i in range(count)
    ]


def test_the_most_similar_come_first_with_their_cosine(store: CaseStore) -> None:
    store.put(spread_cases(15))
    found = store.search(made_query(AHEAD))
    assert names(found) == [f"d{i}" for i in range(10)]
    assert found.cases[0].similarity == pytest.approx(1.0, abs=1e-6)
    assert found.cases[5].similarity == pytest.approx(1 / (1 + 0.25) ** 0.5, abs=1e-6)


def test_a_question_without_a_moment_is_refused(store: CaseStore) -> None:
    with pytest.raises(InvalidArgument, match="as_of_ns is missing"):
        store.search(made_query(AHEAD, as_of_ns=None))


def test_only_what_closed_strictly_before_the_moment_is_found(store: CaseStore) -> None:
    at = T0 + 5 * DAY + 1
    store.put(
        [
            stored(made_decision("before", closed_ns=at - 1), AHEAD),
            stored(made_decision("at", at_ns=T0 + DAY, closed_ns=at), AHEAD),
            stored(made_decision("same-millisecond", at_ns=T0 + 2 * DAY, closed_ns=at + NS_PER_MS // 2), AHEAD),
            stored(made_decision("open", at_ns=T0 + 3 * DAY), AHEAD),
        ]
    )
    assert names(store.search(made_query(AHEAD, as_of_ns=at))) == ["before"]


def test_a_case_is_found_once_its_outcome_is_known(store: CaseStore) -> None:
    store.put([stored(made_decision("d1"), AHEAD)])
    outcome = Outcome(decision_id="d1", closed_ns=T0 + HOUR, pnl_quote=Decimal("-3.5"), r_multiple=-0.7)
    assert names(store.search(made_query(AHEAD))) == []
    assert store.settle(outcome)
    found = store.search(made_query(AHEAD)).cases[0].decision
    assert (found.result, found.outcome) == ("failure", outcome)


def test_an_outcome_of_an_unknown_decision_changes_nothing(store: CaseStore) -> None:
    assert not store.settle(Outcome(decision_id="gone", closed_ns=T0, pnl_quote=Decimal(1), r_multiple=None))
    assert store.count() == 0


def test_filters_come_before_ranking(store: CaseStore) -> None:
    future = [stored(made_decision(f"f{i}", at_ns=T0 + i * DAY, closed_ns=T0 + 900 * DAY), AHEAD) for i in range(300)]
    past = [stored(made_decision(f"p{i}", at_ns=T0 + i * DAY, closed_ns=T0 + i * DAY), tilted(90)) for i in range(10)]
    store.put(future + past)
    assert sorted(names(store.search(made_query(AHEAD, as_of_ns=T0 + 400 * DAY)))) == sorted(f"p{i}" for i in range(10))


def test_at_most_two_of_a_day_and_symbol_are_shown(store: CaseStore) -> None:
    crowd = [stored(made_decision(f"c{i:03}", at_ns=T0 + i, closed_ns=T0 + HOUR), AHEAD) for i in range(200)]
    other = [
        stored(made_decision(f"e{i}", at_ns=T0 + i, closed_ns=T0 + HOUR, symbol="ETHUSDT"), tilted(5)) for i in range(5)
    ]
    later = [stored(made_decision(f"l{i}", at_ns=T0 + DAY + i, closed_ns=T0 + 2 * DAY), tilted(9)) for i in range(5)]
    store.put(crowd + other + later)
    found = names(store.search(made_query(AHEAD)))
    assert [name[0] for name in found] == ["c", "c", "e", "e", "l", "l"]


def test_the_position_that_asks_is_not_its_own_example(store: CaseStore) -> None:
    store.put(
        [
            stored(made_decision("mine", closed_ns=T0 + 1, position_id="p1"), AHEAD),
            stored(made_decision("other", closed_ns=T0 + 1, position_id="p2"), tilted(3)),
            stored(made_decision("none", closed_ns=T0 + 1, at_ns=T0 - DAY), tilted(4)),
        ]
    )
    assert names(store.search(made_query(AHEAD, position_id="p1"))) == ["other", "none"]


def test_a_strategy_remembers_its_own(store: CaseStore) -> None:
    store.put(
        [
            stored(made_decision("a", closed_ns=T0 + 1, strategy="one"), AHEAD),
            stored(made_decision("b", closed_ns=T0 + 1, strategy="two"), AHEAD),
        ]
    )
    assert names(store.search(made_query(AHEAD, strategy="two"))) == ["b"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (made_query(AHEAD, version="market_state/2"), "market_state/2"),
        (made_query(AHEAD[:-1]), "47 numbers"),
        (made_query(tuple(2 * v for v in AHEAD)), "length 2"),
        (made_query((float("nan"), *AHEAD[1:])), "length nan"),
        (made_query(AHEAD, limit=0), "0 cases"),
        (made_query(AHEAD, limit=101), "101 cases"),
    ],
    ids=["version", "dimension", "length", "nan", "none", "too many"],
)
def test_versions_and_dimensions_are_never_mixed(store: CaseStore, query: object, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        store.search(query)  # type: ignore[arg-type]


def test_one_bad_vector_keeps_the_whole_batch_out(store: CaseStore) -> None:
    with pytest.raises(InvalidArgument, match="49 numbers"):
        store.put([stored(made_decision("d1"), AHEAD), stored(made_decision("d2"), (*AHEAD, 0.0))])
    assert store.count() == 0


def test_the_same_decision_again_replaces_the_first(store: CaseStore) -> None:
    store.put([stored(made_decision("d1", closed_ns=T0 + 1, setup="old"), AHEAD)])
    store.put([stored(made_decision("d1", closed_ns=T0 + 1, setup="new"), tilted(3))])
    found = store.search(made_query(AHEAD)).cases
    assert [(c.decision.setup, round(c.similarity, 3)) for c in found] == [("new", 0.958)]
    assert store.count() == 1


def test_a_decision_comes_back_whole(store: CaseStore) -> None:
    whole = made_decision(
        "d1", closed_ns=T0 + 7, r=-0.25, confidence=0.71, leverage=3, position_id="p9", regime="range", model="m/x",
        analyst="llm", fate="refused", reason="max_exposure", reasoning_short="二买", claims=("divergence",),
        memory_said="no comparable cases",
    )  # fmt: skip
    store.put([stored(whole, AHEAD)])
    assert store.search(made_query(AHEAD)).cases[0].decision == whole


def test_nothing_is_left_after_clearing(store: CaseStore) -> None:
    store.put(spread_cases(3))
    store.clear()
    assert (store.count(), names(store.search(made_query(AHEAD)))) == (0, [])
    store.put(spread_cases(2))
    assert store.count() == 2


def test_random_worlds_are_answered_as_by_the_reference(tmp_path: Path) -> None:
    chance, middles = Random(7), [made_vector(i, spread=1.0) for i in range(6)]
    cases = [_random_case(chance, i, middles) for i in range(1_500)]
    reference, edge = STORES["exact"](tmp_path), STORES["edge"](tmp_path)
    reference.put(cases)
    edge.put(cases)
    for i in range(60):
        query = made_query(
            made_vector(10_000 + i, near=middles[i % 6]), as_of_ns=T0 + chance.randrange(40 * DAY),
            position_id=chance.choice([None, "p3"]), strategy=chance.choice([None, "one"]),
            limit=chance.choice([1, 10, 30]),
        )  # fmt: skip
        ours, theirs = edge.search(query), reference.search(query)
        assert names(ours) == names(theirs)
        assert [c.similarity for c in ours.cases] == pytest.approx([c.similarity for c in theirs.cases], abs=1e-5)
    edge.close()


def _random_case(chance: Random, number: int, middles: list[tuple[float, ...]]) -> StoredCase:
    at = T0 + chance.randrange(30 * DAY)
    decision: Decision = made_decision(
        f"d{number}", at_ns=at, closed_ns=at + chance.randrange(5 * DAY), symbol=chance.choice(["A", "B", "C"]),
        position_id=chance.choice([None, "p3", "p4"]), strategy=chance.choice(["one", "two"]),
    )  # fmt: skip
    if chance.random() < 0.2:
        decision = replace(decision, outcome=None)
    return stored(decision, made_vector(number, near=chance.choice(middles)))
