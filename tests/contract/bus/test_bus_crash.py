"""Processes that die at random points: nothing is lost, and what comes twice is stopped by the inbox."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

CHILD = Path(__file__).with_name("desk_child.py")

pytestmark = [pytest.mark.slow, pytest.mark.crash]


def start(carrier: str, path: Path, role: str, first: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), carrier, str(path), role, str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(child: subprocess.Popen[str]) -> str:
    """Kill -9, and return what it had printed and not yet been read."""
    child.kill()
    printed, _ = child.communicate(timeout=300)
    return printed


def rows(path: Path, sql: str) -> list[int]:
    connection = sqlite3.connect(path, timeout=5)
    try:
        return [row[0] for row in connection.execute(sql)]
    except sqlite3.OperationalError as fault:
        if "no such table" in str(fault):
            return []
        raise
    finally:
        connection.close()


def wait_until_idle(path: Path) -> None:
    deadline = time.monotonic() + 300
    while rows(path, "SELECT count(*) FROM bus_delivery WHERE grp = 'g' AND state IN ('ready', 'blocked')") != [0]:
        assert time.monotonic() < deadline, "deliveries are left over"
        time.sleep(0.02)


def test_a_publisher_and_a_consumer_killed_at_random_lose_and_double_nothing(carrier: str, tmp_path: Path) -> None:
    chance, path = Random(11), tmp_path / "bus.db"
    consumer = start(carrier, path, "consume")
    assert consumer.stdout is not None
    assert consumer.stdout.readline() == "ready\n"  # the group is stored: all that follows is for it
    durable = -1
    for _ in range(12):
        publisher = start(carrier, path, "publish", durable + 1)
        assert publisher.stdout is not None
        durable = int(publisher.stdout.readline())
        time.sleep(chance.uniform(0, 0.15))
        if chance.random() < 0.6:
            kill(consumer)
            consumer = start(carrier, path, "consume")
            time.sleep(chance.uniform(0, 0.3))
        durable = max([durable, *map(int, kill(publisher).split())])
    wait_until_idle(path)
    kill(consumer)
    stored = rows(path, "SELECT json_extract(body, '$.payload.n') FROM bus_message WHERE topic = 'signal'")
    effects = rows(path, "SELECT n FROM effect")
    relayed = rows(path, "SELECT json_extract(body, '$.payload.n') FROM bus_message WHERE topic = 'refusal'")
    seen = [int(line) for line in path.with_suffix(".seen").read_text().split()]
    assert set(range(durable + 1)) <= set(stored), "a message its publisher was told is durable"
    assert sorted(effects) == sorted(stored), "each effect exactly once"
    assert sorted(relayed) == [number + 10**9 for number in sorted(stored)]
    assert set(seen) == set(stored)
    assert rows(path, "SELECT count(*) FROM bus_delivery WHERE grp = 'g'") == [0]
    assert len(stored) > 100


def test_a_message_that_kills_its_process_dies_after_its_attempts(carrier: str, tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    consumer = start(carrier, path, "poison")
    assert consumer.stdout is not None
    assert consumer.stdout.readline() == "ready\n"
    publisher = start(carrier, path, "publish")
    assert publisher.stdout is not None
    publisher.stdout.readline()
    kill(publisher)
    deaths = 0
    deadline = time.monotonic() + 300
    while rows(path, "SELECT count(*) FROM bus_delivery WHERE grp = 'g' AND state IN ('ready', 'blocked')") != [0]:
        assert time.monotonic() < deadline, "the poison never died"
        if consumer.poll() is not None:
            deaths += 1
            consumer.communicate()
            consumer = start(carrier, path, "poison")
        time.sleep(0.02)
    kill(consumer)
    seen = [int(line) for line in path.with_suffix(".seen").read_text().split()]
    assert deaths == 3
    assert seen.count(0) == 3
    assert rows(path, "SELECT attempts FROM bus_delivery WHERE grp = 'g' AND state = 'dead'") == [3]
    stored = rows(path, "SELECT json_extract(body, '$.payload.n') FROM bus_message WHERE topic = 'signal'")
    assert set(stored) - set(rows(path, "SELECT n FROM effect")) == {0}


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files the Linux way")
def test_a_disk_that_fills_keeps_all_that_was_promised(carrier: str, tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    printed, _ = start(carrier, path, "fill", 2_000_000).communicate(timeout=300)
    *promised, last = printed.splitlines()
    assert last.startswith(f"stopped: the bus cannot write {path}: ")
    assert len(promised) > 20
    assert rows(path, "SELECT count(*) FROM bus_message") == [len(promised)]
    assert rows(path, "SELECT quick_check = 'ok' FROM pragma_quick_check") == [1]
