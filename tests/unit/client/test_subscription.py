"""What a subscription takes, and from where it is asked for again."""

from __future__ import annotations

from typing import Any, cast

from chanflow.client import subscription
from chanflow.client.line import Line
from chanflow.client.subscription import Event, Subscription


def made(after: str | None = None) -> Subscription:
    return Subscription(cast("Line", None), "buy_sell_points", {"symbol": "ETHUSDT"}, after)


def event(number: int) -> Event:
    return Event("buy_sell_points", f"e{number:016d}", {"number": number})


def taken(one: Subscription) -> list[Any]:
    return [each.data["number"] for each in one.waiting]


def test_what_was_taken_is_not_taken_again() -> None:
    one = made()
    for number in (1, 2, 2, 1, 3):
        one.take(event(number))
    assert taken(one) == [1, 2, 3]
    assert one.words["after"] == "e0000000000000003"


def test_what_there_is_no_room_for_is_asked_for_from_the_last_one_taken(monkeypatch: Any) -> None:
    monkeypatch.setattr(subscription, "ROOM", 2)
    one = made()
    for number in range(1, 6):
        one.take(event(number))
    assert (taken(one), one.behind) == ([1, 2], True)
    one.waiting.clear()
    one.take(event(6))  # comes between reading and asking again: it would leave a hole
    assert taken(one) == []
    assert one.words == {
        "channel": "buy_sell_points", "filter": {"symbol": "ETHUSDT"}, "after": "e0000000000000002",
    }  # fmt: skip


def test_an_event_without_a_cursor_is_taken_as_it_comes() -> None:
    one = made("e0000000000000009")
    one.take(Event("health", None, {"number": 1}))
    one.take(Event("health", None, {"number": 1}))
    assert taken(one) == [1, 1]
    assert one.cursor == "e0000000000000009"
