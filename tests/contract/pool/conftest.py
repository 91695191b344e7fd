from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from made_cluster import cluster

from chanflow.adapters.compute.dask import DaskPool
from chanflow.features.pool import InProcess


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Any]:
    with cluster(2) as made:
        yield made.scheduler_address


@pytest.fixture(params=["threads", pytest.param("dask", marks=[pytest.mark.slow, pytest.mark.server])])
def pool(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The pool under test; one that joins adds its name and its constructor here."""
    if request.param == "threads":
        yield InProcess(2)
        return
    with DaskPool.connect(request.getfixturevalue("scheduler")) as pool:
        yield pool
