"""A Dask cluster on loopback: its workers are processes of their own, its ports are free ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """Start a cluster, and end it."""
    from distributed import LocalCluster

    # A worker that is killed on purpose is no news.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
        memory_limit=None, silence_logs=logging.CRITICAL,
    ) as made:  # fmt: skip
        yield made
