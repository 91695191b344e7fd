"""Killed at any moment, memory keeps all that it said it had kept, and its vectors are whole again at the start."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from made_cases import DAY, T0

from chanflow.domain.memory import Decision
from chanflow.review.flows import MemoryFlows
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import open_memory

pytestmark = [pytest.mark.crash, pytest.mark.slow]
CHILD = Path(__file__).with_name("memory_child.py")
ROUNDS = 4


def killed_after(home: Path, first: int, lines: int) -> list[tuple[str, str]]:
    """Run the child until it has told so many lines, kill it, and return all it told."""
    child = subprocess.Popen([sys.executable, str(CHILD), str(home), str(first)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(lines)]
    child.kill()
    told += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    return [(what, name) for what, name in (line.split() for line in told if line.endswith("\n"))]


async def state_of(home: Path) -> tuple[dict[str, Decision], int]:
    """Start a desk's memory after the crash: what it knows of every decision, and how many vectors there are."""
    async with open_memory(Home(home), SimulatedClock(T0 + 1_000 * DAY), deadline_s=None) as memory:
        flows = MemoryFlows(memory)
        await flows.mend()
        await flows.store_vectors()
        cases = await memory.knowledge.cases(limit=100_000)
        return {case.decision.decision_id: case.decision for case in cases}, memory.cases.count()


@pytest.mark.parametrize("damage", [False, True], ids=["killed", "killed and damaged"])
def test_what_was_kept_stays_kept(tmp_path: Path, damage: bool) -> None:
    home, chance = tmp_path / "home", Random(3)
    told: list[tuple[str, str]] = []
    for number in range(ROUNDS):
        told += killed_after(home, number * 1_000, chance.randint(1, 40))
        if damage:
            for path in (home / "memory" / "vectors" / "shard").rglob("*"):
                if path.is_file():
                    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with Home(home).lock():
            known, vectors = asyncio.run(state_of(home))
        assert {name for _, name in told} <= set(known)
        assert {name for what, name in told if what == "closed"} <= {n for n, d in known.items() if d.outcome}
        assert vectors == len(known)
