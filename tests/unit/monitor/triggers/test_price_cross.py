from __future__ import annotations

import pytest
from made_desk import NOW, D
from made_watch import LONG, SECOND, names, quoted, traded, trigger, watching


@pytest.mark.parametrize(
    ("direction", "start", "prices", "fires"),
    [
        ("up", "99", (99.5, 100.0), True),
        ("up", "99", (99.5, 99.99), False),
        ("up", "101", (101.0, 100.5), False),
        ("up", "101", (99.0,), False),
        ("up", "101", (99.0, 100.0), True),
        ("up", "100", (100.0, 101.0), False),
        ("down", "101", (100.5, 100.0), True),
        ("down", "101", (100.01,), False),
        ("down", "99", (99.5,), False),
        ("down", "99", (101.0,), False),
        ("down", "99", (101.0, 100.0), True),
        ("down", "99", (99.5, 100.0), False),
        ("either", "99", (100.0,), True),
        ("either", "101", (100.0,), True),
        ("either", "99", (99.9,), False),
        ("either", "101", (100.1,), False),
        ("up", None, (100.0,), True),
        ("up", None, (99.9,), False),
        ("down", None, (100.0,), True),
        ("down", None, (100.1,), False),
        ("up", "99", (105.0,), True),
        ("down", "101", (95.0,), True),
        ("up", "99", (99.5, 100.2, 99.4), True),
    ],
)
def test_a_price_fires_where_trades_prove_that_it_was_crossed(
    direction: str, start: str | None, prices: tuple[float, ...], fires: bool
) -> None:
    watch = watching(trigger("price_cross", D("100"), direction), price=start)
    assert names(watch.on_touch("SIMUSDT", traded(*prices), now_ns=NOW)) == (["t1"] if fires else [])
    assert watch.armed("SIMUSDT") == (0 if fires else 1)


def test_either_side_fires_once() -> None:
    watch = watching(trigger("price_cross", D("100"), "either"), price="99")
    assert names(watch.on_touch("SIMUSDT", traded(101.0), now_ns=NOW)) == ["t1"]
    assert names(watch.on_touch("SIMUSDT", traded(99.0), now_ns=NOW)) == []


def test_the_side_is_followed_from_stretch_to_stretch() -> None:
    watch = watching(trigger("price_cross", D("100"), "up"), price="101")
    told = [names(watch.on_touch("SIMUSDT", traded(p), now_ns=NOW)) for p in (101.5, 99.0, 100.0)]
    assert told == [[], [], ["t1"]]


def test_quotes_alone_cross_nothing() -> None:
    watch = watching(trigger("price_cross", D("100"), "up"), price="99")
    assert watch.on_touch("SIMUSDT", quoted(101.0, 102.0), now_ns=NOW) == []


def test_prices_are_compared_as_they_are_written() -> None:
    # 0.1 + 0.2 is above 0.3 as a float; 0.3 itself must count as having reached 0.3.
    for bound, fires in (("0.3", ["t1"]), ("0.30000000000000004", [])):
        watch = watching(trigger("price_cross", D(bound), "up"), price="0.2")
        assert names(watch.on_touch("SIMUSDT", traded(0.3), now_ns=NOW)) == fires


@pytest.mark.parametrize(("pause_s", "late"), [(10, False), (11, True)])
def test_a_crossing_in_a_pause_is_told_late(pause_s: int, late: bool) -> None:
    watch = watching(trigger("price_cross", D("100"), "up"), price="99")
    watch.on_touch("SIMUSDT", traded(99.5), now_ns=NOW)
    (one,) = watch.on_touch("SIMUSDT", traded(101.0), now_ns=NOW + pause_s * SECOND)
    assert (one.observed, one.bound, one.late) == ("101.0", "100 up", late)


def test_a_market_that_is_quoted_has_no_pause() -> None:
    watch = watching(trigger("price_cross", D("100"), "up"), price="99")
    for second in range(0, 30, 5):
        at_ns = NOW + second * SECOND
        assert watch.on_touch("SIMUSDT", quoted(99.0, 99.1), now_ns=at_ns, quoted_ns=at_ns) == []
    (one,) = watch.on_touch("SIMUSDT", traded(100.0), now_ns=NOW + 31 * SECOND)
    assert not one.late


def test_after_a_restart_the_price_before_it_decides_and_it_is_late() -> None:
    watch = watching(trigger("price_cross", D("100"), "up"), trigger("price_cross", D("97"), "down", name="t2"))
    watch.remember("SIMUSDT", D("99"))
    (one,) = watch.on_touch("SIMUSDT", traded(101.0), now_ns=NOW)
    assert (one.trigger_id, one.late) == ("t1", True)


def test_an_old_last_trade_gives_way_to_where_the_market_stands() -> None:
    watch = watching(price="99")
    watch.on_touch("SIMUSDT", traded(99.0), now_ns=NOW)
    later = NOW + 3_600 * SECOND
    watch.register(LONG, (trigger("price_cross", D("100"), "up"),), price=D("105"), now_ns=later)
    assert watch.on_touch("SIMUSDT", traded(105.0), now_ns=later) == []
