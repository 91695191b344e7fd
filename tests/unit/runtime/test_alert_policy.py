from __future__ import annotations

import pytest
from made_alerts import alert

from chanflow.domain.time import NS_PER_S
from chanflow.runtime.alert_policy import AlertPolicy, ChannelRule, ChannelState, QuietHours, Waiting, message_of

H = 3_600 * NS_PER_S
T0 = 20_000 * 24 * H
"""A midnight, UTC."""


def _policy(*rules: ChannelRule) -> AlertPolicy:
    return AlertPolicy(ChannelState(rule) for rule in rules)


class _Desk:
    """A policy with numbers given out."""

    def __init__(self, *rules: ChannelRule) -> None:
        self.policy = _policy(*rules)
        self.number = 0

    def take(self, title: str, now_ns: int, severity: str = "warning", key: str = "") -> list[str]:
        self.number += 1
        told = alert(title, severity=severity, key=key)
        routes = self.policy.routes(told, now_ns)
        self.policy.take(self.number, told, routes, now_ns)
        return list(routes)

    def ready(self, name: str, now_ns: int) -> list[str]:
        return [each.alert.title for each in self.policy.channels[name].ready(now_ns)]


def test_a_critical_alert_goes_to_every_channel_at_once() -> None:
    quiet = QuietHours(0, 23 * H)
    desk = _Desk(
        ChannelRule("mail", min_severity="info", digest_ns=H, quiet=quiet),
        ChannelRule("phone", min_severity="critical", per_minute=1),
    )
    desk.policy.channels["phone"].sent((), T0)
    assert desk.take("halted", T0, "critical") == ["mail", "phone"]
    assert (desk.ready("mail", T0), desk.ready("phone", T0)) == (["halted"], ["halted"])


def test_what_is_less_severe_than_a_channel_wants_does_not_go_there() -> None:
    desk = _Desk(ChannelRule("mail", min_severity="info"), ChannelRule("phone", min_severity="critical"))
    assert desk.take("refused", T0, "info") == ["mail"]


def test_the_same_key_is_told_once_an_hour_and_the_repeats_are_counted() -> None:
    desk = _Desk(ChannelRule("mail"))
    took = [bool(desk.take(f"halt {n}", T0 + n * H // 4, key="halt")) for n in range(6)]
    assert took == [True, False, False, False, True, False]
    assert desk.policy.channels["mail"].tally.repeats == 4


def test_a_key_that_grows_more_severe_is_told_again() -> None:
    desk = _Desk(ChannelRule("mail"))
    desk.take("loss", T0, "warning", key="loss")
    assert desk.take("loss", T0 + 1, "critical", key="loss") == ["mail"]


@pytest.mark.parametrize(("at_h", "end_h"), [(22, 30), (23.5, 30), (2, 6), (5.99, 6)])
def test_quiet_hours_over_midnight_end_in_the_morning(at_h: float, end_h: float) -> None:
    assert QuietHours(22 * H, 6 * H).until(T0 + int(at_h * H)) == T0 + end_h * H


@pytest.mark.parametrize("at_h", [6, 12, 21.99])
def test_outside_of_quiet_hours_it_is_not_quiet(at_h: float) -> None:
    assert QuietHours(22 * H, 6 * H).until(T0 + int(at_h * H)) is None


def test_a_warning_in_quiet_hours_waits_for_their_end() -> None:
    desk = _Desk(ChannelRule("mail", quiet=QuietHours(22 * H, 6 * H)))
    desk.take("loss", T0 + 23 * H)
    assert desk.ready("mail", T0 + 23 * H) == []
    assert desk.policy.channels["mail"].next_ns(T0 + 23 * H) == T0 + 30 * H
    assert desk.ready("mail", T0 + 30 * H) == ["loss"]


def test_a_digest_goes_out_whole_when_its_window_ends() -> None:
    desk = _Desk(ChannelRule("mail", digest_ns=60 * NS_PER_S))
    desk.take("one", T0)
    desk.take("two", T0 + 59 * NS_PER_S)
    assert desk.ready("mail", T0 + 59 * NS_PER_S) == []
    assert desk.ready("mail", T0 + 60 * NS_PER_S) == ["one", "two"]


def test_over_the_limit_a_minute_alerts_wait_and_go_out_joined() -> None:
    desk = _Desk(ChannelRule("mail", per_minute=2))
    state = desk.policy.channels["mail"]
    for n in range(5):
        desk.take(f"a{n}", T0 + n)
        if batch := state.ready(T0 + n):
            state.sent(batch, T0 + n)
    assert desk.ready("mail", T0 + 10) == []
    assert state.next_ns(T0 + 10) == T0 + 60 * NS_PER_S
    assert desk.ready("mail", T0 + 60 * NS_PER_S) == ["a2", "a3", "a4"]


def test_each_failure_doubles_the_pause_up_to_five_minutes() -> None:
    desk = _Desk(ChannelRule("mail"))
    desk.take("loss", T0)
    state, now_ns, pauses = desk.policy.channels["mail"], T0, []
    for _ in range(11):
        state.failed(state.ready(now_ns), now_ns)
        pauses.append((state.retry_ns - now_ns) // NS_PER_S)
        now_ns = state.retry_ns
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_critical_alert_does_not_wait_for_the_pause_after_a_failure() -> None:
    desk = _Desk(ChannelRule("mail"))
    desk.take("loss", T0)
    state = desk.policy.channels["mail"]
    state.failed(state.ready(T0), T0)
    assert desk.ready("mail", T0 + 1) == []
    desk.take("halt", T0 + 1, "critical")
    assert desk.ready("mail", T0 + 1) == ["halt"]


def test_a_message_that_nobody_takes_holds_up_no_other_for_ever() -> None:
    desk = _Desk(ChannelRule("mail", per_minute=600))
    state = desk.policy.channels["mail"]
    for title in ("poison", "a", "b", "c"):
        desk.take(title, T0)
    told, now_ns = [], T0
    for _ in range(12):
        if not (batch := state.ready(now_ns)):
            now_ns = state.next_ns(now_ns) or now_ns
            continue
        titles = [each.alert.title for each in batch]
        if "poison" in titles:
            state.failed(batch, now_ns)
        else:
            state.sent(batch, now_ns)
            told += titles
    assert sorted(told) == ["a", "b", "c"]


def test_what_waits_in_a_dead_channel_is_handed_on_once_and_stays() -> None:
    desk = _Desk(
        ChannelRule("mail", escalate_to="phone", escalate_after_ns=60 * NS_PER_S),
        ChannelRule("phone", min_severity="critical"),
    )
    desk.take("loss", T0)
    mail = desk.policy.channels["mail"]
    mail.failed(mail.ready(T0), T0)
    assert desk.policy.escalate("mail", T0 + 59 * NS_PER_S) == ()
    handed = desk.policy.escalate("mail", T0 + 60 * NS_PER_S)
    assert [(route.channel, route.waiting.alert.title) for route in handed] == [("phone", "loss")]
    assert desk.policy.escalate("mail", T0 + 61 * NS_PER_S) == ()
    assert len(mail.waiting) == 1


def test_what_the_next_channel_was_told_already_is_not_handed_on() -> None:
    desk = _Desk(ChannelRule("mail", escalate_to="phone"), ChannelRule("phone"))
    desk.take("halt", T0, "critical")
    mail = desk.policy.channels["mail"]
    mail.failed(mail.ready(T0), T0)
    assert desk.policy.escalate("mail", T0 + 60 * NS_PER_S) == ()


def test_a_full_channel_drops_the_least_severe_first_and_counts_it() -> None:
    state = ChannelState(ChannelRule("mail", keep=2))
    severities = ("critical", "info", "warning")
    dropped = [state.take(Waiting(n, alert(str(n), severity=s), T0), T0) for n, s in enumerate(severities)]
    assert dropped == [(), (), (1,)]
    assert (sorted(state.waiting), state.tally.dropped) == ([0, 2], 1)


def test_several_alerts_are_one_message_under_the_most_severe() -> None:
    batch = [Waiting(1, alert("a", severity="info"), 0), Waiting(2, alert("b", severity="critical"), 0)]
    told = message_of(batch)
    assert (told.severity, told.title) == ("critical", "[critical] 2 alerts: b")
    assert told.body.splitlines() == ["1970-01-01T00:00:00Z [info] a", "1970-01-01T00:00:00Z [critical] b"]
