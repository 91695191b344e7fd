"""Whatever a network does to a desk, its books end as the venue's, and no position stands naked for 5 s."""

from __future__ import annotations

import random
from typing import Any

import pytest
from made_desk import NOW
from made_desk_life import Life, faults_of, lived
from made_memory_venue import Weather

from chanflow.domain.time import NS_PER_MS, NS_PER_S

NAMES = (
    "lost answers", "lost commands", "late fills", "late news", "repeats", "no stream", "busy", "frozen", "ahead",
    "all at once",
)  # fmt: skip


def weather(name: str, seed: int) -> Weather:
    chance = random.Random(f"{name} {seed}")
    begin_ns, end_ns = NOW + chance.randrange(0, 8 * NS_PER_S), NOW + chance.randrange(9 * NS_PER_S, 28 * NS_PER_S)
    first = frozenset(chance.sample(range(1, 12), 3))
    made: dict[str, dict[str, Any]] = {
        "lost answers": {"lost_answers": first},
        "lost commands": {"lost_commands": first},
        "late fills": {"late_ns": 4 * NS_PER_S, "late_kinds": frozenset({"fill"})},
        "late news": {"late_ns": 4 * NS_PER_S},
        "repeats": {"doubled": True, "shuffle": chance},
        "no stream": {"breaks_ns": (begin_ns, end_ns)},
        "busy": {"busy_ns": (begin_ns, begin_ns + 3 * NS_PER_S)},
        "frozen": {"frozen_ns": (begin_ns + 50 * NS_PER_MS, end_ns)},
        "ahead": {"ahead_ns": 1_800 * NS_PER_MS},
        "all at once": {
            "lost_answers": frozenset(chance.sample(range(1, 22), 5)), "lost_commands": first, "doubled": True,
            "shuffle": chance, "late_ns": chance.randrange(0, 4 * NS_PER_S),
        },
    }  # fmt: skip
    return Weather(**made[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_books_end_as_the_venues_in_any_weather(name: str) -> None:
    for seed in range(4):
        for ending in ("stop", "close", "target"):
            life = lived(Life(ending=ending, weather=weather(name, seed)))  # type: ignore[arg-type]
            assert faults_of(life) == [], (seed, ending)
            assert life.desk.router.halted is None
            assert life.desk.router.blocked is None
