from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import dask.config
import numpy as np
import pytest
from made_cluster import cluster
from made_work import dies_once, fails_once, kills_its_worker, squared

import chanflow
from chanflow.adapters.compute.dask import DaskPool
from chanflow.domain.errors import ClusterUnreachable, InvalidArgument, MissingExtra, WorkLost
from chanflow.features import scan as scan_module
from chanflow.features.scan import BarSeries, scan


def walk(seed: int, bars: int = 500) -> BarSeries:
    chance = Random(seed)
    close = 100 + np.cumsum([chance.gauss(0, 0.4) for _ in range(bars)])
    opened = np.concatenate([[100.0], close])[:bars]
    high, low = np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1
    return BarSeries(np.arange(bars, dtype=np.int64) * 60_000, opened, high, low, close)


def market() -> dict[str, BarSeries]:
    """Forty symbols; one has a bar that is no bar, one has none."""
    made = {f"S{seed:03d}": walk(seed) for seed in range(38)}
    bad = walk(99)
    bad.close[7] = np.nan
    return {**made, "BAD": bad, "NONE": walk(1, 0)}


@pytest.fixture(scope="module")
def three() -> Iterator[Any]:
    with cluster(3) as made:
        yield made


@pytest.fixture
def expendable() -> Iterator[Any]:
    """A cluster of its own for each test that kills: a worker that is killed need not come back in time."""
    with cluster(2) as made:
        yield made


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "CHUNK_BARS", 1_000)


class _Some:
    """A client whose tasks run on the first few workers alone."""

    def __init__(self, client: Any, workers: int) -> None:
        self._client = client
        self._addresses = sorted(client.nthreads())[:workers]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, *arguments: Any, **options: Any) -> Any:
        return self._client.submit(*arguments, workers=self._addresses, **options)


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_scan_on_any_number_of_workers_is_the_scan_of_this_process(
    three: Any, small_chunks: None, workers: int
) -> None:
    here = scan(market(), threads=1)
    assert list(here.failed) == ["BAD"]
    assert len(here.points) > 50
    filters: dict[str, Any] = {"types": ("2", "3b"), "side": "buy", "state": "confirmed", "fresh_bars": 200}
    with three.get_client() as client:
        pool = DaskPool(_Some(client, workers))  # type: ignore[arg-type]
        assert scan(market(), pool=pool) == here
        assert scan(market(), pool=pool, **filters) == scan(market(), threads=2, **filters)


@pytest.mark.slow
@pytest.mark.server
def test_a_worker_killed_during_a_scan_changes_nothing(expendable: Any, small_chunks: None) -> None:
    killed: list[int] = []

    def kill_one(done: int, of: int) -> None:
        if not killed:
            victim = next(iter(expendable.workers.values())).pid
            killed.append(victim)
            os.kill(victim, 9)

    with DaskPool.connect(expendable.scheduler_address) as pool:
        assert scan(market(), pool=pool, progress=kill_one) == scan(market(), threads=1)
    assert killed


@pytest.mark.slow
@pytest.mark.server
def test_the_chunks_of_a_worker_that_dies_are_done_by_another(expendable: Any, tmp_path: Path) -> None:
    with DaskPool.connect(expendable.scheduler_address) as pool:
        done = pool.map(partial(dies_once, str(tmp_path / "died")), list(range(20)))
    assert done == [chunk * chunk for chunk in range(20)]


@pytest.mark.slow
@pytest.mark.server
def test_work_that_raises_is_tried_again(three: Any, tmp_path: Path) -> None:
    with DaskPool.connect(three.scheduler_address) as pool:
        assert pool.map(partial(fails_once, str(tmp_path)), [1, 2, 3]) == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.server
def test_a_chunk_that_kills_its_workers_is_given_up() -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        cluster(2) as made,
        DaskPool.connect(made.scheduler_address) as pool,
        pytest.raises(WorkLost, match="2 workers died on it"),
    ):
        pool.map(partial(kills_its_worker, os.getpid()), [1])


@pytest.mark.slow
@pytest.mark.server
def test_a_worker_with_another_chanflow_does_no_work(three: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chanflow, "__version__", "99.0")
    with DaskPool.connect(three.scheduler_address) as pool, pytest.raises(WorkLost, match=r"the worker has chanflow"):
        pool.map(squared, [1])


@pytest.mark.slow
@pytest.mark.server
def test_a_scan_that_is_lost_names_its_symbols(three: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chanflow, "__version__", "99.0")
    with DaskPool.connect(three.scheduler_address) as pool, pytest.raises(WorkLost) as caught:
        scan(market(), pool=pool)
    assert str(caught.value).startswith("S000, S001, S002")
    assert "and 30 more symbols could not be scanned" in str(caught.value)


@pytest.mark.slow
@pytest.mark.server
def test_a_cluster_without_workers_is_refused_and_work_on_it_given_up() -> None:
    with cluster(0) as made, made.get_client() as client:
        with pytest.raises(ClusterUnreachable, match="has no worker"):
            DaskPool.connect(made.scheduler_address)
        with pytest.raises(WorkLost, match="no worker for 1 s"):
            DaskPool(client, patience_s=1).map(squared, [1])


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:80", "tcp://127.0.0.1", "tcp://127.0.0.1:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidArgument, match=r"write tcp://host:port") as caught:
        DaskPool.connect(address)
    assert caught.value.field == "cluster"


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(ClusterUnreachable, match=f"no Dask scheduler answers at tcp://127.0.0.1:{port}: .*refused"):
        DaskPool.connect(f"tcp://127.0.0.1:{port}")


def test_a_stranger_who_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, pytest.raises(ClusterUnreachable, match=r"nothing for 0\.1 s"):
        DaskPool.connect(f"tcp://127.0.0.1:{door.getsockname()[1]}", timeout_s=0.1)


def test_without_the_extra_the_answer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chanflow\[dask\]'"):
        DaskPool.connect("tcp://127.0.0.1:8786")
