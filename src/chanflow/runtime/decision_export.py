"""Writes the decisions of models in all runs of a data directory as one file to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chanflow.adapters.llm.scrub import Scrubber
from chanflow.review.journal import read_records
from chanflow.review.training_set import training_set
from chanflow.runtime.home import Home, publish


@dataclass(frozen=True, slots=True)
class Exported:
    """How many examples were written, from how many runs, and how many decisions of models had no answer."""

    examples: int
    runs: int
    unanswered: int


def export_decisions(home: Home, out: Path, *, since_ns: int, keys: Sequence[str]) -> Exported:
    """Write the examples to `out`, oldest run first, in place of what was there; `keys` are taken out of all of it.

    Raises JournalCorrupt for an altered journal, StorageUnwritable; then nothing is written.
    """
    scrubber, lines, runs, unanswered = Scrubber(keys), list[str](), 0, 0
    for run in home.runs():
        if not run.journal_path.exists():
            continue
        found = training_set(
            tuple(read_records(run.journal_path, torn_tail=True)), since_ns=since_ns, secret=scrubber.text
        )
        lines += found.lines
        runs += bool(found.lines)
        unanswered += found.unanswered
    publish(out.absolute(), "".join(f"{line}\n" for line in lines).encode())
    return Exported(len(lines), runs, unanswered)
