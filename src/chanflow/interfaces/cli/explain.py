"""`chanflow explain`: the chain of a decision, order, trade or refusal, from the data to the fill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from chanflow.domain.errors import NotFound
from chanflow.review.explain import explain
from chanflow.runtime.home import Home
from chanflow.runtime.recorded_runs import find_run


def run_explain(name: str, *, run: str | None, home: Home, as_json: bool, out: TextIO) -> None:
    """Write the chain, a line a step: record number, time, kind and what it says.

    Raises NotFound where no run has what is asked for.
    """
    found = find_run(home, name if run is None else run)
    if run is None and found.scope != "id":
        raise NotFound(f"{name} is a {found.scope}: give an id, or the number of a record with --run {name}")
    chain = explain(found.records, name)
    if not chain:
        raise NotFound(f"nothing in {found.records[0].body['run_id']} is explained by {name}")
    if as_json:
        links = [{"seq": link.seq, "at": link.at, "kind": link.kind, "text": link.text} for link in chain]
        out.write(json.dumps({"journal": Path(found.segment).name, "chain": links}, ensure_ascii=False) + "\n")
        return
    out.write(f"journal: {found.segment}\n")
    width = max(len(link.kind) for link in chain)
    out.writelines(f"#{link.seq:<6} {link.at[:23]}Z  {link.kind:<{width}}  {link.text}\n" for link in chain)
