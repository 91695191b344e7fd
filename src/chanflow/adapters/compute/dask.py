"""A Dask cluster as a pool: chunks travel to its workers, results come back in order.

Scheduler and workers need the chanflow of this process. Whoever reaches a scheduler can run code on its workers, and
what workers answer is unpickled here: use a cluster of your own, behind your own network or `tls://`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar

import chanflow
from chanflow.domain.errors import ClusterUnreachable, InvalidArgument, MissingExtra, WorkLost

if TYPE_CHECKING:
    from types import TracebackType

    from distributed import Client, Future

ADDRESS = re.compile(r"(tcp|tls)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
RETRIES = 2
"""How often a chunk whose work raised is tried again: its worker may be the one that is ill."""

MAX_GREETING_BYTES = 1 << 20
LOOK_EVERY_S = 1.0
CHUNKS_PER_THREAD = 3
"""How many chunks a thread of the cluster has at hand: none waits for the wire, and the scheduler holds few."""

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class DaskPool:
    """The workers of a Dask cluster, seen through a client that the caller made, or that `connect` made."""

    threads = 1

    def __init__(self, client: Client, *, patience_s: float = 30.0) -> None:
        """Take a synchronous client. A cluster without workers for `patience_s` has lost the work."""
        self._client = client
        self._patience_s = patience_s

    @classmethod
    def connect(cls, address: str, *, timeout_s: float = 5.0) -> DaskPool:
        """Return a pool on the scheduler at `tcp://host:port`; close it, or use it in a `with`.

        Raises MissingExtra without the extra `dask`, InvalidArgument for what is no address, and ClusterUnreachable
        where no scheduler answers in time, or it has no worker.
        """
        if find_spec("distributed") is None:
            raise MissingExtra("a Dask cluster needs its client: pip install 'chanflow[dask]'")
        parts = ADDRESS.fullmatch(address)
        if parts is None or not 1 <= int(parts[3]) <= 65_535:
            raise InvalidArgument(
                f"{address[:80]!a} is no address of a scheduler: write tcp://host:port", field="cluster"
            )
        try:
            _knock(parts[1], parts[2].strip("[]"), int(parts[3]), timeout_s)
            from distributed import Client

            client = Client(address, timeout=timeout_s, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError, RuntimeError) as fault:
            raise ClusterUnreachable(f"no Dask scheduler answers at {address}: {_sentence(fault)}") from fault
        pool = cls(client)
        if not pool._threads_there():
            pool.close()
            raise ClusterUnreachable(
                f"the Dask cluster at {address} has no worker: start one with dask worker {address}"
            )
        return pool

    def close(self) -> None:
        """Leave the cluster; it lives on."""
        self._client.close()  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def map(
        self,
        work: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        done: Callable[[int], object] | None = None,
    ) -> list[Result]:
        """Return `work(chunk)` of every chunk, in their order, whoever did it.

        The chunks of a worker that dies are done by another one; a chunk whose work raises is tried `RETRIES` times
        more. Raises WorkLost for a chunk that failed each time or took four workers with it, and where the cluster has
        been without workers for longer than the pool's patience.
        """
        call = partial(_checked, chanflow.__version__, work)
        results: dict[int, Result] = {}
        pending: dict[Any, int] = {}
        answered: SimpleQueue[Any] = SimpleQueue()
        ahead = max(1, CHUNKS_PER_THREAD * self._threads_there())
        try:
            for index, chunk in enumerate(chunks):
                while len(pending) >= ahead:
                    self._take(answered, pending, results, done)
                future = self._submit(call, chunk)
                pending[future] = index
                future.add_done_callback(answered.put)  # type: ignore[no-untyped-call]
            while pending:
                self._take(answered, pending, results, done)
        finally:
            if pending:
                self._client.cancel(list(pending), force=True)  # type: ignore[no-untyped-call]
        return [results[index] for index in range(len(chunks))]

    def _submit(self, call: Callable[[Chunk], Result], chunk: Chunk) -> Future[Result]:
        import dask.config

        # The chunk travels inside its task, so that the scheduler can give it to another worker. Dask would rather
        # have large data scattered, and says so; scattered data dies with the worker that holds it.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return self._client.submit(call, chunk, pure=False, retries=RETRIES)

    def _take(
        self,
        answered: SimpleQueue[Any],
        pending: dict[Any, int],
        results: dict[int, Result],
        done: Callable[[int], object] | None,
    ) -> None:
        """Wait for the next answer and note it."""
        alone_s = 0.0
        while True:
            try:
                future = answered.get(timeout=LOOK_EVERY_S)
                break
            except Empty:
                alone_s = 0.0 if self._threads_there() else alone_s + LOOK_EVERY_S
            if alone_s >= self._patience_s:
                index = min(pending.values())
                raise WorkLost(f"the cluster has had no worker for {alone_s:g} s", chunk=index)
        index = pending.pop(future)
        try:
            results[index] = future.result()
        except Exception as fault:
            raise WorkLost(_reason(fault), chunk=index) from fault
        if done is not None:
            done(index)

    def _threads_there(self) -> int:
        """Return the threads of the cluster's workers; 0 while the scheduler does not answer."""
        if self._client.status != "running":
            return 0
        try:
            return sum(self._client.nthreads().values())  # type: ignore[no-untyped-call]
        except OSError:
            return 0


def _knock(scheme: str, host: str, port: int, timeout_s: float) -> None:
    """Raise OSError, saying why, where nobody listens, or where who listens does not greet as Dask does.

    Dask's own client knocks at a closed door until its time is up, and waits for ever for the greeting of a stranger.
    """
    with socket.create_connection((host, port), timeout_s) as door:
        if scheme == "tls":
            return
        door.settimeout(timeout_s)
        try:
            greeting = door.recv(8)
        except TimeoutError:
            raise OSError(f"what listens there says nothing for {timeout_s:g} s") from None
    if len(greeting) < 8 or int.from_bytes(greeting, "little") > MAX_GREETING_BYTES:
        raise OSError("what listens there does not speak Dask")


def _checked(version: str, work: Callable[[Chunk], Result], chunk: Chunk) -> Result:
    """Return `work(chunk)`, on a worker. Raises RuntimeError where another chanflow is installed there."""
    if chanflow.__version__ != version:
        raise RuntimeError(f"the worker has chanflow {chanflow.__version__}, this is {version}: install the same")
    return work(chunk)


def _reason(fault: Exception) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(fault, KilledWorker):
        return f"{fault.allowed_failures + 1} workers died on it: {fault.last_worker.address} was the last"
    return f"{type(fault).__name__}: {_sentence(fault)}"


def _sentence(fault: Exception) -> str:
    """Return the first line of what a fault says."""
    said = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
    return next(iter(said.splitlines()), "") or type(fault).__name__
