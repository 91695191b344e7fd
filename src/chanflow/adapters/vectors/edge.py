"""Cases in an embedded Qdrant shard: one folder, one process, no server.

Up to 20,000 cases every search compares all of them; beyond, an index is asked that may miss some. All is derived
from the knowledge base: where it is damaged it is emptied, `fresh` says so, and whoever opened it fills it again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid5

from chanflow.adapters.vectors.asked import Choice, check_cases, check_query, group_of
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import DeskBusy, SettingsInvalid, StorageUnwritable
from chanflow.domain.memory import Decision, Outcome
from chanflow.domain.time import NS_PER_MS
from chanflow.review.memory_json import decision_body, decision_of
from chanflow.review.ports import CaseQuery, Found, StoredCase

if TYPE_CHECKING:
    from qdrant_edge import EdgeShard, Filter, ScoredPoint

T = TypeVar("T")

EXACT_BELOW = 20_000
NAMESPACE = UUID("6f1d1c5e-5f0b-5a64-9d0e-3c1b8d0d2a41")
"""Of point ids: UUIDv5 of this and the decision's id."""
_BATCH = 1_000
_PAGE = 32
_EF = 256
_FORMAT = 1


class EdgeCases:
    """A store of cases in a folder. Calls block, and may come from any thread: the library locks for itself.

    Raises SettingsInvalid where the folder has vectors of another version or dimension, DeskBusy where another process
    has it open, StorageUnwritable where it cannot be used at all.
    """

    def __init__(self, folder: Path, *, version: str, dimension: int, exact_below: int = EXACT_BELOW) -> None:
        self._folder, self._version, self._dimension = folder, version, dimension
        self._exact_below = exact_below
        self._lock = _locked(folder)
        try:
            self._shard, self.fresh = self._open()
            self._count = self._call(self._points)
        except BaseException:
            os.close(self._lock)
            raise

    # ── the folder ────────────────────────────────────────────────────────────

    @property
    def _note(self) -> dict[str, Any]:
        return {"format": _FORMAT, "version": self._version, "dimension": self._dimension}

    def _open(self) -> tuple[EdgeShard, bool]:
        """Return the shard, and whether it had to be made."""
        import qdrant_edge as q

        there = _read_note(self._folder)
        if there is not None and there != self._note:
            raise SettingsInvalid(
                f"{self._folder} has vectors of {there.get('version')} with {there.get('dimension')} numbers, this "
                f"version compares by {self._version} with {self._dimension}: run chanflow memory rebuild"
            )
        if there is not None:
            try:
                shard = _told(self._folder, lambda: q.EdgeShard.load(str(self._folder / "shard"), self._config()))
                _told(self._folder, lambda: shard.count(q.CountRequest(exact=True)))
            except StorageUnwritable:
                pass  # what cannot be read is derived, and made again
            else:
                return shard, False
        return self._make(), True

    def _make(self) -> EdgeShard:
        import qdrant_edge as q

        (self._folder / "note.json").unlink(missing_ok=True)
        shutil.rmtree(self._folder / "shard", ignore_errors=True)
        (self._folder / "shard").mkdir()
        shard = _told(self._folder, lambda: q.EdgeShard.create(str(self._folder / "shard"), self._config()))
        kinds = q.PayloadSchemaType
        for name, kind in (
            ("closed_ms", kinds.Integer), ("group", kinds.Keyword), ("position", kinds.Keyword),
            ("strategy", kinds.Keyword),
        ):  # fmt: skip
            index = q.UpdateOperation.create_field_index(name, kind)
            _told(self._folder, lambda index=index: shard.update(index))  # type: ignore[misc]
        _told(self._folder, shard.flush)
        (self._folder / "note.json").write_text(json.dumps(self._note), "utf-8")
        return shard

    def _config(self) -> Any:
        import qdrant_edge as q

        return q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=self._dimension, distance=q.Distance.Cosine),
            hnsw_config=q.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10, max_indexing_threads=1),
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1_000),
            max_search_threads=1,
        )

    # ── the port ──────────────────────────────────────────────────────────────

    def put(self, cases: Sequence[StoredCase]) -> None:
        """Keep cases; one that is there already is replaced. Raises InvalidArgument for another dimension."""
        import qdrant_edge as q

        check_cases(cases, self._dimension)
        for at in range(0, len(cases), _BATCH):
            points = [
                q.Point(point_id(case.decision.decision_id), list(case.vector), _payload(case))
                for case in cases[at : at + _BATCH]
            ]
            self._call(self._shard.update, q.UpdateOperation.upsert_points(points))
        self._count = self._call(self._points)

    def settle(self, outcome: Outcome) -> bool:
        """Write a decision's outcome into its payload; return whether the decision is there."""
        import qdrant_edge as q

        name = point_id(outcome.decision_id)
        found = self._call(self._shard.retrieve, [name], True, False)
        if not found or found[0].payload is None:
            return False
        decision = replace(_decision(found[0].payload), outcome=outcome)
        change = {"decision": _text(decision), **_closing(outcome)}
        self._call(self._shard.update, q.UpdateOperation.set_payload([name], change))
        return True

    def search(self, query: CaseQuery) -> Found:
        """Return the cases most like the query's, at most two of one UTC day and symbol."""
        as_of_ns = check_query(query, version=self._version, dimension=self._dimension)
        exact = self._count < self._exact_below
        choice, size = Choice(query.limit), max(_PAGE, 3 * query.limit)
        while not choice.done:
            points = self._near(query, as_of_ns, choice.full_groups, size, exact=exact)
            before = len(choice.taken)
            found = [(p.score, p.payload) for p in points if p.payload is not None]
            # The index filters by whole milliseconds.
            known = [each for each in found if each[1]["closed_ns"] < as_of_ns]
            for score, payload in sorted(known, key=lambda each: (-each[0], each[1]["name"])):
                if choice.wants(payload["name"], payload["group"]):
                    choice.take(_decision(payload), score)
            if len(points) < size or len(choice.taken) == before:
                break
        return Found(tuple(choice.taken.values()), exact=exact)

    def _near(
        self, query: CaseQuery, as_of_ns: int, full: Sequence[str], size: int, *, exact: bool
    ) -> list[ScoredPoint]:
        import qdrant_edge as q

        must: list[Any] = [q.FieldCondition("closed_ms", range=q.RangeFloat(lte=as_of_ns // NS_PER_MS))]
        must_not: list[Any] = []
        if query.strategy is not None:
            must.append(q.FieldCondition("strategy", match=q.MatchValue(query.strategy)))
        if query.position_id is not None:
            must_not.append(q.FieldCondition("position", match=q.MatchValue(query.position_id)))
        if full:
            must_not.append(q.FieldCondition("group", match=q.MatchAny(list(full))))
        wanted: Filter = q.Filter(must=must, must_not=must_not or None)
        request = q.QueryRequest(
            limit=size, query=q.Query.Nearest(list(query.vector)), filter=wanted,
            with_payload=["name", "group", "closed_ns", "decision"], params=q.SearchParams(exact=exact, hnsw_ef=_EF),
        )  # fmt: skip
        return self._call(self._shard.query, request)

    def count(self) -> int:
        """Return how many cases are kept."""
        return self._count

    def clear(self) -> None:
        """Forget all."""
        self._call(self._shard.close)
        self._shard, self._count = self._make(), 0

    def tend(self) -> None:
        """Build the index, once there are so many cases that it is asked; searches go on meanwhile, writes wait."""
        if self._count >= self._exact_below:
            self._call(self._shard.optimize)
        self._call(self._shard.flush)

    def close(self) -> None:
        """Make everything durable and let go of the folder."""
        try:
            self._call(self._shard.flush)
            self._call(self._shard.close)
        finally:
            os.close(self._lock)

    def _points(self) -> int:
        import qdrant_edge as q

        return self._shard.count(q.CountRequest(exact=True))

    def _call(self, call: Callable[..., T], *args: Any) -> T:
        return _told(self._folder, lambda: call(*args))


def point_id(decision_id: str) -> UUID:
    """Return the id of a decision's point."""
    return uuid5(NAMESPACE, decision_id)


def _payload(case: StoredCase) -> dict[str, Any]:
    decision = case.decision
    payload: dict[str, Any] = {
        "name": decision.decision_id, "decision": _text(decision), "mask": case.mask, "group": group_of(decision),
        "position": decision.position_id or "", "strategy": decision.strategy,
    }  # fmt: skip
    return payload if decision.outcome is None else payload | _closing(decision.outcome)


def _closing(outcome: Outcome) -> dict[str, int]:
    return {"closed_ns": outcome.closed_ns, "closed_ms": outcome.closed_ns // NS_PER_MS}


def _text(decision: Decision) -> str:
    """Return a decision as text, which comes back faster than a nested payload."""
    return canonical_json(decision_body(decision))


def _decision(payload: Mapping[str, Any]) -> Decision:
    return decision_of(json.loads(payload["decision"]))


def _locked(folder: Path) -> int:
    """Return the descriptor of the folder's lock, which dies with the process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as fault:
        raise StorageUnwritable(f"{folder} cannot be written: {fault.strerror}") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(lock)
        raise DeskBusy(f"another process has the memory in {folder} open; stop it first") from fault
    return lock


def _read_note(folder: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((folder / "note.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def _told(folder: Path, call: Callable[[], T]) -> T:
    """Return what a call of the library gives; its faults become ours, its panics too."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as fault:  # a panic of the library is no Exception
        raise StorageUnwritable(f"the vectors in {folder} cannot be used: {str(fault)[:200]}") from fault
