"""`chanflow explain`: the chain of a decision, order, trade or refusal, from the data to the fill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from chanflow.domain.canonical import plain
from chanflow.domain.errors import NotFound
from chanflow.review.decision import cards, lines_of
from chanflow.review.explain import Link, decisions_named, explain
from chanflow.review.journal import Record
from chanflow.runtime.home import Home
from chanflow.runtime.recorded_runs import find_run


def run_explain(name: str, *, run: str | None, home: Home, as_json: bool, out: TextIO) -> None:
    """Write the chain, a line a step: record number, time, kind and what it says; then cards of what a model decided.

    Raises NotFound where no run has what is asked for.
    """
    found = find_run(home, name if run is None else run)
    if run is None and found.scope != "id":
        raise NotFound(f"{name} is a {found.scope}: give an id, or the number of a record with --run {name}")
    chain = explain(found.records, name)
    if not chain:
        raise NotFound(f"nothing in {found.records[0].body['run_id']} is explained by {name}")
    asked = [card for card in cards(found.records, decisions_named(found.records, name)) if card.content_hash]
    if as_json:
        links = [{"seq": link.seq, "at": link.at, "kind": link.kind, "text": link.text} for link in chain]
        body = {"journal": Path(found.segment).name, "chain": links, "decisions": plain(asked)}
        out.write(json.dumps(body, ensure_ascii=False) + "\n")
        return
    _write_chain(chain, found.segment, out)
    for card in asked:
        out.write("\n")
        out.writelines(f"{line}\n" for line in lines_of(card))


def write_decision(records: Sequence[Record], segment: Path, decision_id: str, *, out: TextIO) -> None:
    """Write the chain of a decision and its card, without the words of its prompt."""
    _write_chain(explain(records, decision_id), segment, out)
    for card in cards(records, (decision_id,)):
        out.writelines(f"{line}\n" for line in lines_of(card, prompt=False))


def _write_chain(chain: Sequence[Link], segment: Path, out: TextIO) -> None:
    out.write(f"journal: {segment}\n")
    width = max((len(link.kind) for link in chain), default=0)
    out.writelines(f"#{link.seq:<6} {link.at[:23]}Z  {link.kind:<{width}}  {link.text}\n" for link in chain)
