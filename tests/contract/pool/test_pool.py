"""What every pool keeps, whoever does the work."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from made_work import marks, refuses_seven, squared

from chanflow.domain.errors import WorkLost


def test_results_come_in_the_order_of_their_chunks(pool: Any) -> None:
    assert pool.map(squared, list(range(50))) == [chunk * chunk for chunk in range(50)]


def test_no_chunks_give_no_results(pool: Any) -> None:
    assert pool.map(squared, []) == []


def test_every_chunk_is_told_of_once(pool: Any) -> None:
    told: list[int] = []
    pool.map(squared, list(range(30)), done=told.append)
    assert sorted(told) == list(range(30))


def test_work_that_raises_gives_no_results_and_names_its_chunk(pool: Any) -> None:
    with pytest.raises(WorkLost, match="seven is right out") as caught:
        pool.map(refuses_seven, list(range(5, 12)))
    assert caught.value.chunk == 2


def test_what_the_listener_raises_cancels_the_rest(pool: Any, tmp_path: Path) -> None:
    def stop(chunk: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.map(partial(marks, str(tmp_path)), list(range(500)), done=stop)
    assert len(sorted(tmp_path.iterdir())) < 500


def test_a_pool_works_on_after_a_fault(pool: Any) -> None:
    with pytest.raises(WorkLost):
        pool.map(refuses_seven, [7])
    assert pool.map(squared, [3]) == [9]


def test_a_pool_says_how_many_threads_a_chunk_may_take(pool: Any) -> None:
    assert pool.threads >= 1
