from __future__ import annotations

from typing import Any

import pytest
from made_desk import NOW, D

from chanflow.domain.market_data import Touch
from chanflow.domain.opinion import Trigger
from chanflow.monitor.watch import Fired, Watch

LATER = NOW + 10**12


def cross(direction: Any, price: str = "100", *, name: str = "t1", expires_ns: int = LATER) -> Trigger:
    return Trigger(name, "price_cross", expires_ns, "a level", price=D(price), direction=direction)


def alarm(at_ns: int, *, name: str = "t2", expires_ns: int = LATER) -> Trigger:
    return Trigger(name, "time_at", expires_ns, "aged", at_ns=at_ns)


def touch(*prices: float) -> Touch:
    """Return a stretch in which these prices traded, the last one last."""
    if not prices:
        return Touch(NOW, None, None, None, 99.0, 101.0)
    return Touch(NOW, min(prices), max(prices), prices[-1], None, None)


def watching(*triggers: Trigger, price: str | None = "99") -> Watch:
    watch = Watch()
    watch.register("position-1", "SIMUSDT", triggers, price=None if price is None else D(price))
    return watch


def fired(watch: Watch, *prices: float, now_ns: int = NOW, symbol: str = "SIMUSDT") -> list[str]:
    return [f.trigger.trigger_id for f in watch.on_touch(symbol, touch(*prices), now_ns=now_ns)]


@pytest.mark.parametrize(
    ("direction", "start", "prices", "fires"),
    [
        ("up", "99", (99.5, 100.0), True),
        ("up", "99", (99.5, 99.99), False),
        ("up", "101", (101.0, 100.5), False),
        ("up", "101", (99.0,), False),
        ("down", "101", (100.5, 100.0), True),
        ("down", "101", (100.01,), False),
        ("down", "99", (99.5,), False),
        ("down", "99", (101.0,), False),
        ("either", "99", (100.0,), True),
        ("either", "101", (100.0,), True),
        ("either", "99", (99.9,), False),
        ("either", "101", (100.1,), False),
    ],
)
def test_a_price_fires_only_from_the_other_side(
    direction: str, start: str, prices: tuple[float, ...], fires: bool
) -> None:
    assert fired(watching(cross(direction), price=start), *prices) == (["t1"] if fires else [])


@pytest.mark.parametrize(("direction", "start", "after"), [("up", "99", 105.0), ("down", "101", 95.0)])
def test_a_gap_across_the_level_counts(direction: str, start: str, after: float) -> None:
    assert fired(watching(cross(direction), price=start), after) == ["t1"]


def test_a_level_touched_inside_the_stretch_counts() -> None:
    assert fired(watching(cross("up")), 99.5, 100.2, 99.4) == ["t1"]


def test_what_fired_says_what_was_seen_against_which_bound() -> None:
    trigger = cross("up", "100.50")
    (one,) = watching(trigger).on_touch("SIMUSDT", touch(99.5, 100.7, 100.6), now_ns=NOW + 7)
    assert one == Fired("position-1", "SIMUSDT", trigger, "100.7", "100.50", NOW + 7)


def test_a_trigger_fires_once() -> None:
    watch = watching(cross("up"))
    assert fired(watch, 101.0) == ["t1"]
    assert fired(watch, 99.0) == []
    assert fired(watch, 101.0) == []
    assert watch.armed("SIMUSDT") == 0


def test_the_side_is_followed_from_stretch_to_stretch() -> None:
    watch = watching(cross("up"), price="101")
    assert fired(watch, 101.5) == []
    assert fired(watch, 99.0) == []
    assert fired(watch, 100.0) == ["t1"]


def test_without_a_price_before_the_first_one_decides() -> None:
    assert fired(watching(cross("up"), price=None), 100.0) == ["t1"]
    assert fired(watching(cross("up"), price=None), 99.9) == []


def test_quotes_alone_cross_nothing() -> None:
    watch = watching(cross("up", "98"), price="97")
    assert fired(watch) == []
    assert watch.armed("SIMUSDT") == 1


def test_an_alarm_rings_at_its_time_and_needs_no_trade() -> None:
    watch = watching(alarm(NOW + 5))
    assert fired(watch, now_ns=NOW + 4) == []
    (one,) = watch.on_touch("SIMUSDT", touch(), now_ns=NOW + 5)
    assert (one.observed, one.bound) == (str(NOW + 5), str(NOW + 5))
    assert fired(watch, now_ns=NOW + 6) == []


def test_a_trigger_lives_until_its_expiry_and_no_longer() -> None:
    assert fired(watching(cross("up", expires_ns=NOW + 5)), 101.0, now_ns=NOW + 5) == ["t1"]
    late = watching(cross("up", expires_ns=NOW + 5))
    assert fired(late, 101.0, now_ns=NOW + 6) == []
    assert late.armed("SIMUSDT") == 0


def test_triggers_fire_in_the_order_they_were_armed() -> None:
    watch = watching(cross("up", "101", name="far"), cross("up", "100", name="near"), alarm(NOW, name="age"))
    assert fired(watch, 102.0) == ["far", "near", "age"]


def test_registering_again_replaces() -> None:
    watch = watching(cross("up", name="old"))
    watch.register("position-1", "SIMUSDT", (cross("up", "100", name="new"),), price=D(99))
    assert watch.armed("SIMUSDT") == 1
    assert fired(watch, 101.0) == ["new"]


def test_registering_leaves_other_positions() -> None:
    watch = watching(cross("up", name="a"))
    watch.register("position-2", "SIMUSDT", (cross("up", name="b"),), price=None)
    assert fired(watch, 101.0) == ["a", "b"]


def test_disarming_forgets_the_triggers_of_one_position() -> None:
    watch = watching(cross("up", name="a"), alarm(NOW, name="b"))
    watch.register("position-2", "SIMUSDT", (cross("up", name="c"),), price=None)
    assert watch.disarm("position-1") == 2
    assert watch.disarm("position-1") == 0
    assert fired(watch, 101.0) == ["c"]


def test_symbols_do_not_disturb_each_other() -> None:
    watch = watching(cross("up", name="sim"))
    watch.register("position-2", "ABCUSDT", (cross("down", "50", name="abc"),), price=D(99))
    assert (watch.armed("SIMUSDT"), watch.armed("ABCUSDT")) == (1, 1)
    assert fired(watch, 105.0, symbol="ABCUSDT") == []
    assert fired(watch, 49.0) == []
    assert fired(watch, 50.0, symbol="ABCUSDT") == ["abc"]
    assert fired(watch, 100.0) == ["sim"]


def test_prices_are_compared_as_they_are_written() -> None:
    # 0.1 + 0.2 is above 0.3 as a float; 0.3 itself must count as having reached 0.3.
    assert fired(watching(cross("up", "0.3"), price="0.2"), 0.3) == ["t1"]
    assert fired(watching(cross("up", "0.30000000000000004"), price="0.2"), 0.3) == []
