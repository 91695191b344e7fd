"""Throw broken streams at the order-flow engine and compare it with the plain reference. `make fuzz-flow`.

Each case draws settings and a stream full of what breaks engines (ties, repeats, gaps, crossed attempts, zero sizes,
lost connections, late events), cuts it at two places where the engine is saved and loaded again, and asks that every
column of every bin equals the reference, to the bit. A failing case is printed, and runs alone with `--case`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))


def main() -> int:
    """Run cases; return 1 at the first that differs."""
    made_flow = importlib.import_module("made_flow")
    options = argparse.ArgumentParser(description="Compare the order-flow engine with its reference.")
    options.add_argument("--cases", type=int, default=10_000)
    options.add_argument("--from-case", type=int, default=0)
    options.add_argument("--events", type=int, default=400)
    options.add_argument("--case", type=int, help="run this one alone")
    asked = options.parse_args()
    first = asked.from_case
    cases = range(first, first + asked.cases) if asked.case is None else range(asked.case, asked.case + 1)
    bins = 0
    for seed in cases:
        told, rows = made_flow.compared(seed, asked.events)
        bins += len(rows)
        if told is not None:
            print(f"case {seed}: {told}")
            return 1
        if seed % 1_000 == 999:
            print(f"{seed + 1 - first} cases, {bins} bins, all equal", flush=True)
    print(f"{len(cases)} cases, {bins} bins: the engine equals the reference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
