from __future__ import annotations

from pathlib import Path

import pytest
from made_alerts import alert

from chanflow.adapters.notify.outbox import KEPT_NS, Outbox, Place
from chanflow.domain.errors import StorageUnwritable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.db"


def _place(outbox: Outbox, alert_id: str, *channels: str, at_ns: int = 10) -> int:
    return outbox.place(alert_id, alert(alert_id), [Place(name, at_ns) for name in channels], at_ns)


def test_what_was_placed_waits_in_another_process_too(path: Path) -> None:
    number = _place(Outbox(path), "loss", "mail", "phone")
    left = Outbox(path).left()
    assert [(each.number, each.channel, each.alert) for each in left] == [
        (number, "mail", alert("loss")),
        (number, "phone", alert("loss")),
    ]


def test_an_alert_placed_twice_is_there_once(path: Path) -> None:
    outbox = Outbox(path)
    assert not outbox.known("loss")
    assert _place(outbox, "loss", "mail") == _place(outbox, "loss", "mail")
    assert outbox.known("loss")
    assert len(outbox.left()) == 1


def test_what_was_sent_waits_no_more_and_is_counted(path: Path) -> None:
    outbox = Outbox(path)
    number = _place(outbox, "loss", "mail", "phone")
    outbox.sent("mail", [number], 20)
    assert [each.channel for each in outbox.left()] == ["phone"]
    assert outbox.messages(20) == [("mail", 20)]
    assert [(c.name, c.waiting, c.sent, c.last_sent_ns) for c in outbox.counts()] == [
        ("mail", 0, 1, 20), ("phone", 1, 0, None),
    ]  # fmt: skip


def test_what_failed_waits_on_with_its_attempts(path: Path) -> None:
    outbox = Outbox(path)
    number = _place(outbox, "loss", "mail")
    outbox.failed("mail", [number], "json://host could not be reached", 30)
    (left,), (counts,) = outbox.left(), outbox.counts()
    assert (left.attempts, counts.failed, counts.last_failed_ns, counts.last_failure) == (
        1, 1, 30, "json://host could not be reached",
    )  # fmt: skip


def test_what_was_dropped_and_repeated_is_counted(path: Path) -> None:
    outbox = Outbox(path)
    number = _place(outbox, "loss", "mail")
    outbox.dropped("mail", [number], 20)
    outbox.place("loss again", alert("loss"), [], 30, repeats=["mail"])
    (counts,) = outbox.counts()
    assert (counts.waiting, counts.dropped, counts.repeats) == (0, 1, 1)


def test_alerts_are_listed_newest_first_with_their_places(path: Path) -> None:
    outbox = Outbox(path)
    number = _place(outbox, "one", "mail", "phone")
    _place(outbox, "two")
    outbox.sent("phone", [number], 20)
    assert [(each.alert.title, each.places) for each in outbox.newest(5)] == [
        ("two", ()), ("one", (("mail", "waiting"), ("phone", "sent"))),
    ]  # fmt: skip


def test_what_was_told_over_a_week_ago_is_forgotten_and_what_waits_is_not(path: Path) -> None:
    outbox = Outbox(path)
    outbox.sent("mail", [_place(outbox, "told", "mail")], 20)
    _place(outbox, "waits", "mail")
    assert outbox.forget_told(KEPT_NS + 11) == 1
    assert [each.alert.title for each in outbox.newest(5)] == ["waits"]


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be taken for one" * 30)
    with pytest.raises(StorageUnwritable, match=r"alerts cannot be kept in .*alerts\.db"):
        Outbox(path)
