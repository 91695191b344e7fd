from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.runtime.bus import log, schema
from chanflow.runtime.bus.log import Claim, LeaseLost, Record
from chanflow.runtime.bus.port import Subscription

LEASE_NS = 30_000_000_000


async def nothing(*_: object) -> None:
    """Handle by doing nothing."""


def policy(group: str = "g", **changes: Any) -> Subscription:
    values: dict[str, Any] = {
        "topic": "signal",
        "group": group,
        "handler": nothing,
        "concurrency": 1,
        "ordered": True,
        "max_attempts": 3,
        "lease_s": 30,
        "on_dead": "skip",
    }
    return Subscription(**(values | changes))


G = policy()


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.connect(tmp_path / "desk.db")
    connection.execute("BEGIN IMMEDIATE")
    log.register(connection, "signal", "g", ordered=True)
    yield connection
    connection.close()


def put(tx: sqlite3.Connection, *numbers: int, key: str = "k", topic: str = "signal", now_ns: int = 0) -> None:
    for number in numbers:
        log.append(tx, Record(UUID(int=number).bytes, topic, key, f"body {number}"), now_ns)


def take(tx: sqlite3.Connection, now_ns: int = 0, limit: int = 100, by: Subscription = G) -> list[Claim]:
    return log.claim(tx, by, now_ns, limit).claims


def numbers(claims: list[Claim]) -> list[int]:
    return [UUID(bytes=claim.record.id).int for claim in claims]


def states(tx: sqlite3.Connection, group: str = "g") -> list[str]:
    return [s for (s,) in tx.execute("SELECT state FROM bus_delivery WHERE grp = ? ORDER BY seq", (group,))]


def test_only_the_head_of_a_key_is_ready(tx: sqlite3.Connection) -> None:
    put(tx, 1, 2, 3, key="a")
    put(tx, 4, key="b")
    assert states(tx) == ["ready", "blocked", "blocked", "ready"]
    first = take(tx)
    assert numbers(first) == [1, 4]
    log.acknowledge(tx, G, first[0], 0)
    assert numbers(take(tx)) == [2]


def test_a_group_without_order_has_every_delivery_ready(tx: sqlite3.Connection) -> None:
    loose = policy("loose", ordered=False)
    log.register(tx, "signal", "loose", ordered=False)
    put(tx, 1, 2, 3)
    assert numbers(take(tx, by=loose)) == [1, 2, 3]


def test_an_id_published_twice_is_delivered_once(tx: sqlite3.Connection) -> None:
    put(tx, 1, 1)
    assert states(tx) == ["ready"]


def test_a_lease_that_ran_out_is_claimed_anew_and_the_old_token_is_fenced(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    (old,) = take(tx)
    assert take(tx, LEASE_NS - 1) == []
    (new,) = take(tx, LEASE_NS)
    assert (new.attempt, new.lease) == (2, old.lease + 1)
    assert not log.renew(tx, old, 10 * LEASE_NS)
    with pytest.raises(LeaseLost):
        log.acknowledge(tx, G, old, 0)
    with pytest.raises(LeaseLost):
        log.fail(tx, G, old, "late", 0, retry_ns=0)
    log.release(tx, old, 0)
    assert take(tx, LEASE_NS) == []
    assert log.renew(tx, new, 10 * LEASE_NS)
    assert take(tx, 9 * LEASE_NS) == []
    log.acknowledge(tx, G, new, 0)
    assert states(tx) == []


def test_a_token_is_void_after_its_delivery_was_put_back(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    (held,) = take(tx)
    log.fail(tx, G, held, "boom", 0, retry_ns=5)
    with pytest.raises(LeaseLost):
        log.acknowledge(tx, G, held, 0)
    assert not log.renew(tx, held, LEASE_NS)


def test_a_failed_delivery_is_due_when_it_was_told_and_holds_its_key(tx: sqlite3.Connection) -> None:
    put(tx, 1, 2)
    log.fail(tx, G, take(tx)[0], "boom", 0, retry_ns=50)
    assert take(tx, 49) == []
    assert numbers(take(tx, 50)) == [1]


def test_what_is_released_keeps_its_attempts(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    for _ in range(10):
        (held,) = take(tx)
        assert held.attempt == 1
        log.release(tx, held, 0)


def test_attempts_count_at_the_claim_so_a_message_that_kills_its_handler_dies(tx: sqlite3.Connection) -> None:
    put(tx, 1, 2)
    for attempt in range(3):
        assert numbers(take(tx, attempt * LEASE_NS)) == [1]
    taken = log.claim(tx, G, 3 * LEASE_NS, 1)
    assert numbers(taken.claims) == [2]
    (death,) = taken.deaths
    assert (death.message_id, death.attempts, death.died_ns) == (UUID(int=1), 3, 3 * LEASE_NS)
    assert "lease ran out on attempt 3" in death.error


@pytest.mark.parametrize("on_dead", ["skip", "block"])
def test_death_passes_the_key_on_or_stops_it(tx: sqlite3.Connection, on_dead: str) -> None:
    by = policy(on_dead=on_dead, max_attempts=1)
    put(tx, 1, 2, key="a")
    put(tx, 3, key="b")
    held = take(tx, by=by)[0]
    (death,) = log.fail(tx, by, held, "x" * 5_000, 7, retry_ns=0)
    assert (death.blocks, len(death.error)) == (on_dead == "block", log.MAX_ERROR_CHARS)
    assert log.dead_letters(tx, "g") == [death]
    put(tx, 4, key="a")
    assert states(tx) == (
        ["dead", "ready", "ready", "blocked"] if on_dead == "skip" else ["stopped", "blocked", "ready", "blocked"]
    )


def test_a_blocked_key_moves_on_once_its_dead_letter_is_handled(tx: sqlite3.Connection) -> None:
    by = policy(on_dead="block", max_attempts=1)
    put(tx, 1, 2)
    log.fail(tx, by, take(tx, by=by)[0], "boom", 0, retry_ns=0)
    assert take(tx, by=by) == []
    log.revive(tx, "g", UUID(int=1), 5)
    (again,) = take(tx, 5, by=by)
    assert (numbers([again]), again.attempt) == ([1], 1)
    log.acknowledge(tx, by, again, 5)
    assert numbers(take(tx, 5, by=by)) == [2]


def test_a_replayed_message_waits_for_the_one_in_flight_and_comes_before_the_younger(tx: sqlite3.Connection) -> None:
    by = policy(max_attempts=1)
    put(tx, 1, 2, 3)
    log.fail(tx, by, take(tx, by=by)[0], "boom", 0, retry_ns=0)
    (second,) = take(tx, by=by)
    log.revive(tx, "g", UUID(int=1), 0)
    assert take(tx, by=by) == []
    log.acknowledge(tx, by, second, 0)
    assert numbers(take(tx, by=by)) == [1]


def test_a_replay_in_a_group_without_order_waits_for_nothing(tx: sqlite3.Connection) -> None:
    by = policy("loose", ordered=False, max_attempts=1)
    log.register(tx, "signal", "loose", ordered=False)
    put(tx, 1, 2)
    held = take(tx, by=by)
    log.fail(tx, by, held[0], "boom", 0, retry_ns=0)
    log.revive(tx, "loose", UUID(int=1), 0)
    assert numbers(take(tx, by=by)) == [1]


def test_only_a_dead_letter_can_be_replayed(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    with pytest.raises(NotFound, match="no dead letter"):
        log.revive(tx, "g", UUID(int=1), 0)
    with pytest.raises(NotFound):
        log.revive(tx, "g", UUID(int=2), 0)


@pytest.mark.slow
def test_claims_stay_cheap_behind_leased_keys(tx: sqlite3.Connection) -> None:
    """200 k deliveries wait behind 100 leased keys: a claim still looks at its own row alone."""
    for number in range(100):
        put(tx, number, key=f"key-{number}")
    leased = take(tx, limit=100)
    tx.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 200999)"
        " INSERT INTO bus_message(id, topic, key, body, at_ns)"
        " SELECT CAST(printf('%016d', i) AS BLOB), 'signal', 'key-' || (i % 100), '{}', 0 FROM n"
    )
    tx.execute(
        "INSERT INTO bus_delivery(grp, seq, key, state, due_ns)"
        " SELECT 'g', seq, key, 'blocked', 0 FROM bus_message WHERE seq > 100"
    )
    put(tx, 500, key="free")
    ticks = [0]

    def tick() -> int:
        ticks[0] += 1
        return 0

    tx.set_progress_handler(tick, 100)
    assert numbers(take(tx, 1)) == [500]
    assert take(tx, 1) == []
    assert log.claim_oldest(tx, [G], 1).claims == []
    log.acknowledge(tx, G, leased[0], 1)
    assert take(tx, 1)[0].key == "key-0"
    tx.set_progress_handler(None, 0)
    assert ticks[0] < 50, f"{ticks[0]} × 100 steps of SQLite's machine for four claims and an acknowledgement"


def test_the_oldest_due_comes_first_then_the_groups_order(tx: sqlite3.Connection) -> None:
    log.register(tx, "signal", "a", ordered=True)
    put(tx, 1, key="x")
    put(tx, 2, key="y")
    groups = [policy("g"), policy("a")]
    seen = []
    while (taken := log.claim_oldest(tx, groups, 0)).claims:
        (held,) = taken.claims
        seen.append((*numbers([held]), held.group))
        log.acknowledge(tx, groups[held.group == "a"], held, 0)
    assert seen == [(1, "g"), (1, "a"), (2, "g"), (2, "a")]


def test_a_repeat_is_acknowledged_unseen(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    log.acknowledge(tx, G, take(tx)[0], 0)
    assert log.sweep_messages(tx, 0, 10) == (1, None)
    put(tx, 1, 2, now_ns=20)
    assert numbers(take(tx, 20)) == [2]
    assert len(states(tx)) == 1


def test_a_sweep_keeps_what_a_delivery_names_and_what_is_young(tx: sqlite3.Connection) -> None:
    log.register(tx, "signal", "slow", ordered=True)
    put(tx, 1, key="a")
    put(tx, 2, key="b")
    put(tx, 3, key="c", now_ns=50)
    for held in take(tx, 50):
        log.acknowledge(tx, G, held, 50)
    slow = policy("slow", max_attempts=1)
    first, second, third = take(tx, 50, by=slow)
    log.fail(tx, slow, first, "boom", 50, retry_ns=0)
    log.acknowledge(tx, slow, second, 50)
    log.acknowledge(tx, slow, third, 50)
    assert log.sweep_messages(tx, 0, 50) == (1, None)
    assert [seq for (seq,) in tx.execute("SELECT seq FROM bus_message")] == [1, 3]


def test_a_sweep_goes_on_where_it_stopped(tx: sqlite3.Connection) -> None:
    put(tx, *range(log.SWEEP_ROWS + 5), topic="refusal")
    assert log.sweep_messages(tx, 0, 1) == (log.SWEEP_ROWS, log.SWEEP_ROWS)
    assert log.sweep_messages(tx, log.SWEEP_ROWS, 1) == (5, None)
    assert log.sweep_messages(tx, 0, 1) == (0, None)


def test_the_inbox_is_swept_by_age(tx: sqlite3.Connection) -> None:
    put(tx, 1, key="a")
    put(tx, 2, key="b")
    first, second = take(tx)
    log.acknowledge(tx, G, first, 10)
    log.acknowledge(tx, G, second, 20)
    assert log.sweep_inbox(tx, 20) == 1
    assert tx.execute("SELECT id FROM bus_inbox").fetchall() == [(UUID(int=2).bytes,)]


def test_a_sequence_is_never_used_twice(tx: sqlite3.Connection) -> None:
    put(tx, 1, 2, topic="refusal")
    log.sweep_messages(tx, 0, 1)
    put(tx, 3, topic="refusal")
    assert tx.execute("SELECT seq FROM bus_message").fetchall() == [(3,)]


def test_order_does_not_change_under_deliveries_that_wait(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    with pytest.raises(InvalidArgument, match="waiting"):
        log.register(tx, "signal", "g", ordered=False)
    log.acknowledge(tx, G, take(tx)[0], 0)
    log.register(tx, "refusal", "g", ordered=False)
    put(tx, 2, 3)
    assert states(tx) == ["ready", "ready"]


def test_a_forgotten_group_leaves_nothing(tx: sqlite3.Connection) -> None:
    put(tx, 1)
    log.forget(tx, "g")
    put(tx, 2)
    assert states(tx) == []


def test_lag_tells_how_many_wait_since_when_and_how_many_died(tx: sqlite3.Connection) -> None:
    assert (log.lag(tx, "g", 0).pending, log.lag(tx, "g", 0).oldest_s, log.lag(tx, "g", 0).dead) == (0, 0.0, 0)
    by = policy(max_attempts=1)
    put(tx, 1, 2, 3)
    put(tx, 4, now_ns=1_000_000_000)
    log.fail(tx, by, take(tx, by=by)[0], "boom", 0, retry_ns=0)
    now = log.lag(tx, "g", 5_000_000_000)
    assert (now.pending, now.oldest_s, now.dead) == (3, 5.0, 1)
