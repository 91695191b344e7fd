"""Over any course of alerts, successes and failures: nothing is lost, repeated, or told in quiet hours."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from made_alerts import alert

from chanflow.domain.alert import rank
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.alert_policy import DAY_NS, MINUTE_NS, AlertPolicy, ChannelRule, ChannelState, QuietHours

HOURS = st.integers(0, 23).map(lambda hour: hour * 3_600 * NS_PER_S)
RULES = st.builds(
    ChannelRule,
    st.just("mail"),
    min_severity=st.sampled_from(["info", "warning", "critical"]),
    quiet=st.none() | st.builds(QuietHours, HOURS, HOURS),
    digest_ns=st.sampled_from([0, 5 * NS_PER_S, 300 * NS_PER_S]),
    dedupe_ns=st.sampled_from([0, 60 * NS_PER_S, 3_600 * NS_PER_S]),
    per_minute=st.integers(1, 4),
    escalate_to=st.sampled_from([None, "phone"]),
    keep=st.just(1_000),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["info", "warning", "critical"]),
        st.sampled_from("abc"),
        st.integers(0, 4_000 * NS_PER_S),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150)
@given(rule=RULES, steps=STEPS, start_ns=st.integers(0, DAY_NS))
def test_a_channel_tells_all_it_took_and_nothing_before_it_may(
    rule: ChannelRule, steps: list[tuple[str, str, int, bool]], start_ns: int
) -> None:
    policy = AlertPolicy([ChannelState(rule), ChannelState(ChannelRule("phone", min_severity="critical"))])
    state, now_ns = policy.channels["mail"], start_ns
    taken: list[tuple[int, str, int, int]] = []
    told: dict[int, int] = {}
    messages: list[int] = []

    def go(until_ns: int, works: bool) -> None:
        nonlocal now_ns
        for _ in range(5_000):
            policy.escalate("mail", now_ns)
            batch = state.ready(now_ns)
            if batch and not works:
                state.failed(batch, now_ns)
            elif batch:
                for each in batch:
                    assert each.number not in told
                    told[each.number] = now_ns
                    if not each.critical:
                        assert rule.quiet is None or rule.quiet.until(now_ns) is None
                        assert now_ns >= each.due_ns
                if not any(each.critical for each in batch):
                    messages.append(now_ns)
                state.sent(batch, now_ns)
            else:
                next_ns = state.next_ns(now_ns)
                assert next_ns is None or next_ns > now_ns
                if next_ns is None or next_ns > until_ns:
                    now_ns = max(now_ns, until_ns)
                    return
                now_ns = next_ns
        raise AssertionError("it never rests")

    for number, (severity, key, wait_ns, works) in enumerate(steps):
        each = alert(key, severity=severity)
        routes = policy.routes(each, now_ns)
        policy.take(number, each, routes, now_ns)
        if "mail" in routes:
            taken.append((number, key, now_ns, rank(each.severity)))
        go(now_ns + wait_ns, works)
    go(now_ns + 3 * DAY_NS, works=True)

    assert sorted(told) == [number for number, *_ in taken]
    for n, (_, key, at_ns, severity) in enumerate(taken):
        assert severity >= rank(rule.min_severity)
        before = [(at, rank_) for _, other, at, rank_ in taken[:n] if other == key]
        assert not before or at_ns - before[-1][0] >= rule.dedupe_ns or severity > before[-1][1]
    for first, later in zip(messages, messages[rule.per_minute :], strict=False):
        assert later - first >= MINUTE_NS
