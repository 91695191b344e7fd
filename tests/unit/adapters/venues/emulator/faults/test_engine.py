"""What a script says is what happens, at every hook."""

from __future__ import annotations

import pytest
from made_venue_events import ACK, CANCEL, FILL, MS, Event, S, asked, made_faults, order

from chanflow.adapters.venues.emulator.faults.engine import Action

ORDER = 'endpoint: "POST /fapi/v1/order"'


def test_the_nth_request_of_an_endpoint_is_struck_and_no_other() -> None:
    faults, _ = made_faults(f"- {{when: {{{ORDER}, nth: 3}}, do: drop_ack}}")
    other = asked(path="/fapi/v1/depth", method="GET")
    struck = [faults.on_request(seen) for seen in (asked(), other, asked(), asked(), asked())]
    assert struck == [None, None, None, Action(True, "close"), None]


def test_the_nth_request_of_all_is_counted_over_endpoints() -> None:
    faults, _ = made_faults("- {when: {request: 2}, do: error, code: -1021}")
    struck = [faults.on_request(asked(path=path)) for path in ("/a", "/b", "/c")]
    assert struck == [None, Action(False, "code", code=-1021), None]


def test_chance_is_the_seeds() -> None:
    text = f"- {{when: {{{ORDER}, prob: 0.5}}, do: unknown_503, executed: true}}"
    runs = []
    for seed in (7, 7, 8):
        faults, _ = made_faults(text, seed)
        runs.append([faults.on_request(asked()) is not None for _ in range(200)])
    assert runs[0] == runs[1] != runs[2]
    assert 70 < sum(runs[0]) < 130


def test_an_entrys_chance_is_not_shifted_by_another_entry() -> None:
    line = f"- {{when: {{{ORDER}, prob: 0.5}}, do: garbage}}\n"
    alone, _ = made_faults(line)
    beside, _ = made_faults(line + "- {when: {endpoint: /b, prob: 0.5}, do: drop_ack}\n")
    for faults in (alone, beside):
        faults.on_request(asked(path="/b"))
    assert [alone.on_request(asked()) for _ in range(50)] == [beside.on_request(asked()) for _ in range(50)]


def test_a_beginning_of_a_client_id_is_enough() -> None:
    faults, _ = made_faults("- {when: {client_id: 'q…'}, do: reject(-2010)}")
    struck = [faults.on_request(asked(client_id=name)) for name in ("q1", "x", "qq")]
    assert struck == [Action(False, "refusal", code=-2010), None, Action(False, "refusal", code=-2010)]


def test_the_first_entry_that_fires_decides_and_all_count() -> None:
    faults, _ = made_faults(
        f"- {{when: {{{ORDER}, nth: 1}}, do: garbage}}\n- {{when: {{{ORDER}, nth: 2}}, do: drop_ack}}\n"
    )
    assert [action and action.answer for action in (faults.on_request(asked()), faults.on_request(asked()))] == [
        "garbage",
        "close",
    ]


def test_too_many_requests_are_limited_and_those_who_go_on_are_banned() -> None:
    faults, _ = made_faults("- {when: {rate: 2/s}, do: http, status: 429, retry_after: 3, then: 418}")
    at = [0, 1 * MS, 2 * MS, 500 * MS, 2_900 * MS, 3_003 * MS]
    struck = [faults.on_request(asked(at_ms)) for at_ms in at]
    limited = Action(False, "status", status=429, retry_after_s=3)
    banned = [Action(False, "status", status=418, retry_after_s=left_s) for left_s in (3, 1)]
    assert struck == [None, None, limited, *banned, None]


def test_requests_that_come_slowly_enough_are_not_too_many() -> None:
    faults, _ = made_faults("- {when: {rate: 2/s}, do: http, status: 429}")
    assert [faults.on_request(asked(n * S // 2)) for n in range(10)] == [None] * 10


def test_a_late_event_leaves_at_its_time() -> None:
    faults, _ = made_faults("- {when: {event: ORDER_TRADE_UPDATE}, do: delay, ms: 4000}")
    assert faults.on_user_event(FILL, 1 * S) == []
    assert faults.released(5 * S - 1) == []
    assert faults.released(5 * S) == [FILL]


def test_a_fill_comes_after_its_orders_cancel() -> None:
    faults, _ = made_faults("- {when: {event: fill}, do: after_cancel}")
    other = order("CANCELED", "CANCELED", "q2")
    left = [faults.on_user_event(event, 0) for event in (ACK, FILL, other, CANCEL)]
    assert left == [[ACK], [], [other], [CANCEL, FILL]]


def test_a_fill_whose_order_is_never_cancelled_comes_after_a_while() -> None:
    faults, _ = made_faults("- {when: {event: fill}, do: after_cancel, ms: 700}")
    faults.on_user_event(FILL, 0)
    assert faults.released(700 * MS) == [FILL]


def test_a_reordered_event_comes_after_the_accounts_next_one() -> None:
    faults, _ = made_faults("- {when: {event: fill, nth: 1}, do: reorder}")
    account, others = Event("ACCOUNT_UPDATE"), Event("ACCOUNT_UPDATE", account=2)
    left = [faults.on_user_event(event, 0) for event in (FILL, others, account)]
    assert left == [[], [others], [account, FILL]]


def test_an_event_comes_twice() -> None:
    faults, _ = made_faults("- {when: {event: ALGO_UPDATE}, do: duplicate}")
    algo = Event("ALGO_UPDATE", "q1")
    assert faults.on_user_event(algo, 0) == [algo, algo]


def test_an_event_comes_again_later() -> None:
    faults, _ = made_faults("- {when: {event: ALGO_UPDATE}, do: duplicate, ms: 50}")
    algo = Event("ALGO_UPDATE", "q1")
    assert faults.on_user_event(algo, 0) == [algo]
    assert faults.released(50 * MS) == [algo]


def test_only_the_acknowledgement_of_an_order_is_doubled() -> None:
    faults, log = made_faults("- {when: {client_id: 'q…'}, do: duplicate_ack}")
    assert [len(faults.on_user_event(event, 0)) for event in (ACK, FILL, CANCEL)] == [2, 1, 1]
    assert len(log.lines()) == 1


def test_a_lost_event_never_comes() -> None:
    faults, _ = made_faults("- {when: {event: fill, nth: 1}, do: skip_frame}")
    assert [faults.on_user_event(FILL, 0) for _ in range(2)] == [[], [FILL]]
    assert faults.end() == []


@pytest.mark.parametrize("wanted", ["depth", "btcusdt@depth", "depth@100ms", "btcusdt@depth@100ms"])
def test_the_nth_frame_of_a_stream_is_not_sent(wanted: str) -> None:
    faults, _ = made_faults(f"- {{when: {{stream: {wanted}, nth: 2}}, do: skip_frame}}")
    streams = (
        "btcusdt@depth@100ms",
        "btcusdt@depth5@100ms",
        "btcusdt@trade",
        "btcusdt@depth@100ms",
        "btcusdt@depth@100ms",
    )
    assert [faults.on_frame(stream, 0) for stream in streams] == ["send", "send", "send", "skip", "send"]


def test_a_disconnect_befalls_once_at_its_time_and_keeps_the_class_closed() -> None:
    faults, _ = made_faults("- {when: {time: 12.5}, do: disconnect, stream: private, for_s: 8}")
    assert faults.due(12_499 * MS) == []
    (action,) = faults.due(13 * S)
    assert (action.do.kind, action.at_ns) == ("disconnect", 12_500 * MS)
    assert faults.due(14 * S) == []
    assert [faults.closed("private", at * S) for at in (13, 20, 21)] == [True, True, False]
    assert not faults.closed("market", 13 * S)


def test_a_request_can_bring_a_disconnect_about() -> None:
    faults, _ = made_faults("- {when: {request: 2}, do: disconnect, stream: all, for_s: 1}")
    assert [faults.on_request(asked(n)) for n in range(2)] == [None, None]
    assert [action.do.kind for action in faults.due(2)] == ["disconnect"]
    assert faults.closed("public", 2)


def test_the_clock_is_ahead_from_then_on_or_for_a_while() -> None:
    faults, _ = made_faults("- {when: {time: 3}, do: clock_skew, ms: 1800, for_s: 2}")
    assert [faults.skew_ns(at * S) for at in (2, 3, 4, 5)] == [0, 1800 * MS, 1800 * MS, 0]
    lasting, _ = made_faults("- {when: {time: 3}, do: clock_skew, ms: -5}")
    assert lasting.skew_ns(9 * S) == -5 * MS


def test_a_frozen_venue_answers_nobody_and_tells_events_afterwards() -> None:
    faults, _ = made_faults("- {when: {time: 1}, do: freeze, for_s: 20}")
    assert faults.on_request(asked(0)) is None
    assert faults.on_request(asked(1 * S)) == Action(False, "never")
    assert faults.on_frame("btcusdt@trade", 2 * S) == "skip"
    assert faults.on_user_event(FILL, 3 * S) == []
    assert faults.released(20 * S) == []
    assert faults.released(21 * S) == [FILL]
    assert faults.on_request(asked(21 * S)) is None


def test_what_still_waits_comes_when_the_script_ends() -> None:
    faults, _ = made_faults("- {when: {event: fill}, do: after_cancel}\n- {when: {event: ack}, do: delay, ms: 5}")
    assert [faults.on_user_event(event, 0) for event in (FILL, ACK)] == [[], []]
    assert faults.end() == [ACK, FILL]


def test_an_entry_with_a_time_and_a_condition_waits_for_both() -> None:
    faults, _ = made_faults("- {when: {endpoint: /fapi/v1/order, time: 2}, do: garbage}")
    assert [faults.on_request(asked(at * S)) is not None for at in range(4)] == [False, False, True, True]


def test_an_entry_with_a_time_alone_strikes_once() -> None:
    faults, _ = made_faults("- {when: {time: 1}, do: garbage}")
    assert [faults.on_request(asked(at * S)) is not None for at in range(4)] == [False, True, False, False]


def test_each_firing_is_logged() -> None:
    faults, log = made_faults(
        "- {when: {event: fill}, do: duplicate}\n- {when: {request: 1}, do: slow, ms: 9}", start_ns=S
    )
    faults.on_request(asked(S + 2 * MS))
    faults.on_user_event(FILL, S + 3 * MS)
    assert log.lines() == [
        {"n": 1, "t_ms": 2.0, "entry": 2, "do": "slow", "on": "POST /fapi/v1/order q1"},
        {"n": 2, "t_ms": 3.0, "entry": 1, "do": "duplicate", "on": "ORDER_TRADE_UPDATE q1"},
    ]
    assert log.lines(after=1) == log.lines()[1:]
