"""The index of the embedded store finds what comparing all would find; `benchmarks/memory.py` does it with 100,000."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from made_cases import DAY, HOUR, T0, made_decision, made_query, made_vector, stored

from chanflow.adapters.vectors.edge import EdgeCases
from chanflow.adapters.vectors.exact import ExactCases
from chanflow.review.state_vector import DIMENSION, VERSION


@pytest.mark.slow
def test_the_index_finds_nine_of_ten_or_more(tmp_path: Path) -> None:
    chance, middles = Random(1), [made_vector(i, spread=1.0) for i in range(50)]
    cases = [
        stored(
            made_decision(f"d{i}", at_ns=T0 + i * HOUR, closed_ns=T0 + (i + 1) * HOUR),
            made_vector(i, near=chance.choice(middles), spread=0.08),
        )
        for i in range(6_000)
    ]
    edge = EdgeCases(tmp_path / "v", version=VERSION, dimension=DIMENSION, exact_below=0)
    exact = ExactCases(version=VERSION, dimension=DIMENSION)
    edge.put(cases)
    exact.put(cases)
    edge.tend()
    found, wanted = 0, 0
    for i in range(60):
        query = made_query(made_vector(90_000 + i, near=middles[i % 50], spread=0.08), as_of_ns=T0 + (100 + i) * DAY)
        true = {case.decision.decision_id for case in exact.search(query).cases}
        answer = edge.search(query)
        assert not answer.exact
        found += len(true & {case.decision.decision_id for case in answer.cases})
        wanted += len(true)
    edge.close()
    assert wanted == 600
    assert found / wanted >= 0.9
