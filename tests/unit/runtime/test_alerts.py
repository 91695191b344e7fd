from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from made_alerts import Hanging, Remembering, alert, until

from chanflow.adapters.notify.outbox import Outbox
from chanflow.domain.alert import Messenger
from chanflow.domain.errors import BooksDisagree, DeliveryFailed
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.alert_policy import ChannelRule
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.bus.sqlite import SqliteBus
from chanflow.runtime.clock import SimulatedClock, SystemClock

T0 = 1_700_000_000 * NS_PER_S


def _alerts(path: Path, channels: Mapping[str, Messenger], *rules: ChannelRule, **more: Any) -> Alerts:
    more.setdefault("clock", SystemClock())
    return Alerts(
        rules=rules or [ChannelRule(name) for name in channels], messengers=channels,
        outbox=Outbox(path / "alerts.db"), **more,
    )  # fmt: skip


def _message(topic: Topic, payload: dict[str, Any], number: int = 1) -> Envelope:
    return Envelope(UUID(int=number), topic, 1, T0, T0, "", None, "desk", "BTCUSDT", payload)


async def _hear(path: Path, alerts: Alerts, *messages: Envelope) -> None:
    """Give messages over a real bus."""
    bus = SqliteBus(path / "bus.db", clock=SimulatedClock(T0), jitter=Random(1))
    alerts.subscribe(bus)
    await bus.open()
    try:
        for message in messages:
            await bus.publish(message)
        await bus.drain()
    finally:
        await bus.close()


async def test_a_risk_event_on_the_bus_reaches_every_channel(tmp_path: Path) -> None:
    mail, phone = Remembering(), Remembering()
    alerts = _alerts(tmp_path, {"mail": mail, "phone": phone})
    async with alerts.serving():
        halted = _message("risk_event", {"kind": "halt", "cause": "drawdown is 0.11, the limit is 0.10"})
        await _hear(tmp_path, alerts, halted)
    assert mail.titles == phone.titles == ["[critical] the desk is halted: drawdown is 0.11, the limit is 0.10"]


async def test_a_message_heard_again_is_told_once(tmp_path: Path) -> None:
    mail = Remembering()
    rule = ChannelRule("mail", dedupe_ns=0)
    for _ in range(2):
        alerts = _alerts(tmp_path, {"mail": mail}, rule)
        async with alerts.serving():
            await _hear(tmp_path, alerts, _message("alert", {"severity": "warning", "title": "loss"}))
        (tmp_path / "bus.db").unlink()
    assert mail.titles == ["[warning] loss"]


async def test_a_message_that_cannot_be_read_is_told_of_and_stops_nothing(tmp_path: Path) -> None:
    mail = Remembering()
    alerts = _alerts(tmp_path, {"mail": mail})
    async with alerts.serving():
        await _hear(tmp_path, alerts, _message("alert", {"title": 7}), _message("risk_event", {"kind": []}, 2))
    assert sorted(title for title in mail.titles[0].split("\n")) == ["[warning] an alert without words"]
    assert "risk event of no kind" in "".join(told.title + told.body for told in mail.told)


async def test_ten_refusals_within_five_minutes_are_an_alert_of_their_own(tmp_path: Path) -> None:
    mail = Remembering()
    alerts = _alerts(tmp_path, {"mail": mail})
    refused = {"symbol": "BTCUSDT", "reasons": [{"code": "leverage", "message": "leverage would be 6"}]}
    async with alerts.serving():
        await _hear(tmp_path, alerts, *(_message("refusal", refused, n) for n in range(1, 11)))
    assert mail.titles == ["[warning] 10 proposals refused within 300 s"]


async def test_a_slow_channel_delays_no_other_and_fails_at_its_cap(tmp_path: Path) -> None:
    slow, quick = Hanging(), Remembering()
    alerts = _alerts(tmp_path, {"slow": slow, "quick": quick}, attempt_s=1)
    try:
        async with alerts.serving(grace_s=2):
            await alerts.take(alert("halt", severity="critical"), alert_id="1")
            await until(lambda: quick.told and alerts.policy.channels["slow"].tally.failed)
            assert quick.titles == ["[critical] halt"]
    finally:
        slow.let_go.set()
    with closing(Outbox(tmp_path / "alerts.db")) as outbox:
        failure = {each.name: each.last_failure for each in outbox.counts()}["slow"]
    assert failure == "did not answer within 1 s"
    assert slow.tries == 1


async def test_a_dead_channel_hands_on_and_the_others_hear_of_it(tmp_path: Path) -> None:
    dead, next_, third = Remembering(lambda _: False), Remembering(), Remembering()
    rules = (
        ChannelRule("dead", escalate_to="next", escalate_after_ns=0),
        ChannelRule("next", min_severity="critical"),
        ChannelRule("third"),
    )
    alerts = _alerts(tmp_path, {"dead": dead, "next": next_, "third": third}, *rules)
    async with alerts.serving():
        await alerts.take(alert("loss"), alert_id="1")
        await until(lambda: next_.told and len(third.told) > 1)
    assert next_.titles == ["[warning] loss"]
    assert third.titles == ["[warning] loss", "[warning] alert channel dead fails"]


async def test_what_was_not_told_is_told_by_the_next_process(tmp_path: Path) -> None:
    first = _alerts(tmp_path, {"mail": Remembering()})
    await first.take(alert("loss"), alert_id="1")
    mail = Remembering()
    async with _alerts(tmp_path, {"mail": mail}).serving():
        pass
    assert mail.titles == ["[warning] loss"]


async def test_a_restart_forgets_no_key_that_was_told(tmp_path: Path) -> None:
    mail = Remembering()
    for alert_id in ("1", "2"):
        alerts = _alerts(tmp_path, {"mail": mail})
        async with alerts.serving():
            await alerts.take(alert("loss"), alert_id=alert_id)
    assert mail.titles == ["[warning] loss"]


async def test_what_waits_in_a_channel_that_is_no_more_is_dropped_and_noted(tmp_path: Path) -> None:
    await _alerts(tmp_path, {"old": Remembering()}).take(alert("loss"), alert_id="1")
    notes: list[str] = []
    _alerts(tmp_path, {"new": Remembering()}, on_note=notes.append)
    assert notes == ["alert channel old is no more: 1 that waited in it are dropped"]


async def test_where_the_file_fails_alerts_are_told_from_memory(tmp_path: Path) -> None:
    mail, notes = Remembering(), list[str]()
    alerts = _alerts(tmp_path, {"mail": mail}, on_note=notes.append)
    alerts._outbox.close()
    async with alerts.serving():
        await alerts.take(alert("loss"), alert_id="1")
        await alerts.take(alert("halt"), alert_id="2")
    assert all(title in "".join(told.title + told.body for told in mail.told) for title in ("loss", "halt"))
    assert len(notes) == 1
    assert notes[0].endswith("until then alerts are told from memory")


async def test_a_fault_that_ends_the_desk_is_told_before_it_rises(tmp_path: Path) -> None:
    mail = Remembering()
    alerts = _alerts(tmp_path, {"mail": mail})

    async def desk() -> None:
        raise BooksDisagree("position is 1 here and 2 at the venue")

    async with alerts.serving():
        with pytest.raises(BooksDisagree):
            await alerts.watch(desk(), run_id="up-1")
    assert mail.titles == ["[critical] the desk stopped: BooksDisagree"]
    assert "position is 1 here and 2 at the venue" in mail.told[0].body


async def test_the_words_of_a_fault_that_is_not_ours_are_not_told(tmp_path: Path) -> None:
    mail = Remembering()
    alerts = _alerts(tmp_path, {"mail": mail})

    async def desk() -> None:
        raise RuntimeError("https://me:s3cret@host")

    async with alerts.serving():
        with pytest.raises(RuntimeError):
            await alerts.watch(desk(), run_id="up-1")
    assert "s3cret" not in mail.told[0].title + mail.told[0].body


async def test_the_sign_of_life_goes_out_each_interval_and_its_failures_are_counted(tmp_path: Path) -> None:
    pings: list[int] = []
    done = asyncio.Event()

    async def ping() -> None:
        pings.append(1)
        if len(pings) == 3:
            done.set()
        if len(pings) == 2:
            raise DeliveryFailed("https://host answered 500")

    alerts = _alerts(tmp_path, {}, ping=ping, ping_every_s=0.01)
    async with alerts.serving():
        await done.wait()
    with closing(Outbox(tmp_path / "alerts.db")) as outbox:
        (counts,) = outbox.counts()
    assert (counts.name, counts.failed, counts.last_failure) == ("(heartbeat)", 1, "https://host answered 500")
