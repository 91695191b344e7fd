"""Kill the desk at every marked point of its order path, under every fault, and hold its books against the venue's.

    kill_matrix.py --seeds 0-4 --results DIR [--faults F…] [--points P…]   play what DIR has not, a line of JSON a case
    kill_matrix.py --table DIR… --write docs/kill-matrix.md                the page of what was played
    kill_matrix.py --one "after submit stop" drop_ack 3 1                  one case alone: point, fault, seed, nth

The venue is `chanflow exchange`'s, in the tape's time, behind a pipe; the desk is the real order path with the Binance
adapter, in a process that is ended by SIGKILL and started again from its journal file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import kill_cases  # type: ignore[import-not-found]  # it lives with the tests

KINDS = ("lost", "doubled", "naked", "ledger", "broken")


def line_of(verdict: kill_cases.Verdict) -> dict[str, Any]:
    """Return a verdict as a line of results."""
    case = verdict.case
    return {
        "point": case.point, "fault": case.fault, "seed": case.seed, "nth": case.nth, "killed": verdict.killed,
        **{kind: getattr(verdict, kind) for kind in KINDS},
    }  # fmt: skip


def lines_of(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the results of some folders, a case once; a line that a worker was ended in is left out."""
    rows = (row for folder in folders for file in sorted(folder.glob("*.jsonl")) for row in file.open())
    lines = (json.loads(row) for row in rows if row.endswith("\n"))
    return list({(line["point"], line["fault"], line["seed"], line["nth"]): line for line in lines}.values())


def play(seeds: Sequence[int], faults: Sequence[str], points: Sequence[str], folder: Path) -> int:
    """Play the matrix; returns how many cases went wrong."""
    kill_cases.preload()
    folder.mkdir(parents=True, exist_ok=True)
    wrong = played = 0
    done = {(line["point"], line["fault"], line["seed"]) for line in lines_of([folder])}
    for seed in seeds:
        with (folder / f"{seed}-{faults[0]}.jsonl").open("a") as out:
            for verdict in kill_cases.run_seed(seed, points, faults, done):
                played += 1
                wrong += bool(verdict.wrong)
                out.write(json.dumps(line_of(verdict)) + "\n")
                out.flush()
                if verdict.wrong:
                    print(json.dumps(line_of(verdict)), flush=True)
        print(f"seed {seed}: {played} cases so far, {wrong} wrong", flush=True)
    return wrong


def table(lines: Iterable[dict[str, Any]], seeds: str) -> str:
    """Return the page: how many kills there were at each point under each fault, and what was wrong."""
    kills: dict[str, Counter[str]] = defaultdict(Counter)
    bad: dict[str, Counter[str]] = defaultdict(Counter)
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        fault = line["fault"]
        totals[fault]["cases"] += 1
        totals[fault]["kills"] += line["killed"]
        kills[line["point"]][fault] += line["killed"]
        for kind in KINDS:
            totals[fault][kind] += bool(line[kind])
            bad[line["point"]][fault] += bool(line[kind])
    faults = [fault for fault in kill_cases.FAULTS if fault in totals]
    points = [point for point in kill_cases.POINTS if kills[point].total()]
    summed = sum(totals.values(), Counter[str]())
    rows = [
        f"| {fault} | " + " | ".join(f"{totals[fault][name]:,}" for name in ("cases", "kills", *KINDS)) + " |"
        for fault in faults
    ]
    rows.append("| **all** | " + " | ".join(f"**{summed[name]:,}**" for name in ("cases", "kills", *KINDS)) + " |")
    cells = [
        f"| {point} | " + " | ".join(_cell(kills[point][fault], bad[point][fault]) for fault in faults) + " |"
        for point in points
    ]
    return PAGE.format(
        cases=f"{summed['cases']:,}", kills=f"{summed['kills']:,}", points=len(points), faults=len(faults), seeds=seeds,
        totals="\n".join(rows), heads=" | ".join(faults), line="|".join(["---:"] * len(faults)), cells="\n".join(cells),
    )  # fmt: skip


def _cell(kills: int, wrong: int) -> str:
    return f"**{kills}, {wrong} wrong**" if wrong else str(kills or "")


PAGE = """# The kill matrix

The desk is ended by SIGKILL at a marked point of its order path, under a fault of the venue or the network, and started
again from its journal file one second later. It runs the real order path: gate, router, protection, reconciliation,
journal on disk, and the Binance adapter with its own signing and its own user stream. The venue is the emulated
exchange of `chanflow exchange`, in the tape's time, over a pipe instead of sockets, so that a case is the same each
time. The desk buys at market (several fills), is given its stop and its take-profit, moves its stop by an approval,
lets a third of the position leave, and is stopped out, closes, or takes its profit, by the seed.

The oracle is the venue's own books:

- **lost**: an order or a fill that one side knows and the other does not, or knows otherwise;
- **doubled**: an id sent twice, more bought than approved, or a position gone to the other side;
- **naked**: a position that no stop at the venue covered for more than 5 s while a desk ran (the 20 s in which a frozen
  venue answers nobody are not counted);
- **ledger**: wallet, position or any fill not the venue's to the last digit, or a journal that does not give the same
  books again;
- **broken**: the desk did not come to rest, or was left halted.

Measured: {cases} cases, {kills} kills, {points} points, {faults} faults, seeds {seeds}; not each fault with each seed,
the tables say how often. Made, until it was ended, with

```
.venv/bin/python scripts/kill_matrix.py --seeds {seeds} --results DIR
.venv/bin/python scripts/kill_matrix.py --table DIR --write docs/kill-matrix.md
```

One case alone: `.venv/bin/python scripts/kill_matrix.py --one "after submit stop" drop_ack 3 1` (point, fault, seed,
which time). In virtual time and in memory, `tests/unit/execution/test_restore.py` kills at each journal record.

| fault | cases | kills | lost | doubled | naked | ledger | broken |
|---|---:|---:|---:|---:|---:|---:|---:|
{totals}

Each fault is also played once a seed without a kill. The points are calls of the desk's ports: appends to the journal,
commands and questions to the venue, events of its user stream; nothing in the desk knows of them. Kills at each:

| point | {heads} |
|---|{line}|
{cells}
"""


def _seeds(word: str) -> list[int]:
    first, _, last = word.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    """Play cases, or write the page of what was played."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-2")
    parser.add_argument("--faults", nargs="*", default=list(kill_cases.FAULTS), choices=list(kill_cases.FAULTS))
    parser.add_argument("--points", nargs="*", default=list(kill_cases.POINTS))
    parser.add_argument("--results", type=Path)
    parser.add_argument("--table", nargs="*", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--one", nargs=4, metavar=("POINT", "FAULT", "SEED", "NTH"))
    asked = parser.parse_args()
    if asked.one:
        kill_cases.preload()
        point, fault, seed, nth = asked.one
        verdict = kill_cases.run_one(kill_cases.Case(point, fault, int(seed), int(nth)))
        print(json.dumps(line_of(verdict), indent=1))
        sys.exit(bool(verdict.wrong))
    if asked.table:
        lines = lines_of(asked.table)
        seeds = sorted({line["seed"] for line in lines})
        page = table(lines, f"{seeds[0]}-{seeds[-1]}")
        (asked.write.write_text(page) if asked.write else print(page))
        return
    if asked.results is None:
        parser.error("say where results go with --results, or which to show with --table")
    sys.exit(bool(play(_seeds(asked.seeds), asked.faults, asked.points, asked.results)))


if __name__ == "__main__":
    main()
