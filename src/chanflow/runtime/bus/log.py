"""The log in SQLite: each function is one step, run within a transaction that its caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chanflow.domain.errors import InvalidArgument, NotFound, Retryable
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.bus.port import Dead, Effect, Lag, Subscription, Transaction

MAX_ERROR_CHARS = 1_000
SWEEP_ROWS = 1_000


class LeaseLost(Retryable):
    """The lease ran out and someone else holds the message; nothing of this attempt was kept."""


@dataclass(frozen=True, slots=True)
class Record:
    """A message as the log keeps it."""

    id: bytes
    topic: str
    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery held under a lease. `lease` is the fencing token, `attempt` counts from 1."""

    group: str
    seq: int
    key: str
    lease: int
    attempt: int
    record: Record


@dataclass(slots=True)
class Taken:
    """What a step gave: deliveries to handle, and messages that died on the way."""

    claims: list[Claim] = field(default_factory=list)
    deaths: list[Dead] = field(default_factory=list)


def register(tx: Transaction, topic: str, group: str, *, ordered: bool) -> None:
    """Keep a subscription; messages appended from now on fan out to it.

    Raises InvalidArgument if the group's order would change under deliveries that wait.
    """
    if tx.execute("SELECT 1 FROM bus_subscription WHERE grp = ? AND ordered <> ?", (group, ordered)).fetchall():
        if tx.execute("SELECT 1 FROM bus_delivery WHERE grp = ? AND state <> 'dead' LIMIT 1", (group,)).fetchall():
            raise InvalidArgument(f"group {group!r} has deliveries waiting; handle them before changing ordered")
        tx.execute("UPDATE bus_subscription SET ordered = ? WHERE grp = ?", (ordered, group))
    tx.execute("INSERT OR IGNORE INTO bus_subscription(topic, grp, ordered) VALUES (?, ?, ?)", (topic, group, ordered))


def forget(tx: Transaction, group: str) -> None:
    """Drop a group: its subscriptions, deliveries and dead letters."""
    for table in ("bus_subscription", "bus_delivery", "bus_inbox"):
        tx.execute(f"DELETE FROM {table} WHERE grp = ?", (group,))  # noqa: S608  # names from the line above


def append(tx: Transaction, record: Record, now_ns: int) -> None:
    """Write a message and a delivery for each group of its topic; nothing if its id is there already."""
    rows = tx.execute(
        "INSERT INTO bus_message(id, topic, key, body, at_ns) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT(id) DO NOTHING RETURNING seq",
        (record.id, record.topic, record.key, record.body, now_ns),
    ).fetchall()
    if rows:
        tx.execute(
            "INSERT INTO bus_delivery(grp, seq, key, state, due_ns)"
            " SELECT s.grp, ?1, ?2, CASE WHEN s.ordered AND EXISTS (SELECT 1 FROM bus_delivery d"
            "  WHERE d.grp = s.grp AND d.key = ?2 AND d.state <> 'dead') THEN 'blocked' ELSE 'ready' END, ?3"
            " FROM bus_subscription s WHERE s.topic = ?4",
            (rows[0][0], record.key, now_ns, record.topic),
        )


def claim(tx: Transaction, policy: Subscription, now_ns: int, limit: int) -> Taken:
    """Lease up to `limit` due deliveries of a group, the longest due first."""
    taken = Taken()
    while len(taken.claims) < limit:
        rows = tx.execute(
            "UPDATE bus_delivery SET due_ns = ?1, lease = lease + 1, attempts = attempts + 1"
            " WHERE grp = ?2 AND seq IN (SELECT seq FROM bus_delivery"
            "  WHERE grp = ?2 AND state = 'ready' AND due_ns <= ?3 ORDER BY due_ns, seq LIMIT ?4)"
            " RETURNING seq, key, lease, attempts",
            (now_ns + policy.lease_ns, policy.group, now_ns, limit - len(taken.claims)),
        ).fetchall()
        if not rows:
            break
        for row in sorted(rows):
            _admit(tx, policy, row, now_ns, taken)
    return taken


def claim_oldest(tx: Transaction, policies: Sequence[Subscription], now_ns: int) -> Taken:
    """Lease the one due delivery that comes first by sequence, then by the order of `policies`."""
    taken = Taken()
    while not taken.claims:
        first: tuple[int, int] | None = None
        for rank, policy in enumerate(policies):
            rows = tx.execute(
                "SELECT seq FROM bus_delivery INDEXED BY bus_delivery_ready"
                " WHERE grp = ? AND state = 'ready' AND due_ns <= ? ORDER BY seq LIMIT 1",
                (policy.group, now_ns),
            ).fetchall()
            if rows and (first is None or rows[0][0] < first[0]):
                first = (rows[0][0], rank)
        if first is None:
            break
        seq, policy = first[0], policies[first[1]]
        row = tx.execute(
            "UPDATE bus_delivery SET due_ns = ?, lease = lease + 1, attempts = attempts + 1"
            " WHERE grp = ? AND seq = ? RETURNING seq, key, lease, attempts",
            (now_ns + policy.lease_ns, policy.group, seq),
        ).fetchall()[0]
        _admit(tx, policy, row, now_ns, taken)
    return taken


def renew(tx: Transaction, held: Claim, until_ns: int) -> bool:
    """Extend a lease; return whether it was still held."""
    return bool(
        tx.execute(
            "UPDATE bus_delivery SET due_ns = ? WHERE grp = ? AND seq = ? AND lease = ? AND state = 'ready'"
            " RETURNING 1",
            (until_ns, held.group, held.seq, held.lease),
        ).fetchall()
    )


def acknowledge(
    tx: Transaction,
    policy: Subscription,
    held: Claim,
    now_ns: int,
    *,
    outputs: Sequence[Record] = (),
    effects: Sequence[Effect] = (),
) -> None:
    """End a delivery: inbox, effects, outputs, the next of its key ready. Raises LeaseLost, or as an effect does."""
    done = tx.execute(
        "DELETE FROM bus_delivery WHERE grp = ? AND seq = ? AND lease = ? AND state = 'ready' RETURNING 1",
        (held.group, held.seq, held.lease),
    ).fetchall()
    if not done:
        raise LeaseLost(f"group {held.group!r} no longer holds message {UUID(bytes=held.record.id)}")
    tx.execute("INSERT INTO bus_inbox(grp, id, at_ns) VALUES (?, ?, ?)", (held.group, held.record.id, now_ns))
    _promote(tx, policy, held.key, now_ns)
    for effect in effects:
        effect(tx)
    for record in outputs:
        append(tx, record, now_ns)


def fail(tx: Transaction, policy: Subscription, held: Claim, error: str, now_ns: int, *, retry_ns: int) -> list[Dead]:
    """Put a delivery back until `retry_ns`, or bury it after its last attempt; return the buried. Raises LeaseLost."""
    text = error[:MAX_ERROR_CHARS]
    kept = tx.execute(
        "UPDATE bus_delivery SET due_ns = ?, lease = lease + 1, error = ?"
        " WHERE grp = ? AND seq = ? AND lease = ? AND state = 'ready' RETURNING 1",
        (retry_ns, text, held.group, held.seq, held.lease),
    ).fetchall()
    if not kept:
        raise LeaseLost(f"group {held.group!r} no longer holds message {UUID(bytes=held.record.id)}")
    return [_bury(tx, policy, held, text, now_ns)] if held.attempt >= policy.max_attempts else []


def release(tx: Transaction, held: Claim, now_ns: int) -> None:
    """Give a delivery back untried: due at once, its attempt not counted; nothing if the lease is lost."""
    tx.execute(
        "UPDATE bus_delivery SET due_ns = ?, lease = lease + 1, attempts = attempts - 1"
        " WHERE grp = ? AND seq = ? AND lease = ? AND state = 'ready'",
        (now_ns, held.group, held.seq, held.lease),
    )


def dead_letters(tx: Transaction, group: str) -> list[Dead]:
    """Return the group's dead letters, oldest first."""
    rows = tx.execute(
        "SELECT m.id, m.topic, m.key, d.attempts, d.error, d.due_ns, d.state, m.body"
        " FROM bus_delivery d JOIN bus_message m ON m.seq = d.seq"
        " WHERE d.grp = ? AND d.state IN ('dead', 'stopped') ORDER BY d.seq",
        (group,),
    ).fetchall()
    return [
        Dead(group, UUID(bytes=id_), topic, key, attempts, error, died_ns, state == "stopped", body)
        for id_, topic, key, attempts, error, died_ns, state, body in rows
    ]


def revive(tx: Transaction, group: str, message_id: UUID, now_ns: int) -> None:
    """Give a dead letter all its attempts again; in its key it comes before what is younger. Raises NotFound."""
    rows = tx.execute(
        "SELECT d.seq, d.key, d.state FROM bus_message m JOIN bus_delivery d ON d.grp = ? AND d.seq = m.seq"
        " WHERE m.id = ? AND d.state IN ('dead', 'stopped')",
        (group, message_id.bytes),
    ).fetchall()
    if not rows:
        raise NotFound(f"group {group!r} has no dead letter {message_id}; `dead` lists them")
    seq, key, state = rows[0]
    waits = (
        state == "dead"
        and tx.execute("SELECT 1 FROM bus_subscription WHERE grp = ? AND ordered LIMIT 1", (group,)).fetchall()
        and tx.execute(
            "SELECT 1 FROM bus_delivery WHERE grp = ? AND key = ? AND state <> 'dead' LIMIT 1", (group, key)
        ).fetchall()
    )
    tx.execute(
        "UPDATE bus_delivery SET state = ?, due_ns = ?, lease = lease + 1, attempts = 0, error = NULL"
        " WHERE grp = ? AND seq = ?",
        ("blocked" if waits else "ready", now_ns, group, seq),
    )


def lag(tx: Transaction, group: str, now_ns: int) -> Lag:
    """Return how far the group is behind."""
    counts = dict(
        tx.execute("SELECT state, count(*) FROM bus_delivery WHERE grp = ? GROUP BY state", (group,)).fetchall()
    )
    oldest = tx.execute(
        "SELECT m.at_ns FROM bus_delivery d JOIN bus_message m ON m.seq = d.seq"
        " WHERE d.grp = ? AND d.state IN ('ready', 'blocked') ORDER BY d.seq LIMIT 1",
        (group,),
    ).fetchall()
    return Lag(
        pending=counts.get("ready", 0) + counts.get("blocked", 0),
        oldest_s=max(0, now_ns - oldest[0][0]) / NS_PER_S if oldest else 0.0,
        dead=counts.get("dead", 0) + counts.get("stopped", 0),
    )


def sweep_messages(tx: Transaction, after_seq: int, before_ns: int) -> tuple[int, int | None]:
    """Delete, of the next 1,000 messages, those older than `before_ns` that no delivery names.

    Returns how many, and the sequence to go on after, None at the end.
    """
    rows = tx.execute(
        "SELECT seq, at_ns FROM bus_message WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, SWEEP_ROWS)
    ).fetchall()
    if not rows:
        return 0, None
    last_seq, last_ns = rows[-1]
    gone = tx.execute(
        "DELETE FROM bus_message WHERE seq > ?1 AND seq <= ?2 AND at_ns < ?3"
        " AND NOT EXISTS (SELECT 1 FROM (SELECT DISTINCT grp FROM bus_subscription) s"
        "  JOIN bus_delivery d ON d.grp = s.grp AND d.seq = bus_message.seq) RETURNING 1",
        (after_seq, last_seq, before_ns),
    ).fetchall()
    return len(gone), last_seq if len(rows) == SWEEP_ROWS and last_ns < before_ns else None


def sweep_inbox(tx: Transaction, before_ns: int) -> int:
    """Delete up to 1,000 inbox rows older than `before_ns`; return how many."""
    return len(
        tx.execute(
            "DELETE FROM bus_inbox WHERE (grp, id) IN"
            " (SELECT grp, id FROM bus_inbox WHERE at_ns < ? ORDER BY at_ns LIMIT ?) RETURNING 1",
            (before_ns, SWEEP_ROWS),
        ).fetchall()
    )


def _admit(tx: Transaction, policy: Subscription, row: tuple[int, str, int, int], now_ns: int, taken: Taken) -> None:
    """Sort one leased row: out of attempts (it killed its handlers) → bury; seen before → end; else → handle."""
    seq, key, lease, attempts = row
    record = Record(*tx.execute("SELECT id, topic, key, body FROM bus_message WHERE seq = ?", (seq,)).fetchall()[0])
    held = Claim(policy.group, seq, key, lease, attempts, record)
    if attempts > policy.max_attempts:
        error = f"the lease ran out on attempt {policy.max_attempts}: the handler ended without an answer"
        taken.deaths.append(_bury(tx, policy, held, error, now_ns))
    elif tx.execute("SELECT 1 FROM bus_inbox WHERE grp = ? AND id = ?", (policy.group, record.id)).fetchall():
        tx.execute("DELETE FROM bus_delivery WHERE grp = ? AND seq = ?", (policy.group, seq))
        _promote(tx, policy, key, now_ns)
    else:
        taken.claims.append(held)


def _bury(tx: Transaction, policy: Subscription, held: Claim, error: str, now_ns: int) -> Dead:
    blocks = policy.on_dead == "block"
    attempts = min(held.attempt, policy.max_attempts)
    tx.execute(
        "UPDATE bus_delivery SET state = ?, due_ns = ?, lease = lease + 1, attempts = ?, error = ?"
        " WHERE grp = ? AND seq = ?",
        ("stopped" if blocks else "dead", now_ns, attempts, error, held.group, held.seq),
    )
    if not blocks:
        _promote(tx, policy, held.key, now_ns)
    record = held.record
    return Dead(
        held.group, UUID(bytes=record.id), record.topic, record.key, attempts, error, now_ns, blocks, record.body
    )


def _promote(tx: Transaction, policy: Subscription, key: str, now_ns: int) -> None:
    """Make the key's next delivery ready, now that its head is gone."""
    if policy.ordered:
        tx.execute(
            "UPDATE bus_delivery SET state = 'ready', due_ns = ?1 WHERE grp = ?2 AND seq ="
            " (SELECT seq FROM bus_delivery WHERE grp = ?2 AND key = ?3 AND state <> 'dead' AND state = 'blocked'"
            "  ORDER BY seq LIMIT 1)",
            (now_ns, policy.group, key),
        )
